// SPDX-License-Identifier: GPL-2.0-only
/* Finding and decoding kallsyms tables; see kallsyms.h. */
#include "freeze/kallsyms.h"

#include <errno.h>
#include <string.h>

#define NR_TOKENS 256
#define MIN_SYMS 16
#define PROBE_SYMS 16
#define SEARCH_MAX MiB(64)	/* from the token table back to num_syms */
#define WALK_BUDGET MiB(256)	/* bytes decoded for candidates, in all */

static u16 get16(const u8 *p)
{
	u16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static u64 get64(const u8 *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool fits(const struct kallsyms_span *s, size_t off, size_t len)
{
	return off <= s->len && len <= s->len - off;
}

/* Does the index at @index tell where each string of the table begins? */
static bool check_index(struct kallsyms *ks, size_t digits, size_t index)
{
	const struct kallsyms_span *s = &ks->span;
	size_t table, pos;
	unsigned int i;

	if (!fits(s, index, NR_TOKENS * 2) || get16(s->data + index) ||
	    get16(s->data + index + '0' * 2) > digits)
		return false;
	table = digits - get16(s->data + index + '0' * 2);
	pos = table;
	for (i = 1; i < NR_TOKENS; i++) {
		const u8 *nul = memchr(s->data + pos, 0, index - pos);

		if (!nul)
			return false;
		pos = (size_t)(nul - s->data) + 1;
		if (get16(s->data + index + i * 2) != pos - table)
			return false;
	}
	ks->token_table = table;
	ks->token_index = index;
	return true;
}

/*
 * @digits is where "0\0" "1\0" .. "9\0" stand. Skip the rest of the strings
 * and hold what follows against them.
 */
static bool check_tokens(struct kallsyms *ks, size_t digits)
{
	const struct kallsyms_span *s = &ks->span;
	size_t pos = digits;
	unsigned int i;

	for (i = '0'; i < NR_TOKENS; i++) {
		const u8 *nul;

		if (pos >= s->len)
			return false;
		nul = memchr(s->data + pos, 0,
			     min(s->len - pos, (size_t)KALLSYMS_MAX_NAME));
		if (!nul)
			return false;
		pos = (size_t)(nul - s->data) + 1;
	}
	return check_index(ks, digits, round_up(pos, 4)) ||
	       check_index(ks, digits, round_up(pos, 8));
}

/* The length of a name takes one byte, or two where the top bit is set. */
static bool name_at(const struct kallsyms *ks, size_t *pos, size_t end,
		    const u8 **tokens, unsigned int *nr)
{
	const u8 *data = ks->span.data;
	size_t p = *pos;

	if (p + 2 > end)
		return false;
	*nr = data[p++];
	if (*nr & 0x80)
		*nr = (*nr & 0x7f) | (unsigned int)data[p++] << 7;
	if (!*nr || *nr > end - p)
		return false;
	*tokens = data + p;
	*pos = p + *nr;
	return true;
}

static const char *token(const struct kallsyms *ks, u8 i)
{
	const u8 *d = ks->span.data;

	return (const char *)d + ks->token_table +
	       get16(d + ks->token_index + i * 2);
}

/* Expanded name with its type in front; 0 when it is empty or too long. */
static size_t expand(const struct kallsyms *ks, const u8 *tokens,
		     unsigned int nr, char name[KALLSYMS_MAX_NAME + 1])
{
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const char *t = token(ks, tokens[i]);

		while (*t) {
			if (len == KALLSYMS_MAX_NAME)
				return 0;
			name[len++] = *t++;
		}
	}
	name[len] = '\0';
	return len > 1 ? len : 0;
}

static bool is_type(char c)
{
	return c && strchr("AaBbCDdGgIiNnpRrSsTtUuVvWw?", c);
}

/* Walk @n names from @pos; true when they end before the token table. */
static bool walk_names(const struct kallsyms *ks, size_t *pos, u32 n)
{
	const u8 *tokens;
	unsigned int nr;

	while (n--)
		if (!name_at(ks, pos, ks->token_table, &tokens, &nr))
			return false;
	return true;
}

static bool plausible_names(const struct kallsyms *ks, size_t pos, u32 n)
{
	char name[KALLSYMS_MAX_NAME + 1];
	const u8 *tokens;
	unsigned int nr;

	for (n = min(n, (u32)PROBE_SYMS); n; n--)
		if (!name_at(ks, &pos, ks->token_table, &tokens, &nr) ||
		    !expand(ks, tokens, nr, name) || !is_type(name[0]))
			return false;
	return true;
}

/* One marker per 256 names: the offset of the name. Proof of num_syms. */
static bool markers_at(const struct kallsyms *ks, size_t markers)
{
	const u8 *data = ks->span.data;
	u32 left = ks->nr, i;
	size_t pos = ks->names;

	if (!fits(&ks->span, markers, (ks->nr + 255) / 256 * 4ULL))
		return false;
	for (i = 0; left; i++) {
		u32 n = min(left, 256U);

		if (get32(data + markers + i * 4ULL) != pos - ks->names)
			return false;
		if (!walk_names(ks, &pos, n))
			return false;
		left -= n;
	}
	return true;
}

static bool check_num_syms(struct kallsyms *ks, size_t at, u64 *budget)
{
	const u8 *data = ks->span.data;
	size_t names = at + 4, end;
	u32 nr = get32(data + at);

	if (nr < MIN_SYMS || nr > KALLSYMS_MAX_SYMS)
		return false;
	if (!get32(data + names))
		names += 4;	/* 8-byte alignment */
	if (names >= ks->token_table || ks->token_table - names < nr * 2ULL ||
	    !plausible_names(ks, names, nr))
		return false;
	end = names;
	if (*budget < ks->token_table - names)
		return false;
	*budget -= ks->token_table - names;
	if (!walk_names(ks, &end, nr))
		return false;
	ks->nr = nr;
	ks->names = names;
	return markers_at(ks, round_up(end, 4)) ||
	       markers_at(ks, round_up(end, 8));
}

static bool find_num_syms(struct kallsyms *ks)
{
	size_t low = ks->token_table > SEARCH_MAX ?
			     ks->token_table - SEARCH_MAX : 0;
	size_t at = round_down(ks->token_table, 4);
	u64 budget = WALK_BUDGET;

	while (at >= low + 4) {
		at -= 4;
		if (at + 8 <= ks->token_table && check_num_syms(ks, at, &budget))
			return true;
	}
	return false;
}

static bool in_image(const struct kallsyms_span *s, u64 addr)
{
	return addr >= s->image_start && addr <= s->image_end;
}

static u64 address_of(const struct kallsyms *ks, u32 i)
{
	const u8 *p = ks->span.data + ks->offsets;
	s32 off;

	if (ks->form == KALLSYMS_ADDRESSES)
		return get64(p + i * 8ULL);
	off = (s32)get32(p + i * 4ULL);
	switch (ks->form) {
	case KALLSYMS_PLACE_RELATIVE:
		return ks->span.vaddr + ks->offsets + i * 4ULL + (u64)(s64)off;
	case KALLSYMS_ABSOLUTE_PERCPU:
		return off >= 0 ? (u64)off :
				  ks->relative_base - 1 - (u64)(s64)off;
	default:
		return ks->relative_base + (u32)off;
	}
}

/*
 * Addresses rise, and nearly all lie in the image. A few do not: absolute
 * symbols, and per-CPU ones where these are linked at 0.
 */
static bool plausible_addresses(const struct kallsyms *ks)
{
	u64 prev = 0, addr;
	u32 i, inside = 0;

	for (i = 0; i < ks->nr; i++) {
		addr = address_of(ks, i);
		if (addr < prev)
			return false;
		prev = addr;
		inside += in_image(&ks->span, addr);
	}
	return inside >= ks->nr - ks->nr / 8;
}

static bool has_negative(const struct kallsyms *ks)
{
	u32 i;

	for (i = 0; i < ks->nr; i++)
		if ((s32)get32(ks->span.data + ks->offsets + i * 4ULL) < 0)
			return true;
	return false;
}

static bool try_based(struct kallsyms *ks, size_t offsets, size_t base)
{
	if (!fits(&ks->span, offsets, ks->nr * 4ULL) ||
	    !fits(&ks->span, base, 8))
		return false;
	ks->offsets = offsets;
	ks->relative_base = get64(ks->span.data + base);
	if (!in_image(&ks->span, ks->relative_base))
		return false;
	ks->form = has_negative(ks) ? KALLSYMS_ABSOLUTE_PERCPU :
				      KALLSYMS_RELATIVE;
	if (plausible_addresses(ks))
		return true;
	ks->form = KALLSYMS_RELATIVE;
	return plausible_addresses(ks);
}

static bool try_form(struct kallsyms *ks, size_t offsets,
		     enum kallsyms_form form)
{
	u64 width = form == KALLSYMS_ADDRESSES ? 8 : 4;

	if (!fits(&ks->span, offsets, ks->nr * width))
		return false;
	ks->offsets = offsets;
	ks->relative_base = 0;
	ks->form = form;
	return plausible_addresses(ks);
}

static bool find_addresses(struct kallsyms *ks)
{
	size_t after = ks->token_index + NR_TOKENS * 2;
	size_t after8 = round_up(after, 8);
	size_t len4 = round_up(ks->nr * (size_t)4, 8);
	size_t len8 = ks->nr * (size_t)8;
	/* num_syms lies 8 bytes below the names, where the order is the old */
	size_t before = ks->names - 8;

	if (try_based(ks, after8, after8 + len4) ||
	    try_form(ks, after, KALLSYMS_PLACE_RELATIVE) ||
	    try_form(ks, after8, KALLSYMS_PLACE_RELATIVE))
		return true;
	if (ks->names >= 16 + len4 &&
	    try_based(ks, before - 8 - len4, before - 8))
		return true;
	if (ks->names >= 8 + len8 &&
	    try_form(ks, before - len8, KALLSYMS_ADDRESSES))
		return true;
	return try_form(ks, after8, KALLSYMS_ADDRESSES);
}

int kallsyms_find(const struct kallsyms_span *span, struct kallsyms *out)
{
	static const char digits[20] = "0\0" "1\0" "2\0" "3\0" "4\0"
				       "5\0" "6\0" "7\0" "8\0" "9";
	struct kallsyms ks = { .span = *span };
	size_t pos = 0;

	while (pos < span->len) {
		const u8 *p = memmem(span->data + pos, span->len - pos, digits,
				     sizeof(digits));

		if (!p)
			break;
		pos = (size_t)(p - span->data);
		if (check_tokens(&ks, pos) && find_num_syms(&ks) &&
		    find_addresses(&ks)) {
			*out = ks;
			return 0;
		}
		pos++;
	}
	return -ENOENT;
}

int kallsyms_each(const struct kallsyms *ks,
		  int (*fn)(u64 addr, char type, const char *name, size_t len,
			    void *arg), void *arg)
{
	char name[KALLSYMS_MAX_NAME + 1];
	size_t pos = ks->names, len;
	const u8 *tokens;
	unsigned int nr;
	int ret;
	u32 i;

	for (i = 0; i < ks->nr; i++) {
		if (!name_at(ks, &pos, ks->token_table, &tokens, &nr))
			return -EINVAL;
		len = expand(ks, tokens, nr, name);
		if (!len)
			continue;
		ret = fn(address_of(ks, i), name[0], name + 1, len - 1, arg);
		if (ret)
			return ret;
	}
	return 0;
}

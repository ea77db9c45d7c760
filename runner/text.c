// SPDX-License-Identifier: GPL-2.0-only
/* Hostile bytes on their way into a text format; see text.h. */
#include "runner/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/buf.h"

size_t text_utf8(const char *p, size_t len, u32 *cp)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const u8 *s = (const u8 *)p;
	size_t n, i;
	u32 c;

	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] < 0xe0)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] < 0xf0)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] < 0xf5)
		n = 4;
	else
		return 0;
	if (len < n)
		return 0;
	c = s[0] & (0xffu >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*cp = c;
	return n;
}

bool text_is_visible(u32 cp)
{
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad)
		return false;
	if (cp == 0x61c || (cp >= 0x200b && cp <= 0x200f))
		return false;
	if (cp >= 0x2028 && cp <= 0x202e)
		return false;
	if (cp >= 0x2060 && cp <= 0x206f)
		return false;
	if ((cp >= 0xd800 && cp < 0xe000) || cp == 0xfeff)
		return false;
	if ((cp >= 0xfdd0 && cp <= 0xfdef) || (cp >= 0xfff0 && cp <= 0xfffb))
		return false;
	/* Readers that take UTF-16 for characters stumble over the rest. */
	return cp < 0xfffe;
}

static bool reads_as_byte(const char *p, size_t len)
{
	return len >= 4 && p[0] == '<' && isxdigit((u8)p[1]) &&
	       isxdigit((u8)p[2]) && p[3] == '>';
}

size_t text_unit(const char *p, size_t len, char out[8], size_t *out_len)
{
	u32 cp;
	size_t n = text_utf8(p, len, &cp);

	if (n && text_is_visible(cp) && !reads_as_byte(p, len)) {
		memcpy(out, p, n);
		out[n] = '\0';
		*out_len = n;
		return n;
	}
	*out_len = (size_t)snprintf(out, 8, "<%02x>", (u8)p[0]);
	return 1;
}

int text_visible(const char *p, size_t len, struct buf *out)
{
	char unit[8];
	size_t n, unit_len;

	while (len) {
		n = text_unit(p, len, unit, &unit_len);
		buf_add(out, unit, unit_len);
		p += n;
		len -= n;
	}
	return out->failed ? -ENOMEM : 0;
}

int text_quote(const char *word, struct buf *out)
{
	if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "_-+=./:,@%")])
		return buf_puts(out, word);
	buf_putc(out, '\'');
	for (; *word; word++) {
		/* Outside of the quotes, escaped. */
		if (*word == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *word);
	}
	return buf_putc(out, '\'');
}

bool text_glob(const char *glob, const char *text)
{
	const char *star = NULL, *back = NULL;

	while (*text) {
		if (*glob == '*') {
			star = ++glob;
			back = text;
		} else if (*glob == '?' || *glob == *text) {
			glob++;
			text++;
		} else if (star) {
			glob = star;
			text = ++back;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

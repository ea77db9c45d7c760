// SPDX-License-Identifier: GPL-2.0-only
/* ktap: result lines as the kernel's ktap.rst has them; see ktap.h. */
#include "tools/guest/ktap.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Nesting is told by two spaces (KTAP) or by "# " (kselftest's runner). */
static char *unindent(char *p, unsigned int *level)
{
	*level = 0;
	while (!strncmp(p, "  ", 2) || !strncmp(p, "# ", 2)) {
		p += 2;
		++*level;
	}
	return p;
}

static const struct directive {
	const char *word;
	enum wire_test_status ok, not_ok;
} directives[] = {
	{ "SKIP", WIRE_TEST_SKIP, WIRE_TEST_SKIP },
	{ "XFAIL", WIRE_TEST_XFAIL, WIRE_TEST_XFAIL },
	{ "XPASS", WIRE_TEST_XPASS, WIRE_TEST_XPASS },
	{ "TODO", WIRE_TEST_XPASS, WIRE_TEST_XFAIL },
	{ "TIMEOUT", WIRE_TEST_TIMEOUT, WIRE_TEST_TIMEOUT },
	{ "ERROR", WIRE_TEST_ERROR, WIRE_TEST_ERROR },
};

static const struct directive *directive_of(const char *p)
{
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
		size_t n = strlen(directives[i].word);

		if (!strncasecmp(p, directives[i].word, n) &&
		    !isalnum((unsigned char)p[n]))
			return &directives[i];
	}
	return NULL;
}

static void trim_end(char *p)
{
	size_t n = strlen(p);

	while (n && isspace((unsigned char)p[n - 1]))
		p[--n] = 0;
}

/* What stands behind the name: a directive, or words about it. */
static void read_tail(char *tail, bool good, struct ktap_result *out)
{
	const struct directive *d;

	while (isspace((unsigned char)*tail))
		tail++;
	d = directive_of(tail);
	out->reason = tail;
	if (!d)
		return;
	out->status = good ? d->ok : d->not_ok;
	tail += strlen(d->word);
	while (*tail == ':' || isspace((unsigned char)*tail))
		tail++;
	out->reason = tail;
}

bool ktap_line(char *line, struct ktap_result *out)
{
	unsigned int level;
	char *p = unindent(line, &level), *hash;
	bool good = strncmp(p, "not ", 4);

	if (!good)
		p += 4;
	if (strncmp(p, "ok ", 3) || !isdigit((unsigned char)p[3]))
		return false;
	p += 3;
	while (isdigit((unsigned char)*p))
		p++;
	if (*p && !isspace((unsigned char)*p))
		return false;
	while (isspace((unsigned char)*p))
		p++;
	if (p[0] == '-' && (!p[1] || isspace((unsigned char)p[1])))
		p++;
	while (isspace((unsigned char)*p))
		p++;
	*out = (struct ktap_result){
		.level = level, .name = p, .reason = "",
		.status = good ? WIRE_TEST_PASS : WIRE_TEST_FAIL,
	};
	/* Names may hold a '#'; the last one with a directive behind counts. */
	hash = *p == '#' ? p : strstr(p, " #");
	while (hash && !directive_of(hash + strspn(hash, " #")) &&
	       strstr(hash + 1, " #"))
		hash = strstr(hash + 1, " #");
	trim_end(p);
	if (hash) {
		char *tail = hash + strspn(hash, " #");

		*hash = 0;
		trim_end(p);
		read_tail(tail, good, out);
	}
	return true;
}

const char *ktap_skip_all(const char *line)
{
	const char *p = line;

	while (!strncmp(p, "  ", 2) || !strncmp(p, "# ", 2))
		p += 2;
	if (strncmp(p, "1..0", 4))
		return NULL;
	p += 4;
	p += strspn(p, " #");
	if (strncasecmp(p, "skip", 4))
		return NULL;
	p += 4;
	return p + strspn(p, "ped: ");
}

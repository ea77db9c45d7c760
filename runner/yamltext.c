// SPDX-License-Identifier: GPL-2.0-only
#include "runner/yamltext.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "vmm/base/util.h"

/* Bytes of the well-formed UTF-8 sequence at @s (RFC 3629), 0 where none is. */
static size_t utf8_len(const unsigned char *s, size_t len)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
		   s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (!n || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/*
 * What is wrong with the character of @n bytes (0: malformed) at @s, before
 * @next. libyaml takes a lone CR, NEL, LS and PS for ends of lines, editors do
 * not: positions would differ.
 */
static const char *bad_char(const unsigned char *s, size_t n, unsigned char next)
{
	if (!n)
		return "not UTF-8";
	if (!s[0])
		return "NUL byte";
	if ((s[0] < 0x20 && s[0] != '\t' && s[0] != '\n' && s[0] != '\r') ||
	    s[0] == 0x7f)
		return "control character";
	if (s[0] == '\r' && next != '\n')
		return "carriage return without a line feed";
	if (n == 2 && s[0] == 0xc2 && s[1] < 0xa0)
		return "control character";
	if (n == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] & 0xfe) == 0xa8)
		return "line separator";
	if (n == 3 && s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe)
		return "noncharacter";
	if (n == 3 && s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf)
		return "byte order mark";
	return NULL;
}

static int encoding_error(const char *data, size_t len, const char *file,
			  struct problems *p)
{
	struct loc loc = { file, 1, 1 };

	if (len >= 2 && (!memcmp(data, "\xff\xfe", 2) ||
			 !memcmp(data, "\xfe\xff", 2)))
		return problem_add(p, PROBLEM_ERROR, &loc, NULL,
				   "UTF-16 text, expected UTF-8");
	if (len >= 3 && !memcmp(data, "\xef\xbb\xbf", 3))
		return problem_add(p, PROBLEM_ERROR, &loc, NULL,
				   "byte order mark, expected plain UTF-8 without one");
	return 0;
}

int yamltext_check(const char *data, size_t len, const char *file,
		   struct problems *p)
{
	const unsigned char *s = (const unsigned char *)data;
	const struct source_text src = { data, len };
	struct loc loc = { file, 1, 1 };
	const char *what;
	size_t n;

	if (encoding_error(data, len, file, p))
		return -EINVAL;
	for (size_t i = 0; i < len; i += n) {
		if (s[i] >= 0x20 && s[i] < 0x7f) {
			n = 1;
			loc.col++;
			continue;
		}
		n = utf8_len(s + i, len - i);
		what = bad_char(s + i, n, i + 1 < len ? s[i + 1] : 0);
		if (what)
			return problem_add(p, PROBLEM_ERROR, &loc, &src,
					   "%s (0x%02x), expected printable UTF-8 text",
					   what, s[i]);
		loc.col++;
		if (s[i] == '\n') {
			loc.line++;
			loc.col = 1;
		}
	}
	return 0;
}

/* libyaml's sentence, and what a person should look for instead. */
static const struct {
	const char *problem;
	const char *words;
	bool at_context;	/* the place to look at is where it began */
} phrases[] = {
	{ "mapping values are not allowed in this context",
	  "misplaced ':', expected quotes around a text that holds one: or lacks the line above its ':', or is this one indented too far?",
	  false },
	{ "found character that cannot start any token",
	  "a character that no text without quotes begins with, expected quotes",
	  false },
	{ "did not find expected alphabetic or numeric character",
	  "'&' or '*' that begins a word, expected a name behind it, or quotes around the text",
	  false },
	{ "found unknown directive name", "unknown directive, expected none", false },
	{ "did not find expected key",
	  "expected a `key: value` line of this map, at its indentation", false },
	{ "did not find expected '-' indicator",
	  "expected a `- item` line of this list, at its indentation; a text that begins with a quote ends with it",
	  false },
	{ "did not find expected ',' or '}'", "expected ',' or '}' in this map", false },
	{ "did not find expected ',' or ']'", "expected ',' or ']' in this list", false },
	{ "found unexpected end of stream", "no closing quote, expected one", true },
	{ "could not find expected ':'",
	  "a line without ':', expected `key: value`", true },
	{ "found undefined tag handle", "unknown tag, expected none", false },
	{ "found unexpected document indicator",
	  "document marker inside a quoted text, expected a closing quote", true },
	{ "did not find expected <document start>",
	  "text after the end of the document, expected `key: value` at the left margin", false },
};

/* The first tab in the indentation of the line that @mark lies in. */
static bool indented_by_tab(const struct source_text *src,
			    const yaml_mark_t *mark, struct loc *loc)
{
	size_t at = min(mark->index, src->len), start = at;

	while (start && src->data[start - 1] != '\n')
		start--;
	for (size_t i = start; i < src->len; i++) {
		if (src->data[i] == '\t') {
			loc->line = (unsigned int)mark->line + 1;
			loc->col = (unsigned int)(i - start) + 1;
			return true;
		}
		if (src->data[i] != ' ' && src->data[i] != '-')
			return false;
	}
	return false;
}

int yamltext_syntax(const yaml_parser_t *parser, const char *file,
		    const struct source_text *src, struct problems *p)
{
	const char *problem = parser->problem ? parser->problem : "not YAML";
	const yaml_mark_t *mark = &parser->problem_mark;
	const char *words = problem;
	struct loc loc = { .file = file };

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_SCANNER_ERROR && indented_by_tab(src, mark, &loc))
		return problem_add(p, PROBLEM_ERROR, &loc, src,
				   "tab in the indentation, expected spaces");
	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
		if (strcmp(problem, phrases[i].problem))
			continue;
		words = phrases[i].words;
		if (phrases[i].at_context && parser->context)
			mark = &parser->context_mark;
	}
	loc.line = (unsigned int)mark->line + 1;
	loc.col = (unsigned int)mark->column + 1;
	return problem_add(p, PROBLEM_ERROR, &loc, src, "%s", words);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * yamltext: what is judged on the bytes of a YAML text before libyaml sees
 * them (encoding, control characters), and libyaml's complaints in words that
 * tell what to do.
 */
#ifndef VMTAP_RUNNER_YAMLTEXT_H
#define VMTAP_RUNNER_YAMLTEXT_H

#include <stddef.h>
#include <yaml.h>

#include "runner/problem.h"

/**
 * yamltext_check() - plain UTF-8 without NUL, BOM and control characters?
 * Return: 0 or -EINVAL, told in @p.
 */
int yamltext_check(const char *data, size_t len, const char *file,
		   struct problems *p);
/** yamltext_syntax() - record libyaml's error; -EINVAL or -ENOMEM */
int yamltext_syntax(const yaml_parser_t *parser, const char *file,
		    const struct source_text *src, struct problems *p);

#endif

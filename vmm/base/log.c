// SPDX-License-Identifier: GPL-2.0-only
/* The log sink on stderr; see log.h. */
#include "vmm/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/io.h"
#include "vmm/base/util.h"

static enum log_level log_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	log_level = level;
}

enum log_level log_get_level(void)
{
	return log_level;
}

void log_at(enum log_level level, const char *module, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n, m;

	if (level > log_level)
		return;
	n = snprintf(line, sizeof(line), "vmtap: %s%s", module ? module : "",
		     module ? ": " : "");
	if (n < 0 || (size_t)n >= sizeof(line) - 2)
		return;
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (m < 0)
		return;
	n = min(n + m, (int)sizeof(line) - 2);
	line[n++] = '\n';
	io_write_full(STDERR_FILENO, line, (size_t)n);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log: lines on stderr, `vmtap: module: what`. stdout belongs to TAP alone.
 * Below runner/ only log_debug() is used; what a user must read travels in a
 * struct diag.
 */
#ifndef VMTAP_BASE_LOG_H
#define VMTAP_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/** log_set_level() - show this level and the graver ones; default INFO */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/** log_at() - one line, in one write(2), at @level */
void log_at(enum log_level level, const char *module, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(module, ...) log_at(LOG_LEVEL_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...) log_at(LOG_LEVEL_WARN, module, __VA_ARGS__)
#define log_info(module, ...) log_at(LOG_LEVEL_INFO, module, __VA_ARGS__)
#define log_debug(module, ...)						\
	do {								\
		if (log_get_level() >= LOG_LEVEL_DEBUG)			\
			log_at(LOG_LEVEL_DEBUG, module, __VA_ARGS__);	\
	} while (0)

#endif

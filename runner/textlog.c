// SPDX-License-Identifier: GPL-2.0-only
/* Bounded logs of guest bytes; see textlog.h. */
#include "runner/textlog.h"

#include <string.h>

#include "runner/logfile.h"
#include "vmm/base/diag.h"

int textlog_open(struct textlog *log, const char *path, struct diag *d)
{
	*log = (struct textlog){ 0 };
	return path ? logfile_open(&log->file, path, TEXTLOG_FILE_MAX, d) : 0;
}

void textlog_add(struct textlog *log, const void *data, size_t len)
{
	const char *p = data;
	size_t n;

	if (log->file)
		logfile_add(log->file, data, len);
	log->bytes += len;
	n = min(len, (size_t)TEXTLOG_HEAD_MAX - log->head.len);
	buf_add(&log->head, p, n);
	p += n;
	len -= n;
	if (!len)
		return;
	if (len > TEXTLOG_TAIL_MAX) {
		log->tail_dropped += len - TEXTLOG_TAIL_MAX;
		p += len - TEXTLOG_TAIL_MAX;
		len = TEXTLOG_TAIL_MAX;
	}
	buf_add(&log->tail, p, len);
	/* Trim seldom, so that a flood does not move the tail at each write. */
	if (log->tail.len > 2 * TEXTLOG_TAIL_MAX) {
		n = log->tail.len - TEXTLOG_TAIL_MAX;
		log->tail_dropped += n;
		buf_consume(&log->tail, n);
	}
}

static size_t strip_cr(char *text, size_t len)
{
	size_t i, to = 0;

	for (i = 0; i < len; i++)
		if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n')
			text[to++] = text[i];
	text[to] = '\0';
	return to;
}

char *textlog_text(const struct textlog *log, size_t *len)
{
	struct buf out = { 0 };

	buf_reserve(&out, 0);
	buf_add(&out, log->head.data, log->head.len);
	if (log->tail_dropped)
		buf_printf(&out, "\n[... %llu bytes left out ...]\n",
			   (unsigned long long)log->tail_dropped);
	buf_add(&out, log->tail.data, log->tail.len);
	if (log->tty && !out.failed)
		out.len = strip_cr(out.data, out.len);
	*len = out.len;
	return buf_steal(&out);
}

void textlog_finish(struct textlog *log)
{
	struct logfile_stats stats;

	if (!log->file)
		return;
	logfile_flush(log->file, TEXTLOG_PATIENCE_MS);
	stats = logfile_stats(log->file);
	log->file_dropped = stats.dropped;
	log->file_err = stats.err;
}

void textlog_close(struct textlog *log)
{
	logfile_close(log->file);
	log->file = NULL;
	buf_reset(&log->head);
	buf_reset(&log->tail);
}

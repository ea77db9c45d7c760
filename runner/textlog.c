// SPDX-License-Identifier: GPL-2.0-only
/* Bounded logs of guest bytes; see textlog.h. */
#include "runner/textlog.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/diag.h"
#include "vmm/base/io.h"

int textlog_open(struct textlog *log, const char *path, struct diag *d)
{
	*log = (struct textlog){ .fd = -1 };
	if (!path)
		return 0;
	log->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (log->fd < 0)
		return diag_fail(d, -errno, NULL, "cannot create %s: %m", path);
	return 0;
}

static void textlog_to_file(struct textlog *log, const void *data, size_t len)
{
	size_t room, n;

	if (log->fd < 0)
		return;
	room = log->bytes < TEXTLOG_FILE_MAX ?
	       (size_t)(TEXTLOG_FILE_MAX - log->bytes) : 0;
	n = min(room, len);
	if (!log->file_err && n)
		log->file_err = io_write_full(log->fd, data, n);
	if (log->file_err)
		n = 0;
	log->file_dropped += len - n;
}

void textlog_add(struct textlog *log, const void *data, size_t len)
{
	const char *p = data;
	size_t n;

	textlog_to_file(log, data, len);
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

void textlog_close(struct textlog *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
	buf_reset(&log->head);
	buf_reset(&log->tail);
}

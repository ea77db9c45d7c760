// SPDX-License-Identifier: GPL-2.0-only
/*
 * The conversation, one command after the other:
 *
 *	greeting, capabilities, events on, no limit on the rate, migrate to the
 *	file, wait for that to complete or fail, ask for the state until the
 *	machine stands or runs again, go on
 *
 * QEMU tells of the end before its migration thread is through: told to go on
 * at that moment, it aborts, or stands for ever.
 */
#include "runner/nested_save.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/log.h"

#define REPLY_MAX 65536

enum { CAPABILITIES, EVENTS, RATE, MIGRATE, STATUS, GO_ON, DONE };

static void end(struct nested_save *s, bool running)
{
	s->running = running;
	s->said = DONE;
}

static void say(struct nested_save *s, unsigned int what)
{
	static const char *const text[] = {
		[CAPABILITIES] = "{\"execute\": \"qmp_capabilities\"}\n",
		[EVENTS] = "{\"execute\": \"migrate-set-capabilities\", \"arguments\": "
			   "{\"capabilities\": [{\"capability\": \"events\", \"state\": true}]}}\n",
		[RATE] = "{\"execute\": \"migrate-set-parameters\", \"arguments\": "
			 "{\"max-bandwidth\": 1099511627776}}\n",
		[STATUS] = "{\"execute\": \"query-status\"}\n",
		[GO_ON] = "{\"execute\": \"cont\"}\n",
	};
	char migrate[128];
	const char *line = text[what];

	if (what == MIGRATE) {
		snprintf(migrate, sizeof(migrate),
			 "{\"execute\": \"migrate\", \"arguments\": {\"uri\": "
			 "\"file:/proc/self/fd/%d\"}}\n", s->file);
		line = migrate;
	}
	s->said = what;
	if (send(s->qmp, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    (ssize_t)strlen(line))
		end(s, false);
}

static void give_up(struct nested_save *s, const char *line)
{
	log_debug("nested", "state not saved: %s", line);
	s->failed = true;
	if (s->said < STATUS)
		say(s, STATUS);
	else
		end(s, false);
}

static void take_status(struct nested_save *s, const char *line)
{
	if (strstr(line, "\"running\": true"))
		end(s, true);
	else
		say(s, strstr(line, "\"postmigrate\"") ? GO_ON : STATUS);
}

static bool begins(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

static void take(struct nested_save *s, const char *line)
{
	if (begins(line, "{\"QMP\"")) {
		say(s, CAPABILITIES);
	} else if (begins(line, "{\"error\"")) {
		give_up(s, line);
	} else if (begins(line, "{\"return\"")) {
		/* What follows a migration is told by an event. */
		if (s->said < MIGRATE)
			say(s, s->said + 1);
		else if (s->said == STATUS)
			take_status(s, line);
		else if (s->said == GO_ON)
			end(s, true);
	} else if (strstr(line, "\"MIGRATION\"") && s->said == MIGRATE) {
		if (strstr(line, "\"completed\""))
			say(s, STATUS);
		else if (strstr(line, "\"failed\""))
			give_up(s, line);
	}
}

bool nested_save_step(struct nested_save *s)
{
	char data[4096];
	ssize_t got;

	while (s->said < DONE) {
		char *nl = s->news.len ? memchr(s->news.data, '\n',
						s->news.len) : NULL;

		if (nl) {
			*nl = 0;
			take(s, s->news.data);
			buf_consume(&s->news, (size_t)(nl + 1 - s->news.data));
			continue;
		}
		got = recv(s->qmp, data, sizeof(data), MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (got <= 0 || s->news.len > REPLY_MAX ||
		    buf_add(&s->news, data, (size_t)got))
			end(s, false);
	}
	return true;
}

void nested_save_reset(struct nested_save *s)
{
	cleanup_close(&s->qmp);
	cleanup_close(&s->file);
	buf_reset(&s->news);
	*s = (struct nested_save){ .qmp = -1, .file = -1 };
}

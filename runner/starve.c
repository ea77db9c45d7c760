// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's own account of its threads; see starve.h. */
#include "runner/starve.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

/* The first line of a file of a thread; "" where it is gone. */
static void read_line(pid_t pid, const char *tid, const char *file, char *line,
		      int size)
{
	char path[320];
	FILE *f;

	line[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/task/%s/%s", (int)pid, tid, file);
	f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(line, size, f))
		line[0] = '\0';
	fclose(f);
}

struct starve starve_read(pid_t pid, const char *name)
{
	struct starve ret = { 0 };
	struct dirent *e;
	char line[96];
	DIR *dir;

	snprintf(line, sizeof(line), "/proc/%d/task", (int)pid);
	dir = opendir(line);
	while (dir && (e = readdir(dir))) {
		unsigned long long ran, waited;

		read_line(pid, e->d_name, "comm", line, sizeof(line));
		if (strncmp(line, name, strlen(name)))
			continue;
		read_line(pid, e->d_name, "schedstat", line, sizeof(line));
		if (sscanf(line, "%llu %llu", &ran, &waited) == 2 &&
		    waited >= ret.waited_ns)
			ret = (struct starve){ ran, waited };
	}
	if (dir)
		closedir(dir);
	return ret;
}

bool starve_judge(const struct starve *s, u64 wall_ns)
{
	return s->waited_ns > s->ran_ns &&
	       s->waited_ns + s->ran_ns > wall_ns / 10;
}

// SPDX-License-Identifier: GPL-2.0-only
/* facts: what this guest is, and where its kernel lies. */
#include "tools/guest/agent.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#define START_KERNEL_MAP 0xffffffff80000000ull

static void put64(uint8_t *p, uint64_t v)
{
	wire_put32(p, (uint32_t)v);
	wire_put32(p + 4, (uint32_t)(v >> 32));
}

void facts_hello(void)
{
	uint8_t p[sizeof(struct wire_hello) + 128] = {};
	size_t n = sizeof(struct wire_hello);
	struct utsname u = {};
	struct sysinfo si = {};

	uname(&u);
	sysinfo(&si);
	wire_put32(p, WIRE_VERSION);
	wire_put32(p + 4, (uint32_t)get_nprocs());
	put64(p + 8, (uint64_t)si.totalram * si.mem_unit);
	put64(p + 16, now_ns());
	n += (size_t)snprintf((char *)p + n, sizeof(p) - n, "%s", AGENT_VERSION) + 1;
	n += (size_t)snprintf((char *)p + n, sizeof(p) - n, "%.*s", 65, u.release) + 1;
	link_send(WIRE_HELLO, 0, p, n);
}

/*
 * The address in front of " T _text\n". It stands after the per-CPU symbols,
 * a few hundred lines into a file of ten megabytes: read only as far.
 */
static uint64_t find_text(void)
{
	static const char want[] = " T _text\n";
	char buf[4096 + 64];
	size_t keep = 0;
	uint64_t found = 0;
	ssize_t n;
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && (n = read(fd, buf + keep, sizeof(buf) - keep - 1)) > 0) {
		char *hit;

		buf[keep + (size_t)n] = 0;
		hit = strstr(buf, want);
		if (hit) {
			while (hit > buf && hit[-1] != '\n')
				hit--;
			found = strtoull(hit, NULL, 16);
			break;
		}
		keep += (size_t)n;
		if (keep > 63) {
			memmove(buf, buf + keep - 63, 63);
			keep = 63;
		}
	}
	if (fd >= 0)
		close(fd);
	return found;
}

/* kptr_restrict=2 hides addresses from everybody: lift it for a moment. */
static uint64_t text_address(void)
{
	static const char path[] = "/proc/sys/kernel/kptr_restrict";
	uint64_t text = find_text();
	char old = '2';
	int fd;

	if (text)
		return text;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (pread(fd, &old, 1, 0) == 1 && pwrite(fd, "0", 1, 0) == 1) {
		text = find_text();
		if (pwrite(fd, &old, 1, 0) != 1)
			link_log("kptr_restrict stays lifted");
	}
	close(fd);
	return text;
}

static uint64_t code_start(void)
{
	FILE *f = fopen("/proc/iomem", "re");
	uint64_t start = 0;
	char line[256];

	while (f && !start && fgets(line, sizeof(line), f)) {
		if (strstr(line, " : Kernel code"))
			start = strtoull(line, NULL, 16);
	}
	if (f)
		fclose(f);
	return start;
}

void facts_kern_addrs(void)
{
	uint8_t p[sizeof(struct wire_kern_addrs)] = {};
	uint64_t text = text_address();
	uint64_t code = code_start();
	uint32_t valid = 0;

	if (text >= START_KERNEL_MAP)
		valid |= WIRE_KA_TEXT;
	if (code)
		valid |= WIRE_KA_CODE_START;
	if ((valid & WIRE_KA_TEXT) && code) {
		valid |= WIRE_KA_PHYS_BASE;
		put64(p + 24, code - (text - START_KERNEL_MAP));
	}
	wire_put32(p, valid);
	put64(p + 8, text);
	put64(p + 16, code);
	link_send(WIRE_KERN_ADDRS, 0, p, sizeof(p));
}

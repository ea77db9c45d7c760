// SPDX-License-Identifier: GPL-2.0-only
/* The console under an arbitrary driver, with sinks and a host that act up. */
#include "virtio/console.h"

#include <string.h>

#include "selftests/lib/fuzzdrv.h"

static struct fuzz f;
static struct virtio_console *con;
static u64 taken[VIRTIO_CONSOLE_NR_PORTS];
static int open_count[VIRTIO_CONSOLE_NR_PORTS];
static u32 appetite;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

/* Takes as the input says, bit by bit: all or half. */
static size_t sink_take(void *arg, const void *data, size_t len)
{
	static u8 copy[VIRTIO_CONSOLE_CHUNK];
	u64 *sum = arg;
	size_t n = appetite & 1 ? len / 2 : len;

	FUZZ_CHECK(len && len <= VIRTIO_CONSOLE_CHUNK);
	memcpy(copy, data, len);
	appetite = appetite >> 1 | appetite << 31;
	*sum += n;
	return n;
}

static void sink_opened(void *arg, bool open)
{
	int *n = &open_count[(u64 *)arg - taken];

	*n += open ? 1 : -1;
	FUZZ_CHECK(*n == 0 || *n == 1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct virtio_console_cfg cfg = { .cols = 0 };
	int i;

	(void)argc;
	(void)argv;
	for (i = 0; i < VIRTIO_CONSOLE_NR_PORTS; i++)
		cfg.sinks[i] = (struct virtio_console_sink){
			.take = sink_take, .opened = sink_opened,
			.arg = &taken[i],
		};
	FUZZ_CHECK(!virtio_console_create(&con, &f.g.mem, &cfg, NULL));
	virtio_console_attach(con, &f.d.dev);
	fuzz_init(&f, virtio_console_core(con));
	return 0;
}

static void host_deed(void)
{
	static const u8 bytes[512];
	u8 op = fuzz_u8(&f);
	unsigned int port = op % VIRTIO_CONSOLE_NR_PORTS, i;

	switch (op >> 5) {
	case 0:
		virtio_console_send(con, port, bytes, fuzz_u8(&f) * 2);
		break;
	case 1:
		virtio_console_resume(con, port);
		break;
	case 2:
		virtio_console_resize(con, fuzz_u8(&f), fuzz_u8(&f));
		break;
	case 3:
		virtio_console_flush(con);
		break;
	case 4:
		appetite = fuzz_u32(&f);
		break;
	default:
		/* Not until it rests: some rings never do. */
		for (i = 0; i < 16; i++)
			event_loop_step(&f.v->loop, 0);
		break;
	}
}

static void check(void)
{
	struct virtio_console_counters c;
	int i;

	virtio_console_counters(con, &c);
	for (i = 0; i < VIRTIO_CONSOLE_NR_PORTS; i++) {
		FUZZ_CHECK(c.bytes_out[i] == taken[i]);
		FUZZ_CHECK(virtio_console_unsent(con, i) <=
			   VIRTIO_CONSOLE_SEND_MAX);
		FUZZ_CHECK(virtio_console_is_open(con, i) == open_count[i]);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	int i;

	appetite = 0;
	fuzz_begin(&f, data, len);
	for (i = 0; f.left && i < FUZZ_OPS_MAX; i++) {
		if (fuzz_u8(&f) & 7)
			fuzz_deed(&f);
		else
			host_deed();
	}
	fuzz_check_core(&f);
	check();
	return 0;
}

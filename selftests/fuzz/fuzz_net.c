// SPDX-License-Identifier: GPL-2.0-only
/* The loopback card under an arbitrary driver. */
#include "virtio/net.h"

#include "selftests/lib/fuzzdrv.h"

static struct fuzz f;
static struct virtio_net *net;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct virtio_net_cfg cfg = { .mtu = 9000 };

	(void)argc;
	(void)argv;
	FUZZ_CHECK(!virtio_net_create(&net, &f.g.mem, &cfg, NULL));
	virtio_net_attach(net, &f.d.dev);
	fuzz_init(&f, virtio_net_core(net));
	return 0;
}

/* Each sent frame has exactly one fate, whatever the driver did. */
static void check(void)
{
	struct virtio_net_counters c;

	virtio_net_counters(net, &c);
	FUZZ_CHECK(c.tx_packets == c.rx_packets + c.tx_dropped_no_rx_buffer +
				   c.rx_chain_invalid + c.rx_write_failed +
				   c.rx_add_used_failures);
	FUZZ_CHECK(!c.tx_packets == !c.tx_bytes);
	FUZZ_CHECK(!c.rx_packets == !c.rx_bytes);
	FUZZ_CHECK(c.rx_bytes <= c.tx_bytes);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	int i;

	fuzz_begin(&f, data, len);
	for (i = 0; f.left && i < FUZZ_OPS_MAX; i++)
		fuzz_deed(&f);
	fuzz_check_core(&f);
	check();
	return 0;
}

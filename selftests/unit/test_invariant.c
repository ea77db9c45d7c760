// SPDX-License-Identifier: GPL-2.0-only
/* invariant: each rule, by breaking it. */
#include "runner/invariant.h"

#include <string.h>

#include "runner/value.h"
#include "vmm/base/buf.h"

#include "kselftest_harness.h"

static const char *const sound =
	"{\"success\":true,\"timed_out\":false,\"duration_ms\":10,\"cleanup_duration_ms\":3,"
	"\"virtio_blk\":{\"reads_completed\":2,\"bytes_read\":1024,\"writes_completed\":0,"
	"\"bytes_written\":0,\"throttled_count\":1,\"currently_throttled_gauge\":0},"
	"\"virtio_net\":{\"tx_packets\":10,\"tx_bytes\":600,\"rx_packets\":4,\"rx_bytes\":240,"
	"\"tx_dropped_no_rx_buffer\":6,\"rx_chain_invalid\":0},"
	"\"kvm\":{\"exits\":31,\"avg\":{\"exits\":15},\"vcpu\":[{\"exits\":10},{\"exits\":21}]},"
	"\"periodic\":{\"target\":3,\"fired\":2,\"placeholders\":1,\"captures\":[{},{}]},"
	"\"messages\":{\"total\":3,\"by_type\":{\"STDOUT\":2,\"EXIT\":1}},"
	"\"kaslr\":{\"enabled\":true,\"offset\":\"0x200000\"}}";

/* Breaches as JSON after @path was set to the JSON @value. */
static char *broken(const char *path, const char *value)
{
	struct value *r = NULL, *v = NULL, *list = NULL;
	struct buf b = { 0 };

	value_from_json(sound, strlen(sound), &r, NULL);
	if (path) {
		value_from_json(value, strlen(value), &v, NULL);
		value_set_path(r, path, v);
	}
	if (!invariants_check(r, &list))
		value_to_json(list, 0, &b);
	value_free(list);
	value_free(r);
	return buf_steal(&b);
}

TEST(a_sound_result_has_no_breach)
{
	struct value *none = value_map(), *list;
	char *seen = broken(NULL, NULL);

	EXPECT_STREQ("[]", seen);
	free(seen);
	/* A case that never ran breaks nothing. */
	ASSERT_EQ(0, invariants_check(none, &list));
	EXPECT_EQ(0, list->list.len);
	value_free(list);
	value_free(none);
}

TEST(each_rule_tells_its_breach)
{
	static const char *const vectors[][3] = {
		{ "virtio_blk.bytes_read", "1000", "bytes_read is no multiple of 512: 1000" },
		{ "virtio_blk.bytes_written", "512", "bytes_written is 512 with no completed request" },
		{ "virtio_blk.io_errors", "-1", "virtio_blk.io_errors is negative: -1" },
		{ "virtio_blk.currently_throttled_gauge", "1", "gauge is 1 after a clean end" },
		{ "virtio_blk.currently_throttled_gauge", "2", "gauge is 2 on one queue" },
		{ "virtio_net.rx_packets", "5", "rx_packets 5 is not tx_packets 10 - tx_dropped_no_rx_buffer 6" },
		{ "virtio_net.tx_packets", "-1", "virtio_net.tx_packets is negative" },
		{ "virtio_net.rx_bytes", "0", "rx_packets is 4 and rx_bytes is 0" },
		{ "virtio_blk", "{\"throttled_count\":0,\"currently_throttled_gauge\":1}",
		  "gauge is 1 and nothing was ever throttled" },
		{ "virtio_net", "{\"tx_packets\":3,\"tx_bytes\":9,\"rx_packets\":4,\"rx_bytes\":9,\"rx_chain_invalid\":1}",
		  "rx_packets 4 is more than the 3 that were sent" },
		{ "virtio_net", "{\"tx_packets\":0,\"tx_bytes\":60,\"rx_packets\":0,\"rx_bytes\":0}",
		  "tx_bytes is 60 without a packet" },
		{ "virtio_net", "{\"tx_packets\":1,\"tx_bytes\":60,\"rx_packets\":1,\"rx_bytes\":61}",
		  "rx_bytes 61 is not tx_bytes 60 and nothing was dropped" },
		{ "kvm.exits", "30", "kvm.exits is 30, and its vCPUs make 31" },
		{ "kvm.avg.exits", "16", "kvm.avg.exits is 16, and the sum 31 over 2 vCPUs makes 15" },
		{ "periodic.fired", "4", "periodic.fired 4 is more than periodic.target 3" },
		{ "periodic.placeholders", "3", "placeholders 3 is more than periodic.fired 2" },
		{ "periodic.captures", "[]", "periodic.fired is 2, and there are 0 captures" },
		{ "messages.total", "4", "messages.total is 4, and its types make 3" },
		{ "kaslr.enabled", "false", "kaslr.enabled is false, and kaslr.offset is 0x" },
		{ "cleanup_duration_ms", "11", "cleanup_duration_ms 11 is more than duration_ms 10" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		char *seen = broken(vectors[i][0], vectors[i][1]);

		EXPECT_NE(NULL, strstr(seen, vectors[i][2])) {
			TH_LOG("%s = %s: %s", vectors[i][0], vectors[i][1], seen);
		}
		free(seen);
	}
}

/* How many rules a slide of @offset and @enabled break. */
static size_t kaslr_breaches(u64 offset, bool enabled)
{
	struct value *r = value_map(), *k = value_map(), *list = NULL;
	size_t n = ~0UL;

	value_set(k, "offset", value_addr(offset));
	value_set(k, "enabled", value_bool(enabled));
	value_set(r, "kaslr", k);
	if (!invariants_check(r, &list))
		n = list->list.len;
	value_free(list);
	value_free(r);
	return n;
}

TEST(a_slide_is_one_that_is_not_0)
{
	EXPECT_EQ(0, kaslr_breaches(0, false));
	EXPECT_EQ(1, kaslr_breaches(0, true));
	EXPECT_EQ(0, kaslr_breaches(0x200000, true));
	EXPECT_EQ(1, kaslr_breaches(0x200000, false));
}

TEST(guest_faults_are_no_breach)
{
	static const char *const vectors[][2] = {
		/* Frames lost to a bad receive chain; the identity is off. */
		{ "virtio_net", "{\"tx_packets\":10,\"rx_packets\":3,\"rx_bytes\":9,\"tx_bytes\":30,\"rx_chain_invalid\":7}" },
		{ "virtio_blk", "{\"currently_throttled_gauge\":1,\"throttled_count\":1}" },
		{ "virtio_net", "{}" }, { "kvm", "{\"vcpu\":[]}" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct value *r = NULL, *v = NULL, *list = NULL;

		value_from_json("{\"timed_out\":true,\"success\":false}", 34, &r, NULL);
		value_from_json(vectors[i][1], strlen(vectors[i][1]), &v, NULL);
		value_set(r, vectors[i][0], v);
		ASSERT_EQ(0, invariants_check(r, &list));
		EXPECT_EQ(0, list->list.len) TH_LOG("vector %zu", i);
		value_free(list);
		value_free(r);
	}
}

/* A panic that was asked for is a success, and finds a request waiting. */
TEST(a_panic_that_was_expected_is_no_clean_end)
{
	static const char json[] =
		"{\"timed_out\":false,\"success\":true,\"crash_message\":\"Oops\","
		"\"virtio_blk\":{\"currently_throttled_gauge\":1,\"throttled_count\":1}}";
	struct value *r = NULL, *list = NULL;

	ASSERT_EQ(0, value_from_json(json, strlen(json), &r, NULL));
	ASSERT_EQ(0, invariants_check(r, &list));
	EXPECT_EQ(0, list->list.len);
	value_free(list);
	value_free(r);
}

TEST_HARNESS_MAIN

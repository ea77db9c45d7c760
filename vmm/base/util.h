/* SPDX-License-Identifier: GPL-2.0-only */
/* Small helpers without state: sizes, rounding, overflow, BUG_ON, time. */
#ifndef VMTAP_BASE_UTIL_H
#define VMTAP_BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* Names of their own for each use, so that uses nest without shadowing. */
#define __cmp_once(a, b, op, x, y) \
	({ typeof(a) x = (a); typeof(b) y = (b); x op y ? x : y; })
#define __cmp_paste(a, b, op, n) __cmp_once(a, b, op, __x##n, __y##n)
#define __cmp(a, b, op, n) __cmp_paste(a, b, op, n)
#define min(a, b) __cmp(a, b, <, __COUNTER__)
#define max(a, b) __cmp(a, b, >, __COUNTER__)
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define round_up(x, to) ((((x) + (to) - 1) / (to)) * (to))
#define round_down(x, to) (((x) / (to)) * (to))
#define __maybe_unused __attribute__((unused))
#define __printf(f, a) __attribute__((format(printf, f, a)))

#define KiB(n) ((u64)(n) << 10)
#define MiB(n) ((u64)(n) << 20)
#define GiB(n) ((u64)(n) << 30)
#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

/* Our own bug, never the guest's or the host's: stays in release builds. */
#define BUG_ON(cond)							\
	do {								\
		if (__builtin_expect(!!(cond), 0)) {			\
			fprintf(stderr, "vmtap: BUG at %s:%d: %s\n",	\
				__FILE__, __LINE__, #cond);		\
			abort();					\
		}							\
	} while (0)

#define check_add(a, b, res) __builtin_add_overflow((a), (b), (res))
#define check_mul(a, b, res) __builtin_mul_overflow((a), (b), (res))

/* Monotonic time in nanoseconds. */
static inline u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

#endif

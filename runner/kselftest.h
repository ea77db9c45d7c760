/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kselftest: what `guest.kselftest` puts into the guest: the folders of the
 * chosen tests with what their programs need, and the list of tests that the
 * guest's runner (tools/guest/ksft.c) works off.
 *
 * Two kinds of folder are taken. An installed tree (kselftest-list.txt, as
 * `make install` writes it) holds collections. Any other folder is one
 * collection, built in place; its tests are those that its Makefile lists in
 * TEST_PROGS, TEST_GEN_PROGS and TEST_CUSTOM_PROGS, as far as they are built.
 */
#ifndef VMTAP_RUNNER_KSELFTEST_H
#define VMTAP_RUNNER_KSELFTEST_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct diag;
struct initramfs;
struct scen_kselftest;
struct value;

struct ksft_test {
	char *collection;	/* "futex", "filesystems/epoll" */
	char *name;		/* "run.sh" */
	unsigned int timeout_s;	/* 0: none */
	bool knows_xfail;	/* the tree's own runner reads 2 and 3 as XFAIL, XPASS */
};

struct ksft_list {
	struct ksft_test *items;
	size_t n;
};

/**
 * kselftest_list() - the tests that the scenario chooses, in the tree's order
 * Each with its time limit: the scenario's, else `timeout` of its folder's
 * settings, else 45 s.
 * Return: 0; -ENOENT no such folder, or nothing in it is meant (the message
 * tells what there is); -ENOMEM. kselftest_list_reset() in every case.
 */
int kselftest_list(const struct scen_kselftest *k, struct ksft_list *list,
		   struct diag *d);
void kselftest_list_reset(struct ksft_list *list);

/** kselftest_make_tests() - tests in the text of a Makefile; appends "name\n" */
void kselftest_make_tests(const char *makefile, struct buf *out);

/**
 * kselftest_add() - folders and list into the initramfs; 0 or -errno
 * @time_factor: of each test's time limit: how much slower guests are here
 */
int kselftest_add(struct initramfs *fs, const struct scen_kselftest *k,
		  double time_factor, struct diag *d);

/**
 * kselftest_verdict() - what the results in @subtests say together
 * @text: why not all passed, with names; "" where they did
 * Return: 1 each one was skipped, 0 else.
 */
int kselftest_verdict(const struct value *subtests, char *text, size_t size);

#endif

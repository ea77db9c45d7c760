#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
exec "$(dirname "$0")/../lib/scenarios" 6.12 inside bpf freeze watch \
	workload topology sched

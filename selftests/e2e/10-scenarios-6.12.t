#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What the tag any-kernel stands on is vmtap's own: exit statuses and output on
# their way out, what a payload finds in its guest, KVM's counters. Those run on
# 6.1 and on 7.x (05-in-tree.t) here; `make run_tests` has all on all three.
exec "$(dirname "$0")/../lib/scenarios" 6.12 --tag '!any-kernel'

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Fetch and unpack distribution packages without installing them.
exit 1

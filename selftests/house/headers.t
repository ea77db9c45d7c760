#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each header compiles alone.
. "$(dirname "$0")/../lib/tap.sh"
cd "$top" || exit 1

mapfile -t headers < <(find vmm virtio freeze runner tools -name '*.h' | sort)
plan ${#headers[@]}
for h in "${headers[@]}"; do
	# Twice: the include guard is tried as well.
	printf '#include "%s"\n#include "%s"\n' "$h" "$h" >"$tmp/h.c"
	ok "$h" "${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE= -I. -Wall -Wextra -Werror \
		-Wno-unused-function -fsyntax-only "$tmp/h.c"
done

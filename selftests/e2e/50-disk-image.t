#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A disk's bytes, told by checksum on both sides: what the guest reads is what
# the host wrote, and the other way round where the image is the guest's to
# write (rw). Without rw the image stays as it was.
. "$(dirname "$0")/../lib/tap.sh"
plan 4

image=$tmp/disk.img
head -c 1M /dev/urandom >"$image"
cp "$image" "$tmp/before"
# Random blocks, at random places of the image's second half.
for rw in false true; do
	cat >"$tmp/$rw.yaml" <<-END
	vm: {memory: 256M, timeout: 90s}
	disk: {image: $image, rw: $rw}
	guest:
	  run: |
	    set -e
	    echo "read=\$(sha256sum < /dev/vda)"
	    for i in \$(seq 128 255 | shuf -n 8); do
	      dd if=/dev/urandom of=/dev/vda bs=4k count=1 seek=\$i conv=notrunc,fsync status=none
	    done
	    echo 3 > /proc/sys/vm/drop_caches
	    echo "wrote=\$(sha256sum < /dev/vda)"
	END
done
sum()
{
	sha256sum <"$1"
}

"$vmtap" run -j1 --format tap13 "$tmp/false.yaml" "$tmp/true.yaml" \
	--json "$tmp/result.json" --out "$tmp/out" >"$tmp/tap" 2>"$tmp/err" ||
	diag "$(tail -n 40 "$tmp/tap" "$tmp/err")"
out()
{
	cat "$tmp/out/$1"*/stdout*
}

like "the guest reads what the host wrote" "$(out false)" "read=$(sum "$tmp/before")"
like "without rw the image stays as it was" "$(out true)" "read=$(sum "$tmp/before")"
like "the host reads what the guest wrote" "$(out true)" "wrote=$(sum "$image")"
[ "$(out true | grep -c "$(sum "$image")")" = 1 ] && ! cmp -s "$image" "$tmp/before"
result $? "and it is not what was there before"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A disk's bytes, told by checksum on both sides: what the guest reads is what
# the host wrote, and the other way round where the image is the guest's to
# write (rw). Without rw the image stays as it was. Where the image's file
# system is full, each write that fails is an error to the guest's kernel, to
# its program and to the device's counter alike.
. "$(dirname "$0")/../lib/tap.sh"
plan 6

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
# 24 writes of 64K to a file for which there is room for 16.
cat >"$tmp/full.yaml" <<END
vm: {memory: 256M, timeout: 90s}
disk: {image: $tmp/small/disk.img, rw: true}
guest:
  run: |
    done=0
    failed=0
    for i in \$(seq 0 23); do
      if dd if=/dev/zero of=/dev/vda bs=64k count=1 seek=\$i oflag=direct conv=notrunc status=none; then
        done=\$((done + 1))
      else
        failed=\$((failed + 1))
      fi
    done
    vmtap-metric done=\$done failed=\$failed \
      kernel_saw=\$(dmesg | grep -c 'I/O error, dev vda, sector [0-9]* op 0x1:(WRITE)')
checks:
  - workload.failed == 8 && workload.done == 16
  - virtio_blk.io_errors == workload.failed
  - virtio_blk.io_errors == workload.kernel_saw
  - virtio_blk.writes_completed == workload.done
  - virtio_blk.bytes_written == workload.done * 64K
END
mkdir "$tmp/small"
cat >"$tmp/run" <<'END'
small=$1/small vmtap=$2
shift 2
mount -t tmpfs -o size=1m none "$small" && truncate -s 8M "$small/disk.img" &&
	exec "$vmtap" run "$@"
END
sum()
{
	sha256sum <"$1"
}

opts=(-j1 --format tap13 --json "$tmp/result.json" --out "$tmp/out" "$tmp/false.yaml"
	"$tmp/true.yaml")
# A mount is what only a namespace of our own lets anybody do.
if unshare -rm true 2>/dev/null; then
	run=(unshare -rm bash "$tmp/run" "$tmp" "$vmtap" "${opts[@]}" "$tmp/full.yaml")
else
	run=("$vmtap" run "${opts[@]}")
fi
"${run[@]}" >"$tmp/tap" 2>"$tmp/err" || diag "$(tail -n 40 "$tmp/tap" "$tmp/err")"
out()
{
	cat "$tmp/out/$1"*/stdout*
}

like "the guest reads what the host wrote" "$(out false)" "read=$(sum "$tmp/before")"
like "without rw the image stays as it was" "$(out true)" "read=$(sum "$tmp/before")"
like "the host reads what the guest wrote" "$(out true)" "wrote=$(sum "$image")"
[ "$(out true | grep -c "$(sum "$image")")" = 1 ] && ! cmp -s "$image" "$tmp/before"
result $? "and it is not what was there before"

if [ "${run[0]}" = unshare ]; then
	like "a full file system: the device counts as the guest's kernel and program do" \
		"$(cat "$tmp/tap")" $'\n'"ok 3 - "
	is "and eight writes were" "$(python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))["cases"][2]["result"]
print(c["virtio_blk"]["io_errors"])' "$tmp/result.json")" 8
else
	skip "a full file system" "no user namespaces here"
	skip "and eight writes were" "no user namespaces here"
fi

// SPDX-License-Identifier: GPL-2.0-only
/* Payload decompression, a table of methods; see kunpack.h. */
#include "vmm/kunpack.h"

#include <errno.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define LZ4_LEGACY_MAGIC 0x184c2102U
#define LZ4_LEGACY_BLOCK MiB(8)
#define XZ_MEMORY_LIMIT MiB(512)

static u32 le32(const u8 *p)
{
	return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static u32 be32(const u8 *p)
{
	return (u32)p[3] | (u32)p[2] << 8 | (u32)p[1] << 16 | (u32)p[0] << 24;
}

static int unpack_gzip(const u8 *src, size_t len, u8 *dst, size_t dst_len,
		       size_t *out)
{
	z_stream z = { .next_in = (u8 *)src, .avail_in = (uInt)len,
		       .next_out = dst, .avail_out = (uInt)dst_len };
	int ret;

	if (inflateInit2(&z, MAX_WBITS + 16) != Z_OK)
		return -ENOMEM;
	ret = inflate(&z, Z_FINISH);
	*out = z.total_out;
	inflateEnd(&z);
	if (ret == Z_STREAM_END)
		return 0;
	if (ret == Z_MEM_ERROR)
		return -ENOMEM;
	return ret == Z_BUF_ERROR && !z.avail_out ? -ENOSPC : -EINVAL;
}

static int run_lzma(lzma_stream *s, const u8 *src, size_t len, u8 *dst,
		    size_t dst_len, size_t *out)
{
	lzma_ret ret;

	s->next_in = src;
	s->avail_in = len;
	s->next_out = dst;
	s->avail_out = dst_len;
	ret = lzma_code(s, LZMA_FINISH);
	*out = s->total_out;
	lzma_end(s);
	switch (ret) {
	case LZMA_STREAM_END:
		return 0;
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR:
		return -ENOMEM;
	case LZMA_OK:
	case LZMA_BUF_ERROR:
		return *out == dst_len ? -ENOSPC : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int unpack_xz(const u8 *src, size_t len, u8 *dst, size_t dst_len,
		     size_t *out)
{
	lzma_stream s = LZMA_STREAM_INIT;

	if (lzma_stream_decoder(&s, XZ_MEMORY_LIMIT, 0) != LZMA_OK)
		return -ENOMEM;
	return run_lzma(&s, src, len, dst, dst_len, out);
}

static int unpack_lzma(const u8 *src, size_t len, u8 *dst, size_t dst_len,
		       size_t *out)
{
	lzma_stream s = LZMA_STREAM_INIT;

	if (lzma_alone_decoder(&s, XZ_MEMORY_LIMIT) != LZMA_OK)
		return -ENOMEM;
	return run_lzma(&s, src, len, dst, dst_len, out);
}

/*
 * The legacy lz4 frame has neither a length nor an end mark: blocks of
 * compressed size + data until the input ends. The build's four bytes of
 * uncompressed size follow and must not be taken for a block.
 */
static int unpack_lz4(const u8 *src, size_t len, u8 *dst, size_t dst_len,
		      size_t *out)
{
	size_t pos = 4;

	*out = 0;
	while (len - pos > 4) {
		u32 clen = le32(src + pos);
		size_t room = dst_len - *out;
		int n;

		pos += 4;
		if (clen == LZ4_LEGACY_MAGIC)
			continue;
		if (clen > len - pos || clen > LZ4_COMPRESSBOUND(LZ4_LEGACY_BLOCK))
			return -EINVAL;
		n = LZ4_decompress_safe((const char *)src + pos,
					(char *)dst + *out, (int)clen,
					(int)min(room, (size_t)LZ4_LEGACY_BLOCK));
		if (n < 0)
			return room < LZ4_LEGACY_BLOCK ? -ENOSPC : -EINVAL;
		*out += (size_t)n;
		pos += clen;
	}
	return 0;
}

static int unpack_zstd(const u8 *src, size_t len, u8 *dst, size_t dst_len,
		       size_t *out)
{
	size_t frame = ZSTD_findFrameCompressedSize(src, len);
	size_t n;

	*out = 0;
	if (ZSTD_isError(frame))
		return -EINVAL;
	n = ZSTD_decompress(dst, dst_len, src, frame);
	if (ZSTD_isError(n)) {
		switch (ZSTD_getErrorCode(n)) {
		case ZSTD_error_dstSize_tooSmall:
			return -ENOSPC;
		case ZSTD_error_memory_allocation:
			return -ENOMEM;
		default:
			return -EINVAL;
		}
	}
	*out = n;
	return 0;
}

/* Flags of lzop's file header. */
enum {
	LZOP_ADLER32_D = 0x1,
	LZOP_ADLER32_C = 0x2,
	LZOP_EXTRA = 0x40,
	LZOP_CRC32_D = 0x100,
	LZOP_CRC32_C = 0x200,
	LZOP_MULTIPART = 0x400,
	LZOP_FILTER = 0x800,
};

/* Offset of the first block and the header's flags; 0 when malformed. */
static size_t lzop_header(const u8 *src, size_t len, u32 *flags)
{
	size_t pos = 9;
	u32 version;
	bool new;

	if (len < 64)
		return 0;
	version = (u32)src[pos] << 8 | src[pos + 1];
	new = version >= 0x940;
	pos += new ? 6 : 4;	/* version, library, version needed */
	pos += new ? 2 : 1;	/* method, level */
	*flags = be32(src + pos);
	if (*flags & (LZOP_EXTRA | LZOP_MULTIPART | LZOP_FILTER))
		return 0;
	pos += 4;
	pos += new ? 12 : 8;	/* mode, mtime, high half of mtime */
	pos += 1 + src[pos];	/* file name */
	pos += 4;		/* header checksum */
	return pos <= len ? pos : 0;
}

static int unpack_lzo(const u8 *src, size_t len, u8 *dst, size_t dst_len,
		      size_t *out)
{
	u32 flags;
	size_t pos = lzop_header(src, len, &flags);
	size_t sums_d, sums_c;

	*out = 0;
	if (!pos || lzo_init() != LZO_E_OK)
		return -EINVAL;
	sums_d = 4 * (!!(flags & LZOP_ADLER32_D) + !!(flags & LZOP_CRC32_D));
	sums_c = 4 * (!!(flags & LZOP_ADLER32_C) + !!(flags & LZOP_CRC32_C));
	while (len - pos >= 4) {
		u32 dlen = be32(src + pos), clen;
		lzo_uint n = dlen;
		size_t sums;

		pos += 4;
		if (!dlen)
			return 0;
		if (len - pos < 4)
			return -EINVAL;
		clen = be32(src + pos);
		pos += 4;
		sums = sums_d + (clen < dlen ? sums_c : 0);
		if (clen > dlen || len - pos < sums || clen > len - pos - sums)
			return -EINVAL;
		if (dlen > dst_len - *out)
			return -ENOSPC;
		pos += sums;
		if (clen == dlen)
			memcpy(dst + *out, src + pos, dlen);
		else if (lzo1x_decompress_safe(src + pos, clen, dst + *out, &n,
					       NULL) != LZO_E_OK || n != dlen)
			return -EINVAL;
		*out += dlen;
		pos += clen;
	}
	return -EINVAL;
}

static int unpack_none(const u8 *src, size_t len, u8 *dst, size_t dst_len,
		       size_t *out)
{
	*out = 0;
	if (len > dst_len)
		return -ENOSPC;
	memcpy(dst, src, len);
	*out = len;
	return 0;
}

static const struct kunpack_method methods[] = {
	{ "gzip", { 0x1f, 0x8b }, 2, unpack_gzip },
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, unpack_xz },
	{ "lzma", { 0x5d, 0, 0 }, 3, unpack_lzma },
	{ "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4, unpack_lz4 },
	{ "lzo", { 0x89, 'L', 'Z', 'O', 0, '\r', '\n', 0x1a, '\n' }, 9,
	  unpack_lzo },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, unpack_zstd },
	{ "bzip2", { 'B', 'Z', 'h' }, 3, NULL },
	{ "none", { 0x7f, 'E', 'L', 'F' }, 4, unpack_none },
};

const struct kunpack_method *kunpack_probe(const u8 *src, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(methods); i++)
		if (len >= methods[i].magic_len &&
		    !memcmp(src, methods[i].magic, methods[i].magic_len))
			return &methods[i];
	return NULL;
}

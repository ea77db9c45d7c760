/* SPDX-License-Identifier: GPL-2.0-only */
/* The files inside the program; EMBED_* paths come from the Makefile. */
	.section .rodata
	.balign 16
	.globl embed_guest_init, embed_guest_init_end
embed_guest_init:
	.incbin EMBED_GUEST_INIT
embed_guest_init_end:
	.balign 16
	.globl embed_nested_init, embed_nested_init_end
embed_nested_init:
	.incbin EMBED_NESTED_INIT
embed_nested_init_end:
	.balign 16
	.globl embed_fetch_deb, embed_fetch_deb_end
embed_fetch_deb:
	.incbin EMBED_FETCH_DEB
embed_fetch_deb_end:
	.section .note.GNU-stack,"",@progbits

/* SPDX-License-Identifier: GPL-2.0-only */
/* The signature set that the program carries, and its length. */
	.section .rodata
	.globl signatures_builtin_text, signatures_builtin_len
	.type signatures_builtin_text, %object
	.type signatures_builtin_len, %object
signatures_builtin_text:
	.incbin BUILTIN_SIGNATURES
.Lend:
	.size signatures_builtin_text, .Lend - signatures_builtin_text
	.balign 8
signatures_builtin_len:
	.quad .Lend - signatures_builtin_text
	.size signatures_builtin_len, 8
	.section .note.GNU-stack, "", %progbits

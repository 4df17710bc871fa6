/* SPDX-License-Identifier: GPL-2.0-only */
/* The signature set that the program carries. */
	.section .rodata
	.globl signatures_builtin_text, signatures_builtin_end
	.type signatures_builtin_text, %object
	.type signatures_builtin_end, %object
signatures_builtin_text:
	.incbin BUILTIN_SIGNATURES
signatures_builtin_end:
	.byte 0
	.size signatures_builtin_text, signatures_builtin_end - signatures_builtin_text
	.section .note.GNU-stack, "", %progbits

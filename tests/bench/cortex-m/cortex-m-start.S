/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Vectors, the way to main, and the samples. */

	.syntax unified
	.thumb

	.section .vectors, "a"
	.word stack_top
	.word start
	.rept 14
	.word fault
	.endr

	.text
	.thumb_func
	.global start
start:
	ldr r0, =bss_start
	ldr r1, =bss_end
	movs r2, #0
1:	cmp r0, r1
	bhs 2f
	str r2, [r0]
	adds r0, #4
	b 1b
2:	bl main

	/* A fault ends the run, and not well. */
	.thumb_func
fault:
	movs r0, #0x18
	ldr r1, =0x20024
	bkpt 0xab
	b fault

	.section .rodata
	.balign 4
	.global session_samples
session_samples:
	.incbin "samples.bin"

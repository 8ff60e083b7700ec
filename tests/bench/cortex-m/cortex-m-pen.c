/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * The pen's encoder on a Cortex-M that qemu emulates, counting instructions.  With -icount
 * shift=0 qemu's clock moves by exactly 1 ns for each instruction, whatever the host does; the
 * processor's own SysTick timer runs on that clock.  How many instructions a tick is depends on
 * the board, so loops of a known number of instructions are timed first, and of three of them each
 * must tell the same.  A count is thereby right to
 * within one tick (about 6 instructions on the M4 board, 62 on the M0's) per block of 1,024 samples.
 * Instructions are not cycles: on real silicon flash wait states and branches add to them.
 *
 * The M0+ has the instruction set of the M0, which is what qemu has.
 */

#include <stdbool.h>
#include <stdint.h>

#include <stipple/telemetry.h>

#include "cortex-m-session.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014)
#define SYSTICK_NOW (*(volatile uint32_t *)0xE000E018)
#define SYSTICK_MASK 0xFFFFFFu
#define SYSTICK_ON 5u			/* enabled, on the processor's clock, no interrupt */

/* Semihosting: qemu does what the processor asks of its debugger. */
enum { SEMI_OPEN = 1, SEMI_WRITE0 = 4, SEMI_WRITE = 5, SEMI_EXIT = 0x18 };
#define SEMI_WRITE_BINARY 5
#define SEMI_EXIT_OK 0x20026
#define SEMI_EXIT_FAILURE 0x20024

#define STACK_PAINT 0xA5A5A5A5u
#define CALIBRATION_STEPS 1000000u

extern const struct stp_sample session_samples[SESSION_PART];
extern uint32_t stack_bottom[], stack_top[];

static uint8_t page[SESSION_PAGE];
static struct stp_block_encoder encoder;
static uint32_t out_file;

static uint32_t
semihost(uint32_t operation, const void *argument)
{
	register uint32_t r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = argument;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
	return r0;
}

static void
say(const char *text)
{
	semihost(SEMI_WRITE0, text);
}

static void
say_number(const char *name, uint32_t number)
{
	char digits[12], *at = digits + sizeof(digits);

	*--at = '\0';
	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	say(name);
	say(" ");
	say(at);
	say("\n");
}

__attribute__((noreturn))
static void
leave(bool ok)
{
	semihost(SEMI_EXIT, (const void *)(uintptr_t)(ok ? SEMI_EXIT_OK : SEMI_EXIT_FAILURE));
	for (;;)
		;
}

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	say(what);
	say("\n");
	leave(false);
}

static void
open_output(void)
{
	static const char name[] = "pen.bin";
	const uint32_t arguments[] = { (uint32_t)name, SEMI_WRITE_BINARY, sizeof(name) - 1 };

	out_file = semihost(SEMI_OPEN, arguments);
	must(out_file != UINT32_MAX, "pen.bin cannot be written");
}

static void
write_output(const uint8_t *bytes, size_t size)
{
	const uint32_t arguments[] = { out_file, (uint32_t)bytes, size };

	must(semihost(SEMI_WRITE, arguments) == 0, "pen.bin cannot be written");
}

/* The timer counts down. */
static inline uint32_t
ticks_since(uint32_t before)
{
	return (before - SYSTICK_NOW) & SYSTICK_MASK;
}

/* Two instructions a step. */
static uint32_t
time_loop(uint32_t steps)
{
	uint32_t before = SYSTICK_NOW;

	__asm__ volatile(".syntax unified\n1: subs %0, #1\n bne 1b" : "+l"(steps) : : "cc");
	return ticks_since(before);
}

/* Ticks of one block, from begin to finish; the bytes go out uncounted. */
static uint32_t
encode_block(uint32_t block, uint32_t first_ms, const struct stp_sample *samples)
{
	uint32_t before = SYSTICK_NOW, ticks;
	enum stp_status status;
	size_t size;

	if (block % SESSION_CHAIN == 0)
		status = stp_block_encoder_begin(&encoder, SESSION_PERIOD_MS, page, sizeof(page));
	else
		status = stp_block_encoder_begin_chained(&encoder, page, sizeof(page));
	for (uint32_t i = 0; i < SESSION_BLOCK && status == STP_OK; i++) {
		struct stp_sample sample = samples[i];

		sample.t_ms += first_ms;
		status = stp_block_encoder_add(&encoder, &sample);
	}
	if (status == STP_OK)
		status = stp_block_encoder_finish(&encoder, &size);
	ticks = ticks_since(before);
	must(status == STP_OK, "a block could not be encoded");
	write_output(page, size);
	return ticks;
}

static void
paint_stack(void)
{
	uint32_t *here = __builtin_frame_address(0);

	/* Clear of what this function itself has there. */
	for (uint32_t *word = stack_bottom; word < here - 32; word++)
		*word = STACK_PAINT;
}

static uint32_t
stack_used(void)
{
	const uint32_t *word = stack_bottom;

	while (word < stack_top && *word == STACK_PAINT)
		word++;
	return (uint32_t)((uintptr_t)stack_top - (uintptr_t)word);
}

static void
encode_session(void)
{
	uint32_t later = session_samples[SESSION_PART - 1].t_ms + SESSION_PERIOD_MS, block = 0;

	stp_block_encoder_init(&encoder);
	for (uint32_t round = 0; round < SESSION_ROUNDS; round++)
		for (uint32_t i = 0; i < SESSION_PART; i += SESSION_BLOCK, block++)
			say_number("block", encode_block(block, round * later, session_samples + i));
}

int main(void);

int
main(void)
{
	paint_stack();
	SYSTICK_RELOAD = SYSTICK_MASK;
	SYSTICK_NOW = 0;
	SYSTICK_CONTROL = SYSTICK_ON;
	say_number("steps", CALIBRATION_STEPS);
	for (uint32_t times = 1; times <= 3; times++)
		say_number("loop", time_loop(times * CALIBRATION_STEPS));
	open_output();
	encode_session();
	say_number("state", sizeof(encoder));
	say_number("stack", stack_used());
	leave(true);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/crc32c.h>
#include <stipple/telemetry.h>

#include "sample-check.h"
#include "session-generator.h"
#include "test-seed.h"

#define SAMPLES 600

static struct stp_sample out[STP_BLOCK_SAMPLES_MAX];

static size_t
make_block(uint64_t seed, size_t samples, uint8_t *bytes, size_t capacity)
{
	static struct stp_sample in[SAMPLES];
	struct session_plan plan = session_plan_default(SESSION_WHITE, seed, samples);
	size_t size;

	plan.absent = 0.01;
	plan.jitter = 0.05;
	plan.dropout = 0.01;
	session_generate(&plan, in, NULL);
	assert_int_equal(stp_block_encode(in, samples, 10, bytes, capacity, &size), STP_OK);
	return size;
}

static void
seal(uint8_t *bytes, size_t size)
{
	uint32_t crc = stp_crc32c(0, bytes, size - 4);

	for (unsigned i = 0; i < 4; i++)
		bytes[size - 4 + i] = (uint8_t)(crc >> 8 * i);
}

static void
every_flipped_bit_is_refused(void **state)
{
	uint8_t bytes[STP_BLOCK_SIZE_MAX(SAMPLES)];
	size_t size = make_block(1, SAMPLES, bytes, sizeof(bytes)), count = 77;

	for (size_t bit = 0; bit < size * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(stp_block_decode(bytes, size, out, SAMPLES, &count), STP_ERR_CRC);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(count, 77);
	assert_int_equal(stp_block_decode(bytes, size, out, SAMPLES, &count), STP_OK);
}

static void
every_truncation_is_refused(void **state)
{
	uint8_t bytes[STP_BLOCK_SIZE_MAX(SAMPLES)];
	size_t size = make_block(2, SAMPLES, bytes, sizeof(bytes)), count = 77;
	struct stp_block_info info;

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *copy = malloc(cut + 1);
		bool tiny = cut < STP_BLOCK_HEADER_SIZE + STP_BLOCK_TRAILER_SIZE;

		memcpy(copy, bytes, cut);
		assert_int_equal(stp_block_decode(copy, cut, out, SAMPLES, &count),
				 tiny ? STP_ERR_TRUNCATED : STP_ERR_CRC);
		assert_int_equal(stp_block_peek(copy, cut, &info), tiny ? STP_ERR_TRUNCATED : STP_OK);
		free(copy);
	}
	assert_int_equal(count, 77);
}

/* A broken encoder seals what it breaks: nothing may crash, nothing out of range may come out. */
static void
sealed_mutations_do_no_harm(void **state)
{
	struct session_random random = { test_seed() };
	size_t decoded = 0, rounds = 20000;

	for (size_t round = 0; round < rounds; round++) {
		uint8_t bytes[STP_BLOCK_SIZE_MAX(SAMPLES)], *copy;
		size_t size = make_block(round % 50, 1 + session_random_below(&random, 120),
					 bytes, sizeof(bytes));
		unsigned changes = 1 + session_random_below(&random, 4);
		size_t count = SIZE_MAX;

		if (session_random_below(&random, 4) == 0)
			size -= session_random_below(&random, (uint32_t)(size - 19) + 1);
		while (changes-- > 0)
			bytes[session_random_below(&random, (uint32_t)size)] ^=
				(uint8_t)(1 + session_random_below(&random, 255));
		seal(bytes, size);
		copy = malloc(size);
		memcpy(copy, bytes, size);
		if (stp_block_decode(copy, size, out, STP_BLOCK_SAMPLES_MAX, &count) == STP_OK) {
			decoded++;
			for (size_t i = 0; i < count; i++) {
				assert_true(sample_in_range(&out[i]));
				assert_true(i == 0 || out[i].t_ms >= out[i - 1].t_ms);
			}
		} else {
			assert_true(count == SIZE_MAX);
		}
		free(copy);
	}
	print_message("%zu of %zu sealed mutations decoded\n", decoded, rounds);
}

/* Event bits: from the byte before the checksum downwards, the first one lowest. */
struct event_bits {
	uint8_t *bytes;
	size_t end, count;
};

static void
put_bits(struct event_bits *bits, uint32_t value, unsigned count)
{
	for (unsigned i = 0; i < count; i++, bits->count++)
		if (value >> i & 1)
			bits->bytes[bits->end - 1 - bits->count / 8] |= (uint8_t)(1u << bits->count % 8);
}

static void
put_offset(struct event_bits *bits, bool early, uint32_t size, unsigned low)
{
	put_bits(bits, early, 1);
	put_bits(bits, 1u << low, low + 1);
	put_bits(bits, size, low);
}

/*
 * Four samples without values, 1000 ms apart: at the second one the clock goes back below zero, and a jitter
 * brings that one sample up again.  The third would be before the beginning of time, the fourth behind it.
 */
static void
a_clock_below_zero_is_refused(void **state)
{
	enum { EVENT_BYTES = 9 };
	uint8_t bytes[STP_BLOCK_HEADER_SIZE + EVENT_BYTES + STP_BLOCK_TRAILER_SIZE] = { [0] = STP_CODEC_RICE, [2] = 4,
		[8] = 1000 & 0xFF, [9] = 1000 >> 8 };
	struct event_bits bits = { bytes, STP_BLOCK_HEADER_SIZE + EVENT_BYTES, 0 };
	size_t count = 77;

	put_bits(&bits, 1 | 1u << 1, 7);	/* gap 1, at the parameter 6 */
	put_bits(&bits, 3, 3);			/* shift */
	put_offset(&bits, true, 2500, 11);
	put_bits(&bits, 1, 6);			/* gap 0, at 5 from here on */
	put_bits(&bits, 0, 1);			/* jitter */
	put_offset(&bits, false, 1500, 10);
	put_bits(&bits, 1 | 3u << 1, 6);	/* gap 3 */
	assert_int_equal((bits.count + 7) / 8, EVENT_BYTES);
	seal(bytes, sizeof(bytes));
	assert_int_equal(stp_block_decode(bytes, sizeof(bytes), out, SAMPLES, &count), STP_ERR_MALFORMED);
	assert_int_equal(count, 77);
}

static void
impossible_headers_are_named(void **state)
{
	static const struct { uint8_t at, value; enum stp_status status; } cases[] = {
		{ 0, 0, STP_ERR_UNKNOWN }, { 0, 3, STP_ERR_UNKNOWN }, { 1, 0x87, STP_ERR_MALFORMED },
		{ 3, 0xFF, STP_ERR_RANGE }, { 8, 4, STP_ERR_RANGE }, { 9, 0x04, STP_ERR_RANGE },
	};
	uint8_t bytes[STP_BLOCK_SIZE_MAX(20)];
	size_t size = make_block(3, 20, bytes, sizeof(bytes)), count;
	struct stp_block_info info;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t kept = bytes[cases[i].at];

		bytes[cases[i].at] = cases[i].value;
		seal(bytes, size);
		assert_int_equal(stp_block_peek(bytes, size, &info), cases[i].status);
		assert_int_equal(stp_block_decode(bytes, size, out, STP_BLOCK_SAMPLES_MAX, &count),
				 cases[i].status);
		bytes[cases[i].at] = kept;
	}
}

/* The first value of a column stands plain, in 14 bits: any number can be put there. */
static void
an_impossible_depth_is_named(void **state)
{
	const struct stp_sample sample = { 0, 0, 0, 0, 0, 0, 0 };
	uint8_t bytes[STP_BLOCK_SIZE_MAX(1)];
	size_t size, count;

	assert_int_equal(stp_block_encode(&sample, 1, 10, bytes, sizeof(bytes), &size), STP_OK);
	for (uint32_t depth = 0; depth < 1u << 14; depth += 13) {
		bytes[15] = (uint8_t)depth;
		bytes[16] = (uint8_t)(depth >> 8);
		seal(bytes, size);
		assert_int_equal(stp_block_decode(bytes, size, out, 1, &count),
				 depth > STP_DEPTH_MAX_UM ? STP_ERR_RANGE : STP_OK);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(sealed_mutations_do_no_harm),
		cmocka_unit_test(a_clock_below_zero_is_refused),
		cmocka_unit_test(impossible_headers_are_named),
		cmocka_unit_test(an_impossible_depth_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

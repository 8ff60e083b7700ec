/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/crc32c.h>
#include <stipple/telemetry.h>

#include "sample-check.h"
#include "session-generator.h"
#include "test-seed.h"

#define SAMPLES_MAX 6000
#define BLOCKS_MAX 300

/* A record's worth of blocks, one after the other. */
struct chain {
	struct stp_sample samples[SAMPLES_MAX];
	uint8_t bytes[STP_BLOCK_SIZE_MAX(SAMPLES_MAX) + BLOCKS_MAX * STP_BLOCK_SIZE_MAX(0)];
	size_t first[BLOCKS_MAX + 1], at[BLOCKS_MAX + 1];	/* of each block: sample and byte */
	size_t blocks;
};

static struct chain chain;
static struct stp_sample out[SAMPLES_MAX];

/* The next block, of count samples; at the end of the samples it gets fewer. */
static void
append(struct stp_block_encoder *encoder, const struct session_plan *plan, size_t count, bool chained)
{
	size_t block = chain.blocks, first = chain.first[block], size, taken;
	uint8_t *bytes = chain.bytes + chain.at[block];
	size_t capacity = sizeof(chain.bytes) - chain.at[block];

	if (count > plan->samples - first)
		count = plan->samples - first;
	if (chained)
		assert_int_equal(stp_block_encoder_begin_chained(encoder, bytes, capacity), STP_OK);
	else
		assert_int_equal(stp_block_encoder_begin(encoder, plan->period_ms, bytes, capacity), STP_OK);
	assert_int_equal(stp_block_encoder_add_many(encoder, chain.samples + first, count, &taken), STP_OK);
	assert_int_equal(taken, count);
	assert_int_equal(stp_block_encoder_finish(encoder, &size), STP_OK);
	assert_true(size <= STP_BLOCK_SIZE_MAX(count));
	chain.blocks++;
	chain.first[chain.blocks] = first + count;
	chain.at[chain.blocks] = chain.at[block] + size;
}

/* One independent block, then chained ones of count samples each. */
static void
make_chain(const struct session_plan *plan, size_t count)
{
	struct stp_block_encoder encoder;

	session_generate(plan, chain.samples, NULL);
	chain.blocks = 0;
	stp_block_encoder_init(&encoder);
	append(&encoder, plan, count, false);
	while (chain.first[chain.blocks] < plan->samples)
		append(&encoder, plan, count, true);
}

/* In a copy of just its size, so that a sanitizer sees any byte too far. */
static enum stp_status
next(struct stp_block_decoder *decoder, size_t block, size_t capacity, size_t *count)
{
	size_t size = chain.at[block + 1] - chain.at[block];
	uint8_t *copy = malloc(size);
	enum stp_status status;

	memcpy(copy, chain.bytes + chain.at[block], size);
	status = stp_block_decoder_next(decoder, copy, size, out, capacity, count);
	free(copy);
	return status;
}

static void
reads(struct stp_block_decoder *decoder, size_t block)
{
	size_t expected = chain.first[block + 1] - chain.first[block], count = SIZE_MAX;

	assert_int_equal(next(decoder, block, expected, &count), STP_OK);
	assert_int_equal(count, expected);
	for (size_t i = 0; i < count; i++)
		if (!samples_equal(&out[i], &chain.samples[chain.first[block] + i]))
			fail_msg("sample %zu of block %zu differs", i, block);
}

static void
all_reads(void)
{
	struct stp_block_decoder decoder;

	stp_block_decoder_init(&decoder);
	for (size_t block = 0; block < chain.blocks; block++)
		reads(&decoder, block);
}

static struct session_plan
troubled_plan(uint64_t seed, size_t samples)
{
	struct session_plan plan = session_plan_default(SESSION_WHITE, seed, samples);

	plan.absent = 0.01;
	plan.jitter = 0.05;
	plan.dropout = 0.01;
	return plan;
}

static void
any_sequence_of_blocks_comes_back(void **state)
{
	struct session_random random = { test_seed() };

	for (unsigned round = 0; round < 200; round++) {
		enum session_profile profile = (enum session_profile)(round % SESSION_PROFILES);
		struct session_plan plan = session_plan_default(profile, session_random_next(&random),
			session_random_below(&random, SAMPLES_MAX));
		struct stp_block_encoder encoder;
		uint32_t usual = 1 + session_random_below(&random, 200);

		plan.period_ms = (uint16_t)(5 + session_random_below(&random, 996));
		plan.jitter = session_random_below(&random, 4) / 4.0;
		plan.dropout = session_random_below(&random, 3) / 20.0;
		plan.absent = session_random_below(&random, 3) / 50.0;
		plan.no_depth = session_random_below(&random, 8) == 0;
		plan.no_rate = session_random_below(&random, 8) == 0;
		plan.no_current = session_random_below(&random, 8) == 0;
		session_generate(&plan, chain.samples, NULL);
		chain.blocks = 0;
		stp_block_encoder_init(&encoder);
		do {
			bool chained = chain.blocks > 0 && session_random_below(&random, 20) > 0;

			append(&encoder, &plan, session_random_below(&random, 2 * usual), chained);
		} while (chain.first[chain.blocks] < plan.samples && chain.blocks < BLOCKS_MAX);
		all_reads();
	}
}

/* Every kind of event, and all of them at once, at a chained block's first sample. */
static void
a_chained_block_may_begin_with_anything(void **state)
{
	const struct stp_sample before = { 1000, 1500, 1167, 60, 0, 1, 3 };
	const struct stp_sample after[] = {
		{ 1010, 1500, 1167, 60, 0, 1, 3 }, { 1010, 1500, 1167, 60, 1, 1, 3 },
		{ 1011, 1500, 1167, 60, 0, 1, 3 }, { 1000, 1500, 1167, 60, 0, 1, 3 },
		{ 9999, 1500, 1167, 60, 0, 1, 3 }, { UINT32_MAX, 1500, 1167, 60, 0, 1, 3 },
		{ 1010, 1500, 1167, 60, 0, 2, 4 }, { 1010, STP_ABSENT, 1167, 60, 0, 1, 3 },
		{ 1010, STP_ABSENT, STP_ABSENT, STP_ABSENT, 0, 1, 3 }, { 1010, 5000, 0, 10000, 0, 1, 3 },
		{ 1234, STP_ABSENT, 5000, STP_ABSENT, 1, 255, 255 },
	};

	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		struct session_plan plan = { .samples = 2, .period_ms = 10 };
		struct stp_block_encoder encoder;

		for (unsigned empty = 0; empty < 4; empty++) {
			stp_block_encoder_init(&encoder);
			chain.blocks = 0;
			chain.samples[0] = before;
			chain.samples[1] = after[i];
			/* Blocks without samples, independent or chained, change nothing. */
			append(&encoder, &plan, empty & 1 ? 0 : 1, false);
			if (empty & 1)
				append(&encoder, &plan, 1, true);
			if (empty & 2)
				append(&encoder, &plan, 0, true);
			append(&encoder, &plan, 1, true);
			all_reads();
		}
	}
}

static void
a_chained_block_needs_the_one_before(void **state)
{
	struct session_plan plan = troubled_plan(1, 1000);
	struct stp_block_decoder decoder;
	struct stp_block_info info;
	size_t count = 77;

	make_chain(&plan, 100);
	assert_int_equal(stp_block_peek(chain.bytes + chain.at[1], chain.at[2] - chain.at[1], &info), STP_OK);
	assert_int_equal(info.codec, STP_CODEC_CHAINED);
	assert_int_equal(info.samples, 100);
	assert_int_equal(stp_block_decode(chain.bytes + chain.at[1], chain.at[2] - chain.at[1],
					  out, SAMPLES_MAX, &count), STP_ERR_ORPHAN);
	stp_block_decoder_init(&decoder);
	assert_int_equal(next(&decoder, 1, SAMPLES_MAX, &count), STP_ERR_ORPHAN);
	/* Behind another block than its own: the checksum tells. */
	for (size_t gone = 1; gone < 9; gone++) {
		stp_block_decoder_init(&decoder);
		for (size_t block = 0; block < gone; block++)
			reads(&decoder, block);
		assert_int_equal(next(&decoder, gone + 1, SAMPLES_MAX, &count), STP_ERR_CRC);
		/* Nothing can be read any more, but an independent block. */
		count = 77;
		assert_int_equal(next(&decoder, gone + 1, SAMPLES_MAX, &count), STP_ERR_ORPHAN);
		assert_int_equal(next(&decoder, gone, SAMPLES_MAX, &count), STP_ERR_ORPHAN);
		reads(&decoder, 0);
		reads(&decoder, 1);
		assert_int_equal(next(&decoder, 1, SAMPLES_MAX, &count), STP_ERR_CRC);
	}
}

static void
damage_lasts_until_the_next_independent_block(void **state)
{
	struct session_plan plan = troubled_plan(2, 1200);
	struct stp_block_encoder encoder;
	size_t count;

	session_generate(&plan, chain.samples, NULL);
	chain.blocks = 0;
	stp_block_encoder_init(&encoder);
	for (unsigned i = 0; i < 12; i++)
		append(&encoder, &plan, 100, i % 4 != 0);
	for (size_t damaged = 0; damaged < 12; damaged++) {
		struct stp_block_decoder decoder;
		uint8_t *byte = chain.bytes + (chain.at[damaged] + chain.at[damaged + 1]) / 2;

		*byte ^= 0x10;
		stp_block_decoder_init(&decoder);
		for (size_t block = 0; block < 12; block++) {
			if (block == damaged)
				assert_int_equal(next(&decoder, block, SAMPLES_MAX, &count), STP_ERR_CRC);
			else if (block > damaged && block / 4 == damaged / 4)
				assert_int_equal(next(&decoder, block, SAMPLES_MAX, &count), STP_ERR_ORPHAN);
			else
				reads(&decoder, block);
		}
		*byte ^= 0x10;
	}
}

static void
too_little_room_loses_nothing(void **state)
{
	struct session_plan plan = troubled_plan(3, 1000);
	struct stp_block_decoder decoder;
	size_t count = 77;

	make_chain(&plan, 100);
	stp_block_decoder_init(&decoder);
	for (size_t block = 0; block < chain.blocks; block++) {
		assert_int_equal(next(&decoder, block, 99, &count), STP_ERR_SPACE);
		assert_int_equal(count, 77);
		reads(&decoder, block);
	}
}

static void
every_flipped_bit_and_cut_is_refused(void **state)
{
	struct session_plan plan = troubled_plan(4, 600);
	struct stp_block_decoder before, decoder;
	size_t count = 77, size;
	uint8_t *bytes;

	make_chain(&plan, 300);
	stp_block_decoder_init(&before);
	reads(&before, 0);
	bytes = chain.bytes + chain.at[1];
	size = chain.at[2] - chain.at[1];
	for (size_t bit = 0; bit < size * 8; bit++) {
		decoder = before;
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(next(&decoder, 1, SAMPLES_MAX, &count), STP_ERR_CRC);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = 0; cut < size; cut++) {
		bool tiny = cut < STP_BLOCK_CHAINED_HEADER_SIZE + STP_BLOCK_TRAILER_SIZE;
		uint8_t *copy = malloc(cut + 1);

		decoder = before;
		memcpy(copy, bytes, cut);
		assert_int_equal(stp_block_decoder_next(&decoder, copy, cut, out, SAMPLES_MAX, &count),
				 tiny ? STP_ERR_TRUNCATED : STP_ERR_CRC);
		free(copy);
	}
	assert_int_equal(count, 77);
	reads(&before, 1);
}

/* A broken encoder seals what it breaks: nothing may crash, nothing out of range may come out. */
static void
sealed_mutations_do_no_harm(void **state)
{
	struct session_random random = { test_seed() };
	size_t decoded = 0, rounds = 20000;

	for (size_t round = 0; round < rounds; round++) {
		struct session_plan plan = troubled_plan(round, 2 + session_random_below(&random, 120));
		uint32_t changes = 1 + session_random_below(&random, 4), last_ms, crc;
		struct stp_block_decoder decoder;
		size_t size, count = SIZE_MAX;
		uint8_t *bytes;

		make_chain(&plan, (plan.samples + 1) / 2);
		stp_block_decoder_init(&decoder);
		reads(&decoder, 0);
		last_ms = chain.samples[chain.first[1] - 1].t_ms;
		bytes = chain.bytes + chain.at[1];
		size = chain.at[2] - chain.at[1];
		while (changes-- > 0)
			bytes[1 + session_random_below(&random, (uint32_t)size - 1)] ^=
				(uint8_t)(1 + session_random_below(&random, 255));
		memcpy(&crc, bytes - 4, 4);
		crc = stp_crc32c(crc, bytes, size - 4);
		for (unsigned i = 0; i < 4; i++)
			bytes[size - 4 + i] = (uint8_t)(crc >> 8 * i);
		if (next(&decoder, 1, SAMPLES_MAX, &count) == STP_OK) {
			decoded++;
			for (size_t i = 0; i < count; i++) {
				assert_true(sample_in_range(&out[i]));
				assert_true(out[i].t_ms >= (i ? out[i - 1].t_ms : last_ms));
			}
		} else {
			assert_true(count == SIZE_MAX);
		}
	}
	print_message("%zu of %zu sealed mutations decoded\n", decoded, rounds);
}

static void
only_a_finished_block_can_be_continued(void **state)
{
	const struct stp_sample sample = { 0, 1, 2, 3, 0, 0, 0 };
	uint8_t bytes[STP_BLOCK_SIZE_MAX(2)];
	struct stp_block_encoder encoder;
	size_t size;

	stp_block_encoder_init(&encoder);
	assert_int_equal(stp_block_encoder_begin_chained(&encoder, bytes, sizeof(bytes)), STP_ERR_ARGUMENT);
	assert_int_equal(stp_block_encoder_begin(&encoder, 10, bytes, sizeof(bytes)), STP_OK);
	assert_int_equal(stp_block_encoder_begin_chained(&encoder, bytes, sizeof(bytes)), STP_ERR_ARGUMENT);
	assert_int_equal(stp_block_encoder_add(&encoder, &sample), STP_OK);
	assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
	assert_int_equal(stp_block_encoder_begin_chained(&encoder, bytes, STP_BLOCK_SIZE_MAX(0) - 1),
			 STP_ERR_SPACE);
	assert_int_equal(stp_block_encoder_begin_chained(&encoder, bytes, sizeof(bytes)), STP_OK);
	assert_int_equal(stp_block_encoder_add(&encoder, &sample), STP_OK);
	/* Given up: what it would have taken over is gone. */
	assert_int_equal(stp_block_encoder_begin_chained(&encoder, bytes, sizeof(bytes)), STP_ERR_ARGUMENT);
	assert_int_equal(stp_block_encoder_begin(&encoder, 10, bytes, sizeof(bytes)), STP_OK);
}

static void
time_goes_on_from_block_to_block(void **state)
{
	struct stp_sample sample = { 5000, 1, 2, 3, 0, 0, 0 };
	uint8_t bytes[STP_BLOCK_SIZE_MAX(2)];
	struct stp_block_encoder encoder;
	size_t size;

	stp_block_encoder_init(&encoder);
	assert_int_equal(stp_block_encoder_begin(&encoder, 10, bytes, sizeof(bytes)), STP_OK);
	assert_int_equal(stp_block_encoder_add(&encoder, &sample), STP_OK);
	assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
	assert_int_equal(stp_block_encoder_begin_chained(&encoder, bytes, sizeof(bytes)), STP_OK);
	sample.t_ms = 4999;
	assert_int_equal(stp_block_encoder_add(&encoder, &sample), STP_ERR_RANGE);
	sample.t_ms = 5000;
	assert_int_equal(stp_block_encoder_add(&encoder, &sample), STP_OK);
	assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
	/* An independent block says where it begins. */
	assert_int_equal(stp_block_encoder_begin(&encoder, 10, bytes, sizeof(bytes)), STP_OK);
	sample.t_ms = 0;
	assert_int_equal(stp_block_encoder_add(&encoder, &sample), STP_OK);
	assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
}

static void
every_period_comes_back(void **state)
{
	for (unsigned period_ms = STP_PERIOD_MIN_MS; period_ms <= STP_PERIOD_MAX_MS; period_ms++) {
		struct session_plan plan = troubled_plan(period_ms, 90);

		plan.period_ms = (uint16_t)period_ms;
		make_chain(&plan, 30);
		all_reads();
	}
}

/* How the pen's clock may run: each sample's time after the one before, in ms; it comes again and again. */
static void
any_course_of_time_comes_back(void **state)
{
	static const uint32_t steps[][8] = {
		{ 10, 10, 10, 3600000, 10, 10, 10, 10 },	/* set by an hour, for good */
		{ 10, 10, 4000, 10, 10, 10, 30, 20 },		/* samples are missing */
		{ 0, 0, 0, 0, 0, 0, 0, 0 },			/* it stands still */
		{ 10, 0, 20, 10, 0, 20, 0, 20 },		/* late and early by a whole period */
		{ 19, 1, 10, 19, 1, 10, 9, 11 },		/* by nearly one */
		{ 11, 11, 11, 11, 11, 11, 11, 11 },		/* too slow all the time */
		{ 9, 9, 9, 10, 9, 9, 9, 9 },			/* too fast */
		{ 1, 2, 4, 8, 16, 32, 64, 128 },
		{ 0, 20000000, 1, 0, 0, 30000000, 10, 10 },	/* to the end of all times */
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		for (size_t length = 1; length <= 40; length += 13) {
			struct session_plan plan = session_plan_default(SESSION_QUIET, i, 640);
			struct stp_block_encoder encoder;
			uint32_t t_ms = 0;

			session_generate(&plan, chain.samples, NULL);
			for (size_t at = 0; at < plan.samples; at++) {
				uint32_t step = steps[i][at % 8];

				chain.samples[at].t_ms = t_ms += step <= UINT32_MAX - t_ms ? step : 0;
			}
			chain.blocks = 0;
			stp_block_encoder_init(&encoder);
			for (size_t block = 0; block < 40; block++)
				append(&encoder, &plan, length, block > 0);
			all_reads();
		}
	}
}

/* Also behind the largest block there is, the largest block can come. */
static void
the_largest_blocks_are_chained(void **state)
{
	struct session_plan plan = session_plan_default(SESSION_QUIET, 3, STP_BLOCK_SAMPLES_MAX + 1);
	size_t capacity = STP_BLOCK_SIZE_MAX(STP_BLOCK_SAMPLES_MAX), size, taken, count;
	struct stp_sample *samples = calloc(plan.samples, sizeof(*samples));
	struct stp_sample *decoded = calloc(plan.samples, sizeof(*decoded));
	struct stp_block_encoder encoder;
	struct stp_block_decoder decoder;
	uint8_t *bytes = malloc(capacity);
	uint32_t later;

	session_generate(&plan, samples, NULL);
	later = samples[plan.samples - 1].t_ms;
	stp_block_encoder_init(&encoder);
	stp_block_decoder_init(&decoder);
	for (unsigned block = 0; block < 3; block++) {
		if (block == 0)
			assert_int_equal(stp_block_encoder_begin(&encoder, 10, bytes, capacity), STP_OK);
		else
			assert_int_equal(stp_block_encoder_begin_chained(&encoder, bytes, capacity), STP_OK);
		assert_int_equal(stp_block_encoder_add_many(&encoder, samples, plan.samples, &taken),
				 STP_ERR_SPACE);
		assert_int_equal(taken, STP_BLOCK_SAMPLES_MAX);
		assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
		assert_int_equal(stp_block_decoder_next(&decoder, bytes, size, decoded, plan.samples, &count),
				 STP_OK);
		assert_int_equal(count, STP_BLOCK_SAMPLES_MAX);
		for (size_t i = 0; i < count; i++)
			assert_true(samples_equal(&decoded[i], &samples[i]));
		for (size_t i = 0; i < plan.samples; i++)
			samples[i].t_ms += later;
	}
	free(samples);
	free(decoded);
	free(bytes);
}

static size_t
never(struct stp_block_encoder *encoder, const struct stp_sample *samples, size_t count)
{
	return 0;
}

/* Pages of a size, filled as far as they go; returns their bytes in out. */
static size_t
fill_pages(const struct session_plan *plan, size_t page, bool many, bool slow, uint8_t *to)
{
	struct stp_block_encoder encoder;
	size_t used = 0;

	stp_block_encoder_init(&encoder);
	if (slow)
		encoder.plain = never;
	for (size_t next = 0; next < plan->samples; ) {
		enum stp_status status = STP_OK;
		size_t taken = 0, size;

		if (used == 0)
			assert_int_equal(stp_block_encoder_begin(&encoder, plan->period_ms, to, page),
					 STP_OK);
		else
			assert_int_equal(stp_block_encoder_begin_chained(&encoder, to + used, page), STP_OK);
		if (many)
			status = stp_block_encoder_add_many(&encoder, chain.samples + next,
							    plan->samples - next, &taken);
		while (!many && next + taken < plan->samples && status == STP_OK) {
			status = stp_block_encoder_add(&encoder, chain.samples + next + taken);
			taken += status == STP_OK;
		}
		assert_true(status == STP_OK || status == STP_ERR_SPACE);
		assert_true(taken > 0);
		assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
		next += taken;
		used += size;
	}
	return used;
}

/* Samples one by one or many at once, the fast way or the slow: the same bytes, the same pages. */
static void
all_ways_write_the_same(void **state)
{
	static uint8_t bytes[4][sizeof(chain.bytes)];
	struct session_random random = { test_seed() };

	for (unsigned round = 0; round < 100; round++) {
		struct session_plan plan = troubled_plan(session_random_next(&random),
							 session_random_below(&random, SAMPLES_MAX));
		size_t page = STP_BLOCK_SIZE_MAX(1) + session_random_below(&random, 4000), size;

		plan.jitter = session_random_below(&random, 2) / 100.0;
		plan.absent = session_random_below(&random, 2) / 500.0;
		plan.noise.depth_um *= 1u << session_random_below(&random, 9);
		plan.noise.current_ma *= 1u << session_random_below(&random, 9);
		session_generate(&plan, chain.samples, NULL);
		size = fill_pages(&plan, page, true, false, bytes[0]);
		for (unsigned way = 1; way < 4; way++) {
			assert_int_equal(fill_pages(&plan, page, way & 1, way & 2, bytes[way]), size);
			assert_memory_equal(bytes[way], bytes[0], size);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_sequence_of_blocks_comes_back),
		cmocka_unit_test(a_chained_block_may_begin_with_anything),
		cmocka_unit_test(a_chained_block_needs_the_one_before),
		cmocka_unit_test(damage_lasts_until_the_next_independent_block),
		cmocka_unit_test(too_little_room_loses_nothing),
		cmocka_unit_test(every_flipped_bit_and_cut_is_refused),
		cmocka_unit_test(sealed_mutations_do_no_harm),
		cmocka_unit_test(only_a_finished_block_can_be_continued),
		cmocka_unit_test(every_period_comes_back),
		cmocka_unit_test(any_course_of_time_comes_back),
		cmocka_unit_test(the_largest_blocks_are_chained),
		cmocka_unit_test(all_ways_write_the_same),
		cmocka_unit_test(time_goes_on_from_block_to_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

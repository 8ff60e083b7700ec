/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/telemetry.h>

#include "sample-check.h"
#include "session-generator.h"
#include "test-seed.h"

static struct stp_sample *
room(size_t count)
{
	struct stp_sample *samples = calloc(count + 1, sizeof(*samples));

	assert_non_null(samples);
	return samples;
}

/* Encode, decode, compare; returns the block's size. */
static size_t
round_trip(const struct stp_sample *samples, size_t count, uint16_t period_ms)
{
	size_t capacity = STP_BLOCK_SIZE_MAX(count), size = 0, decoded = SIZE_MAX;
	uint8_t *bytes = malloc(capacity);
	struct stp_sample *out = room(count);
	struct stp_block_info info;

	assert_non_null(bytes);
	assert_int_equal(stp_block_encode(samples, count, period_ms, bytes, capacity, &size), STP_OK);
	assert_true(size <= STP_BLOCK_SIZE_MAX(count));
	assert_int_equal(stp_block_peek(bytes, size, &info), STP_OK);
	assert_int_equal(info.codec, STP_CODEC_RICE);
	assert_int_equal(info.samples, count);
	assert_int_equal(info.period_ms, period_ms);
	assert_int_equal(info.first_ms, count > 0 ? samples[0].t_ms : 0);
	/* Of exactly this size, so that a sanitizer sees any byte too far. */
	bytes = realloc(bytes, size);
	assert_int_equal(stp_block_decode(bytes, size, out, count, &decoded), STP_OK);
	assert_int_equal(decoded, count);
	for (size_t i = 0; i < count; i++)
		if (!samples_equal(&samples[i], &out[i]))
			fail_msg("sample %zu of %zu differs", i, count);
	if (count > 0)
		assert_int_equal(stp_block_decode(bytes, size, out, count - 1, &decoded),
				 STP_ERR_SPACE);
	free(bytes);
	free(out);
	return size;
}

static size_t
generated(const struct session_plan *plan)
{
	struct stp_sample *samples = room(plan->samples);
	size_t size;

	session_generate(plan, samples, NULL);
	size = round_trip(samples, plan->samples, plan->period_ms);
	free(samples);
	return size;
}

static void
random_sessions_come_back(void **state)
{
	struct session_random random = { test_seed() };

	for (unsigned round = 0; round < 300; round++) {
		enum session_profile profile = (enum session_profile)(round % SESSION_PROFILES);
		struct session_plan plan = session_plan_default(profile,
			session_random_next(&random), session_random_below(&random, 3000));

		plan.period_ms = (uint16_t)(5 + session_random_below(&random, 996));
		plan.jitter = session_random_below(&random, 4) / 4.0;
		plan.dropout = session_random_below(&random, 3) / 20.0;
		plan.absent = session_random_below(&random, 3) / 50.0;
		plan.no_depth = session_random_below(&random, 8) == 0;
		plan.no_rate = session_random_below(&random, 8) == 0;
		plan.no_current = session_random_below(&random, 8) == 0;
		plan.noise.depth_um *= session_random_below(&random, 20);
		generated(&plan);
	}
}

static void
every_small_count_comes_back(void **state)
{
	for (size_t count = 0; count < 40; count++) {
		struct session_plan plan = session_plan_default(SESSION_WHITE, count, count);

		generated(&plan);
	}
}

static void
the_largest_block_comes_back(void **state)
{
	struct session_plan plan = session_plan_default(SESSION_WHITE, 1, STP_BLOCK_SAMPLES_MAX);
	struct stp_sample *samples = room(STP_BLOCK_SAMPLES_MAX + 1);
	uint8_t *bytes = malloc(STP_BLOCK_SIZE_MAX(STP_BLOCK_SAMPLES_MAX + 1));
	struct stp_block_encoder encoder;
	size_t size = 7;

	generated(&plan);
	assert_int_equal(stp_block_encode(samples, STP_BLOCK_SAMPLES_MAX + 1, 10, bytes,
		STP_BLOCK_SIZE_MAX(STP_BLOCK_SAMPLES_MAX + 1), &size), STP_ERR_ARGUMENT);
	assert_int_equal(size, 7);
	stp_block_encoder_init(&encoder);
	assert_int_equal(stp_block_encoder_begin(&encoder, 10, bytes,
		STP_BLOCK_SIZE_MAX(STP_BLOCK_SAMPLES_MAX + 1)), STP_OK);
	for (size_t i = 0; i < STP_BLOCK_SAMPLES_MAX; i++)
		assert_int_equal(stp_block_encoder_add(&encoder, &samples[i]), STP_OK);
	assert_int_equal(stp_block_encoder_add(&encoder, &samples[0]), STP_ERR_SPACE);
	assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
	free(samples);
	free(bytes);
}

static void
an_empty_block_is_a_block(void **state)
{
	assert_int_equal(round_trip(NULL, 0, 5), STP_BLOCK_HEADER_SIZE + STP_BLOCK_TRAILER_SIZE);
}

static void
samples_without_any_value_cost_next_to_nothing(void **state)
{
	struct stp_sample *samples = room(36000);

	for (uint32_t i = 0; i < 36000; i++)
		samples[i] = (struct stp_sample){ i * 10, STP_ABSENT, STP_ABSENT, STP_ABSENT, 0, 0, 0 };
	assert_true(round_trip(samples, 36000, 10) < 32);
	free(samples);
}

/* All combinations of the ends of every range, each next to each. */
static void
boundary_values_come_back(void **state)
{
	static const uint16_t depths[] = { 0, 1, STP_DEPTH_MAX_UM, STP_ABSENT };
	static const uint16_t rates[] = { 0, STP_RATE_MAX_DHZ - 1, STP_RATE_MAX_DHZ, STP_ABSENT };
	static const uint16_t currents[] = { 0, STP_CURRENT_MAX_MA, STP_ABSENT, 7 };
	struct session_random random = { test_seed() };
	struct stp_sample *samples = room(5000);
	uint32_t t_ms = 0;

	for (size_t i = 0; i < 5000; i++) {
		uint32_t r = session_random_below(&random, 1u << 20);

		t_ms += r % 7 == 0 ? 1000 : r % 11 == 0 ? 0 : 5;
		samples[i] = (struct stp_sample){ t_ms, depths[r & 3], rates[r >> 2 & 3],
			currents[r >> 4 & 3], r >> 6 & 1, r >> 7 & 1 ? 255 : 0, r >> 8 & 1 ? 255 : 1 };
	}
	round_trip(samples, 5000, STP_PERIOD_MIN_MS);
	round_trip(samples, 5000, STP_PERIOD_MAX_MS);
	free(samples);
}

static void
times_at_the_ends_of_their_range_come_back(void **state)
{
	struct stp_sample samples[] = {
		{ 0, 1, 2, 3, 0, 1, 1 }, { 0, 1, 2, 3, 0, 1, 1 }, { UINT32_MAX - 5, 1, 2, 3, 0, 1, 1 },
		{ UINT32_MAX, 1, 2, 3, 0, 1, 1 }, { UINT32_MAX, 1, 2, 3, 1, 1, 1 },
	};

	round_trip(samples, 5, 5);
	round_trip(samples, 5, 1000);
	round_trip(samples + 3, 2, 5);
}

/* The hardest there is: no pattern, every event at every sample, times leaping. */
static void
the_worst_noise_stays_below_the_documented_size(void **state)
{
	struct session_random random = { test_seed() };
	struct stp_sample *samples = room(36000);

	for (unsigned round = 0; round < 8; round++) {
		size_t count = round < 4 ? round + 1 : 36000;
		uint32_t t_ms = 0;

		for (size_t i = 0; i < count; i++) {
			uint64_t r = session_random_next(&random);

			t_ms += (uint32_t)(r >> 40) % (UINT32_MAX / 36001) ;
			samples[i] = (struct stp_sample){ t_ms,
				(uint16_t)(r & 1 ? 0 : STP_DEPTH_MAX_UM),
				(uint16_t)(r & 2 ? 0 : STP_RATE_MAX_DHZ),
				(uint16_t)(r & 4 ? 0 : STP_CURRENT_MAX_MA),
				(uint8_t)(i & 1), (uint8_t)(r >> 8), (uint8_t)(r >> 16) };
			if (round % 2 && i % 2)
				samples[i].depth_um = samples[i].current_ma = STP_ABSENT;
		}
		round_trip(samples, count, 5);
	}
	free(samples);
}

static void
bad_samples_are_refused_and_leave_the_block_whole(void **state)
{
	static const struct stp_sample bad[] = {
		{ 20, STP_DEPTH_MAX_UM + 1, 0, 0, 0, 0, 0 }, { 20, 0, STP_RATE_MAX_DHZ + 1, 0, 0, 0, 0 },
		{ 20, 0, 0, STP_CURRENT_MAX_MA + 1, 0, 0, 0 }, { 20, STP_ABSENT - 1, 0, 0, 0, 0, 0 },
		{ 20, 0, 0, 0, 2, 0, 0 }, { 9, 0, 0, 0, 0, 0, 0 },
	};
	const struct stp_sample good = { 10, 5, 6, 7, 0, 0, 0 };
	uint8_t bytes[STP_BLOCK_SIZE_MAX(4)];
	struct stp_block_encoder encoder;
	struct stp_sample out[4];
	size_t size, count;

	stp_block_encoder_init(&encoder);
	assert_int_equal(stp_block_encoder_begin(&encoder, 4, bytes, sizeof(bytes)), STP_ERR_RANGE);
	assert_int_equal(stp_block_encoder_begin(&encoder, 1001, bytes, sizeof(bytes)), STP_ERR_RANGE);
	assert_int_equal(stp_block_encoder_begin(&encoder, 10, bytes, STP_BLOCK_SIZE_MAX(0) - 1),
			 STP_ERR_SPACE);
	assert_int_equal(stp_block_encoder_begin(&encoder, 10, bytes, sizeof(bytes)), STP_OK);
	assert_int_equal(stp_block_encoder_add(&encoder, &good), STP_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(stp_block_encoder_add(&encoder, &bad[i]), STP_ERR_RANGE);
	assert_int_equal(stp_block_encoder_add(&encoder, &good), STP_OK);
	assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
	assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_ERR_ARGUMENT);
	assert_int_equal(stp_block_encoder_add(&encoder, &good), STP_ERR_ARGUMENT);
	assert_int_equal(stp_block_decode(bytes, size, out, 4, &count), STP_OK);
	assert_int_equal(count, 2);
	assert_true(samples_equal(&out[1], &good));
}

/* As a pen does: a page of flash is filled until no sample fits, then the next one begun. */
static void
pages_of_any_size_fill_up_and_lose_nothing(void **state)
{
	struct session_plan plan = session_plan_default(SESSION_WHITE, 3, 6000);
	struct stp_sample *samples = room(plan.samples), *out = room(plan.samples);
	uint8_t page[4096];

	plan.absent = 0.01;
	session_generate(&plan, samples, NULL);
	for (size_t capacity = STP_BLOCK_SIZE_MAX(1); capacity <= sizeof(page); capacity += 331) {
		struct stp_block_encoder encoder;
		size_t next = 0, size, count, decoded = 0;

		stp_block_encoder_init(&encoder);
		while (next < plan.samples) {
			enum stp_status status = STP_OK;

			assert_int_equal(stp_block_encoder_begin(&encoder, 10, page, capacity), STP_OK);
			while (next < plan.samples && status == STP_OK) {
				status = stp_block_encoder_add(&encoder, &samples[next]);
				next += status == STP_OK;
			}
			assert_true(status == STP_OK || status == STP_ERR_SPACE);
			assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
			assert_true(size <= capacity);
			assert_int_equal(stp_block_decode(page, size, out + decoded,
				plan.samples - decoded, &count), STP_OK);
			assert_true(count > 0);
			decoded += count;
			assert_int_equal(decoded, next);
		}
		for (size_t i = 0; i < plan.samples; i++)
			assert_true(samples_equal(&samples[i], &out[i]));
	}
	free(samples);
	free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_sessions_come_back),
		cmocka_unit_test(every_small_count_comes_back),
		cmocka_unit_test(the_largest_block_comes_back),
		cmocka_unit_test(an_empty_block_is_a_block),
		cmocka_unit_test(samples_without_any_value_cost_next_to_nothing),
		cmocka_unit_test(boundary_values_come_back),
		cmocka_unit_test(times_at_the_ends_of_their_range_come_back),
		cmocka_unit_test(the_worst_noise_stays_below_the_documented_size),
		cmocka_unit_test(bad_samples_are_refused_and_leave_the_block_whole),
		cmocka_unit_test(pages_of_any_size_fill_up_and_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

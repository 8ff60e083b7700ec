/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sample-check.h"
#include "telemetry-files.h"

#define SKIPPED 77

static bool found_all = true;

/* Blocks of the usual size, each by itself or all but the first chained; returns bytes per sample. */
static double
through_blocks(const struct stp_sample *samples, size_t count, bool chained)
{
	static struct stp_sample out[STP_BLOCK_SAMPLES_DEFAULT];
	static uint8_t block[STP_BLOCK_SIZE_MAX(STP_BLOCK_SAMPLES_DEFAULT)];
	struct stp_block_encoder encoder;
	struct stp_block_decoder decoder;
	size_t total = 0;

	stp_block_encoder_init(&encoder);
	stp_block_decoder_init(&decoder);
	for (size_t done = 0; done < count; ) {
		size_t part = count - done, taken, size, decoded;

		if (part > STP_BLOCK_SAMPLES_DEFAULT)
			part = STP_BLOCK_SAMPLES_DEFAULT;
		if (chained && done > 0)
			assert_int_equal(stp_block_encoder_begin_chained(&encoder, block, sizeof(block)),
					 STP_OK);
		else
			assert_int_equal(stp_block_encoder_begin(&encoder, 10, block, sizeof(block)), STP_OK);
		assert_int_equal(stp_block_encoder_add_many(&encoder, samples + done, part, &taken),
				 STP_OK);
		assert_int_equal(taken, part);
		assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
		if (chained)
			assert_int_equal(stp_block_decoder_next(&decoder, block, size, out, part, &decoded),
					 STP_OK);
		else
			assert_int_equal(stp_block_decode(block, size, out, part, &decoded), STP_OK);
		assert_int_equal(decoded, part);
		for (size_t i = 0; i < part; i++)
			assert_true(samples_equal(&samples[done + i], &out[i]));
		total += size;
		done += part;
	}
	return (double)total / (double)count;
}

/* What the codec reaches, to a percent: a change that costs size must say so here. */
static const double entropies_taken[2][SESSION_PROFILES] = {
	{ 1.065, 1.075, 1.11 },
	{ 1.055, 1.065, 1.10 },
};

static void
the_files_come_back_near_their_entropy(void **state)
{
	for (enum session_profile profile = SESSION_WHITE; profile < SESSION_PROFILES; profile++) {
		struct stp_sample *samples;
		size_t count = telemetry_file_read(profile, &samples);
		double entropy = telemetry_file_entropy(profile);

		if (count == 0) {
			found_all = false;
			continue;
		}
		for (unsigned chained = 0; chained < 2; chained++) {
			double size = through_blocks(samples, count, chained);

			print_message("%s, %s: %.3f bytes/sample, %.3f of the entropy\n",
				      session_profile_name(profile), chained ? "chained" : "independent",
				      size, size / entropy);
			assert_true(size <= entropies_taken[chained][profile] * entropy);
		}
		free(samples);
	}
}

/* The same kind of sessions, whether the files are there or not. */
static void
generated_sessions_are_as_small(void **state)
{
	static const double most[2][SESSION_PROFILES] = { { 1.73, 1.67, 1.24 }, { 1.72, 1.65, 1.22 } };

	for (enum session_profile profile = SESSION_WHITE; profile < SESSION_PROFILES; profile++) {
		struct session_plan plan = session_plan_default(profile, 5, 100000);
		struct stp_sample *samples = calloc(plan.samples, sizeof(*samples));

		session_generate(&plan, samples, NULL);
		for (unsigned chained = 0; chained < 2; chained++) {
			double size = through_blocks(samples, plan.samples, chained);

			print_message("%s, generated, %s: %.3f bytes/sample\n", session_profile_name(profile),
				      chained ? "chained" : "independent", size);
			assert_true(size <= most[chained][profile]);
		}
		free(samples);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_files_come_back_near_their_entropy),
		cmocka_unit_test(generated_sessions_are_as_small),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (failed == 0 && !found_all) {
		printf("SKIPPED: the telemetry files are not all there; STIPPLE_TELEMETRY names their folder\n");
		return SKIPPED;
	}
	return failed;
}

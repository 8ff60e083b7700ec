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

/* Blocks of the usual size, each decoded by itself; returns bytes per sample. */
static double
through_blocks(const struct stp_sample *samples, size_t count)
{
	static struct stp_sample out[STP_BLOCK_SAMPLES_DEFAULT];
	static uint8_t block[STP_BLOCK_SIZE_MAX(STP_BLOCK_SAMPLES_DEFAULT)];
	struct stp_block_encoder encoder;
	size_t total = 0;

	stp_block_encoder_init(&encoder);
	for (size_t done = 0; done < count; ) {
		size_t part = count - done, taken, size, decoded;

		if (part > STP_BLOCK_SAMPLES_DEFAULT)
			part = STP_BLOCK_SAMPLES_DEFAULT;
		assert_int_equal(stp_block_encoder_begin(&encoder, 10, block, sizeof(block)), STP_OK);
		assert_int_equal(stp_block_encoder_add_many(&encoder, samples + done, part, &taken),
				 STP_OK);
		assert_int_equal(taken, part);
		assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
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
static const double entropies_taken[SESSION_PROFILES] = { 1.08, 1.09, 1.16 };

static void
the_files_come_back_near_their_entropy(void **state)
{
	for (enum session_profile profile = SESSION_WHITE; profile < SESSION_PROFILES; profile++) {
		struct stp_sample *samples;
		size_t count = telemetry_file_read(profile, &samples);
		double size, entropy = telemetry_file_entropy(profile);

		if (count == 0) {
			found_all = false;
			continue;
		}
		size = through_blocks(samples, count);
		print_message("%s: %.3f bytes/sample, %.3f of the entropy\n",
			      session_profile_name(profile), size, size / entropy);
		assert_true(size <= entropies_taken[profile] * entropy);
		free(samples);
	}
}

/* The same kind of sessions, whether the files are there or not. */
static void
generated_sessions_are_as_small(void **state)
{
	static const double most[SESSION_PROFILES] = { 1.75, 1.71, 1.28 };

	for (enum session_profile profile = SESSION_WHITE; profile < SESSION_PROFILES; profile++) {
		struct session_plan plan = session_plan_default(profile, 5, 100000);
		struct stp_sample *samples = calloc(plan.samples, sizeof(*samples));
		double size;

		session_generate(&plan, samples, NULL);
		size = through_blocks(samples, plan.samples);
		print_message("%s, generated: %.3f bytes/sample\n", session_profile_name(profile), size);
		assert_true(size <= most[profile]);
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

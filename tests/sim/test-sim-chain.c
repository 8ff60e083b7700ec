/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * What a simulated pen wrote, verified by somebody who has its records and its public key.
 * STIPPLE_SEED replays a run.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include <stipple/chain.h>

#include "sim-faults.h"
#include "sim-story.h"
#include "test-seed.h"

static guint64 seed;

static SimPen *
new_pen(const char *state_dir, gboolean plain)
{
	const SimPenConfig config = {
		.seed = seed, .state_dir = state_dir, .part_samples = 900, .plain = plain
	};
	SimPen *pen = sim_pen_new(&config, NULL);

	assert_non_null(pen);
	return pen;
}

static void
tell(SimPen *pen, guint sessions)
{
	const SimStory story = {
		.seed = seed, .sessions = sessions, .samples_min = 10, .samples_max = 2500, .period_ms = 100
	};

	assert_true(sim_story_tell(&story, pen, NULL, NULL));
}

/* Reports are by record number; the caller has room for 256. */
static struct stp_chain_summary
verify(SimPen *pen, const guint8 *key, struct stp_chain_report *reports)
{
	const struct stp_chain_config config = { .crypto = sealing_crypto(), .key = key };
	struct stp_chain_summary summary;
	struct stp_chain chain;

	assert_true(sim_flash_newest(sim_pen_flash(pen)) < 256);
	assert_int_equal(stp_chain_init(&chain, &config), STP_OK);
	for (guint32 number = 1; number <= sim_flash_newest(sim_pen_flash(pen)); number++) {
		const SimRecord *record = sim_flash_get(sim_pen_flash(pen), number);

		assert_int_equal(
			stp_chain_add(&chain, record->raw->data, record->raw->len, &reports[number]), STP_OK);
	}
	stp_chain_summary(&chain, &summary);
	return summary;
}

static void
check_sound(SimPen *pen, guint sessions)
{
	struct stp_chain_report reports[256];
	struct stp_chain_summary summary = verify(pen, sim_pen_key(pen)->public_key, reports);
	guint32 newest = sim_flash_newest(sim_pen_flash(pen));

	assert_int_equal(summary.records, newest);
	assert_int_equal(summary.sessions, sessions);
	assert_int_equal(summary.counter, sessions);
	assert_int_equal(summary.gaps + summary.broken + summary.across + summary.unchained, 0);
	assert_int_equal(summary.damaged + summary.foreign + summary.disordered + summary.lacking, 0);
	assert_int_equal(summary.seals_refused, 0);
	assert_int_equal(summary.proven + 1 + summary.tail, newest);
	for (guint32 number = 2; number <= newest; number++) {
		assert_int_equal(reports[number].link, STP_CHAIN_LINKED);
		assert_true(sim_flash_get(sim_pen_flash(pen), number)->entry.flags & STP_ENTRY_CHAINED);
	}
	assert_int_equal(sim_flash_get(sim_pen_flash(pen), 1)->entry.flags, 0);
}

static guint32
features(SimPen *pen)
{
	g_autoptr(GBytes) value = sim_pen_read(pen, STP_UUID_FEATURES);
	struct stp_features features;

	assert_int_equal(stp_features_decode(g_bytes_get_data(value, NULL), g_bytes_get_size(value), &features),
			 STP_OK);
	return features.features & (STP_FEATURE_CHAIN_HASH | STP_FEATURE_SEALS);
}

static void
a_public_key_is_enough(void **state)
{
	g_autoptr(SimPen) pen = new_pen(NULL, FALSE);

	tell(pen, 12);
	check_sound(pen, 12);
	assert_int_equal(features(pen), STP_FEATURE_CHAIN_HASH | STP_FEATURE_SEALS);
}

static void
chain_and_counter_go_on_after_power_off(void **state)
{
	g_autofree char *directory = g_dir_make_tmp("sim-chain-XXXXXX", NULL);
	SimPen *pen = new_pen(directory, FALSE);

	tell(pen, 3);
	sim_pen_free(pen);
	pen = new_pen(directory, FALSE);
	assert_true(sim_pen_is_restored(pen));
	tell(pen, 4);
	check_sound(pen, 7);
	for (guint32 number = 1; number <= sim_flash_newest(sim_pen_flash(pen)); number++) {
		g_autofree char *name = g_strdup_printf("%s/%s/%08u.record", directory, sim_pen_serial(pen), number);

		g_unlink(name);
	}
	for (guint i = 0; i < 2; i++) {
		static const char *const names[] = { "pen.ini", "entries.tsv" };
		g_autofree char *name = g_build_filename(directory, sim_pen_serial(pen), names[i], NULL);

		g_unlink(name);
	}
	g_autofree char *inner = g_build_filename(directory, sim_pen_serial(pen), NULL);
	g_rmdir(inner);
	assert_int_equal(g_rmdir(directory), 0);
	sim_pen_free(pen);
}

static void
an_older_pen_chains_and_seals_nothing(void **state)
{
	g_autoptr(SimPen) pen = new_pen(NULL, TRUE);
	struct stp_chain_report reports[256];
	struct stp_chain_summary summary;

	tell(pen, 5);
	assert_null(sim_pen_key(pen));
	assert_int_equal(features(pen), 0);
	summary = verify(pen, NULL, reports);
	assert_int_equal(summary.unchained, summary.records - 1);
	assert_int_equal(summary.seals_held + summary.seals_refused, 0);
	for (guint32 number = 1; number <= summary.records; number++)
		assert_int_equal(sim_flash_get(sim_pen_flash(pen), number)->entry.flags, 0);
}

/* The record after it names what was written, not what became of it. */
static void
faults_of_the_flash_show(void **state)
{
	static const struct {
		SimRecordFault fault;
		enum stp_chain_link here, after;
	} cases[] = {
		{ SIM_FAULT_FLIP, STP_CHAIN_DAMAGED, STP_CHAIN_ACROSS },
		{ SIM_FAULT_TRUNCATE, STP_CHAIN_DAMAGED, STP_CHAIN_ACROSS },
		{ SIM_FAULT_BAD_DEPTH, STP_CHAIN_LINKED, STP_CHAIN_BROKEN },
		{ SIM_FAULT_UNKNOWN_TYPE, STP_CHAIN_LINKED, STP_CHAIN_BROKEN },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(SimPen) pen = new_pen(NULL, FALSE);
		struct stp_chain_report reports[256];
		guint32 number = 3;

		tell(pen, 6);
		while (sim_flash_get(sim_pen_flash(pen), number)->entry.type != STP_RECORD_SESSION)
			number++;
		assert_true(sim_fault_commit(cases[i].fault, sim_flash_get(sim_pen_flash(pen), number), NULL));
		verify(pen, sim_pen_key(pen)->public_key, reports);
		assert_int_equal(reports[number].link, cases[i].here);
		assert_int_equal(reports[number + 1].link, cases[i].after);
		assert_int_equal(reports[number + 2].link, STP_CHAIN_LINKED);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_public_key_is_enough),
		cmocka_unit_test(chain_and_counter_go_on_after_power_off),
		cmocka_unit_test(an_older_pen_chains_and_seals_nothing),
		cmocka_unit_test(faults_of_the_flash_show),
	};

	seed = test_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

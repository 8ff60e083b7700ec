/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Coverage against a model that remembers every number by itself. */

#include "store-world.h"

#include "test-seed.h"

#define NUMBERS 60
#define EPOCHS 2
#define ROUNDS 40
#define STEPS 120

typedef struct {
	guint32 oldest, newest;
	struct {
		gboolean held;
		guint tries;		/* damaged copies, and corrupt or never-written findings */
		gboolean damaged, never;
	} record[NUMBERS + 1];
} Model;

static guint32
first_epoch(guint index)
{
	return 100 + index;
}

static const char *
cause_of(const Model *model, guint32 number)
{
	if (model->record[number].damaged)
		return "corrupt";
	if (model->record[number].never)
		return "never-written";
	return number < model->oldest ? "overwritten" : "not-fetched";
}

static guint32
last_of(const Model *model)
{
	guint32 last = model->newest;

	for (guint32 n = 1; n <= NUMBERS; n++)
		if (model->record[n].held || model->record[n].damaged || model->record[n].never)
			last = MAX(last, n);
	return last;
}

static void
check_holes(const Model *model, const StpCoverage *coverage)
{
	guint32 last = last_of(model), n = 1;
	guint held = 0, damaged = 0, missing = 0;

	assert_int_equal(coverage->first, 1);
	assert_int_equal(coverage->last, last);
	for (guint i = 0; i <= coverage->holes->len; i++) {
		gboolean end = i == coverage->holes->len;
		StpHole hole = { { last + 1, last }, "" };

		if (!end)
			hole = g_array_index(coverage->holes, StpHole, i);
		for (; n < hole.range.from; n++, held++)
			assert_true(model->record[n].held);
		for (; n <= hole.range.to; n++) {
			assert_false(model->record[n].held);
			assert_string_equal(hole.cause, cause_of(model, n));
			damaged += model->record[n].damaged;
			missing += !model->record[n].damaged && !model->record[n].never;
		}
	}
	assert_int_equal(coverage->held, held);
	assert_int_equal(coverage->damaged, damaged);
	assert_int_equal(coverage->missing, missing);
	if (held + damaged + missing > 0)
		assert_float_equal(coverage->percent, 100.0 * held / (held + damaged + missing), 1e-9);
	else
		assert_float_equal(coverage->percent, 100.0, 0.0);
}

static void
check_missing(World *world, const Model *model, guint32 epoch, guint32 oldest, guint32 newest)
{
	g_autoptr(GArray) missing = stp_store_get_missing(world->store, "P1", epoch, oldest, newest, NULL);
	guint at = 0;
	guint32 previous = 0;

	for (guint i = 0; i < missing->len; i++) {
		struct stp_range range = g_array_index(missing, struct stp_range, i);

		assert_true(range.from <= range.to);
		assert_true(i == 0 || range.from > previous + 1);
		previous = range.to;
	}
	for (guint32 n = MAX(oldest, 1); n <= newest; n++) {
		gboolean wanted = !model->record[n].held && model->record[n].tries < 5;

		while (at < missing->len && g_array_index(missing, struct stp_range, at).to < n)
			at++;
		assert_int_equal(wanted, at < missing->len && g_array_index(missing, struct stp_range, at).from <= n);
	}
}

static void
check_held(World *world, const Model *model, guint32 epoch, guint32 oldest, guint32 newest)
{
	g_autoptr(GArray) held = stp_store_get_held(world->store, "P1", epoch, oldest, newest, NULL);
	guint count = 0;

	for (guint i = 0; i < held->len; i++) {
		struct stp_range range = g_array_index(held, struct stp_range, i);

		assert_true(range.from >= oldest && range.from <= range.to && range.to <= newest);
		for (guint32 n = range.from; n <= range.to; n++, count++)
			assert_true(model->record[n].held);
	}
	for (guint32 n = MAX(oldest, 1); n <= newest; n++)
		count -= model->record[n].held;
	assert_int_equal(count, 0);
}

static void
check(World *world, const Model *models, struct session_random *random)
{
	g_autoptr(GPtrArray) list = stp_store_get_coverage(world->store, "P1", NULL);

	for (guint i = 0; i < list->len; i++) {
		const StpCoverage *coverage = g_ptr_array_index(list, i);
		guint32 from = session_random_below(random, NUMBERS), to = session_random_below(random, NUMBERS);
		const Model *model = &models[coverage->epoch - first_epoch(0)];

		check_holes(model, coverage);
		check_missing(world, model, coverage->epoch, from, to);
		check_missing(world, model, coverage->epoch, 1, NUMBERS);
		check_held(world, model, coverage->epoch, from, to);
		check_held(world, model, coverage->epoch, 1, NUMBERS);
	}
}

static void
step(World *world, Model *models, struct session_random *random, GBytes *damaged)
{
	guint index = session_random_below(random, EPOCHS);
	Model *model = &models[index];
	guint32 number = 1 + session_random_below(random, NUMBERS);
	guint32 newest;
	guint what = session_random_below(random, 10);
	RecordPlan plan = { .epoch = first_epoch(index), .number = number, .type = STP_RECORD_EVENT };
	StpFinding finding = { .serial = (char *)"P1", .epoch = plan.epoch, .record = number,
			       .kind = (char *)(what == 8 ? "corrupt" : "never-written") };
	StpArrival arrival = world_arrival(&plan, damaged);

	if (what < 5) {
		stp_stored_outcome_free(world_add(world, &plan));
		model->record[number].held = TRUE;
		model->record[number].damaged = model->record[number].never = FALSE;
	} else if (what < 7) {
		arrival.integrity = STP_ERR_CRC;
		stp_stored_outcome_free(world_put(world, &arrival));
		model->record[number].tries++;
		if (!model->record[number].held)
			model->record[number].damaged = TRUE;
		if (!model->record[number].held)
			model->record[number].never = FALSE;
	} else if (what == 7) {
		model->oldest = 1 + session_random_below(random, NUMBERS);
		newest = session_random_below(random, NUMBERS);
		model->newest = MAX(model->newest, newest);
		world_put_state(world, "P1", plan.epoch, model->oldest, model->newest, NULL);
	} else if (!model->record[number].held) {
		world_put_finding(world, &finding);
		model->record[number].tries++;
		if (what == 8)
			model->record[number].damaged = TRUE;
		else
			model->record[number].never = !model->record[number].damaged;
		if (what == 8)
			model->record[number].never = FALSE;
	}
}

static void
coverage_is_as_the_model_says(void **state)
{
	struct session_random random = { test_seed() };
	g_autoptr(GBytes) damaged = g_bytes_new_static("no record", 9);

	for (guint round = 0; round < ROUNDS; round++) {
		Model models[EPOCHS] = { 0 };
		World world;

		world_open(&world);
		for (guint i = 0; i < STEPS; i++) {
			step(&world, models, &random, damaged);
			if (i % 10 == 9)
				check(&world, models, &random);
		}
		world_reparse(&world);
		check(&world, models, &random);
		world_reopen(&world);
		check(&world, models, &random);
		world_end(&world);
	}
}

static void
the_ends_of_the_numbers(void **state)
{
	World world;
	RecordPlan last = { .number = G_MAXUINT32, .type = STP_RECORD_EVENT, .start_tick_ms = 1 };
	RecordPlan first = { .number = 1, .type = STP_RECORD_EVENT };
	g_autoptr(GArray) missing = NULL, none = NULL, unknown = NULL;
	g_autoptr(StpCoverage) coverage = NULL;

	world_open(&world);
	stp_stored_outcome_free(world_add(&world, &last));
	stp_stored_outcome_free(world_add(&world, &first));
	world_put_state(&world, "P1", 7, 2, G_MAXUINT32, NULL);
	missing = stp_store_get_missing(world.store, "P1", 7, 0, G_MAXUINT32, NULL);
	assert_int_equal(missing->len, 1);
	assert_int_equal(g_array_index(missing, struct stp_range, 0).from, 2);
	assert_int_equal(g_array_index(missing, struct stp_range, 0).to, G_MAXUINT32 - 1);
	coverage = world_coverage(&world, "P1");
	assert_int_equal(coverage->held, 2);
	assert_int_equal(coverage->missing, G_MAXUINT32 - 2);

	none = stp_store_get_missing(world.store, "P1", 7, 5, 4, NULL);
	assert_int_equal(none->len, 0);
	unknown = stp_store_get_missing(world.store, "P9", 7, 5, 9, NULL);
	assert_int_equal(unknown->len, 1);
	world_end(&world);
}

/* A log that claims billions of records, once: what is known of it is what it listed. */
static void
a_false_newest_is_not_kept(void **state)
{
	static const char newest[] = "SELECT newest FROM epoch";
	const StpFinding never = {
		.serial = (char *)"P1", .epoch = 7, .record = 3999999999, .kind = (char *)"never-written",
		.text = (char *)"It has none.", .hint = (char *)"Look.", .since = 1, .last = 1, .count = 1,
	};
	World world;
	RecordPlan plan = { .number = 1, .type = STP_RECORD_EVENT };
	g_autoptr(StpCoverage) lied = NULL, sane = NULL, healed = NULL, far = NULL;

	world_open(&world);
	for (; plan.number <= 3; plan.number++)
		stp_stored_outcome_free(world_add(&world, &plan));
	world_put_state(&world, "P1", 7, 1, 4000000000, NULL);
	world_put_finding(&world, &never);
	assert_int_equal(world_sql_int(&world, newest), 0);
	lied = world_coverage(&world, "P1");
	assert_int_equal(lied->last, 3);
	assert_true(lied->percent == 100.0);
	world_put_state(&world, "P1", 7, 1, 4, NULL);
	sane = world_coverage(&world, "P1");
	assert_int_equal(sane->missing, 1);

	/* One that was kept before this was looked at. */
	world_sql(&world, "UPDATE epoch SET newest = 4000000000");
	healed = world_coverage(&world, "P1");
	assert_true(healed->percent == 100.0);
	world_put_state(&world, "P1", 7, 1, 4, NULL);
	assert_int_equal(world_sql_int(&world, newest), 4);
	stp_stored_outcome_free(world_add(&world, &plan));

	/* A record is one, however far it is. */
	plan.number = 100000;
	stp_stored_outcome_free(world_add(&world, &plan));
	far = world_coverage(&world, "P1");
	assert_int_equal(far->last, 100000);
	assert_int_equal(far->missing, 100000 - 5);
	world_end(&world);
}

/* The pen was reset: nothing of the old log is lost or mixed up. */
static void
a_new_epoch_deletes_nothing(void **state)
{
	World world;
	g_autoptr(GPtrArray) list = NULL;
	g_autoptr(StpPenRow) pen = NULL;

	world_open(&world);
	world_put_state(&world, "P1", 7, 1, 2, NULL);
	stp_stored_outcome_free(world_add(&world, &(RecordPlan){ .epoch = 7, .number = 1 }));
	world_put_state(&world, "P1", 8, 1, 2, NULL);
	stp_stored_outcome_free(world_add(&world, &(RecordPlan){ .epoch = 8, .number = 1, .seed = 5 }));
	stp_stored_outcome_free(world_add(&world, &(RecordPlan){ .epoch = 8, .number = 2, .seed = 6 }));
	list = stp_store_get_coverage(world.store, NULL, NULL);
	assert_int_equal(list->len, 2);
	for (guint i = 0; i < 2; i++) {
		const StpCoverage *coverage = g_ptr_array_index(list, i);

		assert_int_equal(coverage->epoch, 7 + i);
		assert_int_equal(coverage->current, i == 1);
		assert_int_equal(coverage->held, 1 + i);
	}
	pen = stp_store_get_pen(world.store, "P1", NULL);
	assert_int_equal(pen->sessions, 3);
	assert_float_equal(pen->coverage, 75.0, 0.0);
	world_end(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coverage_is_as_the_model_says),
		cmocka_unit_test(the_ends_of_the_numbers),
		cmocka_unit_test(a_false_newest_is_not_kept),
		cmocka_unit_test(a_new_epoch_deletes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What people must be told: known at once, counted, ended, and on the disk as soon as that can be. */

#include "store-world.h"

#include <string.h>

#include "error.h"

typedef struct {
	World world;
	guint told;
	char *last;		/* "kind/subject/state" */
} Told;

static void
on_alert(StpStore *store, const StpAlert *alert, Told *told)
{
	const char *state = alert->ended != 0 ? "ended" : alert->acknowledged != 0 ? "known" : "open";

	told->told++;
	g_free(told->last);
	told->last = g_strdup_printf("%s/%s/%s", alert->kind, alert->subject, state);
}

static void
begin(Told *told)
{
	*told = (Told){ 0 };
	world_open(&told->world);
	g_signal_connect(told->world.store, "alert", G_CALLBACK(on_alert), told);
}

static void
end(Told *told)
{
	g_free(told->last);
	world_end(&told->world);
}

static void
raise_one(Told *told, const char *subject, StpAlertLevel level, const char *text)
{
	stp_store_raise_alert_async(told->world.store, "adapter-silent", subject, level, text, "Plug it in again.");
}

/* What is asked of the writer is done in order, so this comes after it. */
static void
settle(Told *told)
{
	world_put_state(&told->world, "P1", 7, 1, 1, NULL);
}

static StpAlert *
only(Told *told, gboolean all)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) list = stp_store_list_alerts(told->world.store, all, &error);

	assert_non_null(list);
	assert_int_equal(list->len, 1);
	return stp_alert_copy(g_ptr_array_index(list, 0));
}

static void
an_alert_is_counted_while_it_is_open(void **state)
{
	Told told;
	g_autoptr(StpAlert) alert = NULL;

	begin(&told);
	for (guint i = 0; i < 3; i++)
		raise_one(&told, "00:11:22:33:44:55", STP_ALERT_WARNING, "Nothing was heard for an hour.");
	assert_int_equal(told.told, 1);
	assert_string_equal(told.last, "adapter-silent/00:11:22:33:44:55/open");
	alert = only(&told, FALSE);
	assert_int_equal(alert->count, 3);
	assert_int_equal(alert->level, STP_ALERT_WARNING);
	assert_true(stp_store_has_alert(told.world.store, "adapter-silent", "00:11:22:33:44:55"));
	assert_false(stp_store_has_alert(told.world.store, "adapter-silent", ""));
	settle(&told);
	/* One write, not three. */
	assert_int_equal(world_sql_int(&told.world, "SELECT count FROM alert"), 1);
	end(&told);
}

static void
an_alert_ends_and_begins_again(void **state)
{
	Told told;
	g_autoptr(GPtrArray) list = NULL;

	begin(&told);
	raise_one(&told, "", STP_ALERT_WARNING, "Silence.");
	stp_store_end_alert_async(told.world.store, "adapter-silent", "");
	assert_string_equal(told.last, "adapter-silent//ended");
	assert_false(stp_store_has_alert(told.world.store, "adapter-silent", ""));
	/* Seen as ended before it is on the disk, once. */
	stp_alert_free(only(&told, TRUE));
	settle(&told);
	stp_alert_free(only(&told, TRUE));
	stp_store_end_alert_async(told.world.store, "adapter-silent", "");
	assert_int_equal(told.told, 2);

	raise_one(&told, "", STP_ALERT_WARNING, "Silence.");
	settle(&told);
	list = stp_store_list_alerts(told.world.store, TRUE, NULL);
	assert_int_equal(list->len, 2);
	assert_true(((StpAlert *)g_ptr_array_index(list, 0))->ended == 0);
	assert_true(((StpAlert *)g_ptr_array_index(list, 1))->ended != 0);
	end(&told);
}

static void
the_worst_comes_first(void **state)
{
	Told told;
	g_autoptr(GPtrArray) list = NULL;

	begin(&told);
	raise_one(&told, "a", STP_ALERT_NOTICE, "A.");
	raise_one(&told, "b", STP_ALERT_CRITICAL, "B.");
	raise_one(&told, "c", STP_ALERT_WARNING, "C.");
	list = stp_store_list_alerts(told.world.store, FALSE, NULL);
	assert_string_equal(((StpAlert *)g_ptr_array_index(list, 0))->subject, "b");
	assert_string_equal(((StpAlert *)g_ptr_array_index(list, 1))->subject, "c");
	assert_string_equal(((StpAlert *)g_ptr_array_index(list, 2))->subject, "a");
	end(&told);
}

static void
what_is_known_asks_for_attention_when_it_gets_worse(void **state)
{
	Told told;
	g_autoptr(StpAlert) alert = NULL;
	g_autoptr(GError) error = NULL;

	begin(&told);
	assert_false(stp_store_acknowledge_alert(told.world.store, "adapter-silent", "", &error));
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_NOT_FOUND));
	assert_true(stp_store_acknowledge_alert(told.world.store, "", "", NULL));
	raise_one(&told, "", STP_ALERT_NOTICE, "Silence.");
	assert_true(stp_store_acknowledge_alert(told.world.store, "adapter-silent", "", NULL));
	assert_string_equal(told.last, "adapter-silent//known");
	raise_one(&told, "", STP_ALERT_NOTICE, "Silence.");
	assert_string_equal(told.last, "adapter-silent//known");
	raise_one(&told, "", STP_ALERT_CRITICAL, "Silence.");
	assert_string_equal(told.last, "adapter-silent//open");
	alert = only(&told, FALSE);
	assert_int_equal(alert->acknowledged, 0);
	end(&told);
}

static void
an_open_alert_survives_a_restart(void **state)
{
	Told told;
	g_autoptr(StpAlert) before = NULL, after = NULL;

	begin(&told);
	raise_one(&told, "P1", STP_ALERT_CRITICAL, "Silence.");
	assert_true(stp_store_acknowledge_alert(told.world.store, "", "", NULL));
	before = only(&told, FALSE);
	world_reopen(&told.world);
	after = only(&told, FALSE);
	assert_string_equal(after->text, "Silence.");
	assert_string_equal(after->hint, "Plug it in again.");
	assert_int_equal(after->since, before->since);
	assert_int_equal(after->level, STP_ALERT_CRITICAL);
	assert_int_equal(after->acknowledged, before->acknowledged);
	/* It is the same one that goes on. */
	raise_one(&told, "P1", STP_ALERT_CRITICAL, "Silence.");
	stp_store_end_alert_async(told.world.store, "adapter-silent", "P1");
	settle(&told);
	assert_int_equal(world_sql_int(&told.world, "SELECT count(*) FROM alert"), 1);
	assert_int_equal(world_sql_int(&told.world, "SELECT count FROM alert WHERE ended <> 0"), 2);
	end(&told);
}

/* A disk that counts as full has room for saying so; one that cannot be written hears of it later. */
static void
an_alert_waits_for_a_store_that_cannot_be_written(void **state)
{
	Told told;
	g_autoptr(GError) error = NULL;

	begin(&told);
	stp_store_set_reserve(told.world.store, G_GUINT64_CONSTANT(1) << 50);
	raise_one(&told, "a", STP_ALERT_WARNING, "A.");
	assert_false(world_try_state(&told.world, "P1", 7, 1, 2, NULL, &error));
	assert_int_equal(world_sql_int(&told.world, "SELECT count(*) FROM alert WHERE subject = 'a'"), 1);
	stp_store_set_reserve(told.world.store, 0);

	world_sql(&told.world, "ALTER TABLE alert RENAME TO gone");
	raise_one(&told, "b", STP_ALERT_WARNING, "B.");
	settle(&told);
	assert_true(stp_store_has_alert(told.world.store, "adapter-silent", "b"));
	assert_int_equal(stp_store_get_state(told.world.store), STP_STORE_OK);
	world_sql(&told.world, "ALTER TABLE gone RENAME TO alert");
	settle(&told);
	settle(&told);
	assert_int_equal(world_sql_int(&told.world, "SELECT count(*) FROM alert WHERE subject <> ''"), 2);
	end(&told);
}

static void
old_alerts_are_forgotten(void **state)
{
	Told told;

	begin(&told);
	world_sql(&told.world, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)"
			       " INSERT INTO alert (kind, subject, level, text, hint, since, last, count, ended)"
			       " SELECT 'old', i, 1, '', '', i, i, 1, i FROM n");
	raise_one(&told, "", STP_ALERT_WARNING, "Silence.");
	stp_store_end_alert_async(told.world.store, "adapter-silent", "");
	settle(&told);
	assert_int_equal(world_sql_int(&told.world, "SELECT count(*) FROM alert"), 1000);
	assert_int_equal(world_sql_int(&told.world, "SELECT count(*) FROM alert WHERE kind = 'adapter-silent'"), 1);
	end(&told);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alert_is_counted_while_it_is_open),
		cmocka_unit_test(an_alert_ends_and_begins_again),
		cmocka_unit_test(the_worst_comes_first),
		cmocka_unit_test(what_is_known_asks_for_attention_when_it_gets_worse),
		cmocka_unit_test(an_open_alert_survives_a_restart),
		cmocka_unit_test(an_alert_waits_for_a_store_that_cannot_be_written),
		cmocka_unit_test(old_alerts_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The collector: syncs that begin by themselves, and what may go wrong with them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "adapter-alerts.h"
#include "clinic.h"
#include "error.h"
#include "private-bus.h"
#include "sim-story.h"
#include "sync-wanted.h"

static void
test_enrolled_pen_is_synced(void **state)
{
	Clinic *clinic = *state;
	StpEnrolledPen *pen = enrol(clinic, 0);

	wait_ended(clinic, 1);
	assert_string_equal(clinic->last_error, "");
	assert_true(clinic->last_duration_us > 0);
	assert_complete(clinic, 0);
	assert_true(clinic->stored >= 4);
	assert_string_equal(stp_enrolled_pen_get_row(pen)->label, "room");
	assert_string_equal(stp_enrolled_pen_get_row(pen)->model, "DP-26");
	assert_true(stp_enrolled_pen_get_row(pen)->last_sync > 0);
}

static void
test_no_connection_for_nothing(void **state)
{
	Clinic *clinic = *state;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	for (int i = 0; i < 20; i++) {
		socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
		socket_radio_hear(clinic->radio, clinic->addresses[0], FALSE);
		settle();
	}
	assert_int_equal(socket_radio_connects(clinic->radio), 1);
}

static void
test_news_is_fetched(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_true(sim_story_add_session(&story, 6, clinic->pens[0], NULL, NULL));
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	wait_ended(clinic, 2);
	assert_int_equal(clinic->failed, 0);
	assert_complete(clinic, 0);
}

static void
test_links_are_shared_out(void **state)
{
	Clinic *clinic = *state;

	for (guint i = 0; i < PENS; i++)
		enrol(clinic, i);
	wait_ended(clinic, PENS);
	for (guint i = 0; i < PENS; i++) {
		const SimStory story = { .seed = i, .samples_min = 3000, .samples_max = 3000,
					 .period_ms = 10 };

		assert_complete(clinic, i);
		assert_true(sim_story_add_session(&story, i, clinic->pens[i], NULL, NULL));
	}
	for (guint i = 0; i < PENS; i++)
		socket_radio_hear(clinic->radio, clinic->addresses[i], TRUE);
	assert_true(socket_radio_links(clinic->radio) <= 3);
	wait_ended(clinic, 2 * PENS);
	for (guint i = 0; i < PENS; i++)
		assert_complete(clinic, i);
	assert_int_equal(clinic->failed, 0);
}

static void
test_a_dropped_link_is_taken_up_again(void **state)
{
	Clinic *clinic = *state;

	clinic->faults[0].drop.bytes = 5000;
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_int_equal(clinic->failed, 1);
	wait_ended(clinic, 2);	/* by itself, after a second */
	assert_int_equal(clinic->failed, 1);
	assert_complete(clinic, 0);
}

static void
test_lost_segments_are_fetched_again(void **state)
{
	Clinic *clinic = *state;

	clinic->faults[2].lose_every = 7;
	enrol(clinic, 2);
	wait_ended(clinic, 1);
	assert_int_equal(clinic->failed, 0);
	assert_complete(clinic, 2);
}

/* A pen's log whose count of records was lost: erased flash reads as ones. */
typedef struct {
	const struct stp_pen_log *log;
	void *user;
} WildLog;

static void
wild_state(void *user, struct stp_pen_log_state *out)
{
	const WildLog *wild = user;

	wild->log->state(wild->user, out);
	out->newest = G_MAXUINT32;
}

static enum stp_status
wild_entry(void *user, uint32_t record, struct stp_entry *out)
{
	const WildLog *wild = user;

	return wild->log->entry(wild->user, record, out);
}

static enum stp_status
wild_read(void *user, uint32_t record, uint32_t offset, uint8_t *out, size_t size)
{
	const WildLog *wild = user;

	return wild->log->read(wild->user, record, offset, out, size);
}

static enum stp_status
wild_save_slot(void *user, unsigned index, const struct stp_pen_slot *slot)
{
	const WildLog *wild = user;

	return wild->log->save_slot(wild->user, index, slot);
}

static void
on_finding(GObject *source, GAsyncResult *result, gpointer user_data)
{
	assert_true(stp_store_put_finding_finish(STP_STORE(source), result, NULL));
	*(gboolean *)user_data = TRUE;
}

static void
test_a_pen_that_lost_count(void **state)
{
	static const struct stp_pen_log log = {
		.state = wild_state,
		.entry = wild_entry,
		.read = wild_read,
		.save_slot = wild_save_slot,
	};
	Clinic *clinic = *state;
	struct stp_pen *engine = sim_pen_engine(clinic->pens[0]);
	WildLog wild = { engine->config.log, engine->config.user };
	g_autoptr(GPtrArray) coverage = NULL;
	const StpCoverage *entry;
	StpFinding went_back = {
		.kind = (char *)stp_note_name(STP_NOTE_LOG_WENT_BACK), .text = (char *)"It went back.",
		.hint = (char *)"Look.", .since = 1, .last = 1, .count = 1,
	};
	struct stp_host_state told = { .oldest = 1, .newest = 4000000000 };
	g_autoptr(GArray) held = NULL, wanted = NULL;
	gboolean kept = FALSE, is_back = FALSE;

	engine->config.log = &log;
	engine->config.user = &wild;
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	engine->config.log = wild.log;
	engine->config.user = wild.user;

	/* It ends, what the pen has is here, and that it cannot be right is told. */
	assert_int_equal(clinic->failed, 0);
	coverage = stp_store_get_coverage(clinic->store, sim_pen_serial(clinic->pens[0]), NULL);
	entry = g_ptr_array_index(coverage, 0);
	assert_int_equal(entry->held, sim_flash_newest(sim_pen_flash(clinic->pens[0])));
	/* Nothing else is known to exist, near or far. */
	assert_true(entry->last < 2000);
	assert_true(entry->percent == 100.0);
	assert_string_equal(((StpFinding *)g_ptr_array_index(entry->findings, 0))->kind, "span");
	assert_true(entry->findings->len < 3000);

	/* Were its numbers to have gone back as well, what is held would count for nothing. */
	went_back.serial = (char *)sim_pen_serial(clinic->pens[0]);
	went_back.epoch = told.epoch = entry->epoch;
	stp_store_put_finding_async(clinic->store, &went_back, NULL, on_finding, &kept);
	assert_true(private_wait(is_set, &kept, WAIT_MS));
	assert_true(stp_sync_choose(clinic->store, went_back.serial, &told, 0, &held, &wanted, &is_back, NULL));
	assert_true(is_back);
	assert_int_equal(wanted->len, 2);
	assert_int_equal(g_array_index(wanted, struct stp_range, 0).from, 1);
	assert_true(g_array_index(wanted, struct stp_range, 0).to > entry->held);
	assert_int_equal(g_array_index(wanted, struct stp_range, 1).to, told.newest);
}

/* A pen of that serial and epoch, but with another memory: all its records are others. */
static SimPen *
make_replaced(SimPen *pen)
{
	const SimPenConfig config = {
		.serial = sim_pen_serial(pen),
		.seed = 77,
		.epoch = sim_flash_epoch(sim_pen_flash(pen)),
	};
	const SimStory story = { .seed = 78, .sessions = 1, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	SimPen *replaced = sim_pen_new(&config, NULL);

	assert_true(sim_story_tell(&story, replaced, NULL, NULL));
	return replaced;
}

static const StpFinding *
find_finding(const StpCoverage *coverage, guint32 record, const char *kind)
{
	for (guint i = 0; i < coverage->findings->len; i++) {
		const StpFinding *finding = g_ptr_array_index(coverage->findings, i);

		if (finding->record == record && g_str_equal(finding->kind, kind))
			return finding;
	}
	return NULL;
}

/* Of all sessions: (element-type GBytes). */
static GPtrArray *
stored_records(Clinic *clinic)
{
	const StpSessionFilter filter = { 0 };
	guint64 next;
	g_autoptr(GPtrArray) sessions = stp_store_list_sessions(clinic->store, &filter, 100, 0, &next, NULL);
	GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

	for (guint i = 0; i < sessions->len; i++) {
		g_autoptr(GPtrArray) records = stp_store_get_session_records(
			clinic->store, g_ptr_array_index(sessions, i), FALSE, NULL);

		for (guint j = 0; j < records->len; j++)
			g_ptr_array_add(all, g_bytes_ref(g_ptr_array_index(records, j)));
	}
	return all;
}

/* Each of these is beside the record that was there before; those behind are records like any. */
static void
assert_beside(Clinic *clinic, guint32 before, guint32 newest)
{
	g_autoptr(GPtrArray) coverage = stp_store_get_coverage(clinic->store, sim_pen_serial(clinic->pens[0]), NULL);
	const StpCoverage *entry = g_ptr_array_index(coverage, 0);

	assert_int_equal(clinic->failed, 0);
	assert_int_equal(coverage->len, 1);
	assert_int_equal(entry->held, MAX(before, newest));
	assert_non_null(find_finding(entry, 0, "log-went-back"));
	assert_null(find_finding(entry, 0, "slot-ahead"));
	for (guint32 number = 1; number <= MAX(before, newest); number++) {
		const StpFinding *finding = find_finding(entry, number, "conflict");

		assert_int_equal(finding != NULL, number <= MIN(before, newest));
		assert_true(finding == NULL || finding->kept);
	}
}

static void
test_a_pen_whose_numbers_went_back(void **state)
{
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	Clinic *clinic = *state;
	SimPen *replaced = make_replaced(clinic->pens[0]);
	Answer answer = { 0 };
	SimFlash *flash = sim_pen_flash(replaced);
	guint32 before = sim_flash_newest(sim_pen_flash(clinic->pens[0]));
	g_autoptr(GPtrArray) old = NULL;
	g_autoptr(GPtrArray) still = NULL;

	assert_true(sim_flash_newest(flash) < before);
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_complete(clinic, 0);
	old = stored_records(clinic);
	/* The slots outlived what the records did not. */
	memcpy(sim_pen_engine(replaced)->slots, sim_pen_engine(clinic->pens[0])->slots,
	       sizeof(sim_pen_engine(replaced)->slots));

	close_store(clinic);
	g_clear_object(&clinic->radio);
	clinic->radio = socket_radio_new();
	sim_pen_free(clinic->pens[0]);
	clinic->pens[0] = replaced;
	socket_radio_put(clinic->radio, replaced, NULL, clinic->addresses[0], 247);
	open_store(clinic);
	on_pen_added(NULL, stp_collector_find_pen(clinic->collector, sim_pen_serial(replaced)), clinic);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	wait_ended(clinic, 2);
	assert_beside(clinic, before, sim_flash_newest(flash));
	still = stored_records(clinic);
	assert_int_equal(still->len, old->len);
	for (guint i = 0; i < old->len; i++)
		assert_true(g_bytes_equal(g_ptr_array_index(still, i), g_ptr_array_index(old, i)));
	/* What is here now is acknowledged, and nothing else. */
	assert_int_equal(stp_pen_slots_with_news(sim_pen_engine(replaced)), 0);
	assert_int_equal(sim_pen_engine(replaced)->slots[0].mark, sim_flash_newest(flash));

	/* The numbers grow past those held: without what was found, most would count as held now. */
	while (sim_flash_newest(flash) <= before)
		assert_true(sim_story_add_session(&story, sim_flash_newest(flash), replaced, NULL, NULL));
	/* On request: a pen that brought nothing new is left alone for a while. */
	stp_collector_sync_async(clinic->collector, sim_pen_serial(replaced), 5, on_synced, &answer);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_null(answer.error);
	assert_beside(clinic, before, sim_flash_newest(flash));
	assert_int_equal(stp_pen_slots_with_news(sim_pen_engine(replaced)), 0);
}

static void
test_another_pen_at_the_address_is_refused(void **state)
{
	Clinic *clinic = *state;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	/* The address now belongs to pen 1: swap what answers there. */
	close_store(clinic);
	g_clear_object(&clinic->radio);
	clinic->radio = socket_radio_new();
	socket_radio_put(clinic->radio, clinic->pens[1], NULL, clinic->addresses[0], 247);
	open_store(clinic);
	on_pen_added(NULL, stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[0])),
		     clinic);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	wait_ended(clinic, 2);
	assert_non_null(strstr(clinic->last_error, sim_pen_serial(clinic->pens[1])));
	assert_complete(clinic, 0);
}

/* At the address of one pen another one answers, and it is enrolled, as that pen's refusal says. */
static void
replace_pen(Clinic *clinic, guint old, guint new)
{
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	const char *address = clinic->addresses[old];
	Answer answer;

	enrol(clinic, old);
	wait_ended(clinic, 1);
	close_store(clinic);
	g_clear_object(&clinic->radio);
	clinic->radio = socket_radio_new();
	socket_radio_put(clinic->radio, clinic->pens[new], NULL, address, 247);
	open_store(clinic);
	socket_radio_hear(clinic->radio, address, TRUE);
	answer = try_enrol(clinic, address, 5);
	assert_null(answer.error);
	wait_ended(clinic, 2);
	assert_complete(clinic, new);

	assert_true(sim_story_add_session(&story, 6, clinic->pens[new], NULL, NULL));
	socket_radio_hear(clinic->radio, address, TRUE);
	wait_ended(clinic, 3);
	assert_complete(clinic, new);

	/* Also after a restart. */
	close_store(clinic);
	open_store(clinic);
	on_pen_added(NULL, stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[new])),
		     clinic);
	assert_true(sim_story_add_session(&story, 7, clinic->pens[new], NULL, NULL));
	socket_radio_hear(clinic->radio, address, TRUE);
	wait_ended(clinic, 4);
	assert_complete(clinic, new);
	assert_int_equal(clinic->failed, 0);
}

/* Both ways round: which of the two is looked at first is up to a hash table. */
static void
test_a_pen_that_replaces_another_is_synced(void **state)
{
	replace_pen(*state, 0, 1);
}

static void
test_and_the_other_way_round(void **state)
{
	replace_pen(*state, 1, 0);
}

static void
test_restart_syncs_once_and_finds_nothing_new(void **state)
{
	Clinic *clinic = *state;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	close_store(clinic);
	open_store(clinic);
	on_pen_added(NULL, stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[0])),
		     clinic);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	wait_ended(clinic, 2);
	assert_int_equal(clinic->failed, 0);
	assert_complete(clinic, 0);
}

static void
test_a_pen_out_of_sight(void **state)
{
	Clinic *clinic = *state;
	Answer answer = { 0 };

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	close_store(clinic);
	open_store(clinic);
	stp_collector_sync_async(clinic->collector, sim_pen_serial(clinic->pens[0]), 1, on_synced,
				 &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_LINK_FAILED));
	assert_non_null(strstr(answer.error->message, "not in sight"));
	g_clear_error(&answer.error);
}

static gboolean
has_five_attempts(gpointer data)
{
	Clinic *clinic = data;
	g_autoptr(GPtrArray) attempts =
		stp_store_list_attempts(clinic->store, sim_pen_serial(clinic->pens[0]), 100, NULL);

	return attempts != NULL && attempts->len >= 1 + 4;
}

static void
test_a_pen_that_cannot_be_reached(void **state)
{
	Clinic *clinic = *state;
	Answer answer = { 0 };
	g_autoptr(GPtrArray) attempts = NULL;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	socket_radio_refuse(clinic->radio, clinic->addresses[0], TRUE);
	stp_collector_sync_async(clinic->collector, sim_pen_serial(clinic->pens[0]), 1, on_synced,
				 &answer);
	/* Four quick tries, then the one who waits is told. */
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_LINK_FAILED));
	assert_int_equal(clinic->failed, 4);
	/* LD11: of each it is kept why. */
	assert_true(private_wait(has_five_attempts, clinic, WAIT_MS));
	attempts = stp_store_list_attempts(clinic->store, sim_pen_serial(clinic->pens[0]), 100, NULL);
	assert_int_equal(attempts->len, 1 + 4);
	for (guint i = 0; i < 4; i++) {
		const StpAttempt *attempt = g_ptr_array_index(attempts, i);

		assert_string_equal(attempt->stage, "connect");
		assert_string_equal(attempt->error, answer.error->message);
		assert_true(attempt->started > 0 && attempt->ended >= attempt->started);
	}
	g_clear_error(&answer.error);
}

static void
test_cancelling_keeps_what_arrived(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[1]);
	Answer answer = { 0 };

	enrol(clinic, 1);	/* the slow one, at an MTU of 23 */
	stp_collector_sync_async(clinic->collector, serial, 1, on_synced, &answer);
	stp_collector_cancel(clinic->collector, serial);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_CANCELLED));
	g_clear_error(&answer.error);

	answer.done = FALSE;
	stp_collector_sync_async(clinic->collector, serial, 1, on_synced, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_null(answer.error);
	assert_complete(clinic, 1);
}

static void
on_event(SimPen *pen, const SimEvent *event, gpointer data)
{
	*(gboolean *)data |= event->kind == SIM_EVENT_COLLECTOR;
}

static void
wait_for_hello(Clinic *clinic, guint number)
{
	gboolean heard = FALSE;

	sim_pen_set_listener(clinic->pens[number], on_event, &heard);
	assert_true(private_wait(is_set, &heard, WAIT_MS));
	sim_pen_set_listener(clinic->pens[number], NULL, NULL);
}

static void
test_a_sync_stopped_early_is_not_complete(void **state)
{
	Clinic *clinic = *state;
	Answer answer = { 0 };
	StpEnrolledPen *pen;

	/* The first answer, to HELLO, is long in coming. */
	clinic->faults[0].answer_delay_ms = 1000;
	pen = enrol(clinic, 0);
	wait_for_hello(clinic, 0);
	stp_collector_cancel(clinic->collector, sim_pen_serial(clinic->pens[0]));
	wait_ended(clinic, 1);
	assert_string_not_equal(clinic->last_error, "");
	assert_true(stp_enrolled_pen_get_row(pen)->last_sync == 0);

	/* Stopped is stopped: the next advertisement does not undo it. */
	clinic->faults[0].answer_delay_ms = 0;
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	settle();
	assert_int_equal(socket_radio_connects(clinic->radio), 1);

	/* But it is not taken for one that has nothing new. */
	stp_collector_sync_async(clinic->collector, sim_pen_serial(clinic->pens[0]), 1, on_synced, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_null(answer.error);
	assert_complete(clinic, 0);
}

/* One alert, however often that is told, and none when it hears again. */
static void
p12_a_silent_adapter_is_an_alert(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(GPtrArray) alerts = NULL;

	socket_radio_set_silent(clinic->radio, FALSE);
	assert_false(stp_store_has_alert(clinic->store, STP_ALERT_SILENT, SOCKET_RADIO_ADAPTER));
	socket_radio_set_silent(clinic->radio, TRUE);
	socket_radio_set_silent(clinic->radio, TRUE);
	assert_true(stp_store_has_alert(clinic->store, STP_ALERT_SILENT, SOCKET_RADIO_ADAPTER));
	alerts = stp_store_list_alerts(clinic->store, FALSE, NULL);
	assert_int_equal(alerts->len, 1);
	socket_radio_set_silent(clinic->radio, FALSE);
	assert_false(stp_store_has_alert(clinic->store, STP_ALERT_SILENT, SOCKET_RADIO_ADAPTER));

	/* As the hint asked for, the adapter was replaced, and the computer started again. */
	stp_store_raise_alert_async(clinic->store, STP_ALERT_SILENT, "00:00:5E:00:53:99", STP_ALERT_WARNING, "Silent.",
				    "Unplug it.");
	stp_adapter_alerts_begin(STP_RADIO(clinic->radio), clinic->store);
	assert_false(stp_store_has_alert(clinic->store, STP_ALERT_SILENT, "00:00:5E:00:53:99"));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_clinic, close_clinic)
	const struct CMUnitTest tests[] = {
		CASE(test_enrolled_pen_is_synced),
		CASE(test_no_connection_for_nothing),
		CASE(test_news_is_fetched),
		CASE(test_links_are_shared_out),
		CASE(test_a_dropped_link_is_taken_up_again),
		CASE(test_lost_segments_are_fetched_again),
		CASE(test_a_pen_that_lost_count),
		CASE(test_a_pen_whose_numbers_went_back),
		CASE(test_another_pen_at_the_address_is_refused),
		CASE(test_a_pen_that_replaces_another_is_synced),
		CASE(test_and_the_other_way_round),
		CASE(test_restart_syncs_once_and_finds_nothing_new),
		CASE(test_a_pen_out_of_sight),
		CASE(test_a_pen_that_cannot_be_reached),
		CASE(test_cancelling_keeps_what_arrived),
		CASE(test_a_sync_stopped_early_is_not_complete),
		CASE(p12_a_silent_adapter_is_an_alert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Two rooms share a pen: each has its own store, radio and bond, and each gets everything. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "clinic.h"
#include "error.h"
#include "private-bus.h"
#include "sim-story.h"

#define ROOMS 6

/* The clinic's own collector is the first room; these are the others. */
typedef struct {
	char *directory, *address;
	SocketRadio *radio;
	StpStore *store;
	StpCollector *collector;
} Room;

static void
open_room(Room *room, SimPen *pen, guint number)
{
	g_autoptr(GError) error = NULL;

	room->directory = g_dir_make_tmp("stipple-room-XXXXXX", NULL);
	room->address = g_strdup_printf("00:00:00:00:01:%02X", number);
	room->radio = socket_radio_new();
	socket_radio_put(room->radio, pen, NULL, room->address, 247);
	room->store = stp_store_open(room->directory, &error);
	assert_null(error);
	room->collector = stp_collector_new(STP_RADIO(room->radio), room->store, &error);
	assert_null(error);
}

static void
close_room(Room *room)
{
	g_autofree char *remove = g_strdup_printf("rm -rf '%s'", room->directory);
	gboolean stopped = FALSE;

	stp_collector_stop_async(room->collector, on_stopped, &stopped);
	assert_true(private_wait(is_set, &stopped, WAIT_MS));
	g_clear_object(&room->collector);
	stp_store_close(room->store);
	g_clear_object(&room->store);
	g_clear_object(&room->radio);
	g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL);
	g_free(room->directory);
	g_free(room->address);
}

static GError *
sync_in(StpCollector *collector, SocketRadio *radio, const char *address, const char *serial)
{
	Answer answer = { 0 };

	socket_radio_hear(radio, address, TRUE);
	stp_collector_sync_async(collector, serial, 1, on_synced, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	return answer.error;
}

static void
enrol_in(Room *room, const char *serial)
{
	const StpEnrolOptions options = { .which = serial, .label = "other room", .timeout_s = 5 };
	Answer answer = { 0 };

	socket_radio_hear(room->radio, room->address, TRUE);
	stp_collector_enrol_async(room->collector, &options, NULL, NULL, NULL, on_enrolled, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_null(answer.error);
	/* Its first sync goes over the link of the enrolment. */
	assert_null(sync_in(room->collector, room->radio, room->address, serial));
}

static void
assert_has_all(StpStore *store, SimPen *pen)
{
	g_autoptr(GPtrArray) coverage = stp_store_get_coverage(store, sim_pen_serial(pen), NULL);
	const StpCoverage *entry;

	assert_int_equal(coverage->len, 1);
	entry = g_ptr_array_index(coverage, 0);
	assert_int_equal(entry->held, sim_flash_newest(sim_pen_flash(pen)));
	assert_true(entry->percent == 100.0);
}

static void
add_session(SimPen *pen, guint64 seed)
{
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };

	assert_true(sim_story_add_session(&story, seed, pen, NULL, NULL));
}

/* P29, EP7: what one room has acknowledged is not taken from the other, whoever comes first. */
static void
p29_each_room_gets_everything(void **state)
{
	Clinic *clinic = *state;
	SimPen *pen = clinic->pens[0];
	const char *serial = sim_pen_serial(pen);
	Room other = { 0 };

	open_room(&other, pen, 1);
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	enrol_in(&other, serial);
	assert_has_all(clinic->store, pen);
	assert_has_all(other.store, pen);
	for (guint round = 0; round < 6; round++) {
		add_session(pen, 100 + round);
		/* The one that comes first, now this, now that; sometimes it comes twice. */
		for (guint turn = 0; turn < 3; turn++) {
			if ((round + turn) % 2 == 0)
				assert_null(sync_in(clinic->collector, clinic->radio, clinic->addresses[0], serial));
			else
				assert_null(sync_in(other.collector, other.radio, other.address, serial));
		}
		assert_has_all(clinic->store, pen);
		assert_has_all(other.store, pen);
		/* And the pen knows it of both: nobody's slot has news. */
		assert_int_equal(stp_pen_slots_with_news(sim_pen_engine(pen)), 0);
	}
	assert_int_equal(socket_radio_links(clinic->radio), 0);
	assert_int_equal(socket_radio_links(other.radio), 0);
	close_room(&other);
}

static void
on_slots(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GArray **slots = user_data;
	g_autoptr(GError) error = NULL;

	*slots = stp_collector_slots_finish(STP_COLLECTOR(source), result, &error);
	assert_null(error);
}

static gboolean
is_there(gpointer data)
{
	return *(gpointer *)data != NULL;
}

static GArray *
errand(Clinic *clinic, guint number, const struct stp_errand_config *config, StpErrandConfirm confirm, guint *confirms)
{
	GArray *slots = NULL;

	stp_collector_slots_async(clinic->collector, sim_pen_serial(clinic->pens[number]), config, confirm, confirms,
				  NULL, on_slots, &slots);
	assert_true(private_wait(is_there, &slots, WAIT_MS));
	return slots;
}

static void
on_confirm(guint within_ms, gpointer user_data)
{
	++*(guint *)user_data;
}

/* All slots are taken: the room that has none collects all the same, and a person can free a named one. */
static void
a_full_table_is_told_and_mended(void **state)
{
	Clinic *clinic = *state;
	SimPen *pen = clinic->pens[ATTENDED];
	const char *serial = sim_pen_serial(pen);
	const struct stp_errand_config list = { .kind = STP_ERRAND_LIST_SLOTS };
	struct stp_errand_config drop = { .kind = STP_ERRAND_DROP_SLOT };
	Room rooms[ROOMS] = { 0 };
	guint confirms = 0;
	g_autoptr(GArray) before = NULL;
	g_autoptr(GArray) after = NULL;
	GArray *dropped;

	enrol(clinic, ATTENDED);
	wait_ended(clinic, 1);
	for (guint i = 0; i < STP_PEN_SLOTS; i++) {
		open_room(&rooms[i], pen, i + 1);
		enrol_in(&rooms[i], serial);
		assert_has_all(rooms[i].store, pen);
	}
	before = errand(clinic, ATTENDED, &list, NULL, NULL);
	assert_int_equal(before->len, STP_PEN_SLOTS);
	assert_memory_equal(g_array_index(before, StpPenSlot, 0).name, stp_store_get_collector_id(clinic->store),
			    STP_COLLECTOR_NAME_SIZE);

	/* The second room is given up. */
	drop.index = 1;
	memcpy(drop.collector_id, g_array_index(before, StpPenSlot, 1).name, STP_COLLECTOR_NAME_SIZE);
	dropped = errand(clinic, ATTENDED, &drop, on_confirm, &confirms);
	g_array_unref(dropped);
	assert_int_equal(confirms, 1);
	/* The one that had no slot takes it with its next sync. */
	add_session(pen, 77);
	assert_null(sync_in(rooms[STP_PEN_SLOTS - 1].collector, rooms[STP_PEN_SLOTS - 1].radio,
			    rooms[STP_PEN_SLOTS - 1].address, serial));
	after = errand(clinic, ATTENDED, &list, NULL, NULL);
	assert_int_equal(after->len, STP_PEN_SLOTS);
	assert_memory_equal(g_array_index(after, StpPenSlot, 1).name,
			    stp_store_get_collector_id(rooms[STP_PEN_SLOTS - 1].store), STP_COLLECTOR_NAME_SIZE);
	for (guint i = 0; i < STP_PEN_SLOTS; i++)
		close_room(&rooms[i]);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_clinic, close_clinic)
	const struct CMUnitTest tests[] = {
		CASE(p29_each_room_gets_everything),
		CASE(a_full_table_is_told_and_mended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The ward and its daemon: begin, end, die, begin again. */

#include "ward.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include "clock.h"
#include "frail-disk.h"
#include "sim-story.h"
#include "virtual-clock.h"

/* A treatment in November; daylight saving ends elsewhere. */
#define FIRST_DAY_US (G_GINT64_CONSTANT(1795000000) * G_USEC_PER_SEC)
#define STOP_US (2 * WARD_MINUTE)
#define DATABASE "stipple.db"

static void
copy_file(const char *from_dir, const char *to_dir, const char *name)
{
	g_autofree char *from = g_build_filename(from_dir, name, NULL);
	g_autofree char *to = g_build_filename(to_dir, name, NULL);
	g_autofree char *bytes = NULL;
	gsize size;

	if (!g_file_get_contents(from, &bytes, &size, NULL)) {
		g_unlink(to);
		return;
	}
	g_assert_true(g_file_set_contents_full(to, bytes, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static char *
make_directory(const char *use)
{
	static guint number;
	const char *memory = g_access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
	char *path = g_strdup_printf("%s/stipple-ward-%d-%u-%s", memory, (int)getpid(), number++, use);

	g_assert_cmpint(g_mkdir_with_parents(path, 0700), ==, 0);
	return path;
}

static void
remove_directory(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *file = g_build_filename(path, name, NULL);

		g_unlink(file);
	}
	g_rmdir(path);
}

/* An empty store, the same for all runs of a process, so that a run is the same whatever came before. */
static void
begin_store(Ward *ward)
{
	static char *template;

	if (template == NULL) {
		StpStore *store;
		g_autoptr(GError) error = NULL;

		template = make_directory("template");
		store = stp_store_open(template, &error);
		g_assert_no_error(error);
		stp_store_close(store);
		g_object_unref(store);
	}
	copy_file(template, ward->directory, DATABASE);
}

/* ---- pens ---- */

void
ward_make_pen(Ward *ward, WardPen *pen)
{
	SimPenConfig config = {
		.serial = pen->serial,
		.seed = pen->seed ^ chance_bits(&ward->chance),
		.capacity_kb = pen->small ? 24 + roll(&ward->chance, 40) : 0,
		.part_samples = strikes(&ward->chance, 300) ? 2000 : 0,
		.max_window = strikes(&ward->chance, 300) ? (guint8)(1 + roll(&ward->chance, 20)) : 0,
		.plain = strikes(&ward->chance, 200),
	};
	g_autoptr(GError) error = NULL;

	if (pen->air.link != NULL)
		frail_link_cut(pen->air.link, "The pen was switched off.");
	for (guint i = 0; i < pen->records->len; i++)
		((WardRecord *)g_ptr_array_index(pen->records, i))->there = FALSE;
	sim_pen_free(pen->air.pen);
	pen->air.pen = sim_pen_new(&config, &error);
	g_assert_no_error(error);
	sim_pen_set_listener(pen->air.pen, ward_on_pen_event, pen);
}

void
ward_add_session(WardPen *pen, guint samples)
{
	const SimStory story = { .samples_min = samples, .samples_max = samples, .period_ms = 10 };
	g_autoptr(GError) error = NULL;

	/* The pen has been on for long enough to have measured it. */
	if (sim_pen_tick_ms(pen->air.pen) < 20ull * samples)
		sim_pen_set_tick_ms(pen->air.pen, 20ull * samples);
	sim_story_add_session(&story, pen->seed + pen->sessions_made++, pen->air.pen, NULL, &error);
	g_assert_no_error(error);
	ward_look_at(pen);
}

static void
record_free(gpointer data)
{
	WardRecord *record = data;

	g_bytes_unref(record->raw);
	g_free(record);
}

static void
pen_free(gpointer data)
{
	WardPen *pen = data;

	sim_pen_free(pen->air.pen);
	g_ptr_array_unref(pen->records);
	g_hash_table_unref(pen->index);
	g_free(pen->serial);
	g_free(pen->address);
	g_free(pen);
}

static void
add_pen(Ward *ward, guint number)
{
	WardPen *pen = g_new0(WardPen, 1);

	pen->ward = ward;
	pen->serial = g_strdup_printf("DP26-%u", 1001 + number);
	pen->address = g_strdup_printf("00:AA:00:00:00:%02X", number + 1);
	pen->seed = chance_bits(&ward->chance);
	pen->records = g_ptr_array_new_with_free_func(record_free);
	pen->index = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	pen->wanted = TRUE;
	pen->small = strikes(&ward->chance, 150);
	pen->air.address = pen->address;
	pen->air.mtu = strikes(&ward->chance, 200) ? 23 + (guint16)roll(&ward->chance, 100) : 247;
	pen->air.in_range = TRUE;
	g_ptr_array_add(ward->pens, pen);
	ward_make_pen(ward, pen);
}

/* ---- the daemon ---- */

static void
on_session_stored(StpCollector *collector, const char *id, Ward *ward)
{
	ward->sessions_stored++;
}

static void
on_sync_ended(StpEnrolledPen *pen, const char *error, const StpSyncResult *result, Ward *ward)
{
	ward->syncs++;
}

static void
on_pen_added(StpCollector *collector, StpEnrolledPen *pen, Ward *ward)
{
	g_signal_connect(pen, "sync-ended", G_CALLBACK(on_sync_ended), ward);
}

void
ward_start(Ward *ward)
{
	g_autoptr(GPtrArray) pens = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_null(ward->store);
	ward->store = stp_store_open(ward->directory, &error);
	if (ward->store == NULL) {
		ward_trace(ward, "the store does not open: %s", error->message);
		ward_breach(ward, "the store opens", __FILE__, __LINE__);
	}
	/* Nothing that happens here damages what was durable. */
	if (*stp_store_get_hint(ward->store) != '\0' && stp_store_get_state(ward->store) == STP_STORE_OK)
		ward_trace(ward, "the store says: %s", stp_store_get_hint(ward->store));
	stp_store_set_lockstep(ward->store, ward->reply_ms);
	ward_check_acknowledged(ward);
	ward->radio = frail_radio_new(ward->pens, &ward->weather, &ward->chance);
	ward->collector = stp_collector_new(STP_RADIO(ward->radio), ward->store, &error);
	g_assert_no_error(error);
	g_signal_connect(ward->collector, "session-stored", G_CALLBACK(on_session_stored), ward);
	g_signal_connect(ward->collector, "pen-added", G_CALLBACK(on_pen_added), ward);
	pens = stp_collector_get_pens(ward->collector);
	for (guint i = 0; i < pens->len; i++)
		on_pen_added(ward->collector, g_ptr_array_index(pens, i), ward);
	stp_radio_start(STP_RADIO(ward->radio));
}

static void
on_stopped(GObject *source, GAsyncResult *result, gpointer stopped)
{
	g_assert_true(stp_collector_stop_finish(STP_COLLECTOR(source), result, NULL));
	*(gboolean *)stopped = TRUE;
}

/* The objects of a daemon that has come to its end, of which nothing may be left. */
static void
drop_daemon(Ward *ward)
{
	gpointer collector = ward->collector, store = ward->store;
	gint64 until = stp_clock_monotonic() + STOP_US;
	gboolean stopped = FALSE;

	if (ward->enrolment != NULL)
		g_cancellable_cancel(ward->enrolment);
	stp_collector_stop_async(ward->collector, on_stopped, &stopped);
	WARD_CHECK(ward, virtual_clock_run_until(&stopped, until));
	frail_radio_die(ward->radio);
	virtual_clock_run(stp_clock_monotonic() + WARD_MINUTE);
	g_object_add_weak_pointer(collector, &collector);
	g_object_add_weak_pointer(store, &store);
	g_clear_object(&ward->collector);
	g_clear_object(&ward->radio);
	stp_store_close(ward->store);
	g_clear_object(&ward->store);
	virtual_clock_run(stp_clock_monotonic() + WARD_MINUTE);
	WARD_CHECK(ward, collector == NULL);
	WARD_CHECK(ward, store == NULL);
}

void
ward_stop(Ward *ward)
{
	ward_trace(ward, "stippled is stopped");
	drop_daemon(ward);
	/* A disk that went dead meanwhile stands for a kill while it was stopping. */
	frail_disk_mend();
	ward->store_full = 0;
	ward->restarts++;
}

void
ward_crash(Ward *ward, gboolean power_fails)
{
	ward_trace(ward, power_fails ? "the power fails" : "stippled is killed");
	frail_disk_die();
	frail_radio_die(ward->radio);
	drop_daemon(ward);
	if (power_fails)
		frail_disk_lose_unsynced(chance_bits(&ward->chance));
	frail_disk_mend();
	ward->store_full = 0;
	ward->crashes++;
}

void
ward_pass(Ward *ward, gint64 us)
{
	gint64 until = stp_clock_monotonic() + us;

	while (virtual_clock_step(until))
		if (frail_disk_is_dead()) {
			ward_crash(ward, strikes(&ward->chance, 400));
			ward_start(ward);
		}
}

/* ---- enrolling ---- */

static void
on_enrolled(GObject *source, GAsyncResult *result, gpointer data)
{
	Ward *ward = data;
	g_autoptr(GError) error = NULL;
	StpEnrolledPen *enrolled = stp_collector_enrol_finish(STP_COLLECTOR(source), result, &error);

	if (enrolled == NULL)
		ward_trace(ward, "enrolling failed: %s", error->message);
	/* Addresses may have been swapped meanwhile: then it is another pen that is enrolled now. */
	for (guint i = 0; enrolled != NULL && i < ward->pens->len; i++) {
		const StpPenRow *row = stp_enrolled_pen_get_row(enrolled);
		WardPen *pen = g_ptr_array_index(ward->pens, i);

		if (g_str_equal(row->serial, pen->serial) && g_str_equal(row->address, pen->address))
			pen->moved = FALSE;
	}
	g_clear_object(&ward->enrolment);
}

void
ward_enrol_one(Ward *ward)
{
	for (guint i = 0; i < ward->pens->len && ward->enrolment == NULL; i++) {
		WardPen *pen = g_ptr_array_index(ward->pens, i);

		if (!pen->wanted || (!pen->moved && stp_collector_find_pen(ward->collector, pen->serial) != NULL))
			continue;
		ward_trace(ward, "somebody enrols %s", pen->serial);
		ward->enrolment = g_cancellable_new();
		stp_collector_enrol_async(ward->collector,
					  &(StpEnrolOptions){ .which = pen->address, .label = "room", .timeout_s = 30 },
					  NULL, NULL, ward->enrolment, on_enrolled, ward);
		break;
	}
}

/* ---- copies ---- */

static const char *const files[] = { DATABASE, DATABASE "-wal", DATABASE "-shm" };

void
ward_back_up(Ward *ward)
{
	/* No transaction is under way: the writer works in lockstep. */
	for (guint i = 0; i < 2; i++)
		copy_file(ward->directory, ward->backup, files[i]);
	ward_trace(ward, "somebody copies the store");
}

void
ward_restore(Ward *ward)
{
	for (guint i = 0; i < G_N_ELEMENTS(files); i++)
		copy_file(ward->backup, ward->directory, files[i]);
	ward_trace(ward, "somebody puts the old copy back");
	for (guint i = 0; i < ward->pens->len; i++) {
		WardPen *pen = g_ptr_array_index(ward->pens, i);

		/* The copy may know it at its old address. */
		pen->moved |= pen->ever_moved;
		for (guint j = 0; j < pen->records->len; j++) {
			WardRecord *record = g_ptr_array_index(pen->records, j);

			record->acked_before |= record->acked;
			record->acked = FALSE;
		}
	}
}

/* ---- the ward ---- */

Ward *
ward_new(guint64 seed, guint pens, gboolean loud)
{
	Ward *ward = g_new0(Ward, 1);

	ward->seed = seed;
	ward->loud = loud;
	ward->chance.state = seed;
	ward->pens = g_ptr_array_new_with_free_func(pen_free);
	ward->directory = make_directory("store");
	ward->backup = make_directory("backup");
	g_queue_init(&ward->trace);
	frail_disk_install();
	frail_disk_mend();
	virtual_clock_reset(FIRST_DAY_US);
	begin_store(ward);
	for (guint i = 0; i < pens; i++)
		add_pen(ward, i);
	return ward;
}

void
ward_free(Ward *ward)
{
	g_ptr_array_unref(ward->pens);
	remove_directory(ward->directory);
	remove_directory(ward->backup);
	g_queue_clear_full(&ward->trace, g_free);
	g_clear_pointer(&ward->said, g_hash_table_unref);
	g_free(ward->directory);
	g_free(ward->backup);
	g_free(ward);
}

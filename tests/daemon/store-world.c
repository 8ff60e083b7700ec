/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-world.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stipple/crc32c.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_SAMPLES 128

/* ---- the store ---- */

static void
on_finding(StpStore *store, const StpFinding *finding, World *world)
{
	world->findings++;
	g_free(world->last_finding);
	world->last_finding = g_strdup(finding->kind);
}

static void
on_state_changed(StpStore *store, World *world)
{
	world->changes++;
}

void
world_reopen(World *world)
{
	g_autoptr(GError) error = NULL;

	world_close(world);
	world->store = stp_store_open(world->directory, &error);
	if (error != NULL)
		fail_msg("%s", error->message);
	g_signal_connect(world->store, "finding", G_CALLBACK(on_finding), world);
	g_signal_connect(world->store, "state-changed", G_CALLBACK(on_state_changed), world);
}

/* In memory where that is to be had: what is tested here is not the disk. */
char *
world_directory(void)
{
	const char *base = g_access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
	char *directory = g_build_filename(base, "stipple-store-XXXXXX", NULL);

	assert_non_null(g_mkdtemp(directory));
	return directory;
}

void
world_open(World *world)
{
	*world = (World){ .directory = world_directory() };
	world_reopen(world);
}

void
world_close(World *world)
{
	if (world->store == NULL)
		return;
	stp_store_close(world->store);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_clear_object(&world->store);
}

void
world_remove(const char *directory)
{
	g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);

	for (const char *name = dir ? g_dir_read_name(dir) : NULL; name != NULL; name = g_dir_read_name(dir)) {
		g_autofree char *path = g_build_filename(directory, name, NULL);

		g_remove(path);
	}
	g_rmdir(directory);
}

void
world_end(World *world)
{
	world_close(world);
	world_remove(world->directory);
	g_clear_pointer(&world->directory, g_free);
	g_clear_pointer(&world->last_finding, g_free);
}

/* ---- records ---- */

static RecordPlan
likely(const RecordPlan *plan)
{
	RecordPlan full = *plan;

	full.serial = plan->serial != NULL ? plan->serial : "P1";
	full.epoch = plan->epoch != 0 ? plan->epoch : 7;
	full.number = plan->number != 0 ? plan->number : 1;
	full.boot_id = plan->boot_id != 0 ? plan->boot_id : 1;
	full.start_tick_ms = plan->start_tick_ms != 0 ? plan->start_tick_ms : full.number * G_GUINT64_CONSTANT(3600000);
	full.session = plan->session != 0 ? plan->session : full.number;
	full.samples = plan->samples != 0 ? plan->samples : 300;
	full.seed = plan->seed != 0 ? plan->seed : full.number;
	full.type = plan->type != 0 ? plan->type : STP_RECORD_SESSION;
	full.schema = plan->schema != 0 ? plan->schema : 1;
	return full;
}

struct stp_sample *
world_samples(const RecordPlan *plan, struct session_facts *facts)
{
	RecordPlan full = likely(plan);
	struct session_plan session = session_plan_default(SESSION_WHITE, full.seed, full.samples);
	struct stp_sample *samples = g_new(struct stp_sample, full.samples);

	session_generate(&session, samples, facts);
	return samples;
}

/*
 * An honest encoder refuses an impossible depth, so it is put into a block by hand: the
 * first sample's depth is raised until the decoder says that it is out of range.
 */
static void
spoil(guint8 *block, gsize size)
{
	static struct stp_sample out[BLOCK_SAMPLES];

	for (gsize at = STP_BLOCK_HEADER_SIZE; at + STP_BLOCK_TRAILER_SIZE < size; at++) {
		for (guint bit = 0; bit < 8; bit++) {
			size_t count;
			guint32 crc;

			block[at] ^= (guint8)(1u << bit);
			crc = GUINT32_TO_LE(stp_crc32c(0, block, size - STP_BLOCK_TRAILER_SIZE));
			memcpy(block + size - STP_BLOCK_TRAILER_SIZE, &crc, sizeof(crc));
			if (stp_block_decode(block, size, out, BLOCK_SAMPLES, &count) == STP_ERR_RANGE)
				return;
			block[at] ^= (guint8)(1u << bit);
		}
	}
	fail_msg("no bit of this block makes a value impossible");
}

static void
put_blocks(struct stp_record_writer *writer, const RecordPlan *plan, const struct stp_sample *samples)
{
	for (guint at = 0; at < plan->samples; at += BLOCK_SAMPLES) {
		guint8 block[STP_BLOCK_SIZE_MAX(BLOCK_SAMPLES)];
		size_t size;

		assert_int_equal(stp_block_encode(samples + at, MIN(BLOCK_SAMPLES, plan->samples - at), 10, block,
						  sizeof(block), &size),
				 STP_OK);
		if (plan->impossible && at == 0)
			spoil(block, size);
		stp_record_put_block(writer, block, size);
	}
}

GBytes *
world_record(const RecordPlan *given)
{
	RecordPlan plan = likely(given);
	struct session_facts facts;
	g_autofree struct stp_sample *samples = world_samples(&plan, &facts);
	gsize capacity = 4096 + plan.samples * (gsize)STP_BLOCK_SAMPLE_SIZE_MAX, size;
	g_autofree guint8 *bytes = g_malloc(capacity);
	struct stp_record_writer writer;
	struct stp_record_head head = {
		.epoch = plan.epoch,
		.number = plan.number,
		.boot_id = plan.boot_id,
		.start_tick_ms = plan.start_tick_ms,
		.type = plan.type,
		.schema_rev = plan.schema,
		.firmware = "1.2.3",
	};
	struct stp_session_part part = {
		.session_no = plan.session,
		.part = plan.part,
		.last = !plan.not_last,
		.period_ms = 10,
		.duration_ms = facts.duration_ms,
		.motor_on_ms = facts.motor_on_ms,
		.strokes = facts.strokes,
		.sample_count = plan.samples + (plan.miscounted ? 1 : 0),
		.set_depth_min_um = facts.set_depth_min_um,
		.set_depth_max_um = facts.set_depth_max_um,
		.set_rate_dhz = facts.set_rate_dhz,
		.needles = 12,
		.cartridge_uid = { 0xde, 0xad, 0xbe, 0xef },
		.cartridge_uid_size = 4,
	};
	struct stp_event event = { .event_no = plan.number, .code = 3, .severity = 1,
		.utc_ms = (uint64_t)plan.utc_ms, .utc_uncertainty_ms = plan.utc_uncertainty_ms };

	g_strlcpy(head.serial, plan.serial, sizeof(head.serial));
	stp_record_begin(&writer, bytes, capacity, &head);
	if (plan.type == STP_RECORD_SESSION) {
		stp_record_put_session(&writer, &part);
		put_blocks(&writer, &plan, samples);
	} else if (plan.type == STP_RECORD_EVENT) {
		stp_record_put_event(&writer, &event);
	}
	assert_int_equal(stp_record_finish(&writer, &size), STP_OK);
	return g_bytes_new(bytes, size);
}

GBytes *
world_flip(GBytes *raw)
{
	gsize size;
	g_autofree guint8 *bytes = g_memdup2(g_bytes_get_data(raw, &size), g_bytes_get_size(raw));

	bytes[size / 2] ^= 4;
	return g_bytes_new(bytes, size);
}

GBytes *
world_cut(GBytes *raw, gsize left)
{
	return g_bytes_new_from_bytes(raw, 0, left);
}

GBytes *
world_seal(GBytes *raw)
{
	gsize size;
	g_autofree guint8 *bytes = g_memdup2(g_bytes_get_data(raw, &size), g_bytes_get_size(raw));
	guint32 crc = GUINT32_TO_LE(stp_crc32c(0, bytes, size - STP_RECORD_TRAILER_SIZE));

	memcpy(bytes + size - STP_RECORD_TRAILER_SIZE, &crc, sizeof(crc));
	return g_bytes_new(bytes, size);
}

/* ---- asking the store ---- */

static void
on_done(GObject *source, GAsyncResult *result, gpointer user_data)
{
	*(GAsyncResult **)user_data = g_object_ref(result);
}

/* The call before has result as its user data. */
static void
wait_for(GAsyncResult **result)
{
	while (*result == NULL)
		g_main_context_iteration(NULL, TRUE);
}

static void
must(gboolean fine, GError *error)
{
	if (!fine)
		fail_msg("%s", error->message);
}

StpArrival
world_arrival(const RecordPlan *given, GBytes *raw)
{
	RecordPlan plan = likely(given);

	return (StpArrival){
		.serial = plan.serial,
		.epoch = plan.epoch,
		.number = plan.number,
		.raw = raw,
		.integrity = STP_OK,
		.listed_type = plan.type,
		.listed_boot_id = plan.boot_id,
		.listed_start_tick_ms = plan.start_tick_ms,
		.authenticated = TRUE,
		.received_at = G_GINT64_CONSTANT(1750000000000000) + plan.number,
		.zone = plan.zone,
	};
}

StpStoredOutcome *
world_try(World *world, const StpArrival *arrival, GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;

	stp_store_put_record_async(world->store, arrival, NULL, on_done, &result);
	wait_for(&result);
	return stp_store_put_record_finish(world->store, result, error);
}

StpStoredOutcome *
world_put(World *world, const StpArrival *arrival)
{
	g_autoptr(GError) error = NULL;
	StpStoredOutcome *outcome = world_try(world, arrival, &error);

	must(outcome != NULL, error);
	return outcome;
}

StpStoredOutcome *
world_add(World *world, const RecordPlan *plan)
{
	g_autoptr(GBytes) raw = world_record(plan);
	StpArrival arrival = world_arrival(plan, raw);

	return world_put(world, &arrival);
}

gboolean
world_try_state(World *world, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
		const struct stp_time_anchor *anchor, GError **error)
{
	StpContact contact = { .host.trust = STP_CLOCK_SYNCHRONISED };

	if (anchor != NULL)
		contact.anchor = *anchor;
	return world_try_contact(world, serial, epoch, oldest, newest, anchor != NULL ? &contact : NULL, error);
}

gboolean
world_try_contact(World *world, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
		  const StpContact *contact, GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;

	stp_store_put_state_async(world->store, serial, epoch, oldest, newest, contact, NULL, on_done, &result);
	wait_for(&result);
	return stp_store_put_state_finish(world->store, result, error);
}

void
world_put_state(World *world, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
		const struct stp_time_anchor *anchor)
{
	g_autoptr(GError) error = NULL;

	must(world_try_state(world, serial, epoch, oldest, newest, anchor, &error), error);
}

void
world_meet(World *world, const char *serial, guint32 epoch, const StpContact *contact)
{
	g_autoptr(GError) error = NULL;

	must(world_try_contact(world, serial, epoch, 1, 100, contact, &error), error);
}

void
world_put_pen(World *world, const StpPenRow *row)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	stp_store_put_pen_async(world->store, row, NULL, on_done, &result);
	wait_for(&result);
	must(stp_store_put_pen_finish(world->store, result, &error), error);
}

void
world_put_finding(World *world, const StpFinding *finding)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	stp_store_put_finding_async(world->store, finding, NULL, on_done, &result);
	wait_for(&result);
	must(stp_store_put_finding_finish(world->store, result, &error), error);
}

void
world_put_attempt(World *world, const StpAttempt *attempt)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	stp_store_put_attempt_async(world->store, attempt, NULL, on_done, &result);
	wait_for(&result);
	must(stp_store_put_attempt_finish(world->store, result, &error), error);
}

void
world_reparse(World *world)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	stp_store_reparse_async(world->store, NULL, on_done, &result);
	wait_for(&result);
	must(stp_store_reparse_finish(world->store, result, &error), error);
}

void
world_spin_until(World *world, gboolean (*done)(World *world))
{
	while (!done(world))
		g_main_context_iteration(NULL, TRUE);
}

StpSession *
world_session(World *world, const char *id)
{
	g_autoptr(GError) error = NULL;
	StpSession *session = stp_store_get_session(world->store, id, &error);

	must(session != NULL, error);
	return session;
}

StpCoverage *
world_coverage(World *world, const char *serial)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) list = stp_store_get_coverage(world->store, serial, &error);

	must(list != NULL, error);
	assert_int_equal(list->len, 1);
	return g_ptr_array_steal_index(list, 0);
}

const StpFinding *
world_find(const StpCoverage *coverage, guint32 record, const char *kind)
{
	for (guint i = 0; i < coverage->findings->len; i++) {
		const StpFinding *finding = g_ptr_array_index(coverage->findings, i);

		if (finding->record == record && g_str_equal(finding->kind, kind))
			return finding;
	}
	return NULL;
}

/* ---- behind its back ---- */

static sqlite3 *
open_file(World *world)
{
	g_autofree char *path = g_build_filename(world->directory, "stipple.db", NULL);
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	return db;
}

void
world_sql(World *world, const char *format, ...)
{
	sqlite3 *db = open_file(world);
	g_autofree char *sql = NULL;
	va_list args;

	va_start(args, format);
	sql = g_strdup_vprintf(format, args);
	va_end(args);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

gboolean
world_try_sql(World *world, const char *sql)
{
	sqlite3 *db = open_file(world);
	int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

	sqlite3_close(db);
	return code == SQLITE_OK;
}

gint64
world_sql_int(World *world, const char *sql)
{
	sqlite3 *db = open_file(world);
	sqlite3_stmt *statement = NULL;
	gint64 number;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return number;
}

char *
world_sql_text(World *world, const char *sql)
{
	sqlite3 *db = open_file(world);
	sqlite3_stmt *statement;
	char *text;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	text = g_strdup((const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return text;
}

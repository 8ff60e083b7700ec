/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-salvage.h"

#include <glib/gstdio.h>
#include <string.h>
#include <stipple/record.h>

#include "log.h"
#include "record-digest.h"
#include "salvage-tables.h"
#include "store-pens.h"
#include "store-records.h"

/* Of one slice; the writer does nothing else meanwhile. */
#define SLICE_US (200 * G_TIME_SPAN_MILLISECOND)
/* Numbers looked up between two looks at the clock. */
#define STRIDE 64
/* No record and no specimen takes less of a file, so there are at most so many. */
#define RECORD_SIZE_MIN 64
#define DONE -1

/* A file that was set aside, as the table of them has it. */
typedef struct {
	char *name;	/* beside the store's */
	char *path;
	guint pens, records, specimens, damaged;
	gint64 next_record, next_specimen;	/* DONE: there are no more */
} Relic;

static void
relic_free(Relic *relic)
{
	g_free(relic->name);
	g_free(relic->path);
	g_free(relic);
}

void
stp_salvage_clear(StpSalvage *self)
{
	g_clear_pointer(&self->asides, g_free);
}

/* ---- how far it is ---- */

static char *
path_of(StpDatabase *db, const char *name)
{
	g_autofree char *directory = g_path_get_dirname(stp_database_path(db));

	return g_build_filename(directory, name, NULL);
}

/* (element-type Relic): those that are still there, the latest first. */
static GPtrArray *
list_relics(StpDatabase *db, GError **error)
{
	static const char sql[] = "SELECT file, pens, records, specimens, damaged, next_record, next_specimen"
				  " FROM salvage ORDER BY file DESC";
	g_autoptr(GPtrArray) relics = g_ptr_array_new_with_free_func((GDestroyNotify)relic_free);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, NULL, error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local)) {
		Relic *relic;
		g_autofree char *path = path_of(db, stp_rows_text(rows, 0));

		if (!g_file_test(path, G_FILE_TEST_EXISTS))
			continue;
		relic = g_new0(Relic, 1);
		relic->name = g_strdup(stp_rows_text(rows, 0));
		relic->path = g_steal_pointer(&path);
		relic->pens = (guint)stp_rows_int(rows, 1);
		relic->records = (guint)stp_rows_int(rows, 2);
		relic->specimens = (guint)stp_rows_int(rows, 3);
		relic->damaged = (guint)stp_rows_int(rows, 4);
		relic->next_record = stp_rows_int(rows, 5);
		relic->next_specimen = stp_rows_int(rows, 6);
		g_ptr_array_add(relics, relic);
	}
	if (local == NULL)
		return g_steal_pointer(&relics);
	g_propagate_error(error, g_steal_pointer(&local));
	return NULL;
}

static gboolean
put_relic(StpDatabase *db, const Relic *relic, GError **error)
{
	static const char sql[] =
		"INSERT INTO salvage (file, pens, records, specimens, damaged, next_record, next_specimen)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (file) DO UPDATE SET pens = ?2, records = ?3,"
		" specimens = ?4, damaged = ?5, next_record = ?6, next_specimen = ?7";

	return stp_database_run(db, sql,
				STP_VALUES(STP_TEXT(relic->name), STP_INT(relic->pens), STP_INT(relic->records),
					   STP_INT(relic->specimens), STP_INT(relic->damaged),
					   STP_INT(relic->next_record), STP_INT(relic->next_specimen)),
				error);
}

static gboolean
is_done(const Relic *relic)
{
	return relic->next_record == DONE && relic->next_specimen == DONE;
}

static void
sum_up(GPtrArray *relics, StpSalvage *out)
{
	g_autoptr(GString) names = g_string_new(NULL);

	*out = (StpSalvage){ .done = TRUE };
	for (guint i = 0; i < relics->len; i++) {
		const Relic *relic = g_ptr_array_index(relics, i);

		g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", relic->path);
		/* A pen that several files tell of is one. */
		out->pens = MAX(out->pens, relic->pens);
		out->records += relic->records;
		out->specimens += relic->specimens;
		out->damaged += relic->damaged;
		out->done = out->done && is_done(relic);
	}
	if (relics->len > 0)
		out->asides = g_string_free(g_steal_pointer(&names), FALSE);
}

gboolean
stp_salvage_read(StpDatabase *db, StpSalvage *out, GError **error)
{
	g_autoptr(GPtrArray) relics = list_relics(db, error);

	*out = (StpSalvage){ 0 };
	if (relics == NULL)
		return FALSE;
	sum_up(relics, out);
	return TRUE;
}

/* ---- what was set aside ---- */

static int
latest_first(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)b, *(const char *const *)a);
}

/* (element-type utf8), names. */
static GPtrArray *
files_aside(StpDatabase *db)
{
	g_autofree char *directory = g_path_get_dirname(stp_database_path(db));
	g_autofree char *own = g_path_get_basename(stp_database_path(db));
	g_autofree char *prefix = g_strconcat(own, ".damaged-", NULL);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) dir = g_dir_open(directory, 0, &error);
	const char *name;

	/* The next start looks again. */
	if (dir == NULL)
		stp_warning("store", NULL, "%s cannot be looked through: %s", directory, error->message);
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
		if (g_str_has_prefix(name, prefix) && !g_str_has_suffix(name, "-wal") &&
		    !g_str_has_suffix(name, "-shm"))
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, latest_first);
	return g_steal_pointer(&names);
}

static gboolean
count(StpDatabase *db, const char *sql, const StpValue *values, gint64 *out, GError **error)
{
	return stp_database_get_int(db, sql, values, 0, out, error);
}

/* A store that has pens knows better who is enrolled than one that was set aside before them. */
static gboolean
take_up(StpDatabase *db, const char *name, gboolean fresh, GError **error)
{
	static const char known[] = "SELECT count(*) FROM salvage WHERE file = ?";
	g_autofree char *path = path_of(db, name);
	g_autoptr(GError) unreadable = NULL;
	g_autoptr(StpDatabase) from = NULL;
	Relic relic = { .name = (char *)name, .next_record = 1, .next_specimen = 1 };
	gboolean damaged = FALSE;
	gint64 rows = 0;

	if (!count(db, known, STP_VALUES(STP_TEXT(name)), &rows, error))
		return FALSE;
	if (rows > 0)
		return TRUE;
	from = stp_database_open(path, STP_DATABASE_RELIC, &damaged, &unreadable);
	/* It does not read just now, which says nothing of what it holds: the next start tries again. */
	if (from == NULL && !damaged) {
		stp_warning("store", NULL, "%s cannot be read: %s. It is tried again at the next start.", path,
			    unreadable->message);
		return TRUE;
	}
	if (fresh && from != NULL && !stp_salvage_copy_tables(from, db, &relic.pens, error))
		return FALSE;
	return put_relic(db, &relic, error);
}

static gboolean
take_up_all(StpDatabase *db, GPtrArray *names, GError **error)
{
	gint64 pens = 0;

	if (!count(db, "SELECT count(*) FROM pen", NULL, &pens, error))
		return FALSE;
	for (guint i = 0; i < names->len; i++)
		if (!take_up(db, g_ptr_array_index(names, i), pens == 0, error))
			return FALSE;
	return TRUE;
}

gboolean
stp_salvage_begin(StpDatabase *db, GError **error)
{
	g_autoptr(GPtrArray) names = files_aside(db);

	if (names->len == 0)
		return TRUE;
	if (!stp_database_begin(db, error))
		return FALSE;
	if (take_up_all(db, names, error))
		return stp_database_commit(db, error);
	stp_database_rollback(db);
	return FALSE;
}

/* ---- the records ---- */

typedef struct {
	StpDatabase *from, *to;
	Relic *file;
} Rescue;

/* The bytes prove themselves; what the old table adds is taken when it speaks of the same record. */
static void
ask_table(StpDatabase *from, gint64 row, StpArrival *arrival)
{
	static const char sql[] = "SELECT epoch, number, authenticated, received_at, listed_type, listed_boot_id,"
				  " listed_tick_ms FROM record WHERE record = ?";
	g_autoptr(StpRows) rows = stp_database_query(from, sql, STP_VALUES(STP_INT(row)), NULL);

	if (rows == NULL || !stp_rows_next(rows, NULL) || (guint32)stp_rows_int(rows, 0) != arrival->epoch ||
	    (guint32)stp_rows_int(rows, 1) != arrival->number)
		return;
	arrival->authenticated = stp_rows_int(rows, 2) != 0;
	arrival->received_at = stp_rows_int(rows, 3);
	arrival->listed_type = (guint8)stp_rows_int(rows, 4);
	arrival->listed_boot_id = (guint32)stp_rows_int(rows, 5);
	arrival->listed_start_tick_ms = (guint64)stp_rows_int(rows, 6);
}

/* An older layout has none.  The caller's; NULL: not known. */
static char *
zone_of(StpDatabase *from, gint64 row)
{
	static const char sql[] = "SELECT zone FROM record WHERE record = ?";
	g_autoptr(StpRows) rows = stp_database_query(from, sql, STP_VALUES(STP_INT(row)), NULL);
	const char *zone = rows != NULL && stp_rows_next(rows, NULL) ? stp_rows_text(rows, 0) : NULL;

	return zone != NULL && g_utf8_validate(zone, -1, NULL) ? g_strdup(zone) : NULL;
}

static gboolean
rescue_bytes(Rescue *rescue, gint64 row, const guint8 *bytes, gsize size, GError **error)
{
	struct stp_record_head head;
	StpArrival arrival = { .serial = head.serial, .integrity = STP_OK };
	g_autofree char *zone = NULL;
	g_autoptr(GBytes) raw = NULL;
	uint32_t crc;
	StpKept kept;

	if (size == 0 || stp_record_check(bytes, size, &crc) != STP_OK ||
	    stp_record_read_head(bytes, size, &head) != STP_OK) {
		rescue->file->damaged++;
		return TRUE;
	}
	raw = g_bytes_new(bytes, size);
	arrival.epoch = head.epoch;
	arrival.number = head.number;
	arrival.raw = raw;
	arrival.listed_size = (guint32)size;
	ask_table(rescue->from, row, &arrival);
	/* A time of receipt is told by a row that speaks of this record, and by no other. */
	if (arrival.received_at != 0)
		arrival.zone = zone = zone_of(rescue->from, row);
	if (!stp_records_keep(rescue->to, &arrival, &kept, NULL, error))
		return FALSE;
	/* What is there already came from another file, or from the pen. */
	rescue->file->records += kept.acknowledge && kept.how == STP_STORED_NEW;
	return TRUE;
}

static gboolean
rescue_record(Rescue *rescue, gint64 row, GError **error)
{
	g_autoptr(GError) unreadable = NULL;
	g_autoptr(StpRows) rows = stp_database_query(rescue->from, "SELECT bytes FROM record_raw WHERE record = ?",
						     STP_VALUES(STP_INT(row)), &unreadable);
	const guint8 *bytes;
	gsize size;

	if (rows != NULL && stp_rows_next(rows, &unreadable)) {
		bytes = stp_rows_blob(rows, 0, &size);
		return rescue_bytes(rescue, row, bytes, size, error);
	}
	rescue->file->damaged += unreadable != NULL;
	return TRUE;
}

/* ---- the specimens: other bytes that came under a record's name ---- */

/* The row has a place for each; its own number and its pen's are new. */
static gboolean
keep_specimen(Rescue *rescue, StpRows *about, gint64 pen, const StpValue *bytes, GError **error)
{
	static const char insert[] =
		"INSERT OR IGNORE INTO specimen (pen, epoch, number, kind, tries, size, sha256, first_at, last_at)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
	static const char keep[] = "INSERT INTO specimen_raw (specimen, bytes) VALUES (?, ?)";

	if (!stp_database_run(rescue->to, insert,
			      STP_VALUES(STP_INT(pen), stp_rows_value(about, 1), stp_rows_value(about, 2),
					 stp_rows_value(about, 3), stp_rows_value(about, 4), STP_INT(bytes->number),
					 stp_rows_value(about, 6), stp_rows_value(about, 7), stp_rows_value(about, 8)),
			      error))
		return FALSE;
	if (stp_database_changes(rescue->to) == 0)
		return TRUE;
	rescue->file->specimens++;
	return stp_database_run(rescue->to, keep, STP_VALUES(STP_INT(stp_database_last_row(rescue->to)), *bytes),
				error);
}

/* These bytes prove nothing themselves: they are what came, when the hash that was taken of them then holds. */
static gboolean
is_what_came(StpRows *about, const StpValue *bytes)
{
	guint8 hash[STP_HASH_SIZE];
	gsize size;
	const guint8 *noted = stp_rows_blob(about, 6, &size);

	if (noted == NULL || size != sizeof(hash) || bytes->type != STP_VALUE_BLOB)
		return FALSE;
	stp_record_hash(bytes->bytes, (gsize)bytes->number, hash);
	return memcmp(noted, hash, sizeof(hash)) == 0;
}

static gboolean
rescue_specimen(Rescue *rescue, gint64 row, GError **error)
{
	static const char who[] = "SELECT pen, epoch, number, kind, tries, size, sha256, first_at, last_at"
				  " FROM specimen WHERE specimen = ?";
	static const char what[] = "SELECT bytes FROM specimen_raw WHERE specimen = ?";
	StpValue number = STP_INT(row);
	g_autoptr(GError) unreadable = NULL;
	g_autoptr(StpRows) about = stp_database_query(rescue->from, who, STP_VALUES(number), &unreadable);
	gboolean known = about != NULL && stp_rows_next(about, &unreadable);
	g_autoptr(StpRows) raw = stp_database_query(rescue->from, what, STP_VALUES(number),
						    unreadable == NULL ? &unreadable : NULL);
	gboolean came = raw != NULL && stp_rows_next(raw, unreadable == NULL ? &unreadable : NULL);
	g_autofree char *serial = NULL;
	gint64 pen;

	if (!known && !came) {
		rescue->file->damaged += unreadable != NULL;
		return TRUE;
	}
	if (known && came) {
		StpValue bytes = stp_rows_value(raw, 0);

		serial = stp_salvage_serial_of(rescue->from, stp_rows_int(about, 0));
		if (serial != NULL && is_what_came(about, &bytes))
			return stp_pens_ensure(rescue->to, serial, &pen, error) &&
			       keep_specimen(rescue, about, pen, &bytes, error);
	}
	rescue->file->damaged++;
	return TRUE;
}

/* ---- slices ---- */

typedef gboolean (*RescueRow)(Rescue *rescue, gint64 row, GError **error);

/* The highest number a row may have, from whichever way still leads there; ways ends with NULL. */
static gboolean
last_row(StpDatabase *from, const char *const *ways, const char *path, gint64 *last, GError **error)
{
	g_autoptr(GError) unreadable = NULL;
	GStatBuf info;

	*last = 0;
	for (guint i = 0; ways[i] != NULL; i++) {
		g_autoptr(GError) local = NULL;
		gint64 found = 0;

		if (stp_database_get_int(from, ways[i], NULL, 0, &found, &local))
			*last = MAX(*last, found);
		else if (!stp_database_is_damaged(from) && !stp_database_lacks_something(from) && unreadable == NULL)
			unreadable = g_steal_pointer(&local);
	}
	/* A disk that does not give it says nothing of what is there. */
	if (*last == 0 && unreadable != NULL) {
		g_propagate_error(error, g_steal_pointer(&unreadable));
		return FALSE;
	}
	/* A number that was damaged must not make us look for years. */
	*last = g_stat(path, &info) == 0 ? MIN(*last, info.st_size / RECORD_SIZE_MIN) : 0;
	return TRUE;
}

/* One transaction: the rows, and that they are done. */
static gboolean
rescue_stride(Rescue *rescue, RescueRow one, gint64 *next, gint64 last, GError **error)
{
	gint64 first = *next, end = MIN(first + STRIDE, last + 1);
	Relic before = *rescue->file;
	gboolean done;

	if (!stp_database_begin(rescue->to, error))
		return FALSE;
	done = TRUE;
	for (gint64 row = first; done && row < end; row++)
		done = one(rescue, row, error);
	*next = end > last ? DONE : end;
	if (done && put_relic(rescue->to, rescue->file, error) && stp_database_commit(rescue->to, error))
		return TRUE;
	stp_database_rollback(rescue->to);
	*rescue->file = before;
	return FALSE;
}

static gboolean
rescue_rows(Rescue *rescue, RescueRow one, const char *const *ways, gint64 *next, gint64 until, GError **error)
{
	gint64 last;

	if (*next == DONE)
		return TRUE;
	if (!last_row(rescue->from, ways, rescue->file->path, &last, error))
		return FALSE;
	do {
		if (!rescue_stride(rescue, one, next, last, error))
			return FALSE;
	} while (*next != DONE && g_get_monotonic_time() < until);
	return TRUE;
}

static gboolean
slice_of(StpDatabase *db, Relic *relic, gint64 until, GError **error)
{
	static const char *const records[] = {
		"SELECT max(record) FROM record_raw",
		"SELECT max(record) FROM record",
		"SELECT max(record) FROM record INDEXED BY sqlite_autoindex_record_1",
		NULL,
	};
	static const char *const specimens[] = {
		"SELECT max(specimen) FROM specimen_raw",
		"SELECT max(specimen) FROM specimen",
		NULL,
	};
	gboolean damaged = FALSE;
	g_autoptr(GError) unreadable = NULL;
	g_autoptr(StpDatabase) from = stp_database_open(relic->path, STP_DATABASE_RELIC, &damaged, &unreadable);
	Rescue rescue = { .from = from, .to = db, .file = relic };

	if (from == NULL && !damaged) {
		g_propagate_error(error, g_steal_pointer(&unreadable));
		return FALSE;
	}
	if (from == NULL) {
		relic->next_record = relic->next_specimen = DONE;
		return put_relic(db, relic, error);
	}
	return rescue_rows(&rescue, rescue_record, records, &relic->next_record, until, error) &&
	       (relic->next_record != DONE ||
		rescue_rows(&rescue, rescue_specimen, specimens, &relic->next_specimen, until, error));
}

gboolean
stp_salvage_slice(StpDatabase *db, StpSalvage *out, GError **error)
{
	gint64 until = g_get_monotonic_time() + SLICE_US;
	g_autoptr(GPtrArray) relics = list_relics(db, error);
	g_autoptr(GError) first = NULL;
	gboolean moved = FALSE;

	if (relics == NULL)
		return FALSE;
	/* One that cannot be read now keeps none of the others waiting. */
	for (guint i = 0; i < relics->len && !moved; i++) {
		Relic *relic = g_ptr_array_index(relics, i);

		if (!is_done(relic))
			moved = slice_of(db, relic, until, first == NULL ? &first : NULL);
	}
	if (!moved && first != NULL) {
		g_propagate_error(error, g_steal_pointer(&first));
		return FALSE;
	}
	sum_up(relics, out);
	return TRUE;
}

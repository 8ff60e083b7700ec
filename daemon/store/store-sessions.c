/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-sessions.h"

#include <string.h>

/* Read by read_session() in this order. */
#define COLUMNS \
	"session, serial, epoch, session.number, quality, start, uncertainty_us, boot_id, start_tick_ms," \
	" duration_ms, motor_on_ms, strokes, samples, parts, complete, period_ms, set_depth_min_um," \
	" set_depth_max_um, set_rate_dhz, depth_max_um, depth_p50_um, zones, passes, needles, cartridge," \
	" session.firmware, received, authenticated, records, zone, offset_min"

void
stp_session_free(StpSession *session)
{
	if (session == NULL)
		return;
	g_free(session->id);
	g_free(session->serial);
	g_free(session->cartridge);
	g_free(session->zone);
	g_free(session->firmware);
	g_clear_pointer(&session->records, g_array_unref);
	g_free(session);
}

char *
stp_session_id(const char *serial, guint32 epoch, guint32 number)
{
	return g_strdup_printf("%s/%08x/%u", serial, epoch, number);
}

static char *
to_hex(const guint8 *bytes, gsize size)
{
	static const char digits[] = "0123456789abcdef";
	char *text = g_malloc(2 * size + 1);

	for (gsize i = 0; i < size; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * size] = '\0';
	return text;
}

static GArray *
to_numbers(const guint8 *bytes, gsize size)
{
	GArray *numbers = g_array_sized_new(FALSE, FALSE, sizeof(guint32), (guint)(size / sizeof(guint32)));

	for (gsize at = 0; at + sizeof(guint32) <= size; at += sizeof(guint32)) {
		guint32 number;

		memcpy(&number, bytes + at, sizeof(number));
		number = GUINT32_FROM_LE(number);
		g_array_append_val(numbers, number);
	}
	return numbers;
}

static StpSession *
read_session(StpRows *rows)
{
	StpSession *session = g_new0(StpSession, 1);
	const guint8 *bytes;
	gsize size;
	int i = 0;

	session->row = (guint64)stp_rows_int(rows, i++);
	session->serial = g_strdup(stp_rows_text(rows, i++));
	session->epoch = (guint32)stp_rows_int(rows, i++);
	session->number = (guint32)stp_rows_int(rows, i++);
	session->id = stp_session_id(session->serial, session->epoch, session->number);
	session->time_quality = (StpTimeQuality)stp_rows_int(rows, i++);
	session->start = stp_rows_int(rows, i++);
	session->start_uncertainty_ms = (guint32)MIN((stp_rows_int(rows, i) + 999) / 1000, G_MAXUINT32);
	i++;
	session->boot_id = (guint32)stp_rows_int(rows, i++);
	session->start_tick_ms = (guint64)stp_rows_int(rows, i++);
	session->duration_ms = (guint64)stp_rows_int(rows, i++);
	session->motor_on_ms = (guint64)stp_rows_int(rows, i++);
	session->strokes = (guint64)stp_rows_int(rows, i++);
	session->samples = (guint64)stp_rows_int(rows, i++);
	session->parts = (guint)stp_rows_int(rows, i++);
	session->complete = stp_rows_int(rows, i++) != 0;
	session->period_ms = (guint)stp_rows_int(rows, i++);
	session->set_depth_min_um = (guint)stp_rows_int(rows, i++);
	session->set_depth_max_um = (guint)stp_rows_int(rows, i++);
	session->set_rate_dhz = (guint)stp_rows_int(rows, i++);
	session->depth_max_um = (guint)stp_rows_int(rows, i++);
	session->depth_p50_um = (guint)stp_rows_int(rows, i++);
	session->zones = (guint)stp_rows_int(rows, i++);
	session->passes = (guint)stp_rows_int(rows, i++);
	session->needles = (guint)stp_rows_int(rows, i++);
	bytes = stp_rows_blob(rows, i++, &size);
	session->cartridge = to_hex(bytes, size);
	session->firmware = g_strdup(stp_rows_text(rows, i++));
	session->received = stp_rows_int(rows, i++);
	session->authenticated = stp_rows_int(rows, i++) != 0;
	bytes = stp_rows_blob(rows, i++, &size);
	session->records = to_numbers(bytes, size);
	session->zone = g_strdup(stp_rows_text(rows, i++));
	session->has_offset = !stp_rows_is_null(rows, i);
	session->offset_min = (int)stp_rows_int(rows, i++);
	return session;
}

/* ---- lists ---- */

/*
 * One text per combination of filters, so that each finds its index.  ?1 and ?2 are the start
 * and row of the session to go on after, ?3 and ?4 the bounds of the start; then come pen and
 * complete, where they count.
 */
#define LIST(index, where) \
	"SELECT " COLUMNS " FROM session INDEXED BY " index " JOIN pen USING (pen)" \
	" WHERE " where " (start, session) < (?1, ?2) AND start >= ?3 AND start < ?4" \
	" ORDER BY start DESC, session DESC LIMIT ?5"

static const char *
list_text(gboolean of_pen, gboolean by_complete)
{
	static const char all[] = LIST("session_by_start", "");
	static const char complete[] = LIST("session_by_complete", "complete = ?6 AND");
	static const char pen[] = LIST("session_by_pen", "session.pen = ?6 AND");
	static const char pen_complete[] =
		LIST("session_by_pen_complete", "session.pen = ?6 AND complete = ?7 AND");

	if (of_pen)
		return by_complete ? pen_complete : pen;
	return by_complete ? complete : all;
}

static gboolean
find_pen(StpDatabase *db, const char *serial, gint64 *pen, GError **error)
{
	if (serial == NULL || *serial == '\0') {
		*pen = 0;
		return TRUE;
	}
	return stp_database_get_int(db, "SELECT pen FROM pen WHERE serial = ?", STP_VALUES(STP_TEXT(serial)), -1, pen,
				    error);
}

/* Where the page begins: after the session the last one ended with. */
static gboolean
find_cursor(StpDatabase *db, guint64 cursor, gint64 *start, GError **error)
{
	*start = G_MAXINT64;
	if (cursor == 0)
		return TRUE;
	if (!stp_database_get_int(db, "SELECT start FROM session WHERE session = ?", STP_VALUES(STP_INT(cursor)), -1,
				  start, error))
		return FALSE;
	if (*start >= 0)
		return TRUE;
	g_set_error(error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
		    "There is no session to go on after. List the sessions from the beginning.");
	return FALSE;
}

static gboolean
list_into(StpDatabase *db, const StpSessionFilter *filter, guint limit, guint64 cursor, GPtrArray *list,
	  GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = NULL;
	gint64 pen, after;
	/* A session of unknown start, kept as 0, is in no span of time. */
	gint64 since = filter->since != 0 || filter->until != 0 ? MAX(filter->since, 1) : 0;
	gint64 until = filter->until != 0 ? filter->until : G_MAXINT64;
	StpValue values[8] = { 0 };
	guint count = 0;

	if (!find_pen(db, filter->serial, &pen, error) || !find_cursor(db, cursor, &after, error))
		return FALSE;
	values[count++] = STP_INT(after);
	values[count++] = STP_INT(cursor);
	values[count++] = STP_INT(since);
	values[count++] = STP_INT(until);
	values[count++] = STP_INT((gint64)limit + 1);
	if (pen != 0)
		values[count++] = STP_INT(pen);
	if (filter->complete >= 0)
		values[count++] = STP_INT(filter->complete > 0);
	rows = stp_database_query(db, list_text(pen != 0, filter->complete >= 0), values, error);
	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local))
		g_ptr_array_add(list, read_session(rows));
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	return TRUE;
}

GPtrArray *
stp_sessions_list(StpDatabase *db, const StpSessionFilter *filter, guint limit, guint64 cursor, guint64 *next,
		  GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)stp_session_free);

	if (!list_into(db, filter, limit, cursor, list, error))
		return NULL;
	*next = 0;
	/* One more was asked for, to know whether there is more. */
	if (list->len > limit) {
		g_ptr_array_set_size(list, (gint)limit);
		if (limit > 0)
			*next = ((StpSession *)g_ptr_array_index(list, limit - 1))->row;
	}
	return g_steal_pointer(&list);
}

/* ---- one session ---- */

typedef struct {
	char *serial;
	gboolean has_epoch;
	guint32 epoch, number;
} Name;

static void
name_clear(Name *name)
{
	g_clear_pointer(&name->serial, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Name, name_clear)

static gboolean
parse_name(const char *id, gboolean with_epoch, Name *name)
{
	const char *slash = strrchr(id, '/');
	guint64 value;

	if (slash == NULL || slash == id || !g_ascii_string_to_unsigned(slash + 1, 10, 1, G_MAXUINT32, &value, NULL))
		return FALSE;
	name->number = (guint32)value;
	name->serial = g_strndup(id, (gsize)(slash - id));
	if (!with_epoch)
		return TRUE;
	slash = strrchr(name->serial, '/');
	if (slash == NULL || slash == name->serial || strlen(slash + 1) != 8 ||
	    !g_ascii_string_to_unsigned(slash + 1, 16, 0, G_MAXUINT32, &value, NULL))
		return FALSE;
	name->epoch = (guint32)value;
	name->has_epoch = TRUE;
	name->serial[slash - name->serial] = '\0';
	return TRUE;
}

/* NULL without an error: there is none. */
static StpSession *
find_session(StpDatabase *db, const Name *name, const char *id, GError **error)
{
	static const char sql[] = "SELECT " COLUMNS " FROM session JOIN pen USING (pen)"
				  " WHERE serial = ?1 AND session.number = ?2 AND (?3 IS NULL OR epoch = ?3)";
	g_autoptr(StpSession) session = NULL;
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows =
		stp_database_query(db, sql,
				   STP_VALUES(STP_TEXT(name->serial), STP_INT(name->number),
					      name->has_epoch ? STP_INT(name->epoch) : STP_NULL),
				   error);

	if (rows == NULL)
		return NULL;
	if (stp_rows_next(rows, &local))
		session = read_session(rows);
	if (session != NULL && stp_rows_next(rows, &local)) {
		g_autofree char *one = g_strdup(session->id);

		g_set_error(error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
			    "There is a session %s in several of the pen's logs. Name the log too, as in %s.", id,
			    one);
		return NULL;
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	return g_steal_pointer(&session);
}

StpSession *
stp_sessions_get(StpDatabase *db, const char *id, GError **error)
{
	/* A serial number may itself end like an epoch. */
	for (int with_epoch = 1; with_epoch >= 0; with_epoch--) {
		g_auto(Name) name = { 0 };
		g_autoptr(GError) local = NULL;
		StpSession *session;

		if (!parse_name(id, with_epoch, &name))
			continue;
		session = find_session(db, &name, id, &local);
		if (session != NULL)
			return session;
		if (local != NULL) {
			g_propagate_error(error, g_steal_pointer(&local));
			return NULL;
		}
	}
	g_set_error(error, STP_ERROR, STP_ERROR_NOT_FOUND,
		    "There is no session %s in the store.  'stipplectl sessions list --all' shows those there are.",
		    id);
	return NULL;
}

/* ---- its bytes ---- */

static GBytes *
read_raw(StpDatabase *db, StpRows *rows, const char *id, GError **error)
{
	gsize size;
	const guint8 *bytes = stp_rows_blob(rows, 0, &size);
	uint32_t crc;

	/* Nothing else looks at raw bytes again; a disk may have changed them. */
	if (stp_record_check(bytes, size, &crc) == STP_OK)
		return g_bytes_new(bytes, size);
	g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
		    "Record %" G_GINT64_FORMAT " of session %s was changed on the disk since it was stored in %s.  "
		    "Check the disk, and restore the store from a backup.",
		    stp_rows_int(rows, 1), id, stp_database_path(db));
	return NULL;
}

GPtrArray *
stp_sessions_get_records(StpDatabase *db, const StpSession *session, gboolean partial, GError **error)
{
	static const char sql[] = "SELECT bytes, part.number, complete FROM session"
				  " JOIN part USING (session) JOIN record_raw USING (record)"
				  " WHERE session = ? ORDER BY part";
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(session->row)), error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local)) {
		GBytes *raw;

		if (!partial && stp_rows_int(rows, 2) == 0) {
			g_set_error(error, STP_ERROR, STP_ERROR_INCOMPLETE,
				    "A part of session %s is not in the store yet; 'stipplectl coverage' says which.  "
				    "Sync the pen, or export what there is with --partial.",
				    session->id);
			return NULL;
		}
		raw = read_raw(db, rows, session->id, error);
		if (raw == NULL)
			return NULL;
		g_ptr_array_add(list, raw);
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	return g_steal_pointer(&list);
}

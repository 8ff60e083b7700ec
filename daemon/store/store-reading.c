/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What reads, as the store seam has it. */

#include "error.h"
#include "store-attempts.h"
#include "store-chain.h"
#include "store-coverage.h"
#include "store-enrolment.h"
#include "store-journal.h"
#include "store-pens.h"
#include "store-records.h"
#include "store-sessions.h"
#include "store-worker.h"

/* Several queries see one state of the store, whatever the writer does meanwhile. */
static StpDatabase *
begin_reading(StpStore *self, GError **error)
{
	if (self->worker == NULL) {
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
			    "The store is closed; stippled is about to end.");
		return NULL;
	}
	return stp_database_begin_reading(self->files.reader, error) ? self->files.reader : NULL;
}

static void
end_reading(StpDatabase *db)
{
	stp_database_commit(db, NULL);
}

GPtrArray *
stp_store_list_pens(StpStore *self, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	GPtrArray *list = NULL;

	if (db == NULL)
		return NULL;
	list = stp_pens_list(db, NULL, error);
	end_reading(db);
	return list;
}

GPtrArray *
stp_store_list_addresses(StpStore *self, const char *serial, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	GPtrArray *list = NULL;

	if (db == NULL)
		return NULL;
	list = stp_enrolment_addresses(db, serial, error);
	end_reading(db);
	return list;
}

char *
stp_store_find_former(StpStore *self, const char *address, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	char *serial = NULL;

	if (db == NULL)
		return NULL;
	serial = stp_enrolment_find_former(db, address, error);
	end_reading(db);
	return serial;
}

StpPenRow *
stp_store_get_pen(StpStore *self, const char *serial, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	g_autoptr(GPtrArray) list = NULL;

	if (db == NULL)
		return NULL;
	list = stp_pens_list(db, serial, error);
	end_reading(db);
	if (list == NULL)
		return NULL;
	if (list->len > 0)
		return g_ptr_array_steal_index(list, 0);
	g_set_error(error, STP_ERROR, STP_ERROR_NOT_FOUND,
		    "There is no pen %s in the store. List the pens to see which there are.", serial);
	return NULL;
}

GArray *
stp_store_get_missing(StpStore *self, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
		      GError **error)
{
	return stp_store_get_missing_again(self, serial, epoch, oldest, newest, 0, error);
}

GArray *
stp_store_get_missing_again(StpStore *self, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
			    gint64 again_before, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	GArray *missing = NULL;
	gint64 pen;

	if (db == NULL)
		return NULL;
	if (stp_pens_find(db, serial, &pen, error))
		missing = stp_coverage_missing(db, pen, epoch, oldest, newest, again_before, error);
	end_reading(db);
	return missing;
}

GArray *
stp_store_get_held(StpStore *self, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
		   GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	GArray *held = NULL;
	gint64 pen;

	if (db == NULL)
		return NULL;
	if (stp_pens_find(db, serial, &pen, error))
		held = stp_coverage_held(db, pen, epoch, oldest, newest, error);
	end_reading(db);
	return held;
}

GPtrArray *
stp_store_list_partials(StpStore *self, const char *serial, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	GPtrArray *names;

	if (db == NULL)
		return NULL;
	names = stp_journal_list(db, serial, error);
	end_reading(db);
	return names;
}

StpPartial *
stp_store_get_partial(StpStore *self, const char *serial, guint32 epoch, guint32 number, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	StpPartial *partial = NULL;

	if (db == NULL)
		return NULL;
	partial = stp_journal_get(db, serial, epoch, number, error);
	end_reading(db);
	return partial;
}

GPtrArray *
stp_store_get_coverage(StpStore *self, const char *serial, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	GPtrArray *list = NULL;

	if (db == NULL)
		return NULL;
	list = stp_coverage_list(db, serial, error);
	end_reading(db);
	return list;
}

GPtrArray *
stp_store_list_attempts(StpStore *self, const char *serial, guint limit, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	GPtrArray *list = NULL;

	if (db == NULL)
		return NULL;
	list = stp_attempts_list(db, serial, limit, error);
	end_reading(db);
	return list;
}

GPtrArray *
stp_store_list_sessions(StpStore *self, const StpSessionFilter *filter, guint limit, guint64 cursor, guint64 *next,
			GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	GPtrArray *list = NULL;

	if (db == NULL)
		return NULL;
	list = stp_sessions_list(db, filter, limit, cursor, next, error);
	end_reading(db);
	return list;
}

StpSession *
stp_store_get_session(StpStore *self, const char *id, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	StpSession *session = NULL;

	if (db == NULL)
		return NULL;
	session = stp_sessions_get(db, id, error);
	if (session != NULL && !stp_chain_look_at_session(db, session, error))
		g_clear_pointer(&session, stp_session_free);
	end_reading(db);
	return session;
}

GPtrArray *
stp_store_get_session_records(StpStore *self, const StpSession *session, gboolean partial, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	GPtrArray *list = NULL;

	if (db == NULL)
		return NULL;
	list = stp_sessions_get_records(db, session, partial, error);
	end_reading(db);
	return list;
}

GPtrArray *
stp_store_get_session_proof(StpStore *self, const StpSession *session, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	GPtrArray *list = NULL;

	if (db == NULL)
		return NULL;
	list = stp_chain_get_proof(db, session, error);
	end_reading(db);
	return list;
}

/* ---- what a sync asks for ---- */

GArray *
stp_store_get_reread(StpStore *self, const char *serial, guint32 epoch, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	GArray *listed = NULL;

	if (db == NULL)
		return NULL;
	listed = stp_records_reread(db, serial, epoch, error);
	end_reading(db);
	return listed;
}

GArray *
stp_store_get_boot_starts(StpStore *self, const char *serial, GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	GArray *starts = NULL;

	if (db == NULL)
		return NULL;
	starts = stp_records_boot_starts(db, serial, error);
	end_reading(db);
	return starts;
}

gboolean
stp_store_get_sizes(StpStore *self, const char *serial, guint64 *records, guint64 *bytes, guint64 *sessions,
		    GError **error)
{
	StpDatabase *db = begin_reading(self, error);
	gboolean done;

	if (db == NULL)
		return FALSE;
	done = stp_records_sizes(db, serial, records, bytes, sessions, error);
	end_reading(db);
	return done;
}

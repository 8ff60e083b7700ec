/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "database.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 5000
/* The write-ahead log is cut back to this after a burst. */
#define JOURNAL_SIZE_LIMIT "4194304"
/* Of each connection, for SQLite's small objects: 12 KB where its own choice is 48. */
#define LOOKASIDE_SIZE 1200
#define LOOKASIDE_COUNT 10

struct StpDatabase {
	sqlite3 *handle;
	char *path;
	GHashTable *statements;	/* SQL by address -> StpRows */
	gboolean durable;
	int failed;		/* the last failure's primary result code */
};

struct StpRows {
	StpDatabase *database;
	sqlite3_stmt *statement;
	gboolean busy;
};

static gboolean
is_out_of_room(int code, int system_error)
{
	if (code == SQLITE_FULL)
		return TRUE;
	return code == SQLITE_IOERR &&
	       (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG);
}

static const char *
next_step(int code)
{
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		return "Restart stippled: it sets a damaged file aside and begins a new one.";
	if (code == SQLITE_READONLY || code == SQLITE_CANTOPEN || code == SQLITE_PERM)
		return "Check that the file and its directory belong to the collector and can be written.";
	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return "Close other programs that have the file open.";
	if (code == SQLITE_NOMEM)
		return "Free some memory; the collector tries again by itself.";
	return "Check the disk; the journal of the kernel may say more.";
}

/* Turn the connection's last failure into an error; always returns FALSE. */
static gboolean
fail(StpDatabase *self, GError **error)
{
	int code = sqlite3_errcode(self->handle) & 0xff;
	/* SQLite remembers the system's reason for some failures only; it is the last one. */
	int system_error = errno;

	self->failed = code;
	if (is_out_of_room(code, system_error))
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FULL,
			    "There is no room left for %s. Free space on its disk; what is stored is safe, "
			    "and the pens keep the rest.",
			    self->path);
	else
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED, "The store %s failed: %s.  %s",
			    self->path, sqlite3_errmsg(self->handle), next_step(code));
	return FALSE;
}

gboolean
stp_database_is_damaged(StpDatabase *self)
{
	return self->failed == SQLITE_CORRUPT || self->failed == SQLITE_NOTADB;
}

gboolean
stp_database_lacks_something(StpDatabase *self)
{
	return self->failed == SQLITE_ERROR;
}

gboolean
stp_database_is_misfit(StpDatabase *self)
{
	return self->failed == SQLITE_CONSTRAINT || self->failed == SQLITE_MISMATCH || self->failed == SQLITE_TOOBIG;
}

gboolean
stp_database_says_unreadable(const char *line)
{
	const char *number = strstr(line, "error code=");
	int code = number != NULL ? atoi(number + strlen("error code=")) & 0xff : SQLITE_OK;

	return code == SQLITE_IOERR || code == SQLITE_NOMEM || code == SQLITE_BUSY;
}

gboolean
stp_database_script(StpDatabase *self, const char *script, GError **error)
{
	errno = 0;
	if (sqlite3_exec(self->handle, script, NULL, NULL, NULL) != SQLITE_OK)
		return fail(self, error);
	return TRUE;
}

static gboolean
configure(StpDatabase *self, StpDatabaseMode mode, GError **error)
{
	sqlite3_extended_result_codes(self->handle, 1);
	sqlite3_db_config(self->handle, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_SIZE, LOOKASIDE_COUNT);
	/* Until the file has been looked at, closing must leave it as it was found. */
	sqlite3_db_config(self->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_busy_timeout(self->handle, BUSY_TIMEOUT_MS);
	/* A prepared file must not make us run what its schema says. */
	sqlite3_db_config(self->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* Else a file that was cut short cannot be read at all. */
	if (mode == STP_DATABASE_RELIC)
		return stp_database_script(self, "PRAGMA writable_schema = ON; PRAGMA query_only = ON;", error);
	sqlite3_db_config(self->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);

	if (mode == STP_DATABASE_READER)
		return stp_database_script(self, "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;", error);
	return stp_database_script(self,
				   "PRAGMA journal_mode = WAL;"
				   "PRAGMA synchronous = FULL;"
				   "PRAGMA foreign_keys = ON;"
				   /* Debian's SQLite wipes what is deleted: each byte of the journal twice. */
				   "PRAGMA secure_delete = FAST;"
				   "PRAGMA temp_store = MEMORY;"
				   "PRAGMA journal_size_limit = " JOURNAL_SIZE_LIMIT ";",
				   error);
}

static void
free_rows(gpointer data)
{
	StpRows *rows = data;

	sqlite3_finalize(rows->statement);
	g_free(rows);
}

/* Else each connection begins with 20 pages, 85 KB, that it never gives back. */
static gpointer
configure_library(gpointer data)
{
	sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	return NULL;
}

/* Without a write-ahead log nothing has to be made beside it to read it. */
static char *
relic_name(const char *path)
{
	g_autofree char *log = g_strconcat(path, "-wal", NULL);
	g_autofree char *escaped = g_uri_escape_string(path, "/", TRUE);
	GStatBuf info;
	gboolean has_log = g_stat(log, &info) == 0 && info.st_size > 0;

	return g_strdup_printf("file:%s%s", escaped, has_log ? "" : "?immutable=1");
}

StpDatabase *
stp_database_open(const char *path, StpDatabaseMode mode, gboolean *damaged, GError **error)
{
	g_autoptr(StpDatabase) self = g_new0(StpDatabase, 1);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	static GOnce once = G_ONCE_INIT;
	g_autofree char *name = NULL;

	g_once(&once, configure_library, NULL);
	self->path = g_strdup(path);
	self->durable = TRUE;
	self->statements = g_hash_table_new_full(NULL, NULL, NULL, free_rows);
	if (mode == STP_DATABASE_WRITER)
		flags |= SQLITE_OPEN_CREATE;
	if (mode == STP_DATABASE_RELIC)
		flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
	name = mode == STP_DATABASE_RELIC ? relic_name(path) : g_strdup(path);
	errno = 0;
	if (sqlite3_open_v2(name, &self->handle, flags, NULL) != SQLITE_OK) {
		fail(self, error);
		return NULL;
	}
	if (!configure(self, mode, error)) {
		*damaged = stp_database_is_damaged(self);
		return NULL;
	}
	return g_steal_pointer(&self);
}

void
stp_database_close(StpDatabase *self)
{
	if (self == NULL)
		return;
	g_hash_table_unref(self->statements);
	sqlite3_close(self->handle);
	g_free(self->path);
	g_free(self);
}

gboolean
stp_database_settle(StpDatabase *self, GError **error)
{
	errno = 0;
	if (sqlite3_wal_checkpoint_v2(self->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
		return fail(self, error);
	sqlite3_db_config(self->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return TRUE;
}

static gboolean
is_idle(gpointer key, gpointer value, gpointer data)
{
	const StpRows *rows = value;

	return !rows->busy;
}

void
stp_database_trim(StpDatabase *self)
{
	g_hash_table_foreach_remove(self->statements, is_idle, NULL);
	sqlite3_db_release_memory(self->handle);
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

gboolean
stp_database_set_durable(StpDatabase *self, gboolean durable, GError **error)
{
	if (durable == self->durable)
		return TRUE;
	if (!stp_database_script(self, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
				 error))
		return FALSE;
	self->durable = durable;
	return TRUE;
}

gboolean
stp_database_begin(StpDatabase *self, GError **error)
{
	return stp_database_run(self, "BEGIN IMMEDIATE", NULL, error);
}

gboolean
stp_database_begin_reading(StpDatabase *self, GError **error)
{
	return stp_database_run(self, "BEGIN", NULL, error);
}

gboolean
stp_database_commit(StpDatabase *self, GError **error)
{
	if (stp_database_run(self, "COMMIT", NULL, error))
		return TRUE;
	stp_database_rollback(self);
	return FALSE;
}

void
stp_database_rollback(StpDatabase *self)
{
	/* After some failures SQLite has rolled back by itself. */
	if (!sqlite3_get_autocommit(self->handle))
		sqlite3_exec(self->handle, "ROLLBACK", NULL, NULL, NULL);
}

static int
bind(sqlite3_stmt *statement, int place, const StpValue *value)
{
	switch (value->type) {
	case STP_VALUE_INT:
		return sqlite3_bind_int64(statement, place, value->number);
	case STP_VALUE_TEXT:
		return sqlite3_bind_text(statement, place, value->bytes, -1, SQLITE_STATIC);
	case STP_VALUE_BLOB:
		/* A NULL pointer would bind NULL; an empty blob is not that. */
		return sqlite3_bind_blob64(statement, place, value->bytes != NULL ? value->bytes : "",
					   (sqlite3_uint64)value->number, SQLITE_STATIC);
	case STP_VALUE_NULL:
	case STP_VALUE_END:
		break;
	}
	return sqlite3_bind_null(statement, place);
}

static StpRows *
prepare(StpDatabase *self, const char *sql, GError **error)
{
	StpRows *rows = g_hash_table_lookup(self->statements, sql);
	sqlite3_stmt *statement = NULL;

	if (rows != NULL) {
		g_return_val_if_fail(!rows->busy, NULL);
		return rows;
	}
	errno = 0;
	if (sqlite3_prepare_v3(self->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
		fail(self, error);
		return NULL;
	}
	rows = g_new0(StpRows, 1);
	rows->database = self;
	rows->statement = statement;
	g_hash_table_insert(self->statements, (gpointer)sql, rows);
	return rows;
}

StpRows *
stp_database_query(StpDatabase *self, const char *sql, const StpValue *values, GError **error)
{
	StpRows *rows = prepare(self, sql, error);

	if (rows == NULL)
		return NULL;
	rows->busy = TRUE;
	for (int i = 0; values != NULL && values[i].type != STP_VALUE_END; i++) {
		if (bind(rows->statement, i + 1, &values[i]) != SQLITE_OK) {
			fail(self, error);
			stp_rows_end(rows);
			return NULL;
		}
	}
	return rows;
}

void
stp_rows_end(StpRows *rows)
{
	if (rows == NULL)
		return;
	sqlite3_reset(rows->statement);
	sqlite3_clear_bindings(rows->statement);
	rows->busy = FALSE;
}

gboolean
stp_rows_next(StpRows *rows, GError **error)
{
	int code;

	errno = 0;
	code = sqlite3_step(rows->statement);
	if (code == SQLITE_ROW)
		return TRUE;
	if (code != SQLITE_DONE)
		fail(rows->database, error);
	return FALSE;
}

gint64
stp_rows_int(StpRows *rows, int column)
{
	return sqlite3_column_int64(rows->statement, column);
}

gboolean
stp_rows_is_null(StpRows *rows, int column)
{
	return sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

const char *
stp_rows_text(StpRows *rows, int column)
{
	const unsigned char *text = sqlite3_column_text(rows->statement, column);

	return text != NULL ? (const char *)text : "";
}

const guint8 *
stp_rows_blob(StpRows *rows, int column, gsize *size)
{
	const void *bytes = sqlite3_column_blob(rows->statement, column);

	*size = bytes != NULL ? (gsize)sqlite3_column_bytes(rows->statement, column) : 0;
	return bytes;
}

StpValue
stp_rows_value(StpRows *rows, int column)
{
	gsize size;
	const guint8 *bytes;

	switch (sqlite3_column_type(rows->statement, column)) {
	case SQLITE_INTEGER:
		return STP_INT(stp_rows_int(rows, column));
	case SQLITE_TEXT:
		return STP_TEXT(stp_rows_text(rows, column));
	case SQLITE_BLOB:
		bytes = stp_rows_blob(rows, column, &size);
		return STP_BLOB(bytes, size);
	default:	/* no column of ours is of another type */
		return STP_NULL;
	}
}

gboolean
stp_database_run(StpDatabase *self, const char *sql, const StpValue *values, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(self, sql, values, error);

	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local))
		;
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	return TRUE;
}

gboolean
stp_database_get_int(StpDatabase *self, const char *sql, const StpValue *values, gint64 fallback, gint64 *out,
		     GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(self, sql, values, error);

	if (rows == NULL)
		return FALSE;
	if (stp_rows_next(rows, &local)) {
		*out = stp_rows_int(rows, 0);
		return TRUE;
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	*out = fallback;
	return TRUE;
}

gint64
stp_database_last_row(StpDatabase *self)
{
	return sqlite3_last_insert_rowid(self->handle);
}

guint
stp_database_changes(StpDatabase *self)
{
	return (guint)sqlite3_changes(self->handle);
}

const char *
stp_database_path(StpDatabase *self)
{
	return self->path;
}

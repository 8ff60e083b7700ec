/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "error.h"

/*
 * One connection to the database file.  SQLite is known here and in backup-file.c only.  A
 * connection is used by one thread at a time.  Errors are STORE_FULL and STORE_FAILED; they
 * name the file and say what to do.
 */

typedef struct StpDatabase StpDatabase;

/* "STPL", so that file(1) and we can tell the store from any other database. */
#define STP_DATABASE_APPLICATION_ID 0x5354504c

typedef enum {
	STP_DATABASE_WRITER,	/* created when absent; fully synchronous */
	STP_DATABASE_READER,	/* never writes, never waits for the writer */
	STP_DATABASE_RELIC,	/* a file nobody writes any more; it is not trusted and not touched */
} StpDatabaseMode;

/* *damaged: it failed because the file's contents cannot be trusted. */
StpDatabase *stp_database_open(const char *path, StpDatabaseMode mode, gboolean *damaged, GError **error);
void stp_database_close(StpDatabase *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpDatabase, stp_database_close)

/* TRUE when the last failure means that the file's contents cannot be trusted. */
gboolean stp_database_is_damaged(StpDatabase *self);
/* TRUE when the last failure means that a table or a column of the layout is not there. */
gboolean stp_database_lacks_something(StpDatabase *self);
/* TRUE when the last failure means that what was to be written does not fit the table's rules. */
gboolean stp_database_is_misfit(StpDatabase *self);
/*
 * A line of a check that tells of a page that could not be read, for want of memory or because the
 * disk failed: that says nothing of what is in it.
 */
gboolean stp_database_says_unreadable(const char *line);
/* Run a script without results. */
gboolean stp_database_script(StpDatabase *self, const char *script, GError **error);
/*
 * Bring everything committed into the main file and through to the disk.  Before that was
 * done once, closing leaves the files as they were found.
 */
gboolean stp_database_settle(StpDatabase *self, GError **error);
/*
 * Give back what is kept only to be faster: cached pages and prepared statements.  For when
 * nothing is expected soon; everything still works, the first queries a little slower.
 */
void stp_database_trim(StpDatabase *self);
/*
 * Whether commits from here on wait for the disk.  They do unless told otherwise; only what
 * can be derived again may go without.
 */
gboolean stp_database_set_durable(StpDatabase *self, gboolean durable, GError **error);

gboolean stp_database_begin(StpDatabase *self, GError **error);	/* takes the write lock at once */
gboolean stp_database_begin_reading(StpDatabase *self, GError **error);	/* one view for several queries */
gboolean stp_database_commit(StpDatabase *self, GError **error);	/* rolls back when it fails */
void stp_database_rollback(StpDatabase *self);

/* ---- values for the statement's question marks; texts and blobs are not copied ---- */

typedef struct {
	enum { STP_VALUE_END, STP_VALUE_NULL, STP_VALUE_INT, STP_VALUE_TEXT, STP_VALUE_BLOB } type;
	gint64 number;		/* the size of a blob */
	const void *bytes;
} StpValue;

#define STP_INT(n) ((StpValue){ STP_VALUE_INT, (gint64)(n), NULL })
#define STP_TEXT(s) ((StpValue){ STP_VALUE_TEXT, 0, (s) })
#define STP_BLOB(b, size) ((StpValue){ STP_VALUE_BLOB, (gint64)(size), (b) })
#define STP_NULL ((StpValue){ STP_VALUE_NULL, 0, NULL })
/* At least one. */
#define STP_VALUES(...) ((const StpValue[]){ __VA_ARGS__, { STP_VALUE_END, 0, NULL } })

/* The rows of a query, or one prepared statement at work. */
typedef struct StpRows StpRows;

/*
 * Statements are kept prepared by the address of their text, so sql must be a constant.  A
 * text is in use by one StpRows at a time.
 */
StpRows *stp_database_query(StpDatabase *self, const char *sql, const StpValue *values, GError **error);
void stp_rows_end(StpRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpRows, stp_rows_end)

/* TRUE: there is a row to look at.  FALSE: no more, or error was set. */
gboolean stp_rows_next(StpRows *rows, GError **error);
gint64 stp_rows_int(StpRows *rows, int column);
gboolean stp_rows_is_null(StpRows *rows, int column);
/* Never NULL; until the next row. */
const char *stp_rows_text(StpRows *rows, int column);
const guint8 *stp_rows_blob(StpRows *rows, int column, gsize *size);

/* As it is, to be put elsewhere before the next row. */
StpValue stp_rows_value(StpRows *rows, int column);

/* Run a statement that gives no rows. */
gboolean stp_database_run(StpDatabase *self, const char *sql, const StpValue *values, GError **error);
/* The first column of the first row, or fallback when there is no row. */
gboolean stp_database_get_int(StpDatabase *self, const char *sql, const StpValue *values,
			      gint64 fallback, gint64 *out, GError **error);
gint64 stp_database_last_row(StpDatabase *self);
guint stp_database_changes(StpDatabase *self);
const char *stp_database_path(StpDatabase *self);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-files.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backup-file.h"
#include "log.h"
#include "store-alerts.h"
#include "store-pens.h"
#include "store-resources.h"
#include "store-salvage.h"

/*
 * Which tables are looked through at every start: all but the raw ones.  Those are nearly all of
 * the file, reading them would take minutes in an old clinic, and each raw record carries a
 * checksum that is looked at whenever the record is used.  So does the journal: it is no reason to
 * set a store aside.
 */
static const char checked_tables[] =
	"SELECT name FROM sqlite_schema WHERE type = 'table'"
	" AND name NOT IN ('record_raw', 'specimen_raw', 'partial', 'partial_chunk') ORDER BY name";

static gboolean
make_directory(const char *directory, GError **error)
{
	if (g_mkdir_with_parents(directory, 0700) == 0 && g_access(directory, W_OK | X_OK) == 0)
		return TRUE;
	g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
		    "The store's directory %s cannot be used: %s. Make it belong to the collector, or name "
		    "another one with --state-dir.",
		    directory, g_strerror(errno));
	return FALSE;
}

static int
take_lock(const char *directory, GError **error)
{
	g_autofree char *path = g_build_filename(directory, STP_STORE_LOCK, NULL);
	g_autofree char *text = NULL;
	char holder[16] = "";
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
			    "The store's lock file %s cannot be opened: %s. Make the directory belong to the "
			    "collector.",
			    path, g_strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		ssize_t size = pread(fd, holder, sizeof(holder) - 1, 0);

		g_strdelimit(holder, "\n", '\0');
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
			    "Another stippled (process %s) has the store in %s open. Stop it first, or give "
			    "this one a directory of its own with --state-dir.",
			    size > 0 ? holder : "unknown", directory);
		close(fd);
		return -1;
	}
	text = g_strdup_printf("%d\n", (int)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
		stp_debug("store", NULL, "%s does not take our process number: %s", path, g_strerror(errno));
	return fd;
}

/* The name alone tells what it is and when; -wal and -shm hold a part of it. */
static char *
set_aside(const char *path, const char *why, GError **error)
{
	static const char *const endings[] = { "-wal", "-shm", "" };
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *time = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
	g_autofree char *aside = g_strdup_printf("%s.%s-%s", path, why, time);

	for (guint n = 2; g_file_test(aside, G_FILE_TEST_EXISTS); n++) {
		g_free(aside);
		aside = g_strdup_printf("%s.%s-%s-%u", path, why, time, n);
	}
	for (guint i = 0; i < G_N_ELEMENTS(endings); i++) {
		g_autofree char *from = g_strconcat(path, endings[i], NULL);
		g_autofree char *to = g_strconcat(aside, endings[i], NULL);

		if (g_rename(from, to) != 0 && errno != ENOENT) {
			g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
				    "The store %s cannot be renamed to %s: %s. Move it away by hand and start "
				    "stippled again.",
				    path, to, g_strerror(errno));
			return NULL;
		}
	}
	return g_steal_pointer(&aside);
}

static gboolean
check_owner(StpDatabase *db, gint64 *layout, GError **error)
{
	gint64 application, tables;

	if (!stp_database_get_int(db, "PRAGMA application_id", NULL, 0, &application, error) ||
	    !stp_database_get_int(db, "PRAGMA user_version", NULL, 0, layout, error) ||
	    !stp_database_get_int(db, "SELECT count(*) FROM sqlite_schema", NULL, 0, &tables, error))
		return FALSE;
	if (application != STP_DATABASE_APPLICATION_ID && (application != 0 || tables > 0)) {
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
			    "%s is a database of another program. Move it away, or name another directory "
			    "with --state-dir.",
			    stp_database_path(db));
		return FALSE;
	}
	if (*layout > STP_STORE_LAYOUT) {
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
			    "The store %s was written by a newer Stipple (layout %" G_GINT64_FORMAT
			    ", this version knows %d). Install that version again; nothing was changed.",
			    stp_database_path(db), *layout, STP_STORE_LAYOUT);
		return FALSE;
	}
	return TRUE;
}

static gboolean
check_table(StpDatabase *db, const char *table, gboolean *sound, GError **error)
{
	/* A pragma takes no values; statements are kept by address, so the text must last. */
	g_autofree char *text = g_strdup_printf("PRAGMA quick_check(\"%s\")", table);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, g_intern_string(text), NULL, error);

	if (rows == NULL)
		return FALSE;
	*sound = stp_rows_next(rows, &local) && g_str_equal(stp_rows_text(rows, 0), "ok");
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (!*sound && stp_database_says_unreadable(stp_rows_text(rows, 0))) {
		*sound = TRUE;	/* for all we know */
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
			    "The store %s cannot be read: %s. Check the disk; nothing was changed.",
			    stp_database_path(db), stp_rows_text(rows, 0));
		return FALSE;
	}
	if (!*sound)
		stp_warning("store", NULL, "%s: table %s: %s", stp_database_path(db), table, stp_rows_text(rows, 0));
	return TRUE;
}

/* TRUE and not *sound: damaged. */
static gboolean
check_tables(StpDatabase *db, gboolean *sound, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, checked_tables, NULL, error);

	if (rows == NULL)
		return FALSE;
	*sound = TRUE;
	while (*sound && stp_rows_next(rows, &local))
		if (!check_table(db, stp_rows_text(rows, 0), sound, error))
			return FALSE;
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	return TRUE;
}

static gboolean
migrate_to(StpDatabase *db, gint64 layout, GError **error)
{
	static const char *const scripts[] = {
		"/org/stipple1/store/sql/001-initial.sql",
		"/org/stipple1/store/sql/002-journal.sql",
		"/org/stipple1/store/sql/003-collector.sql",
	};
	g_autoptr(GBytes) script = NULL;
	g_autofree char *finish = NULL;

	G_STATIC_ASSERT(G_N_ELEMENTS(scripts) == STP_STORE_LAYOUT);
	script = g_resource_lookup_data(stp_store_get_resource(), scripts[layout - 1],
					 G_RESOURCE_LOOKUP_FLAGS_NONE, error);
	if (script == NULL)
		return FALSE;
	finish = g_strdup_printf("PRAGMA application_id = %d; PRAGMA user_version = %" G_GINT64_FORMAT,
				 STP_DATABASE_APPLICATION_ID, layout);
	/* A resource's data always ends with a zero byte. */
	if (!stp_database_begin(db, error))
		return FALSE;
	if (stp_database_script(db, g_bytes_get_data(script, NULL), error) &&
	    stp_database_script(db, finish, error))
		return stp_database_commit(db, error);
	stp_database_rollback(db);
	return FALSE;
}

/*
 * What every start reads.  Two pages that have changed places can leave each table sound as far as its check
 * goes, and an index of it unreadable.
 */
static gboolean
try_reading(StpDatabase *db, GError **error)
{
	g_autoptr(GPtrArray) alerts = stp_alerts_list(db, TRUE, error);
	g_autoptr(GPtrArray) pens = alerts != NULL ? stp_pens_list(db, NULL, error) : NULL;

	return pens != NULL;
}

/* NULL with *damaged: set it aside and try again. */
static StpDatabase *
open_writer(const char *path, gboolean *damaged, GError **error)
{
	g_autoptr(StpDatabase) db = NULL;
	g_autoptr(GError) local = NULL;
	gboolean sound = TRUE;
	gint64 layout = 0;

	db = stp_database_open(path, STP_DATABASE_WRITER, damaged, error);
	if (db == NULL)
		return NULL;
	if (!check_owner(db, &layout, &local) || (layout > 0 && !check_tables(db, &sound, &local)) || !sound) {
		*damaged = !sound || stp_database_is_damaged(db);
		if (local != NULL)
			g_propagate_error(error, g_steal_pointer(&local));
		else
			g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED, "The store %s is damaged.", path);
		return NULL;
	}
	for (gint64 next = layout + 1; sound && next <= STP_STORE_LAYOUT; next++)
		sound = migrate_to(db, next, error);
	if (sound && !try_reading(db, error)) {
		*damaged = stp_database_is_damaged(db) || stp_database_lacks_something(db);
		return NULL;
	}
	/* What an interrupted process left in the write-ahead log may not have reached the disk yet. */
	if (sound && stp_database_settle(db, error))
		return g_steal_pointer(&db);
	/* Damage that no check came across. */
	*damaged = stp_database_is_damaged(db);
	return NULL;
}

/* FALSE: neither is open. */
static gboolean
open_both(StpStoreFiles *self, const char *path, gboolean *damaged, GError **error)
{
	self->writer = open_writer(path, damaged, error);
	if (self->writer == NULL)
		return FALSE;
	self->reader = stp_database_open(path, STP_DATABASE_READER, damaged, error);
	if (self->reader == NULL)
		g_clear_pointer(&self->writer, stp_database_close);
	return self->reader != NULL;
}

/* Both are closed; why is what was found out. */
static gboolean
begin_anew(StpStoreFiles *self, const char *why, GError **error)
{
	g_autofree char *path = g_build_filename(self->directory, STP_STORE_FILE, NULL);
	g_autofree char *aside = NULL;
	gboolean damaged = FALSE;

	stp_warning("store", NULL, "%s", why);
	aside = set_aside(path, "damaged", error);
	if (aside == NULL)
		return FALSE;
	g_free(self->hint);
	self->hint = g_strdup_printf("The store was damaged; it was set aside as %s and a new one was begun. What can be "
				     "read of it is taken over by itself. Check the disk, and keep that file until "
				     "'stipplectl coverage' is complete.", aside);
	stp_warning("store", NULL, "%s", self->hint);
	return open_both(self, path, &damaged, error) && stp_salvage_begin(self->writer, error);
}

static gboolean
open_databases(StpStoreFiles *self, GError **error)
{
	g_autofree char *path = g_build_filename(self->directory, STP_STORE_FILE, NULL);
	g_autoptr(GError) local = NULL;
	gboolean damaged = FALSE;

	if (open_both(self, path, &damaged, &local))
		return stp_salvage_begin(self->writer, error);
	if (damaged)
		return begin_anew(self, local->message, error);
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

gboolean
stp_store_files_replace(StpStoreFiles *self, const char *why, GError **error)
{
	g_clear_pointer(&self->reader, stp_database_close);
	g_clear_pointer(&self->writer, stp_database_close);
	return begin_anew(self, why, error);
}

gboolean
stp_store_files_open(StpStoreFiles *self, const char *directory, GError **error)
{
	*self = (StpStoreFiles){ .directory = g_strdup(directory), .lock = -1 };
	if (!make_directory(directory, error))
		return FALSE;
	self->lock = take_lock(directory, error);
	if (self->lock < 0)
		return FALSE;
	return open_databases(self, error);
}

void
stp_store_files_close(StpStoreFiles *self)
{
	g_clear_pointer(&self->reader, stp_database_close);
	g_clear_pointer(&self->writer, stp_database_close);
	if (self->lock >= 0)
		close(self->lock);
	self->lock = -1;
	g_clear_pointer(&self->directory, g_free);
	g_clear_pointer(&self->hint, g_free);
}

void
stp_store_files_room(StpStoreFiles *self, guint64 *free, guint64 *total)
{
	struct statvfs info;

	*free = *total = G_MAXUINT64;
	if (statvfs(self->directory, &info) != 0)
		return;
	*free = (guint64)info.f_bavail * info.f_frsize;
	*total = (guint64)info.f_blocks * info.f_frsize;
}

/* ---- restoring ---- */

static gboolean
copy_file(const char *from, const char *to, GError **error)
{
	g_autoptr(GFile) source = g_file_new_for_path(from), target = g_file_new_for_path(to);
	g_autoptr(GError) local = NULL;
	int fd;

	if (g_file_copy(source, target, G_FILE_COPY_OVERWRITE | G_FILE_COPY_TARGET_DEFAULT_PERMS, NULL, NULL, NULL,
			&local)) {
		fd = open(to, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && fchmod(fd, 0600) == 0 && fsync(fd) == 0) {
			close(fd);
			return TRUE;
		}
		if (fd >= 0)
			close(fd);
	}
	g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
		    "The backup %s cannot be copied to %s: %s. Nothing was changed.", from, to,
		    local != NULL ? local->message : g_strerror(errno));
	g_remove(to);
	return FALSE;
}

static gboolean
verify_backup(const char *path, GError **error)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	StpBackup found;
	gboolean sound;

	if (fd < 0) {
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED, "%s cannot be opened: %s.", path,
			    g_strerror(errno));
		return FALSE;
	}
	sound = stp_backup_verify(fd, &found, error);
	close(fd);
	return sound;
}

static gboolean
put_in_place(const char *copy, const char *path, char **kept, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);
	g_autofree char *aside = NULL;
	int fd;

	if (g_file_test(path, G_FILE_TEST_EXISTS)) {
		aside = set_aside(path, "before-restore", error);
		if (aside == NULL)
			return FALSE;
	}
	if (g_rename(copy, path) != 0) {
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
			    "%s cannot be renamed to %s: %s. Do it by hand.", copy, path, g_strerror(errno));
		return FALSE;
	}
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		stp_warning("store", NULL, "%s could not be written through: %s", directory, g_strerror(errno));
	if (fd >= 0)
		close(fd);
	if (kept != NULL)
		*kept = g_steal_pointer(&aside);
	return TRUE;
}

gboolean
stp_store_files_restore(const char *directory, const char *backup, char **kept, GError **error)
{
	g_autofree char *path = g_build_filename(directory, STP_STORE_FILE, NULL);
	g_autofree char *copy = g_strconcat(path, ".restoring", NULL);
	gboolean done;
	int lock;

	if (!make_directory(directory, error))
		return FALSE;
	lock = take_lock(directory, error);
	if (lock < 0)
		return FALSE;
	done = copy_file(backup, copy, error);
	if (done && !verify_backup(copy, error)) {
		g_prefix_error(error, "%s is not a whole backup; the store was not touched. ", backup);
		g_remove(copy);
		done = FALSE;
	}
	done = done && put_in_place(copy, path, kept, error);
	close(lock);
	return done;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Backup and check, as the store seam has them: in a thread of their own, beside the writer. */

#include <unistd.h>

#include "backup-file.h"
#include "error.h"
#include "store-check.h"
#include "store-worker.h"

static char *
database_path(StpStore *self)
{
	return g_build_filename(self->files.directory, STP_STORE_FILE, NULL);
}

/* ---- backup ---- */

typedef struct {
	char *path;
	int fd;
	StpBackup done;
} BackupJob;

static void
backup_job_free(gpointer data)
{
	BackupJob *job = data;

	close(job->fd);
	g_free(job->path);
	g_free(job);
}

static void
back_up(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
	BackupJob *job = data;
	GError *error = NULL;

	if (stp_backup_write(job->path, job->fd, cancellable, &error) &&
	    stp_backup_verify(job->fd, &job->done, &error))
		g_task_return_boolean(task, TRUE);
	else
		g_task_return_error(task, error);
}

void
stp_store_back_up_async(StpStore *self, int fd, GCancellable *cancellable, GAsyncReadyCallback callback,
			gpointer user_data)
{
	g_autoptr(GTask) task = g_task_new(self, cancellable, callback, user_data);
	BackupJob *job = g_new0(BackupJob, 1);

	job->path = database_path(self);
	job->fd = fd;
	g_task_set_task_data(task, job, backup_job_free);
	g_task_set_check_cancellable(task, FALSE);
	g_task_run_in_thread(task, back_up);
}

gboolean
stp_store_back_up_finish(StpStore *self, GAsyncResult *result, guint64 *bytes, guint64 *records, GError **error)
{
	const BackupJob *job;

	g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
	if (!g_task_propagate_boolean(G_TASK(result), error))
		return FALSE;
	job = g_task_get_task_data(G_TASK(result));
	*bytes = job->done.bytes;
	*records = job->done.records;
	return TRUE;
}

/* ---- check ---- */

static void
check(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
	GError *error = NULL;
	StpCheck *found = stp_check_run(data, cancellable, &error);

	if (found != NULL)
		g_task_return_pointer(task, found, (GDestroyNotify)stp_check_free);
	else
		g_task_return_error(task, error);
}

void
stp_store_check_async(StpStore *self, GCancellable *cancellable, GAsyncReadyCallback callback,
		      gpointer user_data)
{
	g_autoptr(GTask) task = g_task_new(self, cancellable, callback, user_data);

	g_task_set_task_data(task, database_path(self), g_free);
	g_task_set_check_cancellable(task, FALSE);
	g_task_run_in_thread(task, check);
}

/* What was found stays known until a later check finds nothing. */
static void
tell(StpStore *self, const StpCheck *found)
{
	g_autofree char *text = NULL;

	if (found->damaged->len == 0 && found->structure[0] == NULL && found->derived == 0) {
		stp_store_end_alert_async(self, "store-decayed", "");
		return;
	}
	text = g_strdup_printf("A check of the store found %u of %" G_GUINT64_FORMAT " records that are not as they "
			       "were, and %u faults in its structure.",
			       found->damaged->len, found->records, g_strv_length(found->structure));
	stp_store_raise_alert_async(self, "store-decayed", "", STP_ALERT_CRITICAL, text,
				    "Check the disk, and restore the store from a backup; where only what is derived "
				    "is wrong, 'stipplectl db reparse' makes it anew.");
}

StpCheck *
stp_store_check_finish(StpStore *self, GAsyncResult *result, GError **error)
{
	StpCheck *found;

	g_return_val_if_fail(g_task_is_valid(result, self), NULL);
	found = g_task_propagate_pointer(G_TASK(result), error);
	if (found != NULL)
		tell(self, found);
	return found;
}

gboolean
stp_store_restore(const char *directory, const char *backup, char **kept, GError **error)
{
	return stp_store_files_restore(directory, backup, kept, error);
}

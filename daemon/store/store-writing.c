/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What writes, as the store seam has it: each call is a job for the writer. */

#include "store-worker.h"

#define FINISH(tag) \
	g_return_val_if_fail(g_task_is_valid(result, self), FALSE); \
	g_return_val_if_fail(g_async_result_is_tagged(result, GINT_TO_POINTER(tag)), FALSE); \
	return g_task_propagate_boolean(G_TASK(result), error)

void
stp_store_put_pen_async(StpStore *self, const StpPenRow *row, GCancellable *cancellable,
			GAsyncReadyCallback callback, gpointer user_data)
{
	stp_store_submit(self, stp_job_put_pen(row), STP_TAG_PEN, cancellable, callback, user_data);
}

gboolean
stp_store_put_pen_finish(StpStore *self, GAsyncResult *result, GError **error)
{
	FINISH(STP_TAG_PEN);
}

void
stp_store_put_identity_async(StpStore *self, const StpPenRow *row, GCancellable *cancellable,
			     GAsyncReadyCallback callback, gpointer user_data)
{
	stp_store_submit(self, stp_job_put_identity(row), STP_TAG_IDENTITY, cancellable, callback, user_data);
}

gboolean
stp_store_put_identity_finish(StpStore *self, GAsyncResult *result, GError **error)
{
	FINISH(STP_TAG_IDENTITY);
}

void
stp_store_retire_pen_async(StpStore *self, const char *serial, StpRetiredFlags how, GCancellable *cancellable,
			   GAsyncReadyCallback callback, gpointer user_data)
{
	stp_store_submit(self, stp_job_retire_pen(serial, how), STP_TAG_RETIRE, cancellable, callback, user_data);
}

gboolean
stp_store_retire_pen_finish(StpStore *self, GAsyncResult *result, GError **error)
{
	FINISH(STP_TAG_RETIRE);
}

void
stp_store_put_state_async(StpStore *self, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
			  const StpContact *contact, GCancellable *cancellable,
			  GAsyncReadyCallback callback, gpointer user_data)
{
	stp_store_submit(self, stp_job_put_state(serial, epoch, oldest, newest, contact), STP_TAG_STATE, cancellable,
	       callback, user_data);
}

gboolean
stp_store_put_state_finish(StpStore *self, GAsyncResult *result, GError **error)
{
	FINISH(STP_TAG_STATE);
}

void
stp_store_put_record_async(StpStore *self, const StpArrival *arrival, GCancellable *cancellable,
			   GAsyncReadyCallback callback, gpointer user_data)
{
	stp_store_submit(self, stp_job_put_record(arrival), STP_TAG_RECORD, cancellable, callback, user_data);
}

StpStoredOutcome *
stp_store_put_record_finish(StpStore *self, GAsyncResult *result, GError **error)
{
	StpJob *job;

	g_return_val_if_fail(g_task_is_valid(result, self), NULL);
	g_return_val_if_fail(g_async_result_is_tagged(result, GINT_TO_POINTER(STP_TAG_RECORD)), NULL);
	if (!g_task_propagate_boolean(G_TASK(result), error))
		return NULL;
	job = g_task_get_task_data(G_TASK(result));
	return g_steal_pointer(&job->outcome);
}

void
stp_store_put_partial_async(StpStore *self, const StpPartial *partial, GCancellable *cancellable,
			    GAsyncReadyCallback callback, gpointer user_data)
{
	stp_store_submit(self, stp_job_put_partial(partial), STP_TAG_PARTIAL, cancellable, callback, user_data);
}

gboolean
stp_store_put_partial_finish(StpStore *self, GAsyncResult *result, GError **error)
{
	FINISH(STP_TAG_PARTIAL);
}

void
stp_store_refute_partial_async(StpStore *self, const StpPartial *partial, GCancellable *cancellable,
			       GAsyncReadyCallback callback, gpointer user_data)
{
	stp_store_submit(self, stp_job_refute_partial(partial), STP_TAG_REFUTE, cancellable, callback, user_data);
}

gboolean
stp_store_refute_partial_finish(StpStore *self, GAsyncResult *result, GError **error)
{
	FINISH(STP_TAG_REFUTE);
}

void
stp_store_put_finding_async(StpStore *self, const StpFinding *finding, GCancellable *cancellable,
			    GAsyncReadyCallback callback, gpointer user_data)
{
	stp_store_submit(self, stp_job_put_finding(finding), STP_TAG_FINDING, cancellable, callback, user_data);
}

gboolean
stp_store_put_finding_finish(StpStore *self, GAsyncResult *result, GError **error)
{
	FINISH(STP_TAG_FINDING);
}

void
stp_store_put_attempt_async(StpStore *self, const StpAttempt *attempt, GCancellable *cancellable,
			    GAsyncReadyCallback callback, gpointer user_data)
{
	stp_store_submit(self, stp_job_put_attempt(attempt), STP_TAG_ATTEMPT, cancellable, callback, user_data);
}

gboolean
stp_store_put_attempt_finish(StpStore *self, GAsyncResult *result, GError **error)
{
	FINISH(STP_TAG_ATTEMPT);
}

void
stp_store_reparse_async(StpStore *self, GCancellable *cancellable, GAsyncReadyCallback callback,
			gpointer user_data)
{
	stp_store_submit(self, stp_job_reparse(), STP_TAG_REPARSE, cancellable, callback, user_data);
}

gboolean
stp_store_reparse_finish(StpStore *self, GAsyncResult *result, GError **error)
{
	FINISH(STP_TAG_REPARSE);
}

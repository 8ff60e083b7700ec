/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pending.h"

#include "error.h"

struct StpPending {
	GTask *task;
	GSource *watch;
	char *what;
	gboolean cancelled;
	void (*run)(gpointer data);
	gpointer data;
};

static gboolean
cancelled(GCancellable *cancellable, gpointer user_data)
{
	StpPending *pending = user_data;

	pending->cancelled = TRUE;
	g_task_return_new_error(pending->task, STP_ERROR, STP_ERROR_CANCELLED,
				"%s was cancelled. Start it again when it is wanted.", pending->what);
	if (pending->run != NULL)
		pending->run(pending->data);
	return G_SOURCE_REMOVE;
}

StpPending *
stp_pending_new(gpointer source, GCancellable *cancellable, const char *what, GAsyncReadyCallback callback,
		gpointer user_data)
{
	StpPending *pending = g_new0(StpPending, 1);

	/* The task itself must not look at the cancellable: it would answer in GIO's error domain. */
	pending->task = g_task_new(source, NULL, callback, user_data);
	pending->what = g_strdup(what);
	if (cancellable != NULL) {
		pending->watch = g_cancellable_source_new(cancellable);
		g_source_set_callback(pending->watch, G_SOURCE_FUNC(cancelled), pending, NULL);
		g_source_attach(pending->watch, g_main_context_get_thread_default());
	}
	return pending;
}

static void
free_pending(StpPending *pending)
{
	if (pending->watch != NULL) {
		g_source_destroy(pending->watch);
		g_source_unref(pending->watch);
	}
	g_object_unref(pending->task);
	g_free(pending->what);
	g_free(pending);
}

void
stp_pending_return_pointer(StpPending *pending, gpointer value, GDestroyNotify free_value)
{
	if (!pending->cancelled)
		g_task_return_pointer(pending->task, value, free_value);
	else if (free_value != NULL)
		free_value(value);
	free_pending(pending);
}

void
stp_pending_return_true(StpPending *pending)
{
	if (!pending->cancelled)
		g_task_return_boolean(pending->task, TRUE);
	free_pending(pending);
}

void
stp_pending_return_error(StpPending *pending, GError *error)
{
	if (!pending->cancelled)
		g_task_return_error(pending->task, error);
	else
		g_error_free(error);
	free_pending(pending);
}

gboolean
stp_pending_is_cancelled(const StpPending *pending)
{
	return pending->cancelled;
}

void
stp_pending_on_cancel(StpPending *pending, void (*run)(gpointer data), gpointer data)
{
	pending->run = run;
	pending->data = data;
}

GCancellable *
stp_cancellable_either(GCancellable *a, GCancellable *b)
{
	GCancellable *either;

	if (b == NULL)
		return g_object_ref(a);
	either = g_cancellable_new();
	g_signal_connect_object(a, "cancelled", G_CALLBACK(g_cancellable_cancel), either, G_CONNECT_SWAPPED);
	g_signal_connect_object(b, "cancelled", G_CALLBACK(g_cancellable_cancel), either, G_CONNECT_SWAPPED);
	if (g_cancellable_is_cancelled(a) || g_cancellable_is_cancelled(b))
		g_cancellable_cancel(either);
	return either;
}

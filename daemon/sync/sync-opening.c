/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sync-opening.h"

#include "bond-trouble.h"
#include "error.h"
#include "log.h"
#include "pen-identity.h"

typedef struct {
	char *serial;
	StpStore *store;
	StpSyncOpening *opening;
} Open;

static void
open_free(gpointer data)
{
	Open *open = data;

	g_free(open->serial);
	g_clear_object(&open->store);
	g_clear_pointer(&open->opening, stp_sync_opening_free);
	g_free(open);
}

void
stp_sync_opening_free(StpSyncOpening *opening)
{
	g_clear_pointer(&opening->identity, stp_pen_row_free);
	g_free(opening);
}

static void
on_subscribed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	Open *open = g_task_get_task_data(task);
	g_autoptr(GError) error = NULL;

	if (!stp_link_subscribe_finish(STP_LINK(source), result, &error))
		g_task_return_error(task, g_steal_pointer(&error));
	else
		g_task_return_pointer(task, g_steal_pointer(&open->opening),
				      (GDestroyNotify)stp_sync_opening_free);
}

static void
on_identified(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	Open *open = g_task_get_task_data(task);
	StpPenRow *identity;
	GError *error = NULL;

	identity = stp_pen_identify_finish(STP_LINK(source), result, &error);
	if (identity == NULL) {
		g_task_return_error(task, error);
		return;
	}
	open->opening->identity = identity;
	if (!g_str_equal(identity->serial, open->serial)) {
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_PROTOCOL_FAILED,
			"Pen %s answers at the address of %s. Enrol it with 'stipplectl pens add'; "
			"nothing was stored or changed.", identity->serial, open->serial);
		return;
	}
	stp_link_subscribe_async(STP_LINK(source), g_task_get_cancellable(task), on_subscribed,
				 g_object_ref(task));
}

static gboolean
check_bond(Open *open, StpLink *link, GError **error)
{
	g_autoptr(StpPenRow) row = stp_store_get_pen(open->store, open->serial, error);

	if (row == NULL || !stp_bond_check(link, &open->opening->features, row, error))
		return FALSE;
	open->opening->authenticated = row->bond == STP_PEN_BOND_AUTHENTICATED;
	return TRUE;
}

static void
on_features(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	Open *open = g_task_get_task_data(task);
	GError *error = NULL;
	g_autoptr(GBytes) value = stp_link_read_finish(STP_LINK(source), result, &error);
	struct stp_features features;
	enum stp_status status;

	if (value == NULL) {
		g_task_return_error(task, error);
		return;
	}
	status = stp_features_decode(g_bytes_get_data(value, NULL), g_bytes_get_size(value),
				     &features);
	if (status != STP_OK) {
		stp_error_set_status(&error, STP_ERROR_PROTOCOL_FAILED, status,
				     "Reading the pen's features");
		g_task_return_error(task, error);
		return;
	}
	if (features.schema_rev > STP_SCHEMA_REV)
		stp_notice("sync", open->serial,
			   "The pen writes records of schema %u, newer than this version knows "
			   "(%u). They are kept raw; update Stipple to decode them.",
			   features.schema_rev, STP_SCHEMA_REV);
	open->opening->features = features;
	if (!check_bond(open, STP_LINK(source), &error)) {
		g_task_return_error(task, error);
		return;
	}
	stp_pen_identify_async(STP_LINK(source), g_task_get_cancellable(task), on_identified,
			       g_object_ref(task));
}

void
stp_sync_open_async(StpLink *link, StpStore *store, const char *serial, GCancellable *cancellable,
		    GAsyncReadyCallback callback, gpointer user_data)
{
	GTask *task = g_task_new(link, cancellable, callback, user_data);
	Open *open = g_new0(Open, 1);

	/* Cancelling is told in our own error domain, by the link. */
	g_task_set_check_cancellable(task, FALSE);
	open->serial = g_strdup(serial);
	open->store = g_object_ref(store);
	open->opening = g_new0(StpSyncOpening, 1);
	g_task_set_task_data(task, open, open_free);
	stp_link_read_async(link, STP_CHANNEL_FEATURES, cancellable, on_features, task);
}

StpSyncOpening *
stp_sync_open_finish(StpLink *link, GAsyncResult *result, GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, link), NULL);
	return g_task_propagate_pointer(G_TASK(result), error);
}

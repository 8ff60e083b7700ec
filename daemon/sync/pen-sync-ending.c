/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-sync.h"
#include "pen-sync-parts.h"

#include <string.h>

#include "clock.h"
#include "error.h"
#include "log.h"
#include "sync-trouble.h"
#include "sync-timing.h"

static void
give_result(StpPenSync *self)
{
	g_autoptr(GTask) task = g_steal_pointer(&self->task);

	stp_pen_sync_drop_source(&self->stage_timer);
	if (task == NULL)
		return; /* given up waiting for this before */
	if (self->error != NULL)
		g_task_return_error(task, g_error_copy(self->error));
	else
		g_task_return_boolean(task, TRUE);
}

/* The strings are the link's. */
static void
describe_link(StpAttempt *attempt, const StpLinkFigures *link)
{
	attempt->notify = stp_notify_path_name(link->path);
	attempt->switches = link->switches;
	attempt->has_rssi = link->rssi != STP_RSSI_UNKNOWN;
	attempt->rssi = link->rssi;
	attempt->connect_tries = link->connect_tries;
	attempt->connect_ms = link->connect_ms;
	attempt->refreshes = link->refreshes;
	attempt->data_ms = link->data_ms;
	attempt->link_end = stp_link_end_name(link->end);
	attempt->link_end_text = link->end_text;
}

static void
on_attempt_kept(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpPenSync) self = user_data;
	g_autoptr(GError) error = NULL;

	stp_pen_sync_store_ends(self);
	if (!stp_store_put_attempt_finish(STP_STORE(source), result, &error))
		stp_warning("sync", self->serial, "%s", error->message);
	give_result(self);
}

static void
keep_attempt(StpPenSync *self)
{
	StpLinkFigures link;
	StpAttempt attempt = {
		.serial = self->serial,
		.started = self->started,
		.ended = stp_clock_wall(),
		.stage = self->result.yielded ? "yielded" : self->stage,
		.records = self->result.records,
		.damaged = self->result.damaged,
		.given_up = self->result.given_up,
		.bytes = self->result.bytes,
		.mtu = self->result.mtu,
		.capacity = self->result.capacity,
		.trouble = self->error != NULL && !self->result.yielded ? stp_trouble_name(stp_trouble_of(self->error)) : "",
		.error = self->error != NULL && !self->result.yielded ? self->error->message : "",
	};

	if (self->task == NULL || self->attempt_kept)
		return;
	memcpy(attempt.lives, self->lives, sizeof(attempt.lives));
	self->attempt_kept = TRUE;
	stp_pen_sync_store_begins(self);
	stp_link_get_figures(self->link, &link);
	describe_link(&attempt, &link);
	stp_store_put_attempt_async(self->store, &attempt, NULL, on_attempt_kept, g_object_ref(self));
}

static void
on_link_closed_by_us(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpPenSync) self = user_data;
	g_autoptr(GError) error = NULL;

	if (!stp_link_close_finish(STP_LINK(source), result, &error))
		stp_debug("sync", self->serial, "closing the link: %s", error->message);
	self->closed = TRUE;
	if (self->pending == 0)
		keep_attempt(self);
}

static void
close_link(StpPenSync *self)
{
	struct stp_host_progress progress;

	if (self->closing)
		return;
	self->closing = TRUE;
	stp_pen_sync_get_progress(self, &progress);
	self->result.bytes = self->bytes_before + progress.bytes_received;
	stp_link_close_async(self->link, on_link_closed_by_us, g_object_ref(self));
}

static void
end_if_quiet(StpPenSync *self)
{
	if (!self->ending || self->pending > 0 || self->task == NULL)
		return;
	if (!self->closed)
		close_link(self);
	else
		keep_attempt(self);
}

void
stp_pen_sync_drop_source(GSource **source)
{
	if (*source == NULL)
		return;
	g_source_destroy(*source);
	g_clear_pointer(source, g_source_unref);
}

/* What is under way did not come back although the link was cut; it must not hold up this pen for ever. */
static gboolean
on_abandoned(gpointer user_data)
{
	g_autoptr(StpPenSync) self = g_object_ref(user_data);

	if (stp_pen_sync_waits_for_store(self))
		return G_SOURCE_CONTINUE;
	if (self->attempt_kept) {
		stp_warning("sync", self->serial, "The store does not take what is to be said of this sync; the next one "
			    "begins without it.");
		give_result(self);
		return G_SOURCE_REMOVE;
	}
	stp_warning("sync", self->serial, "%u calls never came back; the next sync begins without them.",
		    self->pending);
	if (self->error == NULL)
		self->error = g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
					  "The link to the pen did not end in time. It is tried again.");
	/* What is under way may hold the store, too. */
	keep_attempt(self);
	return G_SOURCE_CONTINUE;
}

/* In order it did not end: what is under way fails when its link does. */
static gboolean
on_closing_over(gpointer user_data)
{
	StpPenSync *self = user_data;

	stp_pen_sync_set_timer(&self->stage_timer, STP_SYNC_ABANDON_S, on_abandoned, self);
	close_link(self);
	return G_SOURCE_REMOVE;
}

void
stp_pen_sync_end(StpPenSync *self, GError *error)
{
	if (self->ending) {
		g_clear_error(&error);
		return;
	}
	self->ending = TRUE;
	self->error = error;
	/* Kept before the attempt is, and so before anybody is told that this sync has ended. */
	if (self->dialogue)
		stp_sync_resume_keep_all(self->resume, self->host);
	stp_pen_sync_drop_source(&self->timer);
	stp_pen_sync_drop_source(&self->cancelled);
	stp_pen_sync_set_timer(&self->stage_timer, STP_SYNC_CLOSING_S, on_closing_over, self);
	g_signal_handlers_disconnect_by_data(self->link, self);
	g_signal_emit_by_name(self, "stage-changed");
	end_if_quiet(self);
}

StpPenSync *
stp_pen_sync_begin(StpPenSync *self)
{
	self->pending++;
	return g_object_ref(self);
}

void
stp_pen_sync_done(StpPenSync *self)
{
	self->pending--;
	end_if_quiet(self);
	g_object_unref(self);
}

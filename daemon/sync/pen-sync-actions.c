/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-sync.h"
#include "clock.h"
#include "pen-sync-parts.h"

#include "log.h"
#include "sync-findings.h"
#include "sync-timing.h"
#include "sync-wanted.h"
#include "time-zone.h"

static void
on_written(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpPenSync *self = user_data;
	g_autoptr(GError) error = NULL;

	if (!stp_link_write_finish(STP_LINK(source), result, &error))
		stp_pen_sync_end(self, g_steal_pointer(&error));
	stp_pen_sync_done(self);
}

/* One reading of the pen's clock: an answer counts from when it was asked for itself. */
typedef struct {
	StpPenSync *sync;
	guint number;
	gint64 asked;	/* monotonic, microseconds */
	gint64 asked_utc;
} ClockReading;

/* Of the one that the engine waits for. */
static void
take_clock(StpPenSync *self, const ClockReading *reading, GBytes *value)
{
	gint64 took = stp_clock_monotonic() - reading->asked;
	gsize size = 0;
	const guint8 *bytes = value != NULL ? g_bytes_get_data(value, &size) : NULL;
	gint64 utc;

	stp_store_read_clock(self->store, &self->clock_read);
	self->clock_read_at = stp_clock_monotonic();
	stp_pen_sync_judge_clock(self);
	utc = self->clock_read.utc_us;
	if (bytes != NULL && !stp_sync_clock_held(self->serial, reading->asked_utc, utc, took))
		bytes = NULL;
	if (self->ending)
		return;
	stp_host_time(self->host, bytes, size, utc, (guint32)CLAMP(took, 0, G_MAXINT32), stp_pen_sync_now_ms(self));
	stp_pen_sync_poll(self);
}

static void
on_clock(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autofree ClockReading *reading = user_data;
	StpPenSync *self = reading->sync;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) value = stp_link_read_finish(STP_LINK(source), result, &error);

	if (error != NULL)
		stp_warning("sync", self->serial,
			    "The pen's clock could not be read (%s); sessions of this power-up keep "
			    "their order, and get their time at the next contact.",
			    error->message);
	/* What the engine gave up is not the answer to what it asked since: a dialogue may begin anew. */
	if (reading->number == self->clock_readings)
		take_clock(self, reading, value);
	stp_pen_sync_done(self);
}

static void
read_clock(StpPenSync *self)
{
	ClockReading *reading = g_new0(ClockReading, 1);

	stp_store_read_clock(self->store, &self->clock_read);
	reading->sync = stp_pen_sync_begin(self);
	reading->number = ++self->clock_readings;
	reading->asked = stp_clock_monotonic();
	reading->asked_utc = self->clock_read.utc_us;
	stp_link_read_async(self->link, STP_CHANNEL_ELAPSED_TIME, NULL, on_clock, reading);
}

static const struct stp_range *
ranges_of(const GArray *array)
{
	return (const struct stp_range *)(const void *)array->data;
}

static void
on_state_kept(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpPenSync *self = user_data;
	g_autoptr(GError) error = NULL;

	stp_pen_sync_store_ends(self);
	if (!stp_store_put_state_finish(STP_STORE(source), result, &error))
		stp_pen_sync_end(self, g_steal_pointer(&error));
	if (!self->ending) {
		stp_host_held(self->host, ranges_of(self->held), self->held->len, stp_pen_sync_now_ms(self));
		stp_pen_sync_enter_transfer(self);
		stp_host_want(self->host, ranges_of(self->wanted), self->wanted->len, stp_pen_sync_now_ms(self));
		stp_pen_sync_poll(self);
	}
	stp_pen_sync_done(self);
}

static void
take_state(StpPenSync *self, const struct stp_host_state *state)
{
	const gint64 again_before = stp_sync_again_before(self->store, self->serial, self->opening->identity->firmware,
							   &self->choice);
	g_autoptr(GError) error = NULL;

	stp_pen_sync_enter(self, "store", STP_SYNC_STORE_S);
	self->met = state->anchored;
	self->contact = (StpContact){
		.anchor = state->anchor,
		.host = self->clock_read,
		.running = (state->flags & STP_STATE_MOTOR_ON) != 0,
	};
	self->result.has_status = TRUE;
	self->result.epoch = state->epoch;
	self->result.oldest = MAX(state->oldest, 1);
	self->result.newest = state->newest;
	self->result.boot_id = state->boot_id;
	self->result.slot = state->slot;
	stp_sync_find_state(self->store, self->serial, state);
	if (self->contact.running)
		stp_pen_sync_listen(self);

	g_clear_pointer(&self->held, g_array_unref);
	g_clear_pointer(&self->wanted, g_array_unref);
	g_clear_pointer(&self->skip, stp_sync_skip_free);
	if (stp_sync_choose(self->store, self->serial, state, again_before, &self->held, &self->wanted, &self->went_back,
			    &error))
		self->skip = stp_sync_skip_new(self->store, self->serial, state, self->went_back, self->choice.since,
					       &error);
	if (self->skip == NULL) {
		stp_pen_sync_end(self, g_steal_pointer(&error));
		return;
	}
	stp_sync_choice_narrow(&self->choice, self->wanted);
	stp_sync_resume_load(self->resume);
	stp_debug("sync", self->serial, "epoch %08x has %u..%u, %u ranges of it are missing here",
		  state->epoch, state->oldest, state->newest, self->wanted->len);

	stp_pen_sync_store_begins(self);
	stp_store_put_state_async(self->store, self->serial, state->epoch, state->oldest, state->newest,
				  self->met ? &self->contact : NULL, NULL, on_state_kept,
				  stp_pen_sync_begin(self));
}

static void
on_record_kept(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpPenSync *self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(StpStoredOutcome) outcome = stp_store_put_record_finish(STP_STORE(source), result, &error);

	stp_pen_sync_store_ends(self);
	if (outcome == NULL) {
		stp_pen_sync_end(self, g_steal_pointer(&error));
		stp_pen_sync_done(self);
		return;
	}

	if (!outcome->acknowledge)
		self->result.damaged++;
	else if (outcome->how == STP_STORED_NEW)
		self->result.records++;
	else if (outcome->how == STP_STORED_CONFLICT)
		self->result.conflicts++;
	else
		self->result.again++;
	if (outcome->session_id != NULL)
		g_signal_emit_by_name(self, "session-stored", outcome->session_id);

	if (!self->ending) {
		stp_host_stored(self->host, outcome->acknowledge, stp_pen_sync_now_ms(self));
		stp_pen_sync_poll(self);
	}
	stp_pen_sync_done(self);
}

static void
take_record(StpPenSync *self, const struct stp_host_action *action)
{
	const struct stp_entry *entry = &action->u.record.entry;
	g_autoptr(GBytes) raw = g_bytes_new(action->u.record.raw, action->u.record.size);
	g_autofree char *zone = stp_zone_here();
	const StpArrival arrival = {
		.serial = self->serial,
		.epoch = action->u.record.epoch,
		.number = entry->record,
		.raw = raw,
		.integrity = action->u.record.integrity,
		.listed_size = entry->length,
		.listed_type = entry->type,
		.listed_boot_id = entry->boot_id,
		.listed_start_tick_ms = entry->start_tick_ms,
		.went_back = self->went_back,
		.listed_crc32c = entry->crc32c,
		.authenticated = self->opening->authenticated,
		.received_at = stp_clock_wall(),
		.zone = zone,
	};

	stp_pen_sync_store_begins(self);
	stp_store_put_record_async(self->store, &arrival, NULL, on_record_kept, stp_pen_sync_begin(self));
}

static void
write_control(StpPenSync *self, const struct stp_host_action *action, gboolean with_response)
{
	g_autoptr(GBytes) value = g_bytes_new(action->u.write.bytes, action->u.write.size);

	if (action->u.write.size > 1)
		self->token = action->u.write.bytes[1];

	stp_link_write_async(self->link, STP_CHANNEL_LOG_CONTROL, value, with_response, NULL, on_written,
			     stp_pen_sync_begin(self));
}

/* No more is asked of the pen than the disk can follow: else a crash would cost more than a chunk. */
void
stp_pen_sync_write_credits(gpointer user_data)
{
	StpPenSync *self = user_data;

	if (!self->ending)
		stp_sync_resume_keep(self->resume, self->host, stp_clock_monotonic());
	while (self->credits->len > 0 && !self->ending &&
	       !stp_sync_resume_is_behind(self->resume, self->host)) {
		write_control(self, &g_array_index(self->credits, struct stp_host_action, 0), FALSE);
		g_array_remove_index(self->credits, 0);
	}
	stp_pen_sync_hold(self, self->credits->len > 0 && !self->ending);
	if (!self->ending)
		stp_pen_sync_set_deadline(self);
}

static void
begin_record(StpPenSync *self, const struct stp_host_action *action)
{
	gboolean durable;

	if (stp_sync_skip_leaves_out(self->skip, &action->u.begin.entry, &durable))
		stp_host_skip(self->host, durable, stp_pen_sync_now_ms(self));
	else
		stp_sync_resume_begin(self->resume, self->host, action);
}

static void
take_done(StpPenSync *self)
{
	/* A dialogue that was stopped is done, too, but the sync is not complete. */
	if (self->stopped) {
		stp_pen_sync_end(self, stp_sync_stopped());
		return;
	}
	if (!self->result.chosen)
		stp_pen_sync_set_clock(self);
	if (!self->result.chosen && self->contact.running) {
		/* What it does now becomes a record. */
		stp_pen_sync_stay(self, NULL);
		return;
	}
	self->stage = self->result.chosen ? "chosen" : "done";
	stp_pen_sync_end(self, NULL);
}

void
stp_pen_sync_carry_out(StpPenSync *self, const struct stp_host_action *action)
{
	switch (action->kind) {
	case STP_HOST_WRITE:
		/* The pen would drop those of the request before. */
		g_array_set_size(self->credits, 0);
		stp_pen_sync_hold(self, FALSE);
		write_control(self, action, TRUE);
		break;
	case STP_HOST_WRITE_COMMAND:
		g_array_append_val(self->credits, *action);
		stp_pen_sync_write_credits(self);
		break;
	case STP_HOST_READ_TIME:
		read_clock(self);
		break;
	case STP_HOST_STATE:
		take_state(self, &action->u.state);
		break;
	case STP_HOST_BEGIN:
		begin_record(self, action);
		break;
	case STP_HOST_RECORD:
		stp_sync_resume_delivered(self->resume);
		take_record(self, action);
		break;
	case STP_HOST_GIVEN_UP:
		self->result.given_up++;
		stp_sync_resume_keep_all(self->resume, self->host);
		stp_sync_find_given_up(self->store, self->serial, action);
		break;
	case STP_HOST_NOTE:
		self->result.untold += action->u.note.note == STP_NOTE_ACK_REFUSED;
		stp_sync_resume_note(self->resume, action);
		stp_sync_find_note(self->store, self->serial, self->result.epoch, action);
		break;
	case STP_HOST_DONE:
		take_done(self);
		break;
	case STP_HOST_FAILED:
		if (action->u.failed.reason == STP_ERR_REFUSED && action->u.failed.wire_status == STP_WIRE_BUSY)
			stp_pen_sync_stay(self, stp_sync_failure(action));
		else
			stp_pen_sync_end(self, stp_sync_failure(action));
		break;
	case STP_HOST_LISTED:
	case STP_HOST_IDLE:
		break;
	}
}

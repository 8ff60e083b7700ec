/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * Clocks, at a contact: whether ours may be believed, and whether the pen's own UTC has to be set.  That is for
 * its display and its events alone; no record's place in time depends on it (proto/WIRE.md, "Time anchor").
 */

#include "pen-sync.h"
#include "pen-sync-parts.h"

#include "clock.h"
#include "error.h"
#include "log.h"
#include "time-zone.h"

#define SECONDS_TO_2000 G_GINT64_CONSTANT(946684800)
#define BY_NETWORK 1 /* source of synchronisation, Bluetooth assigned numbers */
#define QUARTER_MIN 15

void
stp_pen_sync_judge_clock(StpPenSync *self)
{
	g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(self->clock_read.utc_us / G_USEC_PER_SEC);
	g_autofree char *date = now != NULL ? g_date_time_format(now, "%Y-%m-%d %H:%M") : g_strdup("nonsense");
	g_autofree char *text = NULL;

	if (self->clock_read.trust != STP_CLOCK_IMPOSSIBLE) {
		if (stp_store_has_alert(self->store, "host-clock", ""))
			stp_store_end_alert_async(self->store, "host-clock", "");
		return;
	}
	text = g_strdup_printf("This computer's clock says %s UTC, which cannot be. What pens send is stored, but not when "
			       "it was.", date);
	stp_store_raise_alert_async(self->store, "host-clock", "", STP_ALERT_WARNING, text,
				    "Set it right, best by the network ('timedatectl set-ntp true'). The times of what was "
				    "stored until then come right by themselves, as far as they can.");
}

/* By how much the pen's UTC is off, if it was set in this power-up; FALSE: nobody knows. */
static gboolean
find_offset(const StpClockSet *set, const StpContact *contact, gint64 *offset_us)
{
	return set->at.boot_id == contact->anchor.boot_id &&
	       stp_clock_offset(&set->at, &contact->anchor, offset_us) == STP_OK;
}

static void
tell_offset(StpPenSync *self, gint64 offset_us)
{
	g_autofree char *text = NULL;

	if (ABS(offset_us) <= STP_CLOCK_ALERT_US) {
		if (stp_store_has_alert(self->store, "pen-clock-off", self->serial))
			stp_store_end_alert_async(self->store, "pen-clock-off", self->serial);
		return;
	}
	text = g_strdup_printf("The clock of pen %s, which was set from here since it was switched on, is %.0f minutes %s this "
			       "computer's now. One of the two is wrong.", self->serial,
			       (double)ABS(offset_us) / G_USEC_PER_SEC / 60, offset_us > 0 ? "ahead of" : "behind");
	stp_store_raise_alert_async(self->store, "pen-clock-off", self->serial, STP_ALERT_WARNING, text,
				    "See whether this computer's clock is right ('timedatectl'). If it is, have the pen looked "
				    "at. Records keep their places in either case.");
}

/* Whether to set it: only with a clock that is known to be right, and not for less than is worth it. */
static gboolean
is_wanted(StpPenSync *self, const StpClockSet *set)
{
	const StpClockReading *host = &self->contact.host;
	gint64 offset_us;

	if (!self->met || host->trust != STP_CLOCK_SYNCHRONISED || host->error_us > STP_CLOCK_SET_US / 2)
		return FALSE;
	if (set->refused && set->at.boot_id == self->contact.anchor.boot_id)
		return FALSE;
	if (!find_offset(set, &self->contact, &offset_us)) {
		/* What was told was of a power-up that is over. */
		if (set->at.boot_id != self->contact.anchor.boot_id)
			tell_offset(self, 0);
		return stp_link_get_authenticated(self->link);
	}
	tell_offset(self, offset_us);
	return ABS(offset_us) > STP_CLOCK_SET_US && stp_link_get_authenticated(self->link);
}

typedef struct {
	StpPenSync *sync;
	StpClockSet set;
} Setting;

static void
on_noted(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpPenSync *self = user_data;
	g_autoptr(GError) error = NULL;

	if (!stp_store_put_clock_set_finish(STP_STORE(source), result, &error))
		stp_warning("sync", self->serial, "%s", error->message);
	stp_pen_sync_done(self);
}

static void
on_set(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autofree Setting *setting = user_data;
	StpPenSync *self = setting->sync;
	g_autoptr(GError) error = NULL;

	if (stp_link_write_finish(STP_LINK(source), result, &error)) {
		stp_info("sync", self->serial, "Set the pen's clock.");
	} else if (g_error_matches(error, STP_ERROR, STP_ERROR_CANCELLED) || self->closed || self->closing) {
		/* Not the pen's doing; the next contact tries again. */
		stp_debug("sync", self->serial, "the clock was not set: %s", error->message);
		stp_pen_sync_done(self);
		return;
	} else {
		stp_info("sync", self->serial, "The pen has no clock of its own that could be set (%s).", error->message);
		setting->set.refused = TRUE;
	}
	stp_store_put_clock_set_async(self->store, self->serial, &setting->set, NULL, on_noted, stp_pen_sync_begin(self));
	stp_pen_sync_done(self);
}

/* What the display adds to UTC here and now. */
static gint8
quarters_here(gint64 utc_us)
{
	g_autofree char *zone = stp_zone_here();
	int offset_min;

	return stp_zone_offset(zone, utc_us, &offset_min) ? (gint8)(offset_min / QUARTER_MIN) : -128;
}

void
stp_pen_sync_set_clock(StpPenSync *self)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) value = NULL;
	guint8 bytes[STP_ELAPSED_TIME_SIZE];
	struct stp_elapsed_time time = { .is_utc = TRUE, .unit_us = 1000, .sync_source = BY_NETWORK };
	StpClockReading now;
	StpClockSet set;
	Setting *setting;
	gint64 since_us;

	if (!stp_store_get_clock_set(self->store, self->serial, &set, &error)) {
		stp_warning("sync", self->serial, "%s", error->message);
		return;
	}
	if (!is_wanted(self, &set))
		return;
	stp_store_read_clock(self->store, &now);
	/* Somebody may have set it while the log was read. */
	since_us = stp_clock_monotonic() - self->clock_read_at + self->clock_read.utc_us - self->contact.anchor.utc_us;
	if (now.trust != STP_CLOCK_SYNCHRONISED || ABS(now.utc_us - self->contact.anchor.utc_us - since_us) > STP_CLOCK_SET_US / 2)
		return;
	time.value = (guint64)(now.utc_us / 1000 - SECONDS_TO_2000 * 1000);
	time.tz_dst_quarters = quarters_here(now.utc_us);
	if (stp_elapsed_time_encode(&time, bytes) != STP_OK)
		return;
	setting = g_new0(Setting, 1);
	setting->sync = stp_pen_sync_begin(self);
	setting->set.at = (struct stp_time_anchor){
		.boot_id = self->contact.anchor.boot_id,
		.tick_ms = self->contact.anchor.tick_ms + (guint64)MAX(since_us, 0) / 1000,
		.utc_us = now.utc_us,
		.uncertainty_us = self->contact.anchor.uncertainty_us,
	};
	value = g_bytes_new(bytes, sizeof(bytes));
	stp_link_write_async(self->link, STP_CHANNEL_ELAPSED_TIME, value, TRUE, NULL, on_set, setting);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What the store's seam tells of times: the main thread's side of store-times.h. */

#include <math.h>

#include "error.h"
#include "store-worker.h"
#include "time-limits.h"

/* A signal stays well below what a bus takes, whatever a contact put in order. */
#define IDS_PER_SIGNAL 500

static void
tell_sessions(StpStore *self, GPtrArray *timed)
{
	for (guint from = 0; from < timed->len; from += IDS_PER_SIGNAL) {
		g_autoptr(GPtrArray) some = g_ptr_array_new();

		for (guint i = from; i < MIN(from + IDS_PER_SIGNAL, timed->len); i++)
			g_ptr_array_add(some, g_ptr_array_index(timed, i));
		g_ptr_array_add(some, NULL);
		stp_store_emit_sessions_timed(self, (const char *const *)some->pdata);
	}
}

static char *
in_words(gint64 us)
{
	double s = (double)us / G_USEC_PER_SEC;

	if (s < 120)
		return g_strdup_printf("%.1f s", s);
	if (s < 7200)
		return g_strdup_printf("%.0f minutes", s / 60);
	return s < 172800 ? g_strdup_printf("%.0f hours", s / 3600) : g_strdup_printf("%.0f days", s / 86400);
}

static void
tell_step(StpStore *self, const char *serial, const StpBootReport *report)
{
	g_autofree char *apart = in_words(report->apart_us);
	g_autofree char *text = NULL;

	if (report->apart_us < STP_STEP_TOLD_US) {
		if (stp_store_has_alert(self, "pen-clock-step", serial))
			stp_store_end_alert_async(self, "pen-clock-step", serial);
		return;
	}
	if (report->timelines > 1) {
		text = g_strdup_printf("The clock of pen %s began anew since the pen was switched on, so its sessions since "
				       "then can have been at one of several times. They are shown as unconfirmed, and say "
				       "how unsure they are.", serial);
		stp_store_raise_alert_async(self, "pen-clock-step", serial, STP_ALERT_NOTICE, text,
					    "Have the pen looked at. Switch it off and on: its next sessions have sure times "
					    "again.");
		return;
	}
	text = g_strdup_printf("The clock of pen %s and this computer's are %s further apart than at another contact since "
			       "the pen was switched on. %s", serial, apart,
			       report->left_out > 0 ? "What most contacts say was taken for right." :
						      "Sessions between the two say how unsure their times are.");
	stp_store_raise_alert_async(self, "pen-clock-step", serial, STP_ALERT_NOTICE, text,
				    "This computer's clock was set in between, or the pen lost time. See to it that this "
				    "computer's clock is set by the network ('timedatectl'); if it was right all the time, have "
				    "the pen looked at.");
}

static void
tell_drift(StpStore *self, const char *serial, const StpBootReport *report)
{
	g_autofree char *text = NULL;

	if (!report->drifts) {
		if (report->has_drift && stp_store_has_alert(self, "pen-clock-drift", serial))
			stp_store_end_alert_async(self, "pen-clock-drift", serial);
		return;
	}
	text = g_strdup_printf("The clock of pen %s is %s by %.0f ppm, give or take %.0f: %.0f s in a day. It is accounted for "
			       "in the times of its sessions.", serial, report->drift_ppb > 0 ? "slow" : "fast",
			       fabs(report->drift_ppb / 1000.0), report->drift_unsure_ppb / 1000.0,
			       fabs(report->drift_ppb / 1e9 * 86400));
	stp_store_raise_alert_async(self, "pen-clock-drift", serial, STP_ALERT_NOTICE, text,
				    "Pens are within 100 ppm. Have this one looked at when it is serviced.");
}

void
stp_store_tell_times(StpStore *self, const StpJob *job)
{
	if (job->news.timed->len > 0)
		tell_sessions(self, job->news.timed);
	if (!job->news.has_report)
		return;
	tell_step(self, job->u.state.serial, &job->news.report);
	tell_drift(self, job->u.state.serial, &job->news.report);
}

/* ---- this computer's clock ---- */

void
stp_store_set_clock(StpStore *self, StpHostClock *clock)
{
	g_clear_pointer(&self->clock, stp_host_clock_free);
	self->clock = clock;
}

void
stp_store_read_clock(StpStore *self, StpClockReading *reading)
{
	stp_host_clock_read(self->clock, reading);
}

/* ---- the pens' own clocks ---- */

gboolean
stp_store_get_clock_set(StpStore *self, const char *serial, StpClockSet *set, GError **error)
{
	return stp_times_get_clock_set(self->files.reader, serial, set, error);
}

void
stp_store_put_clock_set_async(StpStore *self, const char *serial, const StpClockSet *set,
			      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	stp_store_submit(self, stp_job_put_clock_set(serial, set), STP_TAG_CLOCK_SET, cancellable, callback,
			 user_data);
}

gboolean
stp_store_put_clock_set_finish(StpStore *self, GAsyncResult *result, GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
	g_return_val_if_fail(g_async_result_is_tagged(result, GINT_TO_POINTER(STP_TAG_CLOCK_SET)), FALSE);
	return g_task_propagate_boolean(G_TASK(result), error);
}

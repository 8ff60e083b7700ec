/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* A store that was set aside: what is left of it comes over in the background, and people are told. */

#include "log.h"
#include "store-worker.h"

#define KIND "store-damaged"

static void
tell(StpStore *self, const StpSalvage *salvage)
{
	g_autofree char *text = g_strdup_printf(
		"The store was damaged and set aside as %s. %u pens and %u records were taken over%s, with %u copies that "
		"had come damaged; %u records could not be read any more.",
		salvage->asides, salvage->pens, salvage->records, salvage->done ? "" : " so far",
		salvage->specimens, salvage->damaged);

	stp_store_raise_alert_async(self, KIND, "", STP_ALERT_CRITICAL, text,
				    "Check the disk. The pens give again what they still have; 'stipplectl coverage' "
				    "shows what is missing. Move what was set aside away when you are done with it.");
}

static void go_on(StpStore *self);

static void
on_slice(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpStore *self = STP_STORE(source);
	StpJob *job = g_task_get_task_data(G_TASK(result));
	g_autoptr(GError) error = NULL;

	/* A store that is full or cannot be written goes on with the next start. */
	if (!g_task_propagate_boolean(G_TASK(result), &error)) {
		stp_info("store", NULL, "Taking over the damaged store stopped: %s", error->message);
		return;
	}
	if (!job->u.salvage.done) {
		go_on(self);
		return;
	}
	stp_info("store", NULL, "Of the damaged store, %u records were taken over.", job->u.salvage.records);
	if (job->u.salvage.asides != NULL)
		tell(self, &job->u.salvage);
}

/* One slice at a time, so that what pens send comes in between. */
static void
go_on(StpStore *self)
{
	if (self->worker != NULL)
		stp_store_submit(self, stp_job_salvage(), STP_TAG_SALVAGE, NULL, on_slice, NULL);
}

void
stp_store_begin_salvage(StpStore *self)
{
	g_auto(StpSalvage) salvage = { 0 };
	g_autoptr(GError) error = NULL;

	if (!stp_salvage_read(self->files.writer, &salvage, &error)) {
		stp_warning("store", NULL, "%s", error->message);
		return;
	}
	/* Whoever moved the files away has dealt with them. */
	if (salvage.asides == NULL) {
		stp_store_end_alert_async(self, KIND, "");
		return;
	}
	if (!salvage.done || !stp_store_has_alert(self, KIND, ""))
		tell(self, &salvage);
	if (!salvage.done)
		go_on(self);
}

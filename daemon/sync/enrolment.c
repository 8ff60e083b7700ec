/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "enrolment.h"

#include <string.h>

#include "clock.h"
#include "error.h"
#include "log.h"
#include "pen-identity.h"

/* A link may fail by chance right after pairing. */
#define CONNECT_TRIES 3

typedef struct {
	StpStore *store;
	char *which, *label;
	StpPairingAsk ask;
	gpointer ask_data;

	gulong sighting_handler;
	guint timer;
	GSource *cancelled;
	char *address;
	guint tries;
	StpEnrolled *enrolled;
} Enrolment;

static void connect_pen(GTask *task);

void
stp_enrolled_free(StpEnrolled *enrolled)
{
	/* Whoever has not taken it does not want it; a pen that stays connected is heard by nobody. */
	if (enrolled->link != NULL)
		stp_link_close_async(enrolled->link, NULL, NULL);
	g_clear_object(&enrolled->link);
	g_clear_pointer(&enrolled->row, stp_pen_row_free);
	g_free(enrolled);
}

static void
enrolment_free(Enrolment *enrolment)
{
	g_clear_object(&enrolment->store);
	g_free(enrolment->which);
	g_free(enrolment->label);
	g_free(enrolment->address);
	g_clear_pointer(&enrolment->enrolled, stp_enrolled_free);
	g_free(enrolment);
}

/* ---- finding ---- */

/* How many characters at the end of both are alike, letters of either case. */
static gsize
common_end(const char *a, const char *b)
{
	gsize length_a = strlen(a), length_b = strlen(b), n = 0;

	while (n < length_a && n < length_b &&
	       g_ascii_tolower(a[length_a - 1 - n]) == g_ascii_tolower(b[length_b - 1 - n]))
		n++;
	return n;
}

gboolean
stp_enrolment_fits(const StpSighting *sighting, const char *which)
{
	const char *printed;

	if (*which == '\0')
		return FALSE;
	if (g_ascii_strcasecmp(sighting->address, which) == 0)
		return TRUE;
	if (sighting->name == NULL)
		return FALSE;
	if (g_ascii_strcasecmp(sighting->name, which) == 0)
		return TRUE;

	/* "Stipple-1234" shows the last four of the serial number on the label. */
	printed = strrchr(sighting->name, '-');
	if (printed == NULL || printed[1] == '\0')
		return FALSE;
	return common_end(printed + 1, which) == MIN(strlen(printed + 1), strlen(which));
}

/* The one pen in sight that fits; NULL with error unset: none. */
static char *
find(StpRadio *radio, const char *which, GError **error)
{
	g_autoptr(GPtrArray) sightings = stp_radio_get_sightings(radio);
	g_autoptr(GString) names = g_string_new(NULL);
	char *address = NULL;

	for (guint i = 0; i < sightings->len; i++) {
		const StpSighting *sighting = g_ptr_array_index(sightings, i);

		if (!sighting->in_sight || !stp_enrolment_fits(sighting, which))
			continue;
		g_string_append_printf(names, "%s%s (%s)", names->len > 0 ? ", " : "",
				       sighting->name != NULL ? sighting->name : "unnamed",
				       sighting->address);
		if (address == NULL) {
			address = g_strdup(sighting->address);
			continue;
		}
		g_set_error(error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
			    "Several pens fit '%s': %s. Name one by its address.", which,
			    names->str);
		/* The list may go on, but two are enough to be unsure. */
		g_free(address);
		return NULL;
	}
	return address;
}

/* ---- the steps, last to first ---- */

static void
on_kept(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	Enrolment *enrolment = g_task_get_task_data(task);
	g_autoptr(GError) error = NULL;

	if (!stp_store_put_pen_finish(STP_STORE(source), result, &error)) {
		g_task_return_error(task, g_steal_pointer(&error));
		return;
	}
	stp_notice("sync", enrolment->enrolled->row->serial, "Enrolled; it is synced from now on.");
	g_task_return_pointer(task, g_steal_pointer(&enrolment->enrolled),
			      (GDestroyNotify)stp_enrolled_free);
}

static void
on_identified(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	Enrolment *enrolment = g_task_get_task_data(task);
	g_autoptr(GError) error = NULL;
	g_autoptr(StpPenRow) row = stp_pen_identify_finish(STP_LINK(source), result, &error);
	g_autoptr(StpPenRow) old = NULL;

	if (row == NULL) {
		g_task_return_error(task, g_steal_pointer(&error));
		return;
	}

	old = stp_store_get_pen(enrolment->store, row->serial, NULL);
	g_free(row->label);
	row->label = g_strdup(enrolment->label != NULL ? enrolment->label
			      : old != NULL		? old->label
							: "");
	row->enrolled = TRUE;
	row->enrolled_at = old != NULL && old->enrolled ? old->enrolled_at : stp_clock_wall();
	row->last_sync = old != NULL ? old->last_sync : 0;
	row->last_seen = stp_clock_wall();
	enrolment->enrolled->row = g_steal_pointer(&row);
	stp_store_put_pen_async(enrolment->store, enrolment->enrolled->row,
				g_task_get_cancellable(task), on_kept, g_object_ref(task));
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	Enrolment *enrolment = g_task_get_task_data(task);
	g_autoptr(GError) error = NULL;
	StpLink *link = stp_radio_connect_finish(STP_RADIO(source), result, &error);

	if (link == NULL) {
		if (g_error_matches(error, STP_ERROR, STP_ERROR_LINK_FAILED) &&
		    ++enrolment->tries < CONNECT_TRIES)
			connect_pen(task);
		else
			g_task_return_error(task, g_steal_pointer(&error));
		return;
	}
	enrolment->enrolled = g_new0(StpEnrolled, 1);
	enrolment->enrolled->link = link;
	stp_pen_identify_async(link, g_task_get_cancellable(task), on_identified,
			       g_object_ref(task));
}

static void
connect_pen(GTask *task)
{
	Enrolment *enrolment = g_task_get_task_data(task);

	stp_radio_connect_async(STP_RADIO(g_task_get_source_object(task)), enrolment->address,
				g_task_get_cancellable(task), on_connected, g_object_ref(task));
}

static void
on_paired(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	g_autoptr(GError) error = NULL;

	if (!stp_radio_pair_finish(STP_RADIO(source), result, &error))
		g_task_return_error(task, g_steal_pointer(&error));
	else
		connect_pen(task);
}

static void
stop_looking(GTask *task)
{
	Enrolment *enrolment = g_task_get_task_data(task);

	if (enrolment->sighting_handler != 0)
		g_signal_handler_disconnect(g_task_get_source_object(task),
					    enrolment->sighting_handler);
	enrolment->sighting_handler = 0;
	g_clear_handle_id(&enrolment->timer, g_source_remove);
	if (enrolment->cancelled != NULL)
		g_source_destroy(enrolment->cancelled);
	g_clear_pointer(&enrolment->cancelled, g_source_unref);
}

/* FALSE: nothing fits yet. */
static gboolean
look(GTask *task)
{
	Enrolment *enrolment = g_task_get_task_data(task);
	StpRadio *radio = STP_RADIO(g_task_get_source_object(task));
	g_autoptr(GError) error = NULL;

	enrolment->address = find(radio, enrolment->which, &error);
	if (enrolment->address == NULL && error == NULL)
		return FALSE;

	stop_looking(task);
	if (error != NULL)
		g_task_return_error(task, g_steal_pointer(&error));
	else
		stp_radio_pair_async(radio, enrolment->address, enrolment->ask, enrolment->ask_data,
				     g_task_get_cancellable(task), on_paired, g_object_ref(task));
	return TRUE;
}

static void
on_sighting(StpRadio *radio, const StpSighting *sighting, GTask *task)
{
	g_autoptr(GTask) held = g_object_ref(task);

	if (look(held))
		g_object_unref(task);	/* the one the search held */
}

/* TRUE: there is no radio to look with, and the task has its error. */
static gboolean
lacks_radio(GTask *task)
{
	StpRadioState state = stp_radio_get_state(STP_RADIO(g_task_get_source_object(task)));
	StpError code = STP_ERROR_NO_ADAPTER;

	switch (state) {
	case STP_RADIO_STARTING:
	case STP_RADIO_SCANNING:
		return FALSE;
	case STP_RADIO_NO_BLUETOOTH:
		code = STP_ERROR_NO_BLUETOOTH;
		break;
	case STP_RADIO_DENIED:
		code = STP_ERROR_DENIED;
		break;
	case STP_RADIO_NO_ADAPTER:
	case STP_RADIO_POWERED_OFF:
	case STP_RADIO_FAILED:
	case STP_RADIO_IN_USE:
		break;
	}
	g_task_return_new_error(task, STP_ERROR, (int)code, "No pen can be looked for (%s). %s",
				stp_radio_state_name(state), stp_radio_state_hint(state));
	return TRUE;
}

static gboolean
on_not_found(gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	Enrolment *enrolment = g_task_get_task_data(task);

	enrolment->timer = 0;
	stop_looking(task);
	if (lacks_radio(task))
		return G_SOURCE_REMOVE;
	g_task_return_new_error(task, STP_ERROR, STP_ERROR_NOT_FOUND,
		"No pen that fits '%s' is in sight. Hold its button until the light blinks, keep it "
		"within two metres, and try again; 'stipplectl pens list --all' shows what is in "
		"sight.", enrolment->which);
	return G_SOURCE_REMOVE;
}

/* Once a pen is found, the steps look at the cancellable themselves. */
static gboolean
on_cancelled(GCancellable *cancellable, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;

	stop_looking(task);
	g_task_return_new_error(task, STP_ERROR, STP_ERROR_CANCELLED,
		"The enrolment was cancelled. Start it again when it is wanted.");
	return G_SOURCE_REMOVE;
}

void
stp_enrol_async(StpRadio *radio, StpStore *store, const char *which, const char *label,
		guint timeout_s, StpPairingAsk ask, gpointer ask_data, GCancellable *cancellable,
		GAsyncReadyCallback callback, gpointer user_data)
{
	GTask *task = g_task_new(radio, cancellable, callback, user_data);
	Enrolment *enrolment = g_new0(Enrolment, 1);

	/* A pen that is in the store as enrolled must not be told as cancelled. */
	g_task_set_check_cancellable(task, FALSE);
	enrolment->store = g_object_ref(store);
	enrolment->which = g_strdup(which);
	enrolment->label = g_strdup(label);
	enrolment->ask = ask;
	enrolment->ask_data = ask_data;
	g_task_set_task_data(task, enrolment, (GDestroyNotify)enrolment_free);

	if (lacks_radio(task) || look(task)) {
		g_object_unref(task);
		return;
	}
	stp_radio_look(radio);
	enrolment->sighting_handler =
		g_signal_connect(radio, "sighting", G_CALLBACK(on_sighting), task);
	enrolment->timer = stp_clock_add_seconds(timeout_s, on_not_found, task);
	if (cancellable == NULL)
		return;
	enrolment->cancelled = g_cancellable_source_new(cancellable);
	g_source_set_callback(enrolment->cancelled, G_SOURCE_FUNC(on_cancelled), task, NULL);
	g_source_attach(enrolment->cancelled, NULL);
}

StpEnrolled *
stp_enrol_finish(StpRadio *radio, GAsyncResult *result, GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, radio), NULL);
	return g_task_propagate_pointer(G_TASK(result), error);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "enrolment.h"

#include <string.h>

#include "clock.h"
#include "error.h"
#include "log.h"
#include "pen-identity.h"
#include "twin-alerts.h"

/* A link may fail by chance right after pairing. */
#define CONNECT_TRIES 3

typedef struct {
	StpStore *store;
	GHashTable *made;	/* see stp_enrol_async() */
	char *which, *label;
	char *known_address;	/* of the enrolled pen that is meant; NULL: none is */
	GHashTable *others;	/* addresses of enrolled pens that are not meant */
	gboolean allow_unauthenticated, repair;
	gboolean forgotten;	/* this host's key was removed, as asked for */
	gboolean closed;	/* it was heard, but with its window closed */
	StpPenBond bond;	/* as far as the questions told */
	StpPairingAsk ask;
	gpointer ask_data;

	gulong sighting_handler;
	guint timer;
	GSource *cancelled;
	char *address;
	char *called;		/* for people: with the last characters of the serial number, where it tells them */
	guint tries;
	StpEnrolled *enrolled;
} Enrolment;

static void connect_pen(GTask *task);
static void on_paired(GObject *source, GAsyncResult *result, gpointer user_data);
static void stop_looking(GTask *task);

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
	g_clear_pointer(&enrolment->made, g_hash_table_unref);
	g_free(enrolment->which);
	g_free(enrolment->label);
	g_free(enrolment->address);
	g_free(enrolment->known_address);
	g_clear_pointer(&enrolment->others, g_hash_table_unref);
	g_free(enrolment->called);
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

gboolean
stp_enrolment_can_mean(const StpPenRow *row, const char *which)
{
	const char *printed = g_ascii_strncasecmp(which, "Stipple-", 8) == 0 ? which + 8 : which;

	if (*which == '\0')
		return FALSE;
	return (*row->address != '\0' && g_ascii_strcasecmp(row->address, which) == 0) ||
	       (*printed != '\0' && common_end(row->serial, printed) == MIN(strlen(row->serial), strlen(printed)));
}

/*
 * A repair removes the key before anybody can ask for the serial number, and names only show the end of that: so a
 * bond counts as that of another pen unless it is where the pen is known to be, or where a person says.
 */
static gboolean
is_bond_of_another(const Enrolment *enrolment, const StpSighting *sighting)
{
	g_autofree char *address = NULL;

	if (!enrolment->repair || !sighting->bonded || g_ascii_strcasecmp(sighting->address, enrolment->which) == 0)
		return FALSE;
	address = g_ascii_strup(sighting->address, -1);
	return enrolment->known_address != NULL || g_hash_table_contains(enrolment->others, address);
}

static gboolean
is_meant(const Enrolment *enrolment, const StpSighting *sighting)
{
	/* The one that is enrolled under that serial number is meant, however it calls itself. */
	if (enrolment->known_address != NULL &&
	    g_ascii_strcasecmp(sighting->address, enrolment->known_address) == 0)
		return TRUE;
	return !is_bond_of_another(enrolment, sighting) && stp_enrolment_fits(sighting, enrolment->which);
}

/* The one pen in sight that fits; NULL with error unset: none. */
static StpSighting *
find(StpRadio *radio, const Enrolment *enrolment, GError **error)
{
	g_autoptr(GPtrArray) sightings = stp_radio_get_sightings(radio);
	g_autoptr(GString) names = g_string_new(NULL);
	const char *which = enrolment->which;
	const StpSighting *found = NULL;

	for (guint i = 0; i < sightings->len; i++) {
		const StpSighting *sighting = g_ptr_array_index(sightings, i);

		if (!sighting->in_sight || !is_meant(enrolment, sighting))
			continue;
		g_string_append_printf(names, "%s%s (%s)", names->len > 0 ? ", " : "",
				       sighting->name != NULL ? sighting->name : "unnamed",
				       sighting->address);
		if (found == NULL) {
			found = sighting;
			continue;
		}
		g_set_error(error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
			    "Several pens fit '%s': %s. Name one by its address.", which,
			    names->str);
		/* The list may go on, but two are enough to be unsure. */
		return NULL;
	}
	return found != NULL ? stp_sighting_copy(found) : NULL;
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
	g_hash_table_remove(enrolment->made, enrolment->address);
	stp_notice("sync", enrolment->enrolled->row->serial, "Enrolled%s; it is synced from now on.",
		   enrolment->enrolled->row->bond == STP_PEN_BOND_ALLOWED ? " without a code, as was allowed" : "");
	g_task_return_pointer(task, g_steal_pointer(&enrolment->enrolled),
			      (GDestroyNotify)stp_enrolled_free);
}

/* What is not enrolled keeps no key that was made for it just now. */
static void
refuse(GTask *task, GError *error)
{
	Enrolment *enrolment = g_task_get_task_data(task);

	if (g_hash_table_remove(enrolment->made, enrolment->address))
		stp_radio_forget_async(STP_RADIO(g_task_get_source_object(task)), enrolment->address, NULL, NULL,
				       NULL);
	g_task_return_error(task, error);
}

/* A bond that was there before counts for what this store knows of it, and for nothing else. */
static gboolean
settle_bond(const Enrolment *enrolment, StpPenRow *row, const StpPenRow *old, GError **error)
{
	row->bond = enrolment->bond;
	if (row->bond == STP_PEN_BOND_UNKNOWN && old != NULL && old->enrolled)
		row->bond = old->bond;
	if (row->bond == STP_PEN_BOND_UNKNOWN && enrolment->allow_unauthenticated)
		row->bond = STP_PEN_BOND_ALLOWED;
	if (row->bond != STP_PEN_BOND_UNKNOWN)
		return TRUE;
	g_set_error(error, STP_ERROR, STP_ERROR_BOND_TOO_WEAK,
		    "Pen %s was paired with this host by another program, and nobody knows whether with a code. Open "
		    "its pairing window and run 'stipplectl pens repair %s', which pairs anew with a code.",
		    row->serial, row->serial);
	return FALSE;
}

/* Two pens may end in the same four characters: who named more of the serial number meant just that. */
static gboolean
is_the_one(const Enrolment *enrolment, const StpPenRow *row, GError **error)
{
	const char *which = enrolment->which;
	gsize common = common_end(row->serial, which);

	if (strchr(which, ':') != NULL || g_ascii_strncasecmp(which, "Stipple-", 8) == 0 ||
	    common == MIN(strlen(row->serial), strlen(which)))
		return TRUE;
	g_set_error(error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
		    "The pen that answered is %s, not %s, so it was not enrolled. Compare with the label, and name the "
		    "pen by its whole serial number.", row->serial, which);
	return FALSE;
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
	if (!settle_bond(enrolment, row, old, &error) || !is_the_one(enrolment, row, &error) ||
	    !stp_twin_check(STP_RADIO(g_task_get_source_object(task)), enrolment->address, row, old, &error)) {
		refuse(task, g_steal_pointer(&error));
		return;
	}
	g_free(row->label);
	row->label = g_strdup(enrolment->label != NULL ? enrolment->label
			      : old != NULL		? old->label
							: "");
	row->enrolled = TRUE;
	row->enrolled_at = old != NULL && old->enrolled ? old->enrolled_at : stp_clock_wall();
	row->last_sync = old != NULL ? old->last_sync : 0;
	/* What was held of it before is held still, and shown before the first sync tells it anew. */
	row->sessions = old != NULL ? old->sessions : 0;
	row->coverage = old != NULL ? old->coverage : 0;
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
	stp_pen_identify_async(link, g_task_get_cancellable(task), on_identified, g_object_ref(task));
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
	Enrolment *enrolment = g_task_get_task_data(task);
	g_autoptr(GError) error = NULL;

	if (!stp_radio_pair_finish(STP_RADIO(source), result, &error)) {
		g_task_return_error(task, g_steal_pointer(&error));
		return;
	}
	if (enrolment->bond != STP_PEN_BOND_UNKNOWN)
		g_hash_table_insert(enrolment->made, g_strdup(enrolment->address),
				    GINT_TO_POINTER(enrolment->bond));
	else
		enrolment->bond = (StpPenBond)GPOINTER_TO_INT(
			g_hash_table_lookup(enrolment->made, enrolment->address));
	connect_pen(task);
}

static void
stop_looking(GTask *task)
{
	Enrolment *enrolment = g_task_get_task_data(task);

	if (enrolment->sighting_handler != 0)
		g_signal_handler_disconnect(g_task_get_source_object(task), enrolment->sighting_handler);
	enrolment->sighting_handler = 0;
	g_clear_handle_id(&enrolment->timer, g_source_remove);
	if (enrolment->cancelled != NULL)
		g_source_destroy(enrolment->cancelled);
	g_clear_pointer(&enrolment->cancelled, g_source_unref);
}

/* The codes are for the caller; how the bond came about is seen here. */
static void
on_ask(guint request, const char *pen, const char *kind, guint32 passkey, gpointer user_data)
{
	GTask *task = user_data;
	Enrolment *enrolment = g_task_get_task_data(task);

	if (g_str_equal(kind, STP_PAIRING_WITHOUT_CODE)) {
		enrolment->bond = STP_PEN_BOND_ALLOWED;
		stp_radio_answer_pairing(STP_RADIO(g_task_get_source_object(task)), request,
					 enrolment->allow_unauthenticated, 0);
		return;
	}
	enrolment->bond = STP_PEN_BOND_AUTHENTICATED;
	if (enrolment->ask != NULL)
		enrolment->ask(request, enrolment->called, kind, passkey, enrolment->ask_data);
}

static void
pair(GTask *task)
{
	Enrolment *enrolment = g_task_get_task_data(task);

	stp_radio_pair_async(STP_RADIO(g_task_get_source_object(task)), enrolment->address, on_ask, task,
			     g_task_get_cancellable(task), on_paired, g_object_ref(task));
}

static void
on_forgotten(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	GError *error = NULL;

	if (!stp_radio_forget_finish(STP_RADIO(source), result, &error)) {
		if (((Enrolment *)g_task_get_task_data(task))->sighting_handler == 0) {
			g_error_free(error);	/* the search ended meanwhile */
			return;
		}
		stop_looking(task);
		g_task_return_error(task, error);
		g_object_unref(task);	/* the one the search held */
	}
	/* It is paired when it is heard next: BlueZ forgets the pen with its key. */
}

/* Whether it can be paired, as far as is known; else what has to happen first is begun. */
static gboolean
is_ready(GTask *task, const StpSighting *sighting)
{
	Enrolment *enrolment = g_task_get_task_data(task);

	if (enrolment->repair && sighting->bonded) {
		if (enrolment->forgotten)
			return FALSE;
		enrolment->forgotten = TRUE;
		g_hash_table_remove(enrolment->made, sighting->address);
		stp_notice("sync", sighting->address, "This host's key for the pen is removed, as asked for.");
		stp_radio_forget_async(STP_RADIO(g_task_get_source_object(task)), sighting->address, NULL,
				       on_forgotten, g_object_ref(task));
		return FALSE;
	}
	enrolment->closed = !sighting->bonded && sighting->has_status &&
			    (sighting->status.flags & STP_ADVERT_PAIRING_OPEN) == 0;
	return !enrolment->closed;
}

/* FALSE: nothing fits yet. */
static gboolean
look(GTask *task)
{
	Enrolment *enrolment = g_task_get_task_data(task);
	StpRadio *radio = STP_RADIO(g_task_get_source_object(task));
	g_autoptr(GError) error = NULL;
	g_autoptr(StpSighting) sighting = find(radio, enrolment, &error);

	if (error == NULL && (sighting == NULL || !is_ready(task, sighting)))
		return FALSE;

	stop_looking(task);
	if (error != NULL) {
		g_task_return_error(task, g_steal_pointer(&error));
		return TRUE;
	}
	enrolment->address = g_strdup(sighting->address);
	enrolment->called = sighting->name != NULL
				    ? g_strdup_printf("%s, %s", sighting->name, sighting->address)
				    : g_strdup(sighting->address);
	pair(task);
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
	if (enrolment->closed) {
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_PAIRING_FAILED,
			"The pen that fits '%s' is in sight, but nobody opened its pairing window. Hold its "
			"button until the light blinks; the window stays open for two minutes.", enrolment->which);
		return G_SOURCE_REMOVE;
	}
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

/* Of the enrolled pens, the one that is meant; NULL with error unset: none, or nobody can tell. */
static const StpPenRow *
known_pen(const Enrolment *enrolment, GPtrArray *pens, GError **error)
{
	const StpPenRow *found = NULL;
	g_autoptr(GString) serials = g_string_new(NULL);
	guint fits = 0;

	for (guint i = 0; i < pens->len; i++) {
		const StpPenRow *row = g_ptr_array_index(pens, i);

		if (!row->enrolled)
			continue;
		if (g_str_equal(row->serial, enrolment->which))
			return row;
		if (!enrolment->repair || !stp_enrolment_can_mean(row, enrolment->which))
			continue;
		g_string_append_printf(serials, "%s%s", fits++ > 0 ? ", " : "", row->serial);
		found = row;
	}
	if (fits < 2)
		return found;
	g_set_error(error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
		    "Several enrolled pens fit '%s': %s. Name the one to repair by its whole serial number.",
		    enrolment->which, serials->str);
	return NULL;
}

/* Where the pen that is meant was last met, and where the others were. */
static gboolean
take_addresses(Enrolment *enrolment, GError **error)
{
	g_autoptr(GPtrArray) pens = stp_store_list_pens(enrolment->store, error);
	GError *local = NULL;
	const StpPenRow *known;

	if (pens == NULL)
		return FALSE;
	known = known_pen(enrolment, pens, &local);
	if (local != NULL) {
		g_propagate_error(error, local);
		return FALSE;
	}
	if (known != NULL && *known->address != '\0')
		enrolment->known_address = g_strdup(known->address);
	for (guint i = 0; i < pens->len; i++) {
		const StpPenRow *row = g_ptr_array_index(pens, i);

		if (row->enrolled && row != known)
			g_hash_table_add(enrolment->others, g_ascii_strup(row->address, -1));
	}
	return TRUE;
}

void
stp_enrol_async(StpRadio *radio, StpStore *store, GHashTable *made, const StpEnrolOptions *options,
		StpPairingAsk ask, gpointer ask_data, GCancellable *cancellable, GAsyncReadyCallback callback,
		gpointer user_data)
{
	GTask *task = g_task_new(radio, cancellable, callback, user_data);
	Enrolment *enrolment = g_new0(Enrolment, 1);
	GError *error = NULL;

	/* A pen that is in the store as enrolled must not be told as cancelled. */
	g_task_set_check_cancellable(task, FALSE);
	enrolment->store = g_object_ref(store);
	enrolment->made = g_hash_table_ref(made);
	enrolment->which = g_strdup(options->which);
	enrolment->label = g_strdup(options->label);
	enrolment->allow_unauthenticated = options->allow_unauthenticated;
	enrolment->repair = options->repair;
	enrolment->others = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	enrolment->ask = ask;
	enrolment->ask_data = ask_data;
	g_task_set_task_data(task, enrolment, (GDestroyNotify)enrolment_free);

	if (!take_addresses(enrolment, &error)) {
		g_task_return_error(task, error);
		g_object_unref(task);
		return;
	}
	if (lacks_radio(task) || look(task)) {
		g_object_unref(task);
		return;
	}
	stp_radio_look(radio);
	enrolment->sighting_handler =
		g_signal_connect(radio, "sighting", G_CALLBACK(on_sighting), task);
	enrolment->timer = stp_clock_add_seconds(options->timeout_s, on_not_found, task);
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

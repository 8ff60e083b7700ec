/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "frail-radio.h"

#include "clock.h"
#include "error.h"
#include "pending.h"

/* Pens are told of so often while they are in range, and as gone so long after they were heard last. */
#define HEAR_MS 4000
#define GONE_US (60 * G_USEC_PER_SEC)
#define CONNECT_MS 200
#define HANG_MS 45000

struct _FrailRadio {
	GObject parent;

	GPtrArray *pens;
	const Weather *weather;
	struct chance *chance;
	GSource *hearing;
	gboolean on, dead;
	guint links_most;
};

typedef struct {
	FrailRadio *radio;
	FrailPen *pen;
	StpPending *pending;
	gboolean fails, bonds;
} Attempt;

static void frail_radio_as_radio(StpRadioInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE(FrailRadio, frail_radio, G_TYPE_OBJECT,
			      G_IMPLEMENT_INTERFACE(STP_TYPE_RADIO, frail_radio_as_radio))

static FrailPen *
find(FrailRadio *self, const char *address)
{
	for (guint i = 0; i < self->pens->len; i++) {
		FrailPen *pen = g_ptr_array_index(self->pens, i);

		if (g_str_equal(pen->address, address))
			return pen;
	}
	return NULL;
}

/* ---- hearing ---- */

static gboolean
is_heard(FrailRadio *self, const FrailPen *pen)
{
	return self->on && !self->dead && pen->pen != NULL && pen->in_range;
}

static StpSighting *
sighting_of(FrailRadio *self, const FrailPen *pen)
{
	StpSighting *sighting = g_new0(StpSighting, 1);
	g_autoptr(GBytes) advert = pen->pen != NULL ? sim_pen_advert(pen->pen) : NULL;

	sighting->address = g_strdup(pen->address);
	sighting->name = g_strdup(pen->pen != NULL ? sim_pen_name(pen->pen) : "");
	sighting->rssi = -60;
	sighting->last_seen = stp_clock_wall();
	sighting->in_sight = is_heard(self, pen);
	sighting->bonded = TRUE;
	sighting->has_status = advert != NULL && stp_advert_decode(g_bytes_get_data(advert, NULL),
								   g_bytes_get_size(advert),
								   &sighting->status) == STP_OK;
	return sighting;
}

static gboolean
on_hearing(gpointer data)
{
	g_autoptr(FrailRadio) self = g_object_ref(data);

	for (guint i = 0; i < self->pens->len && !self->dead; i++) {
		FrailPen *pen = g_ptr_array_index(self->pens, i);
		g_autoptr(StpSighting) sighting = NULL;
		gint64 now = stp_clock_monotonic();

		/* A pen does not advertise while it is connected. */
		if (is_heard(self, pen) && pen->link == NULL)
			pen->shown = now;
		else if (pen->shown != 0 && now - pen->shown > GONE_US && pen->link == NULL)
			pen->shown = 0;
		else
			continue;
		sighting = sighting_of(self, pen);
		sighting->in_sight = pen->shown != 0;
		stp_radio_emit_sighting(STP_RADIO(self), sighting);
	}
	return self->dead ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void
cut_all(FrailRadio *self, const char *why)
{
	for (guint i = 0; i < self->pens->len; i++) {
		FrailPen *pen = g_ptr_array_index(self->pens, i);

		if (pen->link != NULL)
			frail_link_cut(pen->link, why);
	}
}

void
frail_radio_die(FrailRadio *self)
{
	self->dead = TRUE;
	if (self->hearing != NULL)
		g_source_destroy(self->hearing);
	g_clear_pointer(&self->hearing, g_source_unref);
	cut_all(self, "The daemon is dead.");
}

void
frail_radio_set_on(FrailRadio *self, gboolean on)
{
	if (self->on == on || self->dead)
		return;
	self->on = on;
	if (!on)
		cut_all(self, "The adapter is gone. Plug it in.");
	stp_radio_emit_state_changed(STP_RADIO(self));
}

guint
frail_radio_links_most(FrailRadio *self)
{
	return self->links_most;
}

/* ---- what the daemon asks for ---- */

static void
start(StpRadio *radio)
{
	FrailRadio *self = FRAIL_RADIO(radio);

	self->on = TRUE;
	self->hearing = stp_clock_source_new(HEAR_MS);
	g_source_set_callback(self->hearing, on_hearing, self, NULL);
	g_source_attach(self->hearing, NULL);
}

static StpRadioState
get_state(StpRadio *radio)
{
	return FRAIL_RADIO(radio)->on ? STP_RADIO_SCANNING : STP_RADIO_NO_ADAPTER;
}

static GPtrArray *
get_sightings(StpRadio *radio)
{
	FrailRadio *self = FRAIL_RADIO(radio);
	GPtrArray *sightings = g_ptr_array_new_with_free_func((GDestroyNotify)stp_sighting_free);

	for (guint i = 0; i < self->pens->len; i++) {
		FrailPen *pen = g_ptr_array_index(self->pens, i);

		if (is_heard(self, pen))
			g_ptr_array_add(sightings, sighting_of(self, pen));
	}
	return sightings;
}

static void
on_link_closed(FrailLink *link, const GError *reason, FrailPen *pen)
{
	pen->sent += frail_link_sent(link);
	pen->link = NULL;
}

static void
count_links(FrailRadio *self)
{
	guint links = 0;

	for (guint i = 0; i < self->pens->len; i++)
		links += ((FrailPen *)g_ptr_array_index(self->pens, i))->link != NULL;
	self->links_most = MAX(self->links_most, links);
}

static gboolean
on_attempt(gpointer data)
{
	Attempt *attempt = data;
	FrailRadio *self = attempt->radio;
	FrailPen *pen = attempt->pen;

	if (!is_heard(self, pen) || pen->refuses || attempt->fails || pen->link != NULL) {
		stp_pending_return_error(attempt->pending, g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
								       "The pen cannot be reached. Bring it closer."));
	} else if (attempt->bonds) {
		stp_pending_return_true(attempt->pending);
	} else if (stp_pending_is_cancelled(attempt->pending)) {
		stp_pending_return_error(attempt->pending, g_error_new(STP_ERROR, STP_ERROR_CANCELLED, "Cancelled."));
	} else {
		FrailLink *link = frail_link_new(pen->pen, pen->address, pen->mtu, self->weather, self->chance);

		g_signal_connect(link, "closed", G_CALLBACK(on_link_closed), pen);
		pen->link = link;
		pen->connects++;
		count_links(self);
		stp_pending_return_pointer(attempt->pending, link, g_object_unref);
	}
	return G_SOURCE_REMOVE;
}

static void
attempt_free(gpointer data)
{
	Attempt *attempt = data;

	g_object_unref(attempt->radio);
	g_free(attempt);
}

static void
begin(StpRadio *radio, const char *address, gboolean bonds, StpPending *pending)
{
	FrailRadio *self = FRAIL_RADIO(radio);
	FrailPen *pen = find(self, address);
	g_autoptr(GSource) source = NULL;
	guint takes_ms = CONNECT_MS;
	Attempt *attempt;

	if (pen == NULL || self->dead || !self->on) {
		stp_pending_return_error(pending,
					 g_error_new(STP_ERROR, pen == NULL ? STP_ERROR_NOT_FOUND : STP_ERROR_NO_ADAPTER,
						     "There is no such pen, or no radio. Look for it again."));
		return;
	}
	attempt = g_new0(Attempt, 1);
	attempt->radio = g_object_ref(self);
	attempt->pen = pen;
	attempt->pending = pending;
	attempt->bonds = bonds;
	attempt->fails = strikes(self->chance, self->weather->connect_fails);
	takes_ms += self->weather->slow_ms > 0 ? roll(self->chance, self->weather->slow_ms) : 0;
	if (strikes(self->chance, self->weather->connect_hangs)) {
		attempt->fails = TRUE;
		takes_ms = HANG_MS;
	}
	source = stp_clock_source_new(takes_ms);
	g_source_set_callback(source, on_attempt, attempt, attempt_free);
	g_source_attach(source, NULL);
}

static void
connect_async(StpRadio *radio, const char *address, GCancellable *cancellable, GAsyncReadyCallback callback,
	      gpointer user_data)
{
	begin(radio, address, FALSE, stp_pending_new(radio, cancellable, "Connecting", callback, user_data));
}

static StpLink *
connect_finish(StpRadio *radio, GAsyncResult *result, GError **error)
{
	return g_task_propagate_pointer(G_TASK(result), error);
}

static void
pair_async(StpRadio *radio, const char *address, StpPairingAsk ask, gpointer ask_data, GCancellable *cancellable,
	   GAsyncReadyCallback callback, gpointer user_data)
{
	/* Somebody types the right code; whether that comes to anything is seen below. */
	ask(1, address, "enter-passkey", 0, ask_data);
	begin(radio, address, TRUE, stp_pending_new(radio, cancellable, "Pairing", callback, user_data));
}

static void
forget_async(StpRadio *radio, const char *address, GCancellable *cancellable, GAsyncReadyCallback callback,
	     gpointer user_data)
{
	stp_pending_return_true(stp_pending_new(radio, cancellable, "Forgetting", callback, user_data));
}

static gboolean
boolean_finish(StpRadio *radio, GAsyncResult *result, GError **error)
{
	return g_task_propagate_boolean(G_TASK(result), error);
}

static void
answer_pairing(StpRadio *radio, guint request, gboolean accept, guint32 passkey)
{
}

FrailRadio *
frail_radio_new(GPtrArray *pens, const Weather *weather, struct chance *chance)
{
	FrailRadio *self = g_object_new(FRAIL_TYPE_RADIO, NULL);

	self->pens = pens;
	self->weather = weather;
	self->chance = chance;
	for (guint i = 0; i < pens->len; i++)
		((FrailPen *)g_ptr_array_index(pens, i))->shown = 0;
	return self;
}

static void
frail_radio_init(FrailRadio *self)
{
}

static void
frail_radio_finalize(GObject *object)
{
	FrailRadio *self = FRAIL_RADIO(object);

	if (self->hearing != NULL)
		g_source_destroy(self->hearing);
	g_clear_pointer(&self->hearing, g_source_unref);
	G_OBJECT_CLASS(frail_radio_parent_class)->finalize(object);
}

static void
frail_radio_class_init(FrailRadioClass *class)
{
	G_OBJECT_CLASS(class)->finalize = frail_radio_finalize;
}

static void
frail_radio_as_radio(StpRadioInterface *interface)
{
	interface->start = start;
	interface->get_state = get_state;
	interface->get_sightings = get_sightings;
	interface->connect_async = connect_async;
	interface->connect_finish = connect_finish;
	interface->pair_async = pair_async;
	interface->pair_finish = boolean_finish;
	interface->answer_pairing = answer_pairing;
	interface->forget_async = forget_async;
	interface->forget_finish = boolean_finish;
}

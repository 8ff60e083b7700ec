/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "frail-link.h"

#include <string.h>

#include "clock.h"
#include "error.h"
#include "pending.h"
#include "sim-pump.h"

/* A connection interval, and how many values each carries: some 40 KB a second. */
#define INTERVAL_MS 30
#define VALUES_AT_ONCE 8
/* What a radio's stack takes before the pen has to wait. */
#define ROOM 24
/* A stall lasts up to so many intervals; ATT gives up after 30 s, and the link is lost. */
#define STALL_INTERVALS 1200

/* To the pen: an operation of the host.  pending NULL: a write without response. */
typedef struct {
	enum { OP_READ, OP_WRITE, OP_SUBSCRIBE } kind;
	StpChannel channel;
	GBytes *value;
	StpPending *pending;
} Op;

typedef struct {
	StpChannel channel;
	GBytes *value;
} Parcel;

struct _FrailLink {
	GObject parent;

	SimPen *pen;
	SimPump *pump;
	char *address;
	guint16 mtu;
	const Weather *weather;
	struct chance *chance;
	GSource *interval;
	GQueue ops;      /* Op */
	GQueue to_host;  /* Parcel */
	guint stalled;   /* so many intervals more */
	gboolean up, subscribed, lost;
	guint64 sent;
};

static void frail_link_as_link(StpLinkInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE(FrailLink, frail_link, G_TYPE_OBJECT,
			      G_IMPLEMENT_INTERFACE(STP_TYPE_LINK, frail_link_as_link))

static void
parcel_free(gpointer data)
{
	Parcel *parcel = data;

	g_bytes_unref(parcel->value);
	g_free(parcel);
}

static void
op_free(Op *op)
{
	g_clear_pointer(&op->value, g_bytes_unref);
	g_free(op);
}

/* ---- the pen's side ---- */

static SimSending
push(FrailLink *self, StpChannel channel, const guint8 *bytes, gsize size)
{
	gboolean data = channel == STP_CHANNEL_LOG_DATA;
	const Weather *weather = self->weather;
	g_autofree guint8 *copy = NULL;
	Parcel *parcel;

	if (g_queue_get_length(&self->to_host) >= ROOM)
		return SIM_WOULD_BLOCK;
	self->sent += data;
	if (!self->subscribed || strikes(self->chance, data ? weather->drop : weather->control_drop))
		return SIM_SENT;
	copy = g_memdup2(bytes, size);
	if (data && size > 0 && strikes(self->chance, weather->flip))
		copy[roll(self->chance, (guint32)size)] ^= (guint8)(1u << roll(self->chance, 8));
	for (guint n = 1 + strikes(self->chance, data ? weather->twice : weather->control_twice); n > 0; n--) {
		parcel = g_new(Parcel, 1);
		parcel->channel = channel;
		parcel->value = g_bytes_new(copy, size);
		if (data && !g_queue_is_empty(&self->to_host) && strikes(self->chance, weather->swap))
			g_queue_push_nth(&self->to_host, parcel,
					 (gint)g_queue_get_length(&self->to_host) - 1);
		else
			g_queue_push_tail(&self->to_host, parcel);
	}
	return SIM_SENT;
}

static SimSending
port_indicate(const guint8 *bytes, gsize size, gpointer data)
{
	return push(data, STP_CHANNEL_LOG_CONTROL, bytes, size);
}

static SimSending
port_notify(const guint8 *bytes, gsize size, gpointer data)
{
	return push(data, STP_CHANNEL_LOG_DATA, bytes, size);
}

static void
port_hang_up(gpointer data)
{
	FRAIL_LINK(data)->lost = TRUE;
}

static const SimPort port = { port_indicate, port_notify, port_hang_up, NULL };

/* ---- the end ---- */

static void
end(FrailLink *self, StpError code, const char *why)
{
	g_autoptr(GError) reason = g_error_new_literal(STP_ERROR, (int)code, why);
	g_autoptr(FrailLink) alive = g_object_ref(self);
	Op *op;

	if (!self->up)
		return;
	self->up = FALSE;
	g_source_destroy(self->interval);
	g_clear_pointer(&self->interval, g_source_unref);
	/* A pen hears what was sent before it hears that nobody sends any more. */
	while ((op = g_queue_pop_head(&self->ops)) != NULL) {
		if (op->kind == OP_WRITE && (code == STP_ERROR_CANCELLED || strikes(self->chance, 500)))
			sim_pump_control(self->pump, g_bytes_get_data(op->value, NULL), g_bytes_get_size(op->value));
		if (op->pending != NULL)
			stp_pending_return_error(op->pending, g_error_copy(reason));
		op_free(op);
	}
	g_queue_clear_full(&self->to_host, parcel_free);
	sim_pump_disconnected(self->pump);
	stp_link_emit_closed(STP_LINK(self), reason);
}

void
frail_link_cut(FrailLink *self, const char *why)
{
	end(self, STP_ERROR_LINK_FAILED, why);
}

gboolean
frail_link_is_up(FrailLink *self)
{
	return self->up;
}

guint64
frail_link_sent(FrailLink *self)
{
	return self->sent;
}

/* ---- time ---- */

static void
serve(FrailLink *self, Op *op)
{
	GError *error = NULL;
	GBytes *value;

	switch (op->kind) {
	case OP_READ:
		value = sim_pen_read(self->pen, stp_channel_uuid(op->channel));
		if (value == NULL || strikes(self->chance, self->weather->read_fails))
			error = g_error_new(STP_ERROR, value ? STP_ERROR_LINK_FAILED : STP_ERROR_NOT_FOUND,
					    "The pen did not give '%s'. Try again.", stp_channel_name(op->channel));
		if (error == NULL)
			stp_pending_return_pointer(op->pending, g_bytes_ref(value), (GDestroyNotify)g_bytes_unref);
		g_clear_pointer(&value, g_bytes_unref);
		break;
	case OP_WRITE:
		sim_pump_control(self->pump, g_bytes_get_data(op->value, NULL), g_bytes_get_size(op->value));
		if (op->pending != NULL)
			stp_pending_return_true(op->pending);
		break;
	case OP_SUBSCRIBE:
		if (strikes(self->chance, self->weather->subscribe_fails)) {
			error = g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED, "Subscribing failed. Try again.");
			break;
		}
		self->subscribed = TRUE;
		stp_pending_return_true(op->pending);
		break;
	}
	if (error != NULL)
		stp_pending_return_error(op->pending, error);
	op_free(op);
}

static gboolean
on_interval(gpointer data)
{
	g_autoptr(FrailLink) self = g_object_ref(data);
	Parcel *parcel;
	Op *op;

	if (self->stalled > 0) {
		if (--self->stalled == 0 && strikes(self->chance, 500))
			frail_link_cut(self, "The pen was not heard any more. Bring it closer.");
		return self->up ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
	}
	if (self->lost || strikes(self->chance, self->weather->cut)) {
		frail_link_cut(self, "The link was lost. Bring the pen closer.");
		return G_SOURCE_REMOVE;
	}
	if (strikes(self->chance, self->weather->stall)) {
		self->stalled = 1 + roll(self->chance, STALL_INTERVALS);
		return G_SOURCE_CONTINUE;
	}
	for (guint n = 0; n < VALUES_AT_ONCE && self->up && (op = g_queue_pop_head(&self->ops)) != NULL; n++)
		serve(self, op);
	for (guint n = 0; n < VALUES_AT_ONCE && self->up && (parcel = g_queue_pop_head(&self->to_host)); n++) {
		stp_link_emit_received(STP_LINK(self), parcel->channel, parcel->value);
		parcel_free(parcel);
	}
	if (self->up)
		sim_pump_writable(self->pump);
	return self->up ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

FrailLink *
frail_link_new(SimPen *pen, const char *address, guint16 mtu, const Weather *weather, struct chance *chance)
{
	FrailLink *self = g_object_new(FRAIL_TYPE_LINK, NULL);

	self->pen = pen;
	self->address = g_strdup(address);
	self->weather = weather;
	self->chance = chance;
	self->up = TRUE;
	self->pump = sim_pump_new(pen, NULL, &port, self);
	sim_pump_connected(self->pump, mtu);
	self->mtu = sim_pump_mtu(self->pump);
	self->interval = stp_clock_source_new(INTERVAL_MS);
	g_source_set_callback(self->interval, on_interval, self, NULL);
	g_source_attach(self->interval, NULL);
	return self;
}

/* ---- the host's side ---- */

static void
ask(FrailLink *self, int kind, StpChannel channel, GBytes *value, StpPending *pending)
{
	Op *op;

	if (!self->up) {
		if (pending != NULL)
			stp_pending_return_error(pending, g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
								      "The link is closed. Connect again."));
		return;
	}
	op = g_new0(Op, 1);
	op->kind = kind;
	op->channel = channel;
	op->value = value != NULL ? g_bytes_ref(value) : NULL;
	op->pending = pending;
	g_queue_push_tail(&self->ops, op);
}

static void
read_async(StpLink *link, StpChannel channel, GCancellable *cancellable, GAsyncReadyCallback callback,
	   gpointer user_data)
{
	ask(FRAIL_LINK(link), OP_READ, channel, NULL,
	    stp_pending_new(link, cancellable, "Reading from the pen", callback, user_data));
}

static GBytes *
read_finish(StpLink *link, GAsyncResult *result, GError **error)
{
	return g_task_propagate_pointer(G_TASK(result), error);
}

static void
write_async(StpLink *link, StpChannel channel, GBytes *value, gboolean with_response, GCancellable *cancellable,
	    GAsyncReadyCallback callback, gpointer user_data)
{
	StpPending *pending = stp_pending_new(link, cancellable, "Writing to the pen", callback, user_data);

	if (with_response || !FRAIL_LINK(link)->up) {
		ask(FRAIL_LINK(link), OP_WRITE, channel, value, pending);
		return;
	}
	ask(FRAIL_LINK(link), OP_WRITE, channel, value, NULL);
	stp_pending_return_true(pending);
}

static void
subscribe_async(StpLink *link, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	ask(FRAIL_LINK(link), OP_SUBSCRIBE, 0, NULL,
	    stp_pending_new(link, cancellable, "Subscribing", callback, user_data));
}

static void
close_async(StpLink *link, GAsyncReadyCallback callback, gpointer user_data)
{
	end(FRAIL_LINK(link), STP_ERROR_CANCELLED, "This host closed the link. Connect again when it is wanted.");
	stp_pending_return_true(stp_pending_new(link, NULL, "Closing", callback, user_data));
}

static gboolean
boolean_finish(StpLink *link, GAsyncResult *result, GError **error)
{
	return g_task_propagate_boolean(G_TASK(result), error);
}

static guint
get_mtu(StpLink *link)
{
	return FRAIL_LINK(link)->mtu;
}

static gboolean
get_authenticated(StpLink *link)
{
	return TRUE;
}

static const char *
get_address(StpLink *link)
{
	return FRAIL_LINK(link)->address;
}

static void
frail_link_init(FrailLink *self)
{
	g_queue_init(&self->ops);
	g_queue_init(&self->to_host);
}

static void
frail_link_finalize(GObject *object)
{
	FrailLink *self = FRAIL_LINK(object);

	/* Whoever forgets a link without closing it keeps the pen from others. */
	g_assert_false(self->up);
	sim_pump_free(self->pump);
	g_free(self->address);
	G_OBJECT_CLASS(frail_link_parent_class)->finalize(object);
}

static void
frail_link_class_init(FrailLinkClass *class)
{
	G_OBJECT_CLASS(class)->finalize = frail_link_finalize;
}

static void
frail_link_as_link(StpLinkInterface *interface)
{
	interface->read_async = read_async;
	interface->read_finish = read_finish;
	interface->write_async = write_async;
	interface->write_finish = boolean_finish;
	interface->subscribe_async = subscribe_async;
	interface->subscribe_finish = boolean_finish;
	interface->close_async = close_async;
	interface->close_finish = boolean_finish;
	interface->get_mtu = get_mtu;
	interface->get_authenticated = get_authenticated;
	interface->get_address = get_address;
}

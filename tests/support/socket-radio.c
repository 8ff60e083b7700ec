/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "socket-radio.h"

#include <sys/socket.h>

#include "clock.h"
#include "error.h"
#include "link-fd.h"

typedef struct {
	SimPen *pen;
	SimLinkFaults *faults;
	char *address;
	guint16 mtu;
	gboolean in_sight, refuse, swallow;
	gboolean apart;		/* over the second adapter */
	GTask *swallowed;
	gboolean bonded;
	gboolean stranger;	/* the host surely has no key of it */
	SimPenFd *server;
} Member;

struct _SocketRadio {
	GObject parent;

	GPtrArray *members;
	guint connects, links_most, looks, forgotten, broken;
	gboolean watched, silent;
	StpRadioState state;
	gboolean two;		/* adapters, of one link each */
	const char *kind;	/* of what pairing asks; NULL: a code */
	gboolean accepted;
};

static void socket_radio_as_radio(StpRadioInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE(SocketRadio, socket_radio, G_TYPE_OBJECT,
			      G_IMPLEMENT_INTERFACE(STP_TYPE_RADIO, socket_radio_as_radio))

static void
member_free(gpointer data)
{
	Member *member = data;

	g_clear_pointer(&member->server, sim_pen_fd_free);
	g_clear_object(&member->swallowed);
	g_free(member->address);
	g_free(member);
}

static void
socket_radio_init(SocketRadio *self)
{
	self->watched = TRUE;
	self->state = STP_RADIO_SCANNING;
	self->members = g_ptr_array_new_with_free_func(member_free);
}

static void
socket_radio_finalize(GObject *object)
{
	g_ptr_array_unref(SOCKET_RADIO(object)->members);
	G_OBJECT_CLASS(socket_radio_parent_class)->finalize(object);
}

static void
socket_radio_class_init(SocketRadioClass *class)
{
	G_OBJECT_CLASS(class)->finalize = socket_radio_finalize;
}

SocketRadio *
socket_radio_new(void)
{
	return g_object_new(SOCKET_TYPE_RADIO, NULL);
}

static Member *
find(SocketRadio *self, const char *address)
{
	for (guint i = 0; i < self->members->len; i++) {
		Member *member = g_ptr_array_index(self->members, i);

		if (g_str_equal(member->address, address))
			return member;
	}
	return NULL;
}

/* ---- what a test does ---- */

void
socket_radio_put(SocketRadio *self, SimPen *pen, SimLinkFaults *faults, const char *address,
		 guint16 mtu)
{
	Member *member = g_new0(Member, 1);

	member->pen = pen;
	member->faults = faults;
	member->address = g_strdup(address);
	member->mtu = mtu;
	g_ptr_array_add(self->members, member);
}

static StpSighting *
sighting_of(const Member *member, gboolean with_status)
{
	StpSighting *sighting = g_new0(StpSighting, 1);
	g_autoptr(GBytes) advert = sim_pen_advert(member->pen);

	sighting->address = g_strdup(member->address);
	sighting->name = g_strdup(sim_pen_name(member->pen));
	sighting->rssi = -60;
	sighting->last_seen = stp_clock_wall();
	sighting->in_sight = member->in_sight;
	sighting->bonded = !member->stranger;
	sighting->has_status =
		with_status && stp_advert_decode(g_bytes_get_data(advert, NULL),
						 g_bytes_get_size(advert), &sighting->status) == STP_OK;
	return sighting;
}

void
socket_radio_hear(SocketRadio *self, const char *address, gboolean with_status)
{
	Member *member = find(self, address);
	g_autoptr(StpSighting) sighting = NULL;

	member->in_sight = TRUE;
	sighting = sighting_of(member, with_status);
	stp_radio_emit_sighting(STP_RADIO(self), sighting);
}

void
socket_radio_lose_sight(SocketRadio *self, const char *address)
{
	find(self, address)->in_sight = FALSE;
}

void
socket_radio_leave(SocketRadio *self, const char *address)
{
	Member *member = find(self, address);
	g_autoptr(StpSighting) sighting = NULL;

	member->in_sight = FALSE;
	sighting = sighting_of(member, FALSE);
	stp_radio_emit_sighting(STP_RADIO(self), sighting);
}

void
socket_radio_cut(SocketRadio *self, const char *address)
{
	g_clear_pointer(&find(self, address)->server, sim_pen_fd_free);
}

void
socket_radio_refuse(SocketRadio *self, const char *address, gboolean refuse)
{
	find(self, address)->refuse = refuse;
}

gboolean
socket_radio_is_watched(SocketRadio *self)
{
	return self->watched;
}

guint
socket_radio_looks(SocketRadio *self)
{
	return self->looks;
}

static void
link_up(SocketRadio *self, Member *member, GTask *task)
{
	int ends[2];

	g_clear_pointer(&member->server, sim_pen_fd_free);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		g_error("socketpair: %s", g_strerror(errno));
	sim_pen_set_stranger(member->pen, member->stranger);
	member->server = sim_pen_fd_new(member->pen, member->faults, ends[0], member->mtu);
	self->connects++;
	self->links_most = MAX(self->links_most, socket_radio_links(self));
	g_task_return_pointer(task, stp_link_fd_new(ends[1], member->address), g_object_unref);
}

void
socket_radio_swallow(SocketRadio *self, const char *address, gboolean swallow)
{
	Member *member = find(self, address);
	g_autoptr(GTask) task = NULL;

	member->swallow = swallow;
	if (swallow || member->swallowed == NULL)
		return;
	task = g_steal_pointer(&member->swallowed);
	link_up(self, member, task);
}

void
socket_radio_set_apart(SocketRadio *self, const char *address)
{
	self->two = TRUE;
	find(self, address)->apart = TRUE;
}

void
socket_radio_set_bonded(SocketRadio *self, const char *address, gboolean bonded)
{
	find(self, address)->bonded = bonded;
	find(self, address)->stranger = !bonded;
}

void
socket_radio_set_pairing(SocketRadio *self, const char *kind)
{
	self->kind = kind;
}

void
socket_radio_break_connects(SocketRadio *self, guint count)
{
	self->broken = count;
}

guint
socket_radio_forgotten(SocketRadio *self)
{
	return self->forgotten;
}

guint
socket_radio_connects(SocketRadio *self)
{
	return self->connects;
}

guint
socket_radio_links(SocketRadio *self)
{
	guint links = 0;

	for (guint i = 0; i < self->members->len; i++) {
		const Member *member = g_ptr_array_index(self->members, i);

		links += member->server != NULL && sim_pen_fd_is_connected(member->server);
	}
	return links;
}

guint
socket_radio_links_most(SocketRadio *self)
{
	return self->links_most;
}

/* ---- what the daemon asks for ---- */

static void
start(StpRadio *radio)
{
}

static void
watch(StpRadio *radio, gboolean watching)
{
	SOCKET_RADIO(radio)->watched = watching;
}

static GPtrArray *
get_adapters(StpRadio *radio)
{
	GPtrArray *adapters = g_ptr_array_new_with_free_func((GDestroyNotify)stp_adapter_report_free);
	StpAdapterReport *report = g_new0(StpAdapterReport, 1);

	report->address = g_strdup(SOCKET_RADIO_ADAPTER);
	report->state = STP_RADIO_SCANNING;
	report->silent = SOCKET_RADIO(radio)->silent;
	g_ptr_array_add(adapters, report);
	return adapters;
}

void
socket_radio_set_silent(SocketRadio *self, gboolean silent)
{
	self->silent = silent;
	stp_radio_emit_adapters_changed(STP_RADIO(self));
}

void
socket_radio_set_state(SocketRadio *self, StpRadioState state)
{
	self->state = state;
	stp_radio_emit_state_changed(STP_RADIO(self));
}

static void
look(StpRadio *radio)
{
	SOCKET_RADIO(radio)->looks++;
}

static StpRadioState
get_state(StpRadio *radio)
{
	return SOCKET_RADIO(radio)->state;
}

static GPtrArray *
get_sightings(StpRadio *radio)
{
	SocketRadio *self = SOCKET_RADIO(radio);
	GPtrArray *sightings = g_ptr_array_new_with_free_func((GDestroyNotify)stp_sighting_free);

	for (guint i = 0; i < self->members->len; i++) {
		const Member *member = g_ptr_array_index(self->members, i);

		if (member->in_sight)
			g_ptr_array_add(sightings, sighting_of(member, TRUE));
	}
	return sightings;
}

static void
connect_async(StpRadio *radio, const char *address, GCancellable *cancellable,
	      GAsyncReadyCallback callback, gpointer user_data)
{
	SocketRadio *self = SOCKET_RADIO(radio);
	g_autoptr(GTask) task = g_task_new(radio, cancellable, callback, user_data);
	Member *member = find(self, address);

	if (member == NULL || member->refuse || self->broken > 0) {
		self->broken -= self->broken > 0;
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_LINK_FAILED,
					"The pen cannot be reached. Bring it closer.");
		return;
	}
	if (member->swallow) {
		/* Cancelling alone must not answer it. */
		g_task_set_check_cancellable(task, FALSE);
		g_set_object(&member->swallowed, task);
		return;
	}
	link_up(self, member, task);
}

static StpLink *
connect_finish(StpRadio *radio, GAsyncResult *result, GError **error)
{
	return g_task_propagate_pointer(G_TASK(result), error);
}

static void
pair_async(StpRadio *radio, const char *address, StpPairingAsk ask, gpointer ask_data,
	   GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	g_autoptr(GTask) task = g_task_new(radio, cancellable, callback, user_data);

	SocketRadio *self = SOCKET_RADIO(radio);
	Member *member = find(self, address);

	/* A bond that was made is told, whoever cancels meanwhile. */
	g_task_set_check_cancellable(task, FALSE);
	if (member->bonded) {
		g_task_return_boolean(task, TRUE);
		return;
	}
	/* As if somebody had typed the right code. */
	self->accepted = TRUE;
	ask(1, address, self->kind != NULL ? self->kind : "enter-passkey", 0, ask_data);
	member->bonded = !member->refuse && self->accepted;
	member->stranger = !member->bonded;
	if (member->bonded)
		g_task_return_boolean(task, TRUE);
	else
		g_task_return_new_error(task, STP_ERROR, self->accepted ? STP_ERROR_PAIRING_FAILED : STP_ERROR_BOND_TOO_WEAK,
					"The code was wrong. Try again.");
}

static void
forget_async(StpRadio *radio, const char *address, GCancellable *cancellable,
	     GAsyncReadyCallback callback, gpointer user_data)
{
	g_autoptr(GTask) task = g_task_new(radio, cancellable, callback, user_data);
	Member *member = find(SOCKET_RADIO(radio), address);

	if (member != NULL) {
		member->bonded = FALSE;
		member->stranger = TRUE;
	}
	SOCKET_RADIO(radio)->forgotten++;
	g_task_return_boolean(task, TRUE);
}

static gboolean
boolean_finish(StpRadio *radio, GAsyncResult *result, GError **error)
{
	return g_task_propagate_boolean(G_TASK(result), error);
}

static void
answer_pairing(StpRadio *radio, guint request, gboolean accept, guint32 passkey)
{
	SOCKET_RADIO(radio)->accepted = accept;
}

static guint
get_links_at_once(StpRadio *radio)
{
	return SOCKET_RADIO(radio)->two ? 2 : STP_RADIO_LINKS_AT_ONCE;
}

static gboolean
has_room(StpRadio *radio, const char *address)
{
	SocketRadio *self = SOCKET_RADIO(radio);
	const Member *asking = find(self, address);

	for (guint i = 0; self->two && asking != NULL && i < self->members->len; i++) {
		const Member *member = g_ptr_array_index(self->members, i);

		if (member->apart == asking->apart && member->server != NULL && sim_pen_fd_is_connected(member->server))
			return FALSE;
	}
	return TRUE;
}

static gboolean
makes_room(StpRadio *radio, const char *linked, const char *address)
{
	SocketRadio *self = SOCKET_RADIO(radio);

	const Member *has = find(self, linked), *asking = find(self, address);

	return has == NULL || asking == NULL || has->apart == asking->apart;
}

static void
socket_radio_as_radio(StpRadioInterface *interface)
{
	interface->get_links_at_once = get_links_at_once;
	interface->has_room = has_room;
	interface->makes_room = makes_room;
	interface->start = start;
	interface->watch = watch;
	interface->look = look;
	interface->get_adapters = get_adapters;
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

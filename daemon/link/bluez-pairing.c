/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-pairing.h"

#include "bluez-dbus.h"
#include "bluez-error.h"
#include "bluez-timing.h"
#include "log.h"

#include <string.h>

#define AGENT_PATH "/org/stipple1/agent"
#define MANAGER_PATH "/org/bluez"
#define MANAGER "org.bluez.AgentManager1"

struct _StpBluezPairing {
	GObject parent;
	StpBluezClient *client;
	BluezAgent1 *agent;
	guint last_request;

	/* Of the pairing that runs: */
	GTask *task;
	GDBusProxy *device;
	char *pen;
	StpPairingAsk ask;
	gpointer ask_data;
	GSource *cancel_watch;
	GCancellable *pair_call;		/* ends the wait for Pair() */
	guint timer;
	GDBusMethodInvocation *question;	/* of bluetoothd, waits for the user */
	gboolean wants_passkey;
	gboolean asked;				/* bluetoothd asked for a code */
	gboolean with_code;			/* the user was asked, and said yes */
	gboolean bonded;			/* without a code, and the user is asked whether to keep that */
	GError *verdict;			/* why we ended it; outranks what BlueZ says */
};

G_DEFINE_FINAL_TYPE(StpBluezPairing, stp_bluez_pairing, G_TYPE_OBJECT)

static void
refuse(GDBusMethodInvocation *invocation)
{
	g_dbus_method_invocation_return_dbus_error(invocation, "org.bluez.Error.Rejected",
						   "Stipple answers only for the pen that it is pairing just now. Pair "
						   "with an agent of your own.");
}

static void
drop_question(StpBluezPairing *self)
{
	GDBusMethodInvocation *question = g_steal_pointer(&self->question);

	if (question != NULL)
		refuse(question);
}

static void
call_agent_manager(StpBluezPairing *self, const char *method, GVariant *arguments, GAsyncReadyCallback callback)
{
	const char *owner = stp_bluez_client_get_owner(self->client);

	if (owner == NULL) {
		g_variant_unref(g_variant_ref_sink(arguments));
		return;
	}
	g_dbus_connection_call(stp_bluez_client_get_connection(self->client), owner, MANAGER_PATH, MANAGER,
			       method, arguments, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, callback,
			       callback != NULL ? g_object_ref(self) : NULL);
}

/* error is taken; NULL means success. */
static void
end(StpBluezPairing *self, GError *error)
{
	g_autoptr(GTask) task = g_steal_pointer(&self->task);

	drop_question(self);
	g_clear_handle_id(&self->timer, g_source_remove);
	if (self->cancel_watch != NULL) {
		g_source_destroy(self->cancel_watch);
		g_clear_pointer(&self->cancel_watch, g_source_unref);
	}
	call_agent_manager(self, "UnregisterAgent", g_variant_new("(o)", AGENT_PATH), NULL);
	if (g_dbus_interface_skeleton_get_object_path(G_DBUS_INTERFACE_SKELETON(self->agent)) != NULL)
		g_dbus_interface_skeleton_unexport(G_DBUS_INTERFACE_SKELETON(self->agent));
	g_signal_handlers_disconnect_by_data(self->device, self);
	g_clear_object(&self->device);
	g_clear_object(&self->pair_call);
	g_clear_pointer(&self->pen, g_free);
	g_clear_error(&self->verdict);

	if (error != NULL)
		g_task_return_error(task, error);
	else
		g_task_return_boolean(task, TRUE);
}

static GError *
explain(StpBluezPairing *self, const GError *error)
{
	static const struct {
		const char *name, *text;
	} texts[] = {
		{ "AuthenticationFailed", "Pairing failed: the code was wrong, or the pen refused. Open the pen's "
					  "pairing window and try again with the code it shows; if it asks for none, delete this "
					  "host at the pen first." },
		{ "AuthenticationCanceled", "Pairing was broken off by the pen. Open its pairing window, keep it "
					    "close, and try again." },
		{ "AuthenticationRejected", "The pen refused to pair. Open its pairing window and try again; if "
					    "its list of hosts is full, remove one there." },
		{ "AuthenticationTimeout", "Pairing took too long. Open the pen's pairing window and enter the "
					   "code within two minutes." },
		{ "ConnectionAttemptFailed", "The pen could not be reached for pairing. Bring it closer and try "
					     "again." },
	};

	if (stp_bluez_error_is(error, "InProgress"))
		return g_error_new_literal(STP_ERROR, STP_ERROR_BUSY,
					   "Another program is pairing with this pen. Close it and try again.");

	if (!self->asked && stp_bluez_error_is(error, "AuthenticationFailed")) {
		stp_debug("link", self->pen, "Pair: %s", error->message);
		return g_error_new_literal(STP_ERROR, STP_ERROR_PAIRING_FAILED,
			"The pen refused to pair before there was a code: its pairing window has closed, its list of "
			"hosts is full, or it still has an old bond with this host. Open the window and try again; if "
			"that does not help, delete a host at the pen.");
	}
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		if (!stp_bluez_error_is(error, texts[i].name))
			continue;
		stp_debug("link", self->pen, "Pair: %s", error->message);
		return g_error_new_literal(STP_ERROR, STP_ERROR_PAIRING_FAILED, texts[i].text);
	}
	if (stp_bluez_error_is_timeout(error))
		return g_error_new_literal(STP_ERROR, STP_ERROR_PAIRING_FAILED, texts[3].text);
	if (stp_bluez_error_is(error, "Failed")) {
		g_autoptr(GError) plain = g_error_copy(error);

		g_dbus_error_strip_remote_error(plain);
		return g_error_new(STP_ERROR, STP_ERROR_PAIRING_FAILED,
				   "Pairing failed: Bluetooth says '%s'. Bring the pen closer, open its pairing "
				   "window, and try again.",
				   plain->message);
	}
	return stp_bluez_error_translate(error, self->pen, "Pairing with the pen");
}

static void
on_bond_taken_back(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpBluezPairing) self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply =
		g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	if (error != NULL)
		stp_warning("link", self->pen, "The unwanted bond could not be removed: %s", error->message);
	if (self->verdict != NULL)
		end(self, g_steal_pointer(&self->verdict));
	else
		end(self, g_error_new(STP_ERROR, STP_ERROR_BOND_TOO_WEAK,
				      "The pen paired without a code, so nobody knows that it is this pen; the "
				      "bond was removed again. If it is a pen that cannot show a code, allow that with "
				      "'stipplectl pens add --allow-unauthenticated', after deleting this host at the pen; its "
				      "records are then marked."));
}

static void
take_bond_back(StpBluezPairing *self)
{
	g_autofree char *adapter = stp_bluez_get_string(self->device, "Adapter");

	g_dbus_connection_call(stp_bluez_client_get_connection(self->client),
			       g_dbus_proxy_get_name(self->device), adapter, STP_BLUEZ_IFACE_ADAPTER, "RemoveDevice",
			       g_variant_new("(o)", g_dbus_proxy_get_object_path(self->device)), NULL,
			       G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_bond_taken_back, g_object_ref(self));
}

static void
on_trusted(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpBluezPairing) self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	/* Trust only saves BlueZ from asking an agent; the bond stands without it. */
	if (error != NULL)
		stp_warning("link", self->pen, "Marking the pen as trusted failed: %s", error->message);
	end(self, NULL);
}

static void
trust(StpBluezPairing *self)
{
	g_dbus_proxy_call(self->device, "org.freedesktop.DBus.Properties.Set",
			  g_variant_new("(ssv)", STP_BLUEZ_IFACE_DEVICE, "Trusted", g_variant_new_boolean(TRUE)),
			  G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_trusted, g_object_ref(self));
}

/* BlueZ made a bond by itself, as the pen could do no better ("just works"). */
static void
ask_without_code(StpBluezPairing *self)
{
	self->bonded = TRUE;
	self->last_request++;
	self->ask(self->last_request, self->pen, STP_PAIRING_WITHOUT_CODE, 0, self->ask_data);
}

static void
on_paired(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpBluezPairing) self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	g_clear_handle_id(&self->timer, g_source_remove);
	/* See on_device_changed(). */
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) && stp_bluez_is_bonded(self->device))
		g_clear_error(&error);
	if (error == NULL && self->verdict == NULL && !self->with_code)
		ask_without_code(self);
	else if (error == NULL && self->verdict != NULL)
		take_bond_back(self);
	else if (self->verdict != NULL)
		end(self, g_steal_pointer(&self->verdict));
	else if (error != NULL && !stp_bluez_error_is(error, "AlreadyExists"))
		end(self, explain(self, error));
	else
		trust(self);
}

/*
 * bluetoothd never answers Pair() when the bond is made while it still explores the pen's
 * services (seen with 5.66); the bond itself is the answer then.
 */
static void
on_device_changed(GDBusProxy *device, GVariant *changed, const char *const *gone, StpBluezPairing *self)
{
	if (self->pair_call != NULL && stp_bluez_is_bonded(device))
		g_cancellable_cancel(self->pair_call);
}

static void
break_off(StpBluezPairing *self, StpError code, const char *text)
{
	if (self->bonded) {
		/* BlueZ is done; it is our own question that nobody answered. */
		self->bonded = FALSE;
		self->verdict = g_error_new_literal(STP_ERROR, (int)code, text);
		take_bond_back(self);
		return;
	}
	if (self->verdict == NULL)
		self->verdict = g_error_new_literal(STP_ERROR, (int)code, text);
	drop_question(self);
	/* Pair() then returns, and everything ends there. */
	g_dbus_proxy_call(self->device, "CancelPairing", NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
}

static gboolean
on_too_late(gpointer user_data)
{
	StpBluezPairing *self = user_data;

	self->timer = 0;
	break_off(self, STP_ERROR_PAIRING_FAILED,
		  "Pairing took longer than two minutes. Open the pen's pairing window again and enter the code "
		  "at once.");
	return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled(GCancellable *cancellable, gpointer user_data)
{
	break_off(user_data, STP_ERROR_CANCELLED, "Pairing was cancelled. Start it again when it is wanted.");
	return G_SOURCE_REMOVE;
}

static void
on_agent_registered(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpBluezPairing) self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply =
		g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	if (self->verdict != NULL) {
		end(self, g_steal_pointer(&self->verdict));
		return;
	}
	/* AlreadyExists: ours, of a pairing that has just ended; it leads here all the same. */
	if (error != NULL && !stp_bluez_error_is(error, "AlreadyExists")) {
		end(self, stp_bluez_error_translate(error, self->pen, "Getting ready to pair"));
		return;
	}
	self->pair_call = g_cancellable_new();
	g_signal_connect(self->device, "g-properties-changed", G_CALLBACK(on_device_changed), self);
	/* A little longer than our own limit, which can say more. */
	g_dbus_proxy_call(self->device, "Pair", NULL, G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_PAIR + 10000,
			  self->pair_call, on_paired, g_object_ref(self));
}

void
stp_bluez_pairing_run_async(StpBluezPairing *self, GDBusProxy *device, StpPairingAsk ask, gpointer ask_data,
			    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
	GError *error = NULL;

	if (self->task != NULL) {
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_BUSY,
					"Another pen is being paired. Try again when that has ended.");
		return;
	}
	if (stp_bluez_client_get_owner(self->client) == NULL) {
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_NO_BLUETOOTH,
					"The Bluetooth service ended. Pair again when it runs.");
		return;
	}
	if (stp_bluez_is_bonded(device)) {
		g_task_return_boolean(task, TRUE);
		return;
	}

	self->task = g_steal_pointer(&task);
	self->device = g_object_ref(device);
	self->pen = stp_bluez_get_string(device, "Address");
	self->ask = ask;
	self->ask_data = ask_data;
	self->asked = FALSE;
	self->with_code = FALSE;
	self->bonded = FALSE;
	if (!g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(self->agent),
					      stp_bluez_client_get_connection(self->client), AGENT_PATH,
					      &error)) {
		GError *told = stp_bluez_error_translate(error, self->pen, "Getting ready to pair");

		g_error_free(error);
		end(self, told);
		return;
	}
	self->timer = g_timeout_add(STP_BLUEZ_PAIR, on_too_late, self);
	if (cancellable != NULL) {
		self->cancel_watch = g_cancellable_source_new(cancellable);
		g_source_set_callback(self->cancel_watch, G_SOURCE_FUNC(on_cancelled), self, NULL);
		g_source_attach(self->cancel_watch, g_main_context_get_thread_default());
	}
	/* KeyboardDisplay: the pen's own abilities decide between comparing and typing. */
	call_agent_manager(self, "RegisterAgent", g_variant_new("(os)", AGENT_PATH, "KeyboardDisplay"),
			   on_agent_registered);
}

gboolean
stp_bluez_pairing_run_finish(StpBluezPairing *self, GAsyncResult *result, GError **error)
{
	return g_task_propagate_boolean(G_TASK(result), error);
}

void
stp_bluez_pairing_answer(StpBluezPairing *self, guint request, gboolean accept, guint32 passkey)
{
	GDBusMethodInvocation *question;

	if (self->bonded && request == self->last_request) {
		self->bonded = FALSE;
		if (accept)
			trust(self);
		else
			take_bond_back(self);
		return;
	}
	if (self->question == NULL || request != self->last_request)
		return;
	if (!accept || (self->wants_passkey && passkey > 999999)) {
		break_off(self, STP_ERROR_PAIRING_FAILED,
			  accept ? "A pairing code has six digits. Start the pairing again with the code that the "
				   "pen shows."
				 : "The pairing was not confirmed. Start it again when the code on the pen can be "
				   "read.");
		return;
	}
	question = g_steal_pointer(&self->question);
	self->with_code = TRUE;
	if (self->wants_passkey)
		bluez_agent1_complete_request_passkey(self->agent, question, passkey);
	else
		bluez_agent1_complete_request_confirmation(self->agent, question);
}

/* Whether bluetoothd asks about the pen that is being paired. */
static gboolean
is_ours(StpBluezPairing *self, GDBusMethodInvocation *invocation, const char *device)
{
	return self->task != NULL && self->verdict == NULL &&
	       g_strcmp0(g_dbus_method_invocation_get_sender(invocation),
			 stp_bluez_client_get_owner(self->client)) == 0 &&
	       strcmp(device, g_dbus_proxy_get_object_path(self->device)) == 0;
}

static void
put_question(StpBluezPairing *self, GDBusMethodInvocation *invocation, const char *device, const char *kind,
	     guint32 passkey)
{
	if (!is_ours(self, invocation, device)) {
		refuse(invocation);
		return;
	}
	drop_question(self);
	self->asked = TRUE;
	self->question = invocation;
	self->wants_passkey = strcmp(kind, "enter-passkey") == 0;
	self->last_request++;
	self->ask(self->last_request, self->pen, kind, passkey, self->ask_data);
}

static gboolean
on_request_passkey(BluezAgent1 *agent, GDBusMethodInvocation *invocation, const char *device,
		   StpBluezPairing *self)
{
	put_question(self, invocation, device, "enter-passkey", 0);
	return TRUE;
}

static gboolean
on_request_confirmation(BluezAgent1 *agent, GDBusMethodInvocation *invocation, const char *device,
			guint passkey, StpBluezPairing *self)
{
	put_question(self, invocation, device, "confirm-passkey", passkey);
	return TRUE;
}

static gboolean
on_display_passkey(BluezAgent1 *agent, GDBusMethodInvocation *invocation, const char *device, guint passkey,
		   guint16 entered, StpBluezPairing *self)
{
	/* Does not happen with pens that have a display; with one that has only keys nobody could answer. */
	if (is_ours(self, invocation, device))
		break_off(self, STP_ERROR_PAIRING_FAILED,
			  "The pen wants a code typed in on itself, which Stipple does not support. Use a pen "
			  "that shows a code.");
	bluez_agent1_complete_display_passkey(agent, invocation);
	return TRUE;
}

static gboolean
on_refused(BluezAgent1 *agent, GDBusMethodInvocation *invocation)
{
	refuse(invocation);
	return TRUE;
}

static gboolean
on_cancel(BluezAgent1 *agent, GDBusMethodInvocation *invocation, StpBluezPairing *self)
{
	/* Nobody else ends our pairing. */
	if (g_strcmp0(g_dbus_method_invocation_get_sender(invocation), stp_bluez_client_get_owner(self->client)) == 0)
		drop_question(self);
	bluez_agent1_complete_cancel(agent, invocation);
	return TRUE;
}

static gboolean
on_release(BluezAgent1 *agent, GDBusMethodInvocation *invocation, StpBluezPairing *self)
{
	bluez_agent1_complete_release(agent, invocation);
	return TRUE;
}

StpBluezPairing *
stp_bluez_pairing_new(StpBluezClient *client)
{
	StpBluezPairing *self = g_object_new(STP_TYPE_BLUEZ_PAIRING, NULL);

	self->client = g_object_ref(client);
	return self;
}

static void
stp_bluez_pairing_finalize(GObject *object)
{
	StpBluezPairing *self = STP_BLUEZ_PAIRING(object);

	/* No pairing runs: its task holds a reference. */
	g_clear_object(&self->agent);
	g_clear_object(&self->client);
	G_OBJECT_CLASS(stp_bluez_pairing_parent_class)->finalize(object);
}

static void
stp_bluez_pairing_class_init(StpBluezPairingClass *class)
{
	G_OBJECT_CLASS(class)->finalize = stp_bluez_pairing_finalize;
}

static void
stp_bluez_pairing_init(StpBluezPairing *self)
{
	self->agent = bluez_agent1_skeleton_new();
	g_signal_connect(self->agent, "handle-request-passkey", G_CALLBACK(on_request_passkey), self);
	g_signal_connect(self->agent, "handle-request-confirmation", G_CALLBACK(on_request_confirmation), self);
	g_signal_connect(self->agent, "handle-display-passkey", G_CALLBACK(on_display_passkey), self);
	g_signal_connect(self->agent, "handle-request-pin-code", G_CALLBACK(on_refused), self);
	g_signal_connect(self->agent, "handle-display-pin-code", G_CALLBACK(on_refused), self);
	g_signal_connect(self->agent, "handle-request-authorization", G_CALLBACK(on_refused), self);
	g_signal_connect(self->agent, "handle-authorize-service", G_CALLBACK(on_refused), self);
	g_signal_connect(self->agent, "handle-cancel", G_CALLBACK(on_cancel), self);
	g_signal_connect(self->agent, "handle-release", G_CALLBACK(on_release), self);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bus-enrol.h"

#include "bus-format.h"
#include "error.h"

/* As long as the pen's pairing window. */
#define TIMEOUT_DEFAULT_S 120
#define TIMEOUT_MAX_S 600
#define LABEL_MAX 64

struct StpBusEnrol {
	StpCollector *collector;
	StpDbusManager1 *skeleton;
	gulong handlers[2];

	GDBusMethodInvocation *invocation;	/* of the AddPen under way */
	GCancellable *cancellable;
	guint watch;

	GDBusMethodInvocation *next;	/* of one that waits until its forerunner is given up */
};

static void begin(StpBusEnrol *self, GDBusMethodInvocation *invocation);

static const char *
caller_of(StpBusEnrol *self)
{
	return g_dbus_method_invocation_get_sender(self->invocation);
}

/* To the caller of AddPen and nobody else: a code shown to all would prove nothing. */
static void
on_ask(guint request, const char *pen, const char *kind, guint32 passkey, gpointer user_data)
{
	StpBusEnrol *self = user_data;

	if (self->invocation == NULL)
		return;
	g_dbus_connection_emit_signal(
		g_dbus_method_invocation_get_connection(self->invocation), caller_of(self),
		g_dbus_method_invocation_get_object_path(self->invocation), "org.stipple1.Manager1",
		"PairingRequest", g_variant_new("(ussu)", request, pen, kind, passkey), NULL);
}

static void
on_caller_left(GDBusConnection *bus, const char *name, gpointer user_data)
{
	StpBusEnrol *self = user_data;

	g_cancellable_cancel(self->cancellable);
}

static void
on_enrolled(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpBusEnrol *self = user_data;
	g_autoptr(GError) error = NULL;
	StpEnrolledPen *pen = stp_collector_enrol_finish(STP_COLLECTOR(source), result, &error);
	GDBusMethodInvocation *invocation = g_steal_pointer(&self->invocation);

	g_clear_handle_id(&self->watch, g_bus_unwatch_name);
	g_clear_object(&self->cancellable);
	if (pen == NULL) {
		g_dbus_method_invocation_return_gerror(invocation, error);
	} else {
		g_autofree char *path =
			stp_bus_pen_path(stp_enrolled_pen_get_row(pen)->serial);

		stp_dbus_manager1_complete_add_pen(self->skeleton, invocation, path);
	}
	if (self->next != NULL)
		begin(self, g_steal_pointer(&self->next));
}

/* Invocation is taken. */
static void
begin(StpBusEnrol *self, GDBusMethodInvocation *invocation)
{
	StpEnrolOptions wanted = { .timeout_s = TIMEOUT_DEFAULT_S };
	g_autoptr(GVariant) options = NULL;
	const char *label = NULL;

	g_variant_get(g_dbus_method_invocation_get_parameters(invocation), "(&s@a{sv})", &wanted.which, &options);
	g_variant_lookup(options, "label", "&s", &label);
	g_variant_lookup(options, "timeout", "u", &wanted.timeout_s);
	g_variant_lookup(options, "allow_unauthenticated", "b", &wanted.allow_unauthenticated);
	g_variant_lookup(options, "repair", "b", &wanted.repair);
	wanted.label = label;
	wanted.timeout_s = CLAMP(wanted.timeout_s, 1, TIMEOUT_MAX_S);
	if (*wanted.which == '\0' || (label != NULL && g_utf8_strlen(label, -1) > LABEL_MAX)) {
		g_dbus_method_invocation_return_error(invocation, STP_ERROR,
			STP_ERROR_INVALID_ARGUMENT,
			"Name the pen by its address or the end of its serial number, and keep its "
			"label to %d characters.", LABEL_MAX);
		return;
	}
	self->invocation = invocation;
	self->cancellable = g_cancellable_new();
	self->watch = g_bus_watch_name_on_connection(
		g_dbus_method_invocation_get_connection(invocation), caller_of(self),
		G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, on_caller_left, self, NULL);
	stp_collector_enrol_async(self->collector, &wanted, on_ask, self, self->cancellable, on_enrolled, self);
}

static gboolean
on_handle_add_pen(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, const char *which,
		  GVariant *options, StpBusEnrol *self)
{
	if (self->invocation == NULL)
		begin(self, invocation);
	else if (self->next == NULL && g_cancellable_is_cancelled(self->cancellable))
		self->next = invocation;	/* whoever broke off just now and tries again need not hear of that */
	else
		g_dbus_method_invocation_return_error(invocation, STP_ERROR, STP_ERROR_BUSY,
			"Another pen is being enrolled. Finish or cancel that first.");
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_handle_answer_pairing(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation,
			 guint request, gboolean accept, guint passkey, StpBusEnrol *self)
{
	if (self->invocation == NULL ||
	    g_strcmp0(g_dbus_method_invocation_get_sender(invocation), caller_of(self)) != 0) {
		g_dbus_method_invocation_return_error(invocation, STP_ERROR, STP_ERROR_DENIED,
			"Only who called AddPen may answer, and only while it runs.");
		return G_DBUS_METHOD_INVOCATION_HANDLED;
	}
	if (passkey > 999999) {
		g_dbus_method_invocation_return_error(invocation, STP_ERROR,
			STP_ERROR_INVALID_ARGUMENT, "A passkey has six digits at most.");
		return G_DBUS_METHOD_INVOCATION_HANDLED;
	}
	stp_radio_answer_pairing(stp_collector_get_radio(self->collector), request, accept, passkey);
	stp_dbus_manager1_complete_answer_pairing(skeleton, invocation);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

StpBusEnrol *
stp_bus_enrol_new(StpCollector *collector, StpDbusManager1 *skeleton)
{
	StpBusEnrol *self = g_new0(StpBusEnrol, 1);

	self->collector = g_object_ref(collector);
	self->skeleton = g_object_ref(skeleton);
	self->handlers[0] = g_signal_connect(skeleton, "handle-add-pen",
					     G_CALLBACK(on_handle_add_pen), self);
	self->handlers[1] = g_signal_connect(skeleton, "handle-answer-pairing",
					     G_CALLBACK(on_handle_answer_pairing), self);
	return self;
}

void
stp_bus_enrol_free(StpBusEnrol *self)
{
	for (guint i = 0; i < G_N_ELEMENTS(self->handlers); i++)
		g_signal_handler_disconnect(self->skeleton, self->handlers[i]);
	g_clear_handle_id(&self->watch, g_bus_unwatch_name);
	if (self->next != NULL)
		g_dbus_method_invocation_return_error(g_steal_pointer(&self->next), STP_ERROR, STP_ERROR_CANCELLED,
			"stippled is about to end. Try again when it runs.");
	g_clear_object(&self->cancellable);
	g_clear_object(&self->skeleton);
	g_clear_object(&self->collector);
	g_free(self);
}

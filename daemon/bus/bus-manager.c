/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bus-manager.h"

#include "bus-alerts.h"
#include "bus-enrol.h"
#include "bus-errands.h"
#include "bus-format.h"
#include "bus-retired.h"
#include "bus-sessions.h"
#include "bus-upkeep.h"
#include "bus-syncs.h"
#include "error.h"
#include "log.h"
#include "stipple-dbus.h"

struct _StpBusManager {
	GObject parent;

	StpCollector *collector;
	StpDbusManager1 *skeleton;
	StpBusEnrol *enrol;
	StpBusErrands *errands;
	guint tell_adapters;	/* timer */
};

/* Adapters change with every connection; signals to everybody are to be few. */
#define ADAPTERS_INTERVAL_MS 1000

G_DEFINE_FINAL_TYPE(StpBusManager, stp_bus_manager, G_TYPE_OBJECT)

/* ---- state ---- */

static const char *
store_state_name(StpStoreState state)
{
	switch (state) {
	case STP_STORE_OK:
		return "ok";
	case STP_STORE_FULL:
		return "full";
	case STP_STORE_FAILED:
		return "failed";
	}
	g_return_val_if_reached("failed");
}

static void
show_radio(StpRadio *radio, StpBusManager *self)
{
	StpRadioState state = stp_radio_get_state(radio);

	stp_dbus_manager1_set_radio_state(self->skeleton, stp_radio_state_name(state));
	stp_dbus_manager1_set_radio_hint(self->skeleton, stp_radio_state_hint(state));
}

static void
show_store(StpStore *store, StpBusManager *self)
{
	const char *hint = stp_store_get_hint(store);

	stp_dbus_manager1_set_store_state(self->skeleton,
					  store_state_name(stp_store_get_state(store)));
	stp_dbus_manager1_set_store_hint(self->skeleton, hint != NULL ? hint : "");
}

/* ---- signals ---- */

static void
on_session_stored(StpCollector *collector, const char *id, StpBusManager *self)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StpSession) session =
		stp_store_get_session(stp_collector_get_store(collector), id, &error);

	if (session != NULL)
		stp_dbus_manager1_emit_session_stored(self->skeleton, stp_bus_session(session));
	else
		stp_warning("bus", NULL, "%s", error->message);
}

static void
on_finding(StpStore *store, const StpFinding *finding, StpBusManager *self)
{
	stp_dbus_manager1_emit_finding(self->skeleton, stp_bus_finding(finding));
}

static void
on_sessions_timed(StpStore *store, const char *const *ids, StpBusManager *self)
{
	stp_dbus_manager1_emit_sessions_timed(self->skeleton, ids);
}

/* ---- methods ---- */

static gboolean
on_handle_list_sightings(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation,
			 StpBusManager *self)
{
	g_autoptr(GPtrArray) sightings =
		stp_radio_get_sightings(stp_collector_get_radio(self->collector));
	GVariantBuilder builder;

	/* Who asks is likely to ask again. */
	stp_radio_look(stp_collector_get_radio(self->collector));
	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < sightings->len; i++) {
		const StpSighting *sighting = g_ptr_array_index(sightings, i);
		StpEnrolledPen *pen =
			stp_collector_find_address(self->collector, sighting->address);

		g_variant_builder_add_value(
			&builder, stp_bus_sighting(sighting, pen != NULL
				  ? stp_enrolled_pen_get_row(pen)->serial : NULL));
	}
	stp_dbus_manager1_complete_list_sightings(skeleton, invocation,
						  g_variant_builder_end(&builder));
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
on_removed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GDBusMethodInvocation) invocation = user_data;
	g_autoptr(GError) error = NULL;

	if (stp_collector_remove_finish(STP_COLLECTOR(source), result, NULL, &error))
		g_dbus_method_invocation_return_value(g_steal_pointer(&invocation), NULL);
	else
		g_dbus_method_invocation_return_gerror(g_steal_pointer(&invocation), error);
}

static gboolean
on_handle_remove_pen(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation,
		     const char *serial, gboolean force, StpBusManager *self)
{
	const StpRemoval removal = { .force = force };

	stp_collector_remove_async(self->collector, serial, &removal, NULL, NULL, NULL, on_removed, invocation);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_handle_get_coverage(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation,
		       const char *serial, StpBusManager *self)
{
	StpStore *store = stp_collector_get_store(self->collector);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) coverage =
		stp_store_get_coverage(store, *serial != '\0' ? serial : NULL, &error);
	GVariantBuilder builder;

	if (coverage == NULL) {
		g_dbus_method_invocation_return_gerror(invocation, error);
		return G_DBUS_METHOD_INVOCATION_HANDLED;
	}
	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < coverage->len; i++) {
		const StpCoverage *log = g_ptr_array_index(coverage, i);

		g_variant_builder_add_value(
			&builder, stp_bus_coverage(log, stp_collector_find_pen(self->collector, log->serial)));
	}
	stp_dbus_manager1_complete_get_coverage(skeleton, invocation,
						g_variant_builder_end(&builder));
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_handle_sync_all(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation,
		   StpBusManager *self)
{
	g_autoptr(GPtrArray) pens = stp_collector_get_pens(self->collector);

	for (guint i = 0; i < pens->len; i++) {
		StpEnrolledPen *pen = g_ptr_array_index(pens, i);

		stp_collector_sync_async(self->collector, stp_enrolled_pen_get_row(pen)->serial, 1,
					 NULL, NULL);
	}
	stp_dbus_manager1_complete_sync_all(skeleton, invocation);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_handle_list_sessions(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation,
			GVariant *filter, guint limit, guint64 cursor, StpBusManager *self)
{
	stp_bus_list_sessions(stp_collector_get_store(self->collector), invocation, filter, limit,
			      cursor);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_handle_get_session(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, const char *id,
		      StpBusManager *self)
{
	stp_bus_get_session(stp_collector_get_store(self->collector), invocation, id);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_handle_open_session(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation,
		       GUnixFDList *fds, const char *id, GVariant *options, StpBusManager *self)
{
	stp_bus_open_session(stp_collector_get_store(self->collector), invocation, id, options);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_handle_get_adapters(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, StpBusManager *self)
{
	g_autoptr(GPtrArray) reports = stp_radio_get_adapters(stp_collector_get_radio(self->collector));
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < reports->len; i++)
		g_variant_builder_add_value(&builder, stp_bus_adapter(reports->pdata[i]));
	stp_dbus_manager1_complete_get_adapters(skeleton, invocation, g_variant_builder_end(&builder));
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_tell_adapters(gpointer user_data)
{
	StpBusManager *self = user_data;

	self->tell_adapters = 0;
	stp_dbus_manager1_emit_adapters_changed(self->skeleton);
	return G_SOURCE_REMOVE;
}

static void
on_adapters_changed(StpRadio *radio, StpBusManager *self)
{
	if (self->tell_adapters == 0)
		self->tell_adapters = g_timeout_add(ADAPTERS_INTERVAL_MS, on_tell_adapters, self);
}

/* ---- lifecycle ---- */

static void
stp_bus_manager_init(StpBusManager *self)
{
	self->skeleton = stp_dbus_manager1_skeleton_new();
}

static void
stp_bus_manager_dispose(GObject *object)
{
	StpBusManager *self = STP_BUS_MANAGER(object);

	g_clear_handle_id(&self->tell_adapters, g_source_remove);
	g_clear_pointer(&self->enrol, stp_bus_enrol_free);
	g_clear_pointer(&self->errands, stp_bus_errands_free);
	g_clear_object(&self->skeleton);
	g_clear_object(&self->collector);
	G_OBJECT_CLASS(stp_bus_manager_parent_class)->dispose(object);
}

static void
stp_bus_manager_class_init(StpBusManagerClass *class)
{
	G_OBJECT_CLASS(class)->dispose = stp_bus_manager_dispose;
}

StpBusManager *
stp_bus_manager_new(StpCollector *collector, const char *version)
{
	static const struct {
		const char *signal;
		GCallback handler;
	} methods[] = {
		{ "handle-get-adapters", G_CALLBACK(on_handle_get_adapters) },
		{ "handle-list-sightings", G_CALLBACK(on_handle_list_sightings) },
		{ "handle-remove-pen", G_CALLBACK(on_handle_remove_pen) },
		{ "handle-list-sessions", G_CALLBACK(on_handle_list_sessions) },
		{ "handle-get-session", G_CALLBACK(on_handle_get_session) },
		{ "handle-open-session", G_CALLBACK(on_handle_open_session) },
		{ "handle-get-coverage", G_CALLBACK(on_handle_get_coverage) },
		{ "handle-sync-all", G_CALLBACK(on_handle_sync_all) },
	};
	StpBusManager *self = g_object_new(STP_TYPE_BUS_MANAGER, NULL);
	StpRadio *radio = stp_collector_get_radio(collector);
	StpStore *store = stp_collector_get_store(collector);
	const guint8 *id = stp_store_get_collector_id(store);
	g_autoptr(GString) text = g_string_new(NULL);

	self->collector = g_object_ref(collector);
	self->enrol = stp_bus_enrol_new(collector, self->skeleton);
	self->errands = stp_bus_errands_new(collector, self->skeleton);
	stp_bus_alerts_attach(store, self->skeleton);
	stp_bus_upkeep_attach(store, self->skeleton);
	stp_bus_syncs_attach(store, self->skeleton);
	stp_bus_retired_attach(store, self->skeleton);
	for (guint i = 0; i < G_N_ELEMENTS(methods); i++)
		g_signal_connect_object(self->skeleton, methods[i].signal, methods[i].handler, self,
					0);
	g_signal_connect_object(collector, "session-stored", G_CALLBACK(on_session_stored), self, 0);
	g_signal_connect_object(store, "finding", G_CALLBACK(on_finding), self, 0);
	g_signal_connect_object(store, "sessions-timed", G_CALLBACK(on_sessions_timed), self, 0);
	g_signal_connect_object(radio, "state-changed", G_CALLBACK(show_radio), self, 0);
	g_signal_connect_object(radio, "adapters-changed", G_CALLBACK(on_adapters_changed), self, 0);
	g_signal_connect_object(store, "state-changed", G_CALLBACK(show_store), self, 0);

	for (guint i = 0; i < STP_COLLECTOR_ID_SIZE; i++)
		g_string_append_printf(text, "%02x", id[i]);
	stp_dbus_manager1_set_version(self->skeleton, version);
	stp_dbus_manager1_set_collector_id(self->skeleton, text->str);
	show_radio(radio, self);
	show_store(store, self);
	return self;
}

gboolean
stp_bus_manager_export(StpBusManager *self, GDBusConnection *bus, const char *path, GError **error)
{
	return g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(self->skeleton), bus, path,
						error);
}

void
stp_bus_manager_unexport(StpBusManager *self)
{
	g_dbus_interface_skeleton_unexport(G_DBUS_INTERFACE_SKELETON(self->skeleton));
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bus-service.h"

#include "bus-format.h"
#include "bus-manager.h"
#include "bus-pen.h"

struct _StpBusService {
	GObject parent;

	StpCollector *collector;
	StpBusManager *manager;
	GDBusObjectManagerServer *objects;
	guint name;
};

G_DEFINE_FINAL_TYPE(StpBusService, stp_bus_service, G_TYPE_OBJECT)

enum { NAME_ACQUIRED, NAME_LOST, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

static void
stp_bus_service_init(StpBusService *self)
{
	self->objects = g_dbus_object_manager_server_new(STP_BUS_PATH);
}

static void
stp_bus_service_dispose(GObject *object)
{
	StpBusService *self = STP_BUS_SERVICE(object);

	stp_bus_service_stop(self);
	g_clear_object(&self->manager);
	g_clear_object(&self->objects);
	g_clear_object(&self->collector);
	G_OBJECT_CLASS(stp_bus_service_parent_class)->dispose(object);
}

static void
stp_bus_service_class_init(StpBusServiceClass *class)
{
	G_OBJECT_CLASS(class)->dispose = stp_bus_service_dispose;

	signals[NAME_ACQUIRED] = g_signal_new("name-acquired", STP_TYPE_BUS_SERVICE,
					      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
	signals[NAME_LOST] = g_signal_new("name-lost", STP_TYPE_BUS_SERVICE, G_SIGNAL_RUN_LAST, 0,
					  NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
on_pen_added(StpCollector *collector, StpEnrolledPen *pen, StpBusService *self)
{
	g_autoptr(GDBusObjectSkeleton) object = stp_bus_pen_new(collector, pen);

	g_dbus_object_manager_server_export(self->objects, object);
}

static void
on_pen_removed(StpCollector *collector, const char *serial, StpBusService *self)
{
	g_autofree char *path = stp_bus_pen_path(serial);

	g_dbus_object_manager_server_unexport(self->objects, path);
}

StpBusService *
stp_bus_service_new(StpCollector *collector, const char *version)
{
	StpBusService *self = g_object_new(STP_TYPE_BUS_SERVICE, NULL);
	g_autoptr(GPtrArray) pens = stp_collector_get_pens(collector);

	self->collector = g_object_ref(collector);
	self->manager = stp_bus_manager_new(collector, version);
	for (guint i = 0; i < pens->len; i++)
		on_pen_added(collector, g_ptr_array_index(pens, i), self);
	g_signal_connect_object(collector, "pen-added", G_CALLBACK(on_pen_added), self, 0);
	g_signal_connect_object(collector, "pen-removed", G_CALLBACK(on_pen_removed), self, 0);
	return self;
}

static void
on_name_acquired(GDBusConnection *bus, const char *name, gpointer user_data)
{
	g_signal_emit(user_data, signals[NAME_ACQUIRED], 0);
}

static void
on_name_lost(GDBusConnection *bus, const char *name, gpointer user_data)
{
	/* With a bus that is gone so is the name, and which of the two is told first is a matter of chance. */
	if (bus != NULL && !g_dbus_connection_is_closed(bus))
		g_signal_emit(user_data, signals[NAME_LOST], 0);
}

gboolean
stp_bus_service_start(StpBusService *self, GDBusConnection *bus, GError **error)
{
	if (!stp_bus_manager_export(self->manager, bus, STP_BUS_PATH, error))
		return FALSE;
	g_dbus_object_manager_server_set_connection(self->objects, bus);
	/* Last, so that who waits for the name finds everything there. */
	self->name = g_bus_own_name_on_connection(bus, STP_BUS_NAME, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
						  on_name_acquired, on_name_lost, self, NULL);
	return TRUE;
}

void
stp_bus_service_stop(StpBusService *self)
{
	if (self->name == 0)
		return;
	g_clear_handle_id(&self->name, g_bus_unown_name);
	g_dbus_object_manager_server_set_connection(self->objects, NULL);
	stp_bus_manager_unexport(self->manager);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pen-characteristic.h"
#include "pen-service.h"

struct PenService {
	char *root;
	SimPen *pen;
	PenServiceFlags flags;
	PenServiceFuncs funcs;
	gpointer data;
	GDBusObjectManagerServer *objects;
	PenCharacteristic *channels[STP_PEN_CHANNELS];
	gboolean on[STP_PEN_CHANNELS]; /* subscribed through StartNotify */
	int fd;                       /* Log Data's descriptor, -1: not acquired */
	guint hang_up_source, writable_source;
};

#define CHARACTERISTICS_MAX 9

/* What needs a bond says so in its protected flags. */
static const struct {
	const char *uuid;
	struct {
		const char *uuid;
		const char *open[4], *protected[4];
	} characteristic[CHARACTERISTICS_MAX + 1];
} services[] = {
	{ STP_UUID_SERVICE,
	  {
		  { STP_UUID_FEATURES, { "read" }, { "read" } },
		  { STP_UUID_LOG_CONTROL,
		    { "write", "write-without-response", "indicate" },
		    { "encrypt-authenticated-write", "write-without-response",
		      "encrypt-authenticated-indicate" } },
		  { STP_UUID_LOG_DATA, { "notify" }, { "encrypt-authenticated-notify" } },
		  { STP_UUID_LIVE, { "notify" }, { "encrypt-notify" } },
		  { STP_UUID_EVENT, { "indicate" }, { "encrypt-indicate" } },
		  { STP_UUID_PEN_CONTROL,
		    { "write", "indicate" },
		    { "encrypt-authenticated-write", "encrypt-authenticated-indicate" } },
		  { STP_UUID_CARTRIDGE, { "read", "indicate" }, { "encrypt-read", "encrypt-indicate" } },
		  { STP_UUID_CONFIGURATION,
		    { "read", "indicate" },
		    { "encrypt-authenticated-read", "encrypt-authenticated-indicate" } },
		  { STP_UUID_DIAGNOSTICS, { "read" }, { "encrypt-authenticated-read" } },
	  } },
	{ STP_UUID_DEVICE_INFORMATION,
	  {
		  { STP_UUID_SYSTEM_ID, { "read" }, { "encrypt-authenticated-read" } },
		  { STP_UUID_MODEL_NUMBER, { "read" }, { "read" } },
		  { STP_UUID_SERIAL_NUMBER, { "read" }, { "encrypt-authenticated-read" } },
		  { STP_UUID_FIRMWARE_REV, { "read" }, { "read" } },
		  { STP_UUID_HARDWARE_REV, { "read" }, { "read" } },
		  { STP_UUID_SOFTWARE_REV, { "read" }, { "read" } },
		  { STP_UUID_MANUFACTURER, { "read" }, { "read" } },
		  { STP_UUID_PNP_ID, { "read" }, { "read" } },
	  } },
	{ STP_UUID_BATTERY, { { STP_UUID_BATTERY_LEVEL, { "read" }, { "read" } } } },
	{ STP_UUID_ELAPSED_TIME,
	  {
		  { STP_UUID_CURRENT_ELAPSED_TIME,
		    { "read", "write" },
		    { "encrypt-authenticated-read", "encrypt-authenticated-write" } },
	  } },
};

static const char *const channel_uuids[STP_PEN_CHANNELS] = {
	[STP_PEN_LOG_CONTROL] = STP_UUID_LOG_CONTROL,
	[STP_PEN_LOG_DATA] = STP_UUID_LOG_DATA,
	[STP_PEN_LIVE] = STP_UUID_LIVE,
	[STP_PEN_EVENT] = STP_UUID_EVENT,
	[STP_PEN_PANEL] = STP_UUID_PEN_CONTROL,
	[STP_PEN_CARTRIDGE] = STP_UUID_CARTRIDGE,
	[STP_PEN_CONFIGURATION] = STP_UUID_CONFIGURATION,
};

/* STP_PEN_CHANNELS: not a channel, only read or written. */
static enum stp_pen_channel
channel_of(const PenService *service, gconstpointer characteristic)
{
	guint i = 0;

	while (i < STP_PEN_CHANNELS && (gconstpointer)service->channels[i] != characteristic)
		i++;
	return (enum stp_pen_channel)i;
}

static void
drop_fd(PenService *service)
{
	g_clear_handle_id(&service->hang_up_source, g_source_remove);
	g_clear_handle_id(&service->writable_source, g_source_remove);
	if (service->fd >= 0)
		close(service->fd);
	service->fd = -1;
	if (!(service->flags & PEN_SERVICE_NO_ACQUIRE))
		bluez_gatt_characteristic1_set_notify_acquired(
			BLUEZ_GATT_CHARACTERISTIC1(service->channels[STP_PEN_LOG_DATA]), FALSE);
}

void
pen_service_withdraw_fd(PenService *service)
{
	if (service->flags & PEN_SERVICE_NO_ACQUIRE)
		return;
	service->flags |= PEN_SERVICE_NO_ACQUIRE;
	pen_characteristic_withdraw_fd(service->channels[STP_PEN_LOG_DATA]);
}

/* Ask who is there; answers the call with an error, and gives FALSE, when it is refused. */
static gboolean
admit(PenService *service, GDBusMethodInvocation *invocation, GVariant *options)
{
	const char *device = NULL;
	guint16 mtu = 0;

	g_variant_lookup(options, "device", "&o", &device);
	g_variant_lookup(options, "mtu", "q", &mtu);
	if (service->funcs.central(device, mtu, service->data))
		return TRUE;
	g_dbus_method_invocation_return_dbus_error(invocation, "org.bluez.Error.NotPermitted",
						   "The pen serves another collector.");
	return FALSE;
}

static gboolean
handle_read_value(BluezGattCharacteristic1 *characteristic, GDBusMethodInvocation *invocation,
		  GVariant *options, gpointer data)
{
	PenService *service = data;
	g_autoptr(GBytes) value = NULL;
	guint16 offset = 0;
	gsize size;

	if (!admit(service, invocation, options))
		return TRUE;
	value = sim_pen_read(service->pen, bluez_gatt_characteristic1_get_uuid(characteristic));
	if (!value) {
		g_dbus_method_invocation_return_dbus_error(invocation, "org.bluez.Error.NotSupported",
							   "Not readable.");
		return TRUE;
	}
	g_variant_lookup(options, "offset", "q", &offset);
	const guint8 *bytes = g_bytes_get_data(value, &size);

	if (offset > size) {
		g_dbus_method_invocation_return_dbus_error(invocation, "org.bluez.Error.InvalidOffset",
							   "The value is shorter.");
		return TRUE;
	}
	bluez_gatt_characteristic1_complete_read_value(
		characteristic, invocation,
		g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes + offset, size - offset, 1));
	return TRUE;
}

/* bluetoothd passes an ATT error on that stands so in the message. */
static void
finish_clock_write(PenService *service, BluezGattCharacteristic1 *characteristic,
		   GDBusMethodInvocation *invocation, const guint8 *bytes, gsize size)
{
	guint8 error = stp_pen_set_clock(sim_pen_engine(service->pen), bytes, size);
	g_autofree char *message = g_strdup_printf("0x%02x", error);

	if (error)
		g_dbus_method_invocation_return_dbus_error(invocation, "org.bluez.Error.Failed", message);
	else
		bluez_gatt_characteristic1_complete_write_value(characteristic, invocation);
	/* The event that it makes is a record before the host can be gone. */
	sim_pen_step(service->pen);
}

static gboolean
handle_write_value(BluezGattCharacteristic1 *characteristic, GDBusMethodInvocation *invocation,
		   GVariant *value, GVariant *options, gpointer data)
{
	PenService *service = data;
	enum stp_pen_channel channel = channel_of(service, characteristic);
	const char *uuid = bluez_gatt_characteristic1_get_uuid(characteristic);
	gsize size;
	const guint8 *bytes = g_variant_get_fixed_array(value, &size, 1);

	if (!admit(service, invocation, options))
		return TRUE;
	if (strcmp(uuid, STP_UUID_CURRENT_ELAPSED_TIME) == 0) {
		finish_clock_write(service, characteristic, invocation, bytes, size);
		return TRUE;
	}
	if (channel != STP_PEN_LOG_CONTROL && channel != STP_PEN_PANEL) {
		g_dbus_method_invocation_return_dbus_error(invocation, "org.bluez.Error.NotSupported",
							   "Not writable.");
		return TRUE;
	}
	/* The write is answered before what it brings about is sent. */
	bluez_gatt_characteristic1_complete_write_value(characteristic, invocation);
	service->funcs.written(channel, bytes, size, service->data);
	return TRUE;
}

static void
subscribe(PenService *service, gpointer characteristic, gboolean on)
{
	enum stp_pen_channel channel = channel_of(service, characteristic);

	if (channel == STP_PEN_CHANNELS)
		return;
	service->on[channel] = on;
	/* The log is served to whoever asks, by descriptor or not. */
	if (channel != STP_PEN_LOG_CONTROL && channel != STP_PEN_LOG_DATA)
		service->funcs.subscribed(channel, on, service->data);
	if (on)
		service->funcs.writable(service->data);
}

static gboolean
handle_start_notify(BluezGattCharacteristic1 *characteristic, GDBusMethodInvocation *invocation,
		    gpointer data)
{
	bluez_gatt_characteristic1_complete_start_notify(characteristic, invocation);
	subscribe(data, characteristic, TRUE);
	return TRUE;
}

static gboolean
handle_stop_notify(BluezGattCharacteristic1 *characteristic, GDBusMethodInvocation *invocation, gpointer data)
{
	bluez_gatt_characteristic1_complete_stop_notify(characteristic, invocation);
	subscribe(data, characteristic, FALSE);
	return TRUE;
}

static gboolean
handle_confirm(BluezGattCharacteristic1 *characteristic, GDBusMethodInvocation *invocation, gpointer data)
{
	bluez_gatt_characteristic1_complete_confirm(characteristic, invocation);
	return TRUE;
}

static gboolean
hung_up(int fd, GIOCondition condition, gpointer data)
{
	PenService *service = data;

	service->hang_up_source = 0;
	drop_fd(service);
	/*
	 * bluetoothd keeps the subscription of a bonded central over the end of a link and does not
	 * ask for a descriptor twice; what it hears by signal it still passes on.
	 */
	service->on[STP_PEN_LOG_DATA] = TRUE;
	return G_SOURCE_REMOVE;
}

static gboolean
handle_acquire_notify(BluezGattCharacteristic1 *characteristic, GDBusMethodInvocation *invocation,
		      GUnixFDList *fds, GVariant *options, gpointer data)
{
	PenService *service = data;
	g_autoptr(GUnixFDList) given = NULL;
	guint16 mtu = STP_ATT_MTU_MIN;
	int pair[2];

	if (!admit(service, invocation, options))
		return TRUE;
	if (channel_of(service, characteristic) != STP_PEN_LOG_DATA ||
	    service->flags & PEN_SERVICE_NO_ACQUIRE) {
		g_dbus_method_invocation_return_dbus_error(invocation, "org.bluez.Error.NotSupported",
							   "Use StartNotify.");
		return TRUE;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
		g_dbus_method_invocation_return_dbus_error(invocation, "org.bluez.Error.Failed",
							   g_strerror(errno));
		return TRUE;
	}
	drop_fd(service);
	service->fd = pair[0];
	service->hang_up_source = g_unix_fd_add(pair[0], G_IO_HUP | G_IO_ERR, hung_up, service);
	given = g_unix_fd_list_new_from_array(&pair[1], 1);
	g_variant_lookup(options, "mtu", "q", &mtu);
	bluez_gatt_characteristic1_set_notify_acquired(characteristic, TRUE);
	bluez_gatt_characteristic1_complete_acquire_notify(characteristic, invocation, given,
							   g_variant_new_handle(0), mtu);
	service->funcs.writable(service->data);
	return TRUE;
}

static PenCharacteristic *
add_characteristic(PenService *service, const char *path, const char *service_path, const char *uuid,
		   const char *const *flags)
{
	gboolean offers_fd =
		strcmp(uuid, STP_UUID_LOG_DATA) == 0 && !(service->flags & PEN_SERVICE_NO_ACQUIRE);
	PenCharacteristic *characteristic = pen_characteristic_new(uuid, service_path, flags, offers_fd);
	g_autoptr(GDBusObjectSkeleton) object = g_dbus_object_skeleton_new(path);

	g_signal_connect(characteristic, "handle-read-value", G_CALLBACK(handle_read_value), service);
	g_signal_connect(characteristic, "handle-write-value", G_CALLBACK(handle_write_value), service);
	g_signal_connect(characteristic, "handle-start-notify", G_CALLBACK(handle_start_notify), service);
	g_signal_connect(characteristic, "handle-stop-notify", G_CALLBACK(handle_stop_notify), service);
	g_signal_connect(characteristic, "handle-confirm", G_CALLBACK(handle_confirm), service);
	g_signal_connect(characteristic, "handle-acquire-notify", G_CALLBACK(handle_acquire_notify), service);
	g_dbus_object_skeleton_add_interface(object, G_DBUS_INTERFACE_SKELETON(characteristic));
	g_dbus_object_manager_server_export(service->objects, object);
	return characteristic;
}

static void
add_service(PenService *service, guint index)
{
	g_autofree char *path = g_strdup_printf("%s/service%u", service->root, index);
	g_autoptr(GDBusObjectSkeleton) object = g_dbus_object_skeleton_new(path);
	g_autoptr(BluezGattService1) skeleton = bluez_gatt_service1_skeleton_new();

	bluez_gatt_service1_set_uuid(skeleton, services[index].uuid);
	bluez_gatt_service1_set_primary(skeleton, TRUE);
	g_dbus_object_skeleton_add_interface(object, G_DBUS_INTERFACE_SKELETON(skeleton));
	g_dbus_object_manager_server_export(service->objects, object);
	for (guint i = 0; services[index].characteristic[i].uuid; i++) {
		/* bluetoothd gives out handles in the order of GDBus' tables, and that is one of hashed paths. */
		g_autofree char *below = g_strdup_printf(
			service->flags & PEN_SERVICE_UPDATED ? "%s/updated%u" : "%s/char%u", path, i);
		const char *uuid = services[index].characteristic[i].uuid;
		g_autoptr(PenCharacteristic) added = NULL;

		added = add_characteristic(service, below, path, uuid,
					   service->flags & PEN_SERVICE_OPEN
						   ? services[index].characteristic[i].open
						   : services[index].characteristic[i].protected);
		for (guint channel = 0; channel < STP_PEN_CHANNELS; channel++)
			if (strcmp(uuid, channel_uuids[channel]) == 0)
				service->channels[channel] = g_object_ref(added);
	}
}

PenService *
pen_service_new(GDBusConnection *bus, const char *root, SimPen *pen, PenServiceFlags flags,
		const PenServiceFuncs *funcs, gpointer data)
{
	PenService *service = g_new0(PenService, 1);

	service->root = g_strdup(root);
	service->pen = pen;
	service->flags = flags;
	service->funcs = *funcs;
	service->data = data;
	service->fd = -1;
	service->objects = g_dbus_object_manager_server_new(root);
	for (guint i = 0; i < G_N_ELEMENTS(services); i++)
		add_service(service, i);
	g_dbus_object_manager_server_set_connection(service->objects, bus);
	return service;
}

void
pen_service_free(PenService *service)
{
	if (!service)
		return;
	drop_fd(service);
	g_dbus_object_manager_server_set_connection(service->objects, NULL);
	g_object_unref(service->objects);
	for (guint i = 0; i < STP_PEN_CHANNELS; i++)
		g_object_unref(service->channels[i]);
	g_free(service->root);
	g_free(service);
}

const char *
pen_service_root(const PenService *service)
{
	return service->root;
}

SimSending
pen_service_send(PenService *service, enum stp_pen_channel channel, const guint8 *bytes, gsize size)
{
	if (!service->on[channel])
		return SIM_NOBODY;
	pen_characteristic_emit_value(service->channels[channel], bytes, size);
	return SIM_SENT;
}

SimSending
pen_service_indicate(PenService *service, const guint8 *bytes, gsize size)
{
	return pen_service_send(service, STP_PEN_LOG_CONTROL, bytes, size);
}

static gboolean
fd_writable(int fd, GIOCondition condition, gpointer data)
{
	PenService *service = data;

	service->writable_source = 0;
	service->funcs.writable(service->data);
	return G_SOURCE_REMOVE;
}

static SimSending
write_fd(PenService *service, const guint8 *bytes, gsize size)
{
	if (send(service->fd, bytes, size, MSG_NOSIGNAL) >= 0)
		return SIM_SENT;
	if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
		return SIM_NOBODY;
	if (!service->writable_source)
		service->writable_source = g_unix_fd_add(service->fd, G_IO_OUT, fd_writable, service);
	return SIM_WOULD_BLOCK;
}

SimSending
pen_service_notify(PenService *service, const guint8 *bytes, gsize size)
{
	if (service->fd >= 0)
		return write_fd(service, bytes, size);
	return pen_service_send(service, STP_PEN_LOG_DATA, bytes, size);
}

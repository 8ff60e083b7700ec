/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * Knows whether bluetoothd runs, and mirrors its objects while it does.  Every life of
 * bluetoothd has a mirror of its own: when it ends all proxies are dropped at once.
 *
 * Signals:
 *   state-changed ()
 *   interface-added (GDBusProxy *)      only while present
 *   interface-removed (GDBusProxy *)    only while present: when bluetoothd ends, everything is
 *                                       gone with state-changed alone
 *   properties-changed (GDBusProxy *, GVariant *changed)  an a{sv}; invalidated ones are not in it
 */

typedef enum {
	STP_BLUEZ_STARTING,
	STP_BLUEZ_ABSENT,
	STP_BLUEZ_PRESENT,
	STP_BLUEZ_DENIED,
	STP_BLUEZ_FAILED,
} StpBluezState;

#define STP_TYPE_BLUEZ_CLIENT (stp_bluez_client_get_type())
G_DECLARE_FINAL_TYPE(StpBluezClient, stp_bluez_client, STP, BLUEZ_CLIENT, GObject)

#define STP_BLUEZ_IFACE_ADAPTER	"org.bluez.Adapter1"
#define STP_BLUEZ_IFACE_MONITORS "org.bluez.AdvertisementMonitorManager1"
#define STP_BLUEZ_IFACE_DEVICE	"org.bluez.Device1"
#define STP_BLUEZ_IFACE_CHARACTERISTIC "org.bluez.GattCharacteristic1"
#define STP_BLUEZ_IFACE_BATTERY	"org.bluez.Battery1"

StpBluezClient *stp_bluez_client_new(GDBusConnection *connection);
void stp_bluez_client_start(StpBluezClient *self);
StpBluezState stp_bluez_client_get_state(StpBluezClient *self);
GDBusConnection *stp_bluez_client_get_connection(StpBluezClient *self);
/* bluetoothd's unique name; NULL unless present. */
const char *stp_bluez_client_get_owner(StpBluezClient *self);

/* The caller's, or NULL when there is none. */
GDBusProxy *stp_bluez_client_find(StpBluezClient *self, const char *path, const char *interface);
/* Every proxy of an interface, in the order of the paths: (element-type GDBusProxy), the caller's. */
GPtrArray *stp_bluez_client_list(StpBluezClient *self, const char *interface);

/* Whether it is a proxy of that interface. */
gboolean stp_bluez_is(GDBusProxy *proxy, const char *interface);
/*
 * Of a Device1.  BlueZ 5.66 does not tell that Connected became true when the connection is up
 * before the kernel says so; that it became false is always told.
 */
gboolean stp_bluez_is_connected(GDBusProxy *device);
gboolean stp_bluez_is_bonded(GDBusProxy *device);
/* Of the mirror; a property of another type counts as absent. */
gboolean stp_bluez_has(GDBusProxy *proxy, const char *property);
gboolean stp_bluez_get_boolean(GDBusProxy *proxy, const char *property);
gint16 stp_bluez_get_int16(GDBusProxy *proxy, const char *property, gint16 otherwise);
/* The caller's, or NULL. */
char *stp_bluez_get_string(GDBusProxy *proxy, const char *property);

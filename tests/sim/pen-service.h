/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "sim-pen.h"
#include "sim-pump.h"

/*
 * A pen's GATT services as a tree of objects for org.bluez.GattManager1: Device Information,
 * Battery, Elapsed Time and the vendor service.
 */
typedef struct PenService PenService;

typedef struct {
	/*
	 * A central reads, writes or subscribes: its device object, and the ATT MTU (0: not told).
	 * FALSE: it is refused.
	 */
	gboolean (*central)(const char *device, guint16 mtu, gpointer data);
	/* Log Control Point or Pen Control Point was written. */
	void (*written)(enum stp_pen_channel channel, const guint8 *bytes, gsize size, gpointer data);
	void (*subscribed)(enum stp_pen_channel channel, gboolean on, gpointer data);
	/* Log Data takes values again. */
	void (*writable)(gpointer data);
} PenServiceFuncs;

typedef enum {
	PEN_SERVICE_OPEN = 1 << 0,       /* no characteristic asks for a bond */
	PEN_SERVICE_NO_ACQUIRE = 1 << 1, /* Log Data by PropertiesChanged only */
	PEN_SERVICE_UPDATED = 1 << 2,    /* characteristics in another order, as after an update of the firmware */
} PenServiceFlags;

/* Exports at root and below.  pen, funcs and data must live longer. */
PenService *pen_service_new(GDBusConnection *bus, const char *root, SimPen *pen, PenServiceFlags flags,
			    const PenServiceFuncs *funcs, gpointer data);
/* Takes the objects off the bus. */
void pen_service_free(PenService *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PenService, pen_service_free)

/* No descriptor is offered any more; one that is in use stays. */
void pen_service_withdraw_fd(PenService *service);

const char *pen_service_root(const PenService *service);
SimSending pen_service_indicate(PenService *service, const guint8 *bytes, gsize size);
SimSending pen_service_notify(PenService *service, const guint8 *bytes, gsize size);
/* On a channel other than those two. */
SimSending pen_service_send(PenService *service, enum stp_pen_channel channel, const guint8 *bytes,
			    gsize size);

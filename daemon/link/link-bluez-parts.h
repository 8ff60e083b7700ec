/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-notify.h"
#include "bluez-writes.h"
#include "error.h"

/*
 * A link from inside, for the files it is made of and no others: link-bluez.c carries values, link-bluez-ending.c
 * decides that it has ended, and why.  To be included after link-bluez.h.
 */

struct _StpLinkBluez {
	GObject parent;
	StpBluezClient *client;
	GDBusProxy *device;
	GDBusProxy *characteristics[STP_CHANNEL_COUNT];	/* found at the first use */
	char *address;
	gboolean bonded;
	GCancellable *calls;		/* ends the D-Bus calls under way when the link ends */
	GError *reason;			/* why it ended; NULL while it is open */
	StpBluezWrites *writes;
	StpBluezNotify *notify;		/* from the first subscription on */
	StpLinkMemory *memory;
	StpLinkFigures figures;		/* without what notify knows */
	char *end_text;
	gboolean listening;		/* to Live */
	GBytes *features;		/* read when it was opened; for the next one who asks */
	GTask *closing;			/* waits for the reason of the end */
	guint closing_timer;
};

/* What BlueZ tells of the end is heard from now on. */
void stp_link_bluez_watch(StpLinkBluez *self);
/* It has ended, unless that is known; text as the error's message. */
void stp_link_bluez_end(StpLinkBluez *self, StpLinkEnd how, StpError code, const char *text);
/* Because the Bluetooth service is gone. */
void stp_link_bluez_end_unserved(StpLinkBluez *self);
/* Because the connection is gone, or the adapter. */
void stp_link_bluez_end_lost(StpLinkBluez *self);
/* Nothing comes any more. */
void stp_link_bluez_release(StpLinkBluez *self);
/* As the link's class has it. */
void stp_link_bluez_close_async(StpLink *link, GAsyncReadyCallback callback, gpointer user_data);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include <stipple/gatt.h>

#include "link.h"
#include "link-class.h"

/*
 * The radio seam: finding, pairing and connecting pens.  The one implementation in the
 * daemon is StpBluezRadio; tests have their own.
 */

typedef struct {
	char *address;		/* "00:11:22:33:44:55" */
	char *name;		/* as advertised; for people only, may be NULL */
	gint16 rssi;		/* dBm; 127 unknown */
	gint64 last_seen;	/* wall clock, microseconds */
	gboolean in_sight;	/* advertised within the last minute, or connected */
	gboolean bonded;
	gboolean has_status;	/* the advertisement carried a status this library knows */
	struct stp_advert status;
} StpSighting;

#define STP_TYPE_SIGHTING (stp_sighting_get_type())
GType stp_sighting_get_type(void);
StpSighting *stp_sighting_copy(const StpSighting *sighting);
void stp_sighting_free(StpSighting *sighting);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpSighting, stp_sighting_free)

typedef enum {
	STP_RADIO_STARTING,
	STP_RADIO_SCANNING,
	STP_RADIO_NO_BLUETOOTH,	/* bluetoothd does not run */
	STP_RADIO_NO_ADAPTER,
	STP_RADIO_POWERED_OFF,
	STP_RADIO_DENIED,
	STP_RADIO_FAILED,
	STP_RADIO_IN_USE,	/* another program has the lease of the adapter */
} StpRadioState;

/* "no-adapter": as in the RadioState property. */
const char *stp_radio_state_name(StpRadioState state);
/* What to do about it, one sentence; empty while scanning or starting. */
const char *stp_radio_state_hint(StpRadioState state);

/* How an adapter looks for pens while nobody waits for one. */
typedef enum {
	STP_SCAN_NONE,
	STP_SCAN_PASSIVE,	/* BlueZ watches for them by itself: advertisement monitors */
	STP_SCAN_DUTY_CYCLED,	/* discovery for a while, now and then */
	STP_SCAN_ON_DEMAND,	/* not at all: there is no pen to watch for */
} StpScanMode;

/* "duty-cycled": as on the bus. */
const char *stp_scan_mode_name(StpScanMode mode);

/* How one adapter is; for people. */
typedef struct {
	char *address;
	char *path;		/* where BlueZ shows it now; NULL: it is not there */
	StpRadioState state;
	char *lease_holder;	/* who else has it, in words; NULL: nobody */
	guint links, ceiling;	/* connections up or being set up, and how many it carries */
	guint waiting;		/* for one */
	StpScanMode scan_mode;
	char *scan_why;		/* why not passive, half a sentence; "" when it is */
	gboolean discovering;	/* a discovery session of ours runs */
	gboolean silent;	/* pens were expected, but it heard nothing at all, also after a restart */
	gboolean foreign_discovery;	/* somebody else lets it scan; unknown while we do */
	guint foreign_links;	/* connections that are not ours */
	guint64 errors[STP_LINK_CLASS_COUNT];	/* since the start, failed tries included */
} StpAdapterReport;

void stp_adapter_report_free(StpAdapterReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpAdapterReport, stp_adapter_report_free)

/* What an implementation without adapters of its own is taken to carry. */
#define STP_RADIO_LINKS_AT_ONCE 3

/*
 * How pairing asks its questions.  kind is "enter-passkey", "confirm-passkey", or "without-code":
 * the pen could do no better, so nobody knows that it is this pen; accepting keeps that bond, else it
 * is taken back.  Answer each request once with stp_radio_answer_pairing().  A bond that was there
 * before asks nothing.
 */
#define STP_PAIRING_WITHOUT_CODE "without-code"
typedef void (*StpPairingAsk)(guint request, const char *pen, const char *kind, guint32 passkey,
			      gpointer user_data);

#define STP_TYPE_RADIO (stp_radio_get_type())
G_DECLARE_INTERFACE(StpRadio, stp_radio, STP, RADIO, GObject)

/*
 * Signals:
 *   sighting (const StpSighting *sighting)  a pen was heard, what it advertises changed, or it went
 *                                           out of sight; one in sight is told once a minute at least
 *   state-changed ()
 *   adapters-changed ()  what stp_radio_get_adapters() tells
 *   room-changed ()      of an adapter: ask stp_radio_has_room() again
 */
struct _StpRadioInterface {
	GTypeInterface parent;

	void (*start)(StpRadio *self);
	void (*watch)(StpRadio *self, gboolean watching);	/* may be NULL */
	void (*look)(StpRadio *self);				/* may be NULL */
	StpRadioState (*get_state)(StpRadio *self);
	GPtrArray *(*get_sightings)(StpRadio *self);
	void (*connect_async)(StpRadio *self, const char *address, GCancellable *cancellable,
			      GAsyncReadyCallback callback, gpointer user_data);
	StpLink *(*connect_finish)(StpRadio *self, GAsyncResult *result, GError **error);
	void (*pair_async)(StpRadio *self, const char *address, StpPairingAsk ask, gpointer ask_data,
			   GCancellable *cancellable, GAsyncReadyCallback callback,
			   gpointer user_data);
	gboolean (*pair_finish)(StpRadio *self, GAsyncResult *result, GError **error);
	void (*answer_pairing)(StpRadio *self, guint request, gboolean accept, guint32 passkey);
	void (*forget_async)(StpRadio *self, const char *address, GCancellable *cancellable,
			     GAsyncReadyCallback callback, gpointer user_data);
	gboolean (*forget_finish)(StpRadio *self, GAsyncResult *result, GError **error);
	/* May be NULL: */
	GPtrArray *(*get_adapters)(StpRadio *self);
	guint (*get_links_at_once)(StpRadio *self);
	gboolean (*has_room)(StpRadio *self, const char *address);
	gboolean (*makes_room)(StpRadio *self, const char *linked, const char *address);
};

/* Begin to scan, and go on for ever: bluetoothd or an adapter may come and go. */
void stp_radio_start(StpRadio *self);
/*
 * Whether there are pens to look for now and then although nobody waits for them; at first there
 * are.  Without, the radio rests after a while until somebody looks or connects.
 */
void stp_radio_watch(StpRadio *self, gboolean watching);
/* Somebody waits to see a pen: look without a pause for half a minute. */
void stp_radio_look(StpRadio *self);
StpRadioState stp_radio_get_state(StpRadio *self);

/* Every pen heard of since the start: (element-type StpSighting), the caller's. */
GPtrArray *stp_radio_get_sightings(StpRadio *self);

/* The adapters that are ours to use, by address: (element-type StpAdapterReport), the caller's. */
GPtrArray *stp_radio_get_adapters(StpRadio *self);
/* How many links all adapters together carry at once; at least 1. */
guint stp_radio_get_links_at_once(StpRadio *self);
/*
 * Whether the adapter over which this pen would be connected has a connection to spare.  Where it
 * has none, stp_radio_connect_async() waits for one.
 */
gboolean stp_radio_has_room(StpRadio *self, const char *address);
/* Whether it would have, if the link to another pen ended: that link is over the same adapter. */
gboolean stp_radio_makes_room(StpRadio *self, const char *linked, const char *address);

/*
 * Connect to a pen in sight and find its characteristics.  One at a time per adapter; waits
 * its turn, and up to a minute for the pen.  Tries again by itself after BlueZ' passing
 * failures, also over another adapter that hears the pen.  A bond lives on one adapter: a
 * bonded pen is connected over that one alone.  Errors: NOT_FOUND (never heard of),
 * LINK_FAILED, NO_SLOT (the adapter carries no more connections), PROTOCOL_FAILED (it lacks
 * what a pen must have), NO_ADAPTER, NO_BLUETOOTH, CANCELLED.
 */
void stp_radio_connect_async(StpRadio *self, const char *address, GCancellable *cancellable,
			     GAsyncReadyCallback callback, gpointer user_data);
StpLink *stp_radio_connect_finish(StpRadio *self, GAsyncResult *result, GError **error);

/*
 * Bond with a pen (LE Secure Connections).  ask is called from the main loop whenever the user
 * must act.  Succeeds at once when a bond exists; a bond made without a code is refused.  The
 * pen stays connected: connect next.  The user has half a minute to act, not the two of the
 * pairing: the Bluetooth security protocol allows no more.  Errors: PAIRING_FAILED and those of
 * connect.
 */
void stp_radio_pair_async(StpRadio *self, const char *address, StpPairingAsk ask, gpointer ask_data,
			  GCancellable *cancellable, GAsyncReadyCallback callback,
			  gpointer user_data);
gboolean stp_radio_pair_finish(StpRadio *self, GAsyncResult *result, GError **error);
/* Unknown or answered requests are ignored. */
void stp_radio_answer_pairing(StpRadio *self, guint request, gboolean accept, guint32 passkey);

/* Remove this host's bond with a pen.  Succeeds when there is none. */
void stp_radio_forget_async(StpRadio *self, const char *address, GCancellable *cancellable,
			    GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_radio_forget_finish(StpRadio *self, GAsyncResult *result, GError **error);

/* For implementations: emit the signals. */
void stp_radio_emit_sighting(StpRadio *self, const StpSighting *sighting);
void stp_radio_emit_state_changed(StpRadio *self);
void stp_radio_emit_adapters_changed(StpRadio *self);
void stp_radio_emit_room_changed(StpRadio *self);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include <stipple/gatt.h>
#include <stipple/pen.h>

#include "sim-flash.h"
#include "sim-panel.h"

/*
 * A simulated pen: an identity, a clock, a flash, collector slots, and libstipple's pen engine
 * on top.  It knows no transport; SimPump carries what the engine yields.
 */

typedef struct SimPen SimPen;

typedef enum {
	SIM_EVENT_COLLECTOR,    /* slot, epoch: a collector has taken a slot */
	SIM_EVENT_ACKNOWLEDGED, /* slot, epoch, mark: a collector has acknowledged records */
	SIM_EVENT_NEW_RECORD,   /* record */
	SIM_EVENT_MOTOR,        /* on: the motor was switched */
	SIM_EVENT_FAULT,        /* fault, bytes: a fault asked for was committed */
	SIM_EVENT_IDENTIFY,     /* seconds: a host wants to see which pen it is; 0: no more */
	SIM_EVENT_BUTTON,       /* somebody pressed the button as the pen asked for it */
	SIM_EVENT_ERASED,       /* record: a host had all records up to there erased */
	SIM_EVENT_OVERRUN,      /* count: the log is full; so many records went that somebody lacks */
	SIM_EVENT_SETTINGS,     /* settings were changed: look at name and advertisement */
	SIM_EVENT_REBOOT,       /* the pen began anew, as a host asked it to */
} SimEventKind;

typedef struct {
	SimEventKind kind;
	guint slot, seconds, count;
	guint32 epoch, mark, record;
	gboolean on;
	const char *fault; /* "drop", "stall", ... */
	guint64 bytes;     /* of Log Data, sent in this connection before the fault */
} SimEvent;

/* Called in the middle of what the pen does: look, but do not call back into it. */
typedef void (*SimEventFunc)(SimPen *pen, const SimEvent *event, gpointer data);

/* Zero and NULL take the default named beside them; strings are copied. */
typedef struct {
	const char *serial;                /* "DP26-1001" */
	const char *model;                 /* "DP-26" */
	const char *firmware;              /* "2.4.1" */
	guint64 seed;                      /* of the epoch, the boot id, the battery, the key */
	guint32 epoch;                     /* from the seed */
	guint32 boot_id;                   /* from the seed */
	guint16 period_ms;                 /* 100: what Features says */
	guint16 mtu_max;                   /* 517: the largest ATT MTU the pen makes use of */
	guint8 max_window;                 /* 128 */
	gsize part_samples;                /* 360000 */
	guint32 capacity_kb;               /* 16384: of the log, KiB; a full one overwrites */
	gboolean plain;                    /* an older pen: neither chains records nor seals sessions */
	gboolean attended;                 /* somebody presses the button when a host was refused for want of it */
	const char *state_dir;             /* NULL: nothing is kept when the pen is freed */
	gint64 (*clock_us)(gpointer data); /* monotonic; stp_clock_monotonic() */
	gpointer clock_data;
} SimPenConfig;

/*
 * With a state directory that knows the serial, epoch, records and slots are as they were, and
 * the pen has been switched on once more: the next boot id, a tick that begins anew.
 */
SimPen *sim_pen_new(const SimPenConfig *config, GError **error);
void sim_pen_free(SimPen *pen);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimPen, sim_pen_free)

/* Whether the pen came from its state directory. */
gboolean sim_pen_is_restored(const SimPen *pen);
void sim_pen_set_listener(SimPen *pen, SimEventFunc function, gpointer data);
void sim_pen_emit(SimPen *pen, const SimEvent *event);

const char *sim_pen_serial(const SimPen *pen);
/* What its seals are made with; NULL: it makes none. */
const struct sealing_key *sim_pen_key(const SimPen *pen);
/* It got other firmware, and has told nobody yet. */
void sim_pen_update(SimPen *pen, const char *firmware);
/* "Stipple-1001": as it calls itself, but in the advertisement only where privacy lets it. */
const char *sim_pen_name(const SimPen *pen);
gboolean sim_pen_shows_name(const SimPen *pen);
SimFlash *sim_pen_flash(const SimPen *pen);
SimPanel *sim_pen_panel(const SimPen *pen);
struct stp_pen *sim_pen_engine(SimPen *pen);
guint16 sim_pen_mtu_max(const SimPen *pen);
guint32 sim_pen_boot_id(const SimPen *pen);

/* Save all but the records; FALSE: that failed, and a warning says why. */
gboolean sim_pen_keep(SimPen *pen);
/* Begin anew, as after a reset: the next boot id, a tick that begins anew.  No host may be connected. */
void sim_pen_restart(SimPen *pen);

/* A clock that goes on while the pen is off. */
gint64 sim_pen_clock_us(const SimPen *pen);
/* Milliseconds since the pen was switched on. */
guint64 sim_pen_tick_ms(const SimPen *pen);
/* Let the tick read tick_ms now, and go on from there. */
void sim_pen_set_tick_ms(SimPen *pen, guint64 tick_ms);
/* A pen without Live, whose features say so. */
void sim_pen_set_lifeless(SimPen *pen, gboolean lifeless);
void sim_pen_set_motor(SimPen *pen, gboolean on);
/* The tick at which it was last switched on; its live frames count the strokes from there. */
guint64 sim_pen_motor_since_ms(const SimPen *pen);
/* Another cartridge, or none: enum stp_cartridge_state. */
void sim_pen_set_cartridge(SimPen *pen, guint8 state);

/*
 * Let the engine know the time, end what has to end by then, and make the live frame that is due.
 * To be called every SIM_PEN_STEP_MS while a host is connected, and before what it writes.
 */
#define SIM_PEN_STEP_MS 50
void sim_pen_step(SimPen *pen);

/* A host was refused because nobody has pressed the button. */
void sim_pen_asked(SimPen *pen);

/*
 * Add to the flash, keep it in the state directory, and tell the listener.  Both give the
 * session or event as it was in the flash's first bytes, before any fault.
 */
gboolean sim_pen_add_session(SimPen *pen, const SimSession *session, SimSpan *span, GError **error);
gboolean sim_pen_add_event(SimPen *pen, guint32 boot_id, guint64 tick_ms, struct stp_event *event,
			   GError **error);

/* Whether a person has opened the pairing window: so it is until told otherwise. */
void sim_pen_set_pairing_open(SimPen *pen, gboolean open);
/* Whether the host that connects next has no key. */
void sim_pen_set_stranger(SimPen *pen, gboolean stranger);
gboolean sim_pen_meets_stranger(const SimPen *pen);
/* What Features tells of the bond with the host that is connected: enum stp_bond_state. */
void sim_pen_set_bond_state(SimPen *pen, guint8 state);

/* The value of a characteristic that is read, by its STP_UUID_*; NULL: the pen has no such. */
GBytes *sim_pen_read(SimPen *pen, const char *uuid);
/* What the pen advertises, as the bytes of the service data. */
GBytes *sim_pen_advert(SimPen *pen);

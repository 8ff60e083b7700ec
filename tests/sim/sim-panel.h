/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include <stipple/configuration.h>
#include <stipple/pen.h>

/*
 * What a simulated pen has beside its log: settings, a cartridge, counters, live frames, and
 * what a host may ask of it at the Pen Control Point.
 */

typedef struct SimPanel SimPanel;

#define SIM_COUNTERS 5

/* What it keeps over power-off. */
typedef struct {
	guint8 settings[STP_CONFIG_SIZE_MAX]; /* the value of Configuration */
	gsize settings_size;
	guint32 counters[SIM_COUNTERS]; /* as the panel orders them */
	gboolean clock_is_set;
	gint64 clock_ahead_us; /* UTC since 1970 is so much ahead of sim_pen_clock_us() */
} SimPanelKept;

/* kept: from before; NULL: as it comes from the factory. */
SimPanel *sim_panel_new(const char *label, guint16 period_ms, const SimPanelKept *kept);
void sim_panel_free(SimPanel *panel);
/* What is to be kept, as of now. */
const SimPanelKept *sim_panel_kept(const SimPanel *panel);

/* Fill in the panel's part of the engine's configuration; the user pointer must be the panel's pen. */
void sim_panel_configure(SimPanel *panel, struct stp_pen_config *config);

/* The value of Cartridge, Configuration or Diagnostics; NULL: another. */
GBytes *sim_panel_read(const SimPanel *panel, const char *uuid);

/* A frame as it is at tick_ms, of a treatment that never bores. */
#define SIM_LIVE_RATE_DHZ 1167 /* how fast the motor runs */
struct stp_live sim_panel_live(const SimPanel *panel, guint64 tick_ms, gboolean motor_on);
/* Milliseconds from one frame to the next; 0: none are wanted. */
guint sim_panel_live_period_ms(const SimPanel *panel, gboolean motor_on);
/* A host's wish for live frames ends with its link. */
void sim_panel_forget_host(SimPanel *panel);

/* Whether a self-test was begun and its result is still to be told; asking takes the answer away. */
gboolean sim_panel_take_self_test(SimPanel *panel);
/* What SET_ZONE last asked for. */
guint8 sim_panel_zone(const SimPanel *panel);
/* What SESSION_TAG last asked for, or all 0, for the session that ends; the next one has none of it. */
void sim_panel_take_session_tag(SimPanel *panel, guint8 tag[STP_SESSION_TAG_SIZE]);
void sim_panel_set_cartridge_state(SimPanel *panel, guint8 state);
/* Switched off and on: what is not kept is gone.  Counts the boot. */
void sim_panel_restart(SimPanel *panel, guint32 boot_id);
/* Records were overwritten that a collector lacked. */
void sim_panel_count_overwritten(SimPanel *panel, guint count);

/* Bits of the setting: enum stp_privacy. */
guint8 sim_panel_privacy(const SimPanel *panel);
/* Percent of the log that is free when the pen begins to warn. */
guint8 sim_panel_overrun_warning(const SimPanel *panel);

/* UTC in ms since 1970 at clock_us; 0: no host ever told. */
gint64 sim_panel_utc_ms(const SimPanel *panel, gint64 clock_us);
/* By how many seconds the clock was set; FALSE: it was not.  Asking takes the answer away. */
gboolean sim_panel_take_clock_set(SimPanel *panel, guint32 *seconds);
/* Whether the zone was changed since this was last asked. */
gboolean sim_panel_take_zone_change(SimPanel *panel);
/* A session ended: its zone with it. */
void sim_panel_forget_zone(SimPanel *panel);
/* Whether a host wants the pen to start again. */
gboolean sim_panel_wants_reboot(const SimPanel *panel);

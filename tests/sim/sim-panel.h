/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include <stipple/pen.h>

/*
 * What a simulated pen has beside its log: settings, a cartridge, counters, live frames, and
 * what a host may ask of it at the Pen Control Point.
 */

typedef struct SimPanel SimPanel;

SimPanel *sim_panel_new(const char *label, guint16 period_ms, guint32 boot_id);
void sim_panel_free(SimPanel *panel);

/* Fill in the panel's part of the engine's configuration; the user pointer must be the panel's pen. */
void sim_panel_configure(SimPanel *panel, struct stp_pen_config *config);

/* The value of Cartridge, Configuration or Diagnostics; NULL: another. */
GBytes *sim_panel_read(const SimPanel *panel, const char *uuid);

/* A frame as it is at tick_ms, of a treatment that never bores. */
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
/* UTC in ms since 1970 as a host last set it; 0: never. */
gint64 sim_panel_utc_ms(const SimPanel *panel);

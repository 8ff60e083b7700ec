/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "sim-pen.h"
#include "sim-state.h"

/* What sim-pen.c and sim-pen-values.c share. */

struct SimPen {
	char *serial, *name, *model, *firmware, *state_dir;
	SimKept kept; /* the panel's part is the panel's */
	guint32 capacity_kb;
	guint8 battery;
	guint16 period_ms, mtu_max;
	guint8 max_window;
	gsize part_samples;
	gint64 (*clock_us)(gpointer data);
	gpointer clock_data;
	gint64 clock_start_us;
	guint64 tick_start_ms;
	gboolean restored, motor_on, plain, lifeless, attended, asked, pairing_closed, stranger;
	guint8 bond_state;
	struct sealing_key key;
	guint64 live_due_ms, motor_since_ms; /* the motor's: by the tick, when it was last switched on */
	SimFlash *flash;
	SimPanel *panel;
	struct stp_pen engine;
	SimEventFunc listener;
	gpointer listener_data;
};

guint8 sim_pen_free_percent(const SimPen *pen);

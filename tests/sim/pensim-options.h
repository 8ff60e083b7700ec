/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "pen-advert.h"
#include "sim-faults.h"

/* What comes of a host that wants a bond. */
typedef enum {
	PENSIM_BONDS_FREE, /* it is paired with */
	PENSIM_BONDS_FULL, /* refused: there is no room, as Features says */
	PENSIM_BONDS_NONE, /* refused, and Features tell of no bond */
} PensimBonds;

/* stipple-pensim's command line. */
typedef struct {
	char **adapters; /* "hci1"; NULL: all but hci0, or the only one */
	guint pens;      /* 0: one per adapter */
	guint64 seed;
	guint sessions;
	guint samples_min, samples_max;
	guint period_ms;
	guint mtu_max, window_max;
	guint32 epoch; /* of each pen; 0: random */
	gsize part_samples;
	guint32 capacity_kb;
	char *serial_base;
	GHashTable *recordings; /* pen from 1 -> (element-type GArray) GPtrArray */
	char *state_dir, *truth_dir, *passkey_dir;
	guint live_session_s; /* 0: none */
	guint motor_ms;
	gboolean motor_event;
	guint16 recorded_rate_dhz;
	guint wait_s;
	guint pairing_s; /* a window opened by the button; 0: always open */
	PensimBonds bonds;
	gboolean open, unchained, attended, updated, no_acquire, no_default_agent;
	char *capability;
	PenAdvertForm advert;
	SimFaults *faults;
} PensimOptions;

/* NULL: error says why; its code is SIM_ERROR_USAGE or one of GLib's.  --help exits. */
PensimOptions *pensim_options_parse(int argc, char **argv, GError **error);
void pensim_options_free(PensimOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PensimOptions, pensim_options_free)

/* The serial of a pen counted from 1: the base, its last digits counted up. */
char *pensim_options_serial(const PensimOptions *options, guint pen, GError **error);

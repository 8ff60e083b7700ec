/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "sim-flash.h"
#include "sim-panel.h"

/*
 * What a simulated pen keeps over power-off, in DIRECTORY/SERIAL: pen.ini (epoch, newest number, boot id,
 * slots, settings, counters, clock), and each record's bytes in a file of its own beside a line in
 * entries.tsv. Power may fail at any moment: new records count once pen.ini names them, dropped ones are gone
 * once entries.tsv does not.  Each is written anew, synchronised and renamed, and so is all else before it.
 * Faults are not kept: they come from the command line each time.
 */

/* All but the flash. */
typedef struct {
	guint32 boot_id;
	guint64 seals;    /* made so far; only loaded, the flash knows when it is saved */
	gboolean overrun; /* records that nobody had were overwritten */
	struct stp_pen_slot slots[STP_PEN_SLOTS];
	SimPanelKept panel;
} SimKept;

gboolean sim_state_exists(const char *directory, const char *serial);

/* All but the records. */
gboolean sim_state_save(const char *directory, const char *serial, const SimFlash *flash, const SimKept *kept,
			GError **error);

/* The records from first to the newest, which were not kept before; to be followed by sim_state_save(). */
gboolean sim_state_append(const char *directory, const char *serial, const SimFlash *flash, guint32 first,
			  GError **error);

/* The list of records without those from first to last; to come before they leave the flash. */
gboolean sim_state_drop(const char *directory, const char *serial, const SimFlash *flash, guint32 first,
			guint32 last, GError **error);

SimFlash *sim_state_load(const char *directory, const char *serial, const char *firmware, SimKept *kept,
			 GError **error);

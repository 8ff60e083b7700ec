/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stipple/pen.h>

#include "sim-flash.h"

/*
 * What a simulated pen keeps over power-off, in DIRECTORY/SERIAL: pen.ini (epoch, boot id,
 * slots), and each record's bytes in a file of its own beside a line in entries.tsv.  Faults
 * are not kept: they come from the command line each time.
 */

gboolean sim_state_exists(const char *directory, const char *serial);

/* Epoch, boot id, slots: all but the records. */
gboolean sim_state_save(const char *directory, const char *serial, guint32 boot_id, const SimFlash *flash,
			const struct stp_pen_slot slots[STP_PEN_SLOTS], GError **error);

/* The records from first to the newest, which were not kept before. */
gboolean sim_state_append(const char *directory, const char *serial, const SimFlash *flash, guint32 first,
			  GError **error);

/* *boot_id: of the boot that was saved; *seals: made so far. */
SimFlash *sim_state_load(const char *directory, const char *serial, const char *firmware, guint32 *boot_id,
			 guint64 *seals, struct stp_pen_slot slots[STP_PEN_SLOTS], GError **error);

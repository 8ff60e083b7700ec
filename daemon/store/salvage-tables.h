/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"

/* The small tables of a file that was set aside, in what can be read of it: see store-salvage.h. */

/*
 * Inside the caller's transaction.  What is there already stays as it is.  *pens: how many of them the file
 * tells of.
 */
gboolean stp_salvage_copy_tables(StpDatabase *from, StpDatabase *to, guint *pens, GError **error);

/*
 * The serial number of a pen there, when both ways to it lead to the same row, so that neither its number nor its
 * serial was changed; the caller's.  Else NULL.
 */
char *stp_salvage_serial_of(StpDatabase *from, gint64 pen);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/* The table of pens. */

/* *pen is 0 when the serial number is not known. */
gboolean stp_pens_find(StpDatabase *db, const char *serial, gint64 *pen, GError **error);
/* Find it, or make a row for it that is not enrolled. */
gboolean stp_pens_ensure(StpDatabase *db, const char *serial, gint64 *pen, GError **error);
gboolean stp_pens_put(StpDatabase *db, const StpPenRow *row, GError **error);
/* serial NULL: all. */
GPtrArray *stp_pens_list(StpDatabase *db, const char *serial, GError **error);

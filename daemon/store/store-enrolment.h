/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/* How pens are bound to this clinic: bond, retirement, the addresses at which they were met. */

/* With stp_pens_put(): the bond, and where it was met. */
gboolean stp_enrolment_put(StpDatabase *db, const StpPenRow *row, GError **error);
gboolean stp_enrolment_put_identity(StpDatabase *db, const StpPenRow *row, GError **error);
/* NOT_FOUND when it is not enrolled. */
gboolean stp_enrolment_retire(StpDatabase *db, const char *serial, StpRetiredFlags how, gint64 now, GError **error);
/* See stp_store_find_former(). */
char *stp_enrolment_find_former(StpDatabase *db, const char *address, GError **error);
GPtrArray *stp_enrolment_addresses(StpDatabase *db, const char *serial, GError **error);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/*
 * Which record numbers are held, and what the others' fate is.  Held numbers are kept as
 * ranges, so that all of this costs as much as there are holes, not records.
 */

/* After that many damaged copies a record is given up: not asked for, but now and then. */
#define STP_TRIES_MAX 5

/* The record was stored in this transaction, and was not held before. */
gboolean stp_held_add(StpDatabase *db, gint64 pen, guint32 epoch, guint32 number, GError **error);
/* Make the ranges anew from the records. */
gboolean stp_held_rebuild(StpDatabase *db, GError **error);

/* Epochs are known from what a pen says, and from what is stored of them. */
gboolean stp_epoch_ensure(StpDatabase *db, gint64 pen, guint32 epoch, GError **error);

GArray *stp_coverage_held(StpDatabase *db, gint64 pen, guint32 epoch, guint32 oldest, guint32 newest,
			  GError **error);
GArray *stp_coverage_missing(StpDatabase *db, gint64 pen, guint32 epoch, guint32 oldest, guint32 newest,
			     gint64 again_before, GError **error);
GPtrArray *stp_coverage_list(StpDatabase *db, const char *serial, GError **error);
/* Percent over all epochs of a pen. */
gboolean stp_coverage_of_pen(StpDatabase *db, gint64 pen, double *percent, GError **error);

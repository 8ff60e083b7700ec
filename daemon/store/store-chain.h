/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/* Look along the chain of the records that are held of one log; only hashes are read, no record. */
gboolean stp_chain_look(StpDatabase *db, gint64 pen, guint32 epoch, StpCoverage *coverage, GError **error);

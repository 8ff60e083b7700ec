/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stipple/control.h>

#include "database.h"

/*
 * The store's name to the pens; made when there is none yet.  *lost: what stood there was no name, and a new one was
 * made.  No record is lost by that: a pen gives a new name a slot that has acknowledged nothing, so what it has is
 * listed again, and acknowledged as far as it is held.  What it costs is the old name's slot in each pen, which a
 * person frees.  Setting the store aside would cost the same, and more.
 */
gboolean stp_collector_id_read(StpDatabase *writer, guint8 out[STP_COLLECTOR_ID_SIZE], gboolean *lost, GError **error);

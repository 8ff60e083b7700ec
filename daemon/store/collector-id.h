/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stipple/control.h>

#include "database.h"

typedef enum {
	STP_COLLECTOR_ID_KEPT,	/* or the store is new */
	STP_COLLECTOR_ID_LOST,	/* what stood there was no name */
	STP_COLLECTOR_ID_MOVED,	/* the store was on another computer before */
} StpCollectorIdNews;

/*
 * The store's name to the pens; made when there is none yet, and anew when it was lost, or when the store came from
 * another computer: if both run, and had one name, a pen would overwrite what the one of them acknowledged before the
 * other has it.  Nothing tells a copy from a move, so a backup restored on a new computer counts as a copy, too.
 * No record is lost by a new name: a pen gives it a slot that has acknowledged nothing, so what it has is
 * listed again, and acknowledged as far as it is held.  What it costs is the old name's slot in each pen, which a
 * person frees.  Setting the store aside would cost the same, and more.
 */
gboolean stp_collector_id_read(StpDatabase *writer, guint8 out[STP_COLLECTOR_ID_SIZE], StpCollectorIdNews *news,
			       GError **error);

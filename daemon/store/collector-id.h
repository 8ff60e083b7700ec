/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stipple/control.h>

#include "database.h"

/* The store's name to the pens; made when there is none yet. */
gboolean stp_collector_id_read(StpDatabase *writer, guint8 out[STP_COLLECTOR_ID_SIZE], GError **error);

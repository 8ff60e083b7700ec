/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/* Questions about sessions. */

/* "SERIAL/EPOCH/NUMBER". */
char *stp_session_id(const char *serial, guint32 epoch, guint32 number);

GPtrArray *stp_sessions_list(StpDatabase *db, const StpSessionFilter *filter, guint limit, guint64 cursor,
			     guint64 *next, GError **error);
StpSession *stp_sessions_get(StpDatabase *db, const char *id, GError **error);
GPtrArray *stp_sessions_get_records(StpDatabase *db, const StpSession *session, gboolean partial, GError **error);

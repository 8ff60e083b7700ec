/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/* Look along the chain of the records that are held of one log; only hashes are read, no record. */
gboolean stp_chain_look(StpDatabase *db, gint64 pen, guint32 epoch, StpCoverage *coverage, GError **error);
/* The chain of one session and what its seal says; of the records, only the seal is read. */
gboolean stp_chain_look_at_session(StpDatabase *db, StpSession *session, GError **error);
/* See stp_store_get_session_proof(). */
GPtrArray *stp_chain_get_proof(StpDatabase *db, const StpSession *session, GError **error);

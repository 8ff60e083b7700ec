/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include <stipple/host.h>

#include "session-store.h"

/*
 * Which record numbers to ask a pen for: (element-type struct stp_range), ascending, the caller's.
 * held is what the store has of its log.
 *
 * That a pen claims more records than there can be is told and kept as a finding, and it is asked
 * only near what is held and near its newest.
 */
GArray *stp_sync_get_wanted(StpStore *store, const char *serial, const struct stp_host_state *state,
			    const GArray *held, GError **error);

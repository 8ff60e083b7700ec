/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "session-store.h"

/* For tests. */

/* Below that many bytes free on its disk the store counts as full. */
#define STP_STORE_RESERVE (16u * 1024u * 1024u)
void stp_store_set_reserve(StpStore *self, guint64 bytes);
/* How often a full store looks for room, in milliseconds. */
void stp_store_set_patience(StpStore *self, guint interval_ms);

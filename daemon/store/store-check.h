/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "store-types.h"

/*
 * Look through the whole store while it is in use: the structure of each table, each record's bytes
 * against its own checksum, its name and the hash taken when it came, and what is derived from it.
 * Blocks, with a connection of its own: for a thread of the caller's.  In slices, so that the
 * write-ahead log can be cut back in between.
 */
StpCheck *stp_check_run(const char *path, GCancellable *cancellable, GError **error);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "client.h"

/* The daemon's alerts as JSON objects.  EXIT_OK, or the exit code after saying why not. */
int alerts_load(struct client *client, gboolean all, JsonArray **rows);
/* How many are open and not acknowledged; urgent: but for mere notices. */
guint alerts_count(JsonArray *rows, gboolean urgent);

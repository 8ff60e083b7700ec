/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <json-glib/json-glib.h>

#include "client.h"

/* A call that may take somebody at the pen, who is told when to press its button; NULL with error set. */
GVariant *pens_call(struct client *client, const char *method, GVariant *arguments, GError **error);

/* Where the pen was met, the last one first; empty when that is not known. */
JsonArray *pens_addresses(struct client *client, const char *serial);

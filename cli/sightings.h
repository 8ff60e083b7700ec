/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <json-glib/json-glib.h>

#include "client.h"

/* The pens in sight that could be enrolled: an array of sighting objects, the caller's. */
int sightings_load(struct client *client, JsonArray **sightings);
void sightings_print(const struct cli *cli, JsonArray *sightings);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <json-glib/json-glib.h>

#include "client.h"

/* Pens that are not enrolled any more.  Their records are in the store, but on the bus they have no object. */

/* All of them by serial; EXIT_OK, or the exit code after saying why not. */
int retired_load(struct client *client, JsonArray **rows);

/* As client_match_pen(), among these; *row is the caller's, NULL: none fits. */
int retired_match(struct client *client, const char *which, JsonObject **row);

/* The serial of a pen as of client_find_pen(); it need not be enrolled any more.  An enrolled one goes before. */
int pens_find_serial(struct client *client, const char *which, char **serial);

void retired_print_table(const struct cli *cli, JsonArray *rows);
/* With what retired_load() gives and "addresses". */
void retired_print(const struct cli *cli, JsonObject *row);

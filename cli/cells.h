/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "output.h"

/* Cells that more than one command shows. */

/* Local time; "never" when null. */
char *cell_moment_or_never(JsonObject *row, const char *name_us);
/* Local time; "unknown" when null. */
char *cell_moment_or_unknown(JsonObject *row, const char *name_us);

/* Of a session: local time where it was collected; here, when that is not known. */
char *cell_session_start(JsonObject *session);

char *cell_serial(JsonObject *row);		/* "serial" */
char *cell_label(JsonObject *row);		/* "label" */
char *cell_coverage(JsonObject *row);		/* "coverage", percent */
enum column_tone tone_coverage(JsonObject *row);
char *cell_percent(JsonObject *row);		/* "percent" */
enum column_tone tone_percent(JsonObject *row);
char *cell_battery(JsonObject *row);		/* "battery" */
/* "sessions_left": "2 sessions", empty when that is not known; bad when there is a "warning" */
char *cell_room(JsonObject *row);
enum column_tone tone_room(JsonObject *row);
enum column_tone tone_state(JsonObject *row);	/* of a pen's "state" */

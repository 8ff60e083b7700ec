/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "cells.h"
#include "text.h"
#include "when.h"

static char *
moment(JsonObject *row, const char *name_us, const char *without)
{
	gint64 us = row_int(row, name_us, 0);

	return us ? when_local(us) : g_strdup(without);
}

char *
cell_moment_or_never(JsonObject *row, const char *name_us)
{
	return moment(row, name_us, "never");
}

char *
cell_moment_or_unknown(JsonObject *row, const char *name_us)
{
	return moment(row, name_us, "unknown");
}

char *
cell_session_start(JsonObject *session)
{
	gint64 us = row_int(session, "start_us", 0), none = G_MAXINT64;
	gint64 offset_min = row_int(session, "offset_min", none);

	/* As the clock on the wall showed where it was collected, wherever it is looked at. */
	if (us && offset_min != none)
		return when_at(us, (int)offset_min);
	return moment(session, "start_us", "unknown");
}

char *
cell_serial(JsonObject *row)
{
	return g_strdup(row_text(row, "serial"));
}

char *
cell_label(JsonObject *row)
{
	return g_strdup(row_text(row, "label"));
}

char *
cell_coverage(JsonObject *row)
{
	return text_percent(row_double(row, "coverage"));
}

enum column_tone
tone_coverage(JsonObject *row)
{
	return row_double(row, "coverage") >= 100.0 ? TONE_GOOD : TONE_BAD;
}

char *
cell_percent(JsonObject *row)
{
	return text_percent(row_double(row, "percent"));
}

enum column_tone
tone_percent(JsonObject *row)
{
	return row_double(row, "percent") >= 100.0 ? TONE_GOOD : TONE_BAD;
}

char *
cell_battery(JsonObject *row)
{
	return text_battery(row_int(row, "battery", 255));
}

char *
cell_room(JsonObject *row)
{
	gint64 left = row_int(row, "sessions_left", -1);

	return left < 0 ? NULL : text_count((guint64)left, "session");
}

enum column_tone
tone_room(JsonObject *row)
{
	return *row_text(row, "warning") ? TONE_BAD : TONE_PLAIN;
}

enum column_tone
tone_state(JsonObject *row)
{
	const char *state = row_text(row, "state");

	if (!strcmp(state, "waiting"))
		return TONE_BAD;
	if (!strcmp(state, "away"))
		return TONE_ODD;
	return TONE_PLAIN;
}

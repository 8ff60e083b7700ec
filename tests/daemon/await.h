/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

/* Waiting for events in the test's own main loop; include after cmocka.h. */

#include "error.h"

#include <gio/gio.h>
#include <string.h>

static inline gboolean
await_too_long(gpointer what)
{
	fail_msg("waited 20 s for %s", (const char *)what);
	return G_SOURCE_REMOVE;
}

#define WAIT_FOR(condition)                                                                                  \
	do {                                                                                                 \
		guint watchdog_ = g_timeout_add_seconds(20, await_too_long, (gpointer) #condition);          \
		while (!(condition))                                                                         \
			g_main_context_iteration(NULL, TRUE);                                                \
		g_source_remove(watchdog_);                                                                  \
	} while (0)

/* Run what is due, without waiting. */
static inline void
run_pending(void)
{
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static inline gboolean
time_is_up(gpointer up)
{
	*(gboolean *)up = TRUE;
	return G_SOURCE_REMOVE;
}

/* To see that nothing comes: all that happens within that time is served, as it happens. */
static inline void
run_for(guint ms)
{
	gboolean up = FALSE;

	g_timeout_add(ms, time_is_up, &up);
	while (!up)
		g_main_context_iteration(NULL, TRUE);
}

/* A GAsyncReadyCallback; user_data is a GAsyncResult **. */
static inline void
keep_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
	*(GAsyncResult **)user_data = g_object_ref(result);
}

/* The error is of that kind, and its text has that part. */
static inline void
assert_error(const GError *error, StpError code, const char *part)
{
	assert_non_null(error);
	if (error->domain != STP_ERROR || error->code != (int)code || strstr(error->message, part) == NULL)
		fail_msg("expected %d with '%s', got %s %d: %s", (int)code, part,
			 g_quark_to_string(error->domain), error->code, error->message);
}

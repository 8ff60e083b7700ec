/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "client.h"

/* Which sessions are meant, and going through the daemon's pages of them. */

struct session_choice {
	const char *pen, *since, *until;	/* as the user gave them; NULL: not */
};

/* The bus's filter, floating; says what was not understood. */
int session_filter(struct client *client, const struct session_choice *choice, GVariant **filter);

/* session is the bus's dictionary, the callee's to read; FALSE: enough. */
typedef gboolean (*session_seen)(GVariant *session, gpointer data);

/*
 * Newest first, at most limit (0: all).  *more: there would be others.
 * filter is taken when floating.
 */
int sessions_each(struct client *client, GVariant *filter, guint64 limit, session_seen seen, gpointer data,
		  gboolean *more);

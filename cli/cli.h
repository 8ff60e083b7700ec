/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

/* What all commands share: how they were asked to speak, and what they exit with. */

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,	/* something went wrong; the sentence says what */
	EXIT_NOTHING = 2,	/* there was nothing to do */
	EXIT_NOT_FOUND = 3,	/* no such pen or session */
	EXIT_UNREACHABLE = 4,	/* no bus, no daemon, or no answer */
	EXIT_DENIED = 5,
	EXIT_INTEGRITY = 6,	/* records are missing or damaged */
	EXIT_USAGE = 64,
};

/* Of every JSON object this program writes; raised when a key changes its meaning or goes. */
#define JSON_SCHEMA 1

enum json_mode { JSON_OFF, JSON_SHORT, JSON_PRETTY };

struct cli {
	enum json_mode json;
	gboolean color;		/* on standard output */
	gboolean verbose;
	gboolean data_on_stdout;	/* standard output is for samples: errors go to standard error only */
	JsonArray *errors;	/* not NULL: with --json errors go there, for a document still to come */
};

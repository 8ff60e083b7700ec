/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "cli.h"

/*
 * What goes wrong, in one sentence with the next step: on standard error, or with --json as an
 * object on standard output.
 */

struct failure {
	int exit_code;
	const char *code;	/* a stable word for programs, "not-found" */
	char *message;		/* what happened */
	const char *hint;	/* what to do next; "": the message says so itself */
	char *own_hint;		/* where the daemon said it; else NULL */
};

/* Of an error that came over the bus, or from reaching for it. */
void failure_init(struct failure *failure, const GError *error);
void failure_clear(struct failure *failure);

/* One sentence (or two) with the hint, for people. */
char *failure_text(const struct failure *failure);

/* Say it and return the exit code. */
int cli_fail_error(struct cli *cli, const GError *error);
int cli_fail(struct cli *cli, int exit_code, const char *code, const char *hint, const char *format, ...)
	G_GNUC_PRINTF(5, 6);

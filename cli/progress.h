/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "cli.h"

/*
 * What is going on, on standard error: one line that is written over again on a terminal;
 * elsewhere nothing, or plain lines with --verbose.
 */

struct progress {
	gboolean terminal, lines;
	gboolean shown;
	gint64 last_us;
};

void progress_init(struct progress *progress, const struct cli *cli);
void progress_update(struct progress *progress, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Clear the line, so that something else can be printed. */
void progress_clear(struct progress *progress);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <sys/ioctl.h>

#include "progress.h"
#include "text.h"

/* More often than this no one can read it. */
#define INTERVAL_US (100 * 1000)

void
progress_init(struct progress *progress, const struct cli *cli)
{
	*progress = (struct progress){ .terminal = isatty(STDERR_FILENO) };
	progress->lines = !progress->terminal && cli->verbose;
}

static int
terminal_width(void)
{
	struct winsize size;

	return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 20 ? size.ws_col - 1 : 79;
}

void
progress_update(struct progress *progress, const char *format, ...)
{
	gint64 now = g_get_monotonic_time();
	va_list arguments;

	if (!progress->terminal && !progress->lines)
		return;
	if (progress->terminal && progress->shown && now - progress->last_us < INTERVAL_US)
		return;
	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_autofree char *clean = text_clean(text);

	if (progress->terminal)
		fprintf(stderr, "\r\033[K%.*s", terminal_width(), clean);
	else
		fprintf(stderr, "%s\n", clean);
	fflush(stderr);
	progress->shown = TRUE;
	progress->last_us = now;
}

void
progress_clear(struct progress *progress)
{
	if (progress->terminal && progress->shown)
		fprintf(stderr, "\r\033[K");
	progress->shown = FALSE;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Questions to the user.  They go to standard error, answers come from standard input, so that
 * standard output stays clean.
 */

/* Ask and wait; anything but "y" or "yes" is no. */
gboolean prompt_yes(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Ask and wait for a line, without its newline and the spaces around it; NULL at the end of the input. */
char *prompt_text(const char *question);

/* line is NULL at the end of the input; else without its newline, and the callee's to read only. */
typedef void (*prompt_answered)(const char *line, gpointer data);

/*
 * Have the main loop read one line from standard input.  Returns the id of a GLib source,
 * which ends by itself once answered.
 */
guint prompt_line(prompt_answered answered, gpointer data);
gboolean prompt_is_yes(const char *line);

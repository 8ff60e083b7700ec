/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Values as people read them.  What is returned is the caller's to free. */

/* Without control characters: names come from the air and labels from anywhere. */
char *text_clean(const char *text);
/* With a capital first letter and a full stop. */
char *text_sentence(const char *text);
guint text_count_sentences(const char *text);

char *text_depth(gint64 um);		/* "1.50 mm" */
char *text_rate(gint64 dhz);		/* "119.9 Hz" */
char *text_duration(gint64 ms);		/* "30 min 02 s" */
char *text_bytes(guint64 bytes);	/* "12.3 kB" */
char *text_battery(gint64 percent);	/* "80 %", "unknown" */
/* Rounded down: nothing but all of it is 100 %. */
char *text_percent(double percent);	/* "99.9 %" */
/* "1 record", "2 records" */
char *text_count(guint64 count, const char *noun);

/* A field of a CSV file with free text: quoted where needed, and never a spreadsheet's formula. */
void text_append_csv(GString *out, const char *text);

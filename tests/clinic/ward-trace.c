/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The last lines of what happened, the daemon's among them, for a run that breaks. */

#include "ward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ward-trace.h"

#define LINES 400

static Ward *here; /* whose trace the daemon's lines go to */

static void
add(Ward *ward, char *line)
{
	if (ward->loud)
		fprintf(stderr, "%s\n", line);
	g_queue_push_tail(&ward->trace, line);
	if (g_queue_get_length(&ward->trace) > LINES)
		g_free(g_queue_pop_head(&ward->trace));
}

static char *
at_time(const char *text)
{
	return g_strdup_printf("%10.3f %s", (gdouble)stp_clock_monotonic() / G_USEC_PER_SEC, text);
}

void
ward_trace(Ward *ward, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	add(ward, g_strdup_printf("%10.3f -- %s", (gdouble)stp_clock_monotonic() / G_USEC_PER_SEC, text));
}

void
ward_breach(Ward *ward, const char *what, const char *file, int line)
{
	for (GList *l = ward->trace.head; l != NULL && !ward->loud; l = l->next)
		fprintf(stderr, "%s\n", (const char *)l->data);
	fprintf(stderr, "%s:%d: \"%s\" does not hold\nreplay: fault-runs --seed %" G_GUINT64_FORMAT " --runs 1 --loud\n",
		strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line, what, ward->seed);
	fflush(NULL);
	_exit(3);
}

/* The line with every number made the same, so that two of a kind are two of a kind. */
static char *
kind_of(const char *text)
{
	GString *kind = g_string_new(NULL);

	for (const char *c = text; *c != '\0'; c++)
		if (!g_ascii_isdigit(*c))
			g_string_append_c(kind, *c);
		else if (kind->len == 0 || kind->str[kind->len - 1] != '#')
			g_string_append_c(kind, '#');
	return g_string_free(kind, FALSE);
}

static GLogWriterOutput
take_line(GLogLevelFlags level, const GLogField *fields, gsize count, gpointer data)
{
	const char *text = "";

	for (gsize i = 0; i < count; i++)
		if (strcmp(fields[i].key, "MESSAGE") == 0)
			text = fields[i].value;
	if (here == NULL) {
		if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR | G_LOG_LEVEL_WARNING))
			fprintf(stderr, "%s\n", text);
		return G_LOG_WRITER_HANDLED;
	}
	add(here, at_time(text));
	if (here->said != NULL && level < G_LOG_LEVEL_DEBUG) {
		char *kind = kind_of(text);
		guint times = GPOINTER_TO_UINT(g_hash_table_lookup(here->said, kind));

		g_hash_table_replace(here->said, kind, GUINT_TO_POINTER(times + 1));
		here->lines++;
	}
	/* A critical is a bug, whatever comes of it. */
	if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR))
		ward_breach(here, text, "GLib", 0);
	return G_LOG_WRITER_HANDLED;
}

void
ward_listen(Ward *ward)
{
	static gboolean listening;

	here = ward;
	if (!listening)
		g_log_set_writer_func(take_line, NULL, NULL);
	listening = TRUE;
}

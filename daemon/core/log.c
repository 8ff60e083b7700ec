/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#define DOMAIN "stippled"

static const char *
priority_of(GLogLevelFlags level)
{
	if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR))
		return "3";
	if (level & G_LOG_LEVEL_WARNING)
		return "4";
	if (level & G_LOG_LEVEL_MESSAGE)
		return "5";
	if (level & G_LOG_LEVEL_INFO)
		return "6";
	return "7";
}

static void
write_fields(GLogLevelFlags level, const char *topic, const char *pen, const char *alert, const char *text)
{
	g_autofree char *message = NULL;

	/* On stderr only MESSAGE is seen, so topic and pen stand in it too. */
	message = pen != NULL ? g_strdup_printf("%s: %s: %s", topic, pen, text)
			      : g_strdup_printf("%s: %s", topic, text);

	GLogField fields[6] = {
		{ "MESSAGE", message, -1 },
		{ "PRIORITY", priority_of(level), -1 },
		{ "GLIB_DOMAIN", DOMAIN, -1 },
		{ "STIPPLE_TOPIC", topic, -1 },
	};
	gsize count = 4;

	if (pen != NULL)
		fields[count++] = (GLogField){ "STIPPLE_PEN", pen, -1 };
	if (alert != NULL)
		fields[count++] = (GLogField){ "STIPPLE_ALERT", alert, -1 };
	g_log_structured_array(level, fields, count);
}

void
stp_log(GLogLevelFlags level, const char *topic, const char *pen, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	write_fields(level, topic, pen, NULL, text);
}

void
stp_log_alert(GLogLevelFlags level, const char *kind, const char *pen, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	write_fields(level, "alert", pen, kind, text);
}

static GLogWriterOutput
write_line(GLogLevelFlags level, const GLogField *fields, gsize count, gpointer verbose)
{
	g_autofree char *line = NULL;

	/* G_MESSAGES_DEBUG works as everywhere in GLib; --verbose is for those who do not know it. */
	if (!GPOINTER_TO_INT(verbose) && g_log_writer_default_would_drop(level, DOMAIN) &&
	    level >= G_LOG_LEVEL_DEBUG)
		return G_LOG_WRITER_HANDLED;

	if (g_log_writer_is_journald(2) &&
	    g_log_writer_journald(level, fields, count, NULL) == G_LOG_WRITER_HANDLED)
		return G_LOG_WRITER_HANDLED;

	/* GLib's own writer puts half of the levels on stdout. */
	line = g_log_writer_format_fields(level, fields, count, FALSE);
	fprintf(stderr, "%s\n", line);
	return G_LOG_WRITER_HANDLED;
}

void
stp_log_set_verbose(gboolean verbose)
{
	g_log_set_writer_func(write_line, GINT_TO_POINTER(verbose), NULL);
}

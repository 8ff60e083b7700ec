/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <math.h>
#include <string.h>

#include "text.h"

char *
text_clean(const char *text)
{
	GString *out = g_string_new(NULL);

	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char_validated(at, -1);

		/* (gunichar)-1 and -2: not UTF-8; step over that byte only. */
		if (c >= (gunichar)-2) {
			g_string_append_c(out, '?');
			g_autofree char *rest = text_clean(at + 1);

			g_string_append(out, rest);
			break;
		}
		if (g_unichar_iscntrl(c) || g_unichar_type(c) == G_UNICODE_FORMAT)
			g_string_append_c(out, '?');
		else
			g_string_append_unichar(out, c);
	}
	return g_string_free(out, FALSE);
}

char *
text_sentence(const char *text)
{
	gunichar first = g_utf8_get_char(text);
	GString *out = g_string_new(NULL);

	if (!*text)
		return g_string_free(out, FALSE);
	/* Names of programs and options stay as they are. */
	if (g_unichar_islower(first) && !g_str_has_prefix(text, "stipple"))
		g_string_append_unichar(out, g_unichar_toupper(first));
	else
		g_string_append_unichar(out, first);
	g_string_append(out, g_utf8_next_char(text));
	if (!strchr(".!?", out->str[out->len - 1]))
		g_string_append_c(out, '.');
	return g_string_free(out, FALSE);
}

guint
text_count_sentences(const char *text)
{
	guint count = 0;

	for (const char *at = text; *at; at++) {
		if (strchr(".!?;", *at) && (at[1] == ' ' || (!at[1] && *at != ';')))
			count++;
	}
	return count;
}

char *
text_depth(gint64 um)
{
	return g_strdup_printf("%.2f mm", (double)um / 1000.0);
}

char *
text_rate(gint64 dhz)
{
	return g_strdup_printf("%" G_GINT64_FORMAT ".%d Hz", dhz / 10, (int)(dhz % 10));
}

char *
text_duration(gint64 ms)
{
	gint64 s = ms / 1000;

	if (ms < 10000)
		return g_strdup_printf("%.1f s", (double)ms / 1000.0);
	if (s < 60)
		return g_strdup_printf("%d s", (int)s);
	if (s < 3600)
		return g_strdup_printf("%d min %02d s", (int)(s / 60), (int)(s % 60));
	return g_strdup_printf("%" G_GINT64_FORMAT " h %02d min", s / 3600, (int)(s / 60 % 60));
}

char *
text_bytes(guint64 bytes)
{
	if (bytes < 1000)
		return g_strdup_printf("%d B", (int)bytes);
	if (bytes < 1000000)
		return g_strdup_printf("%.1f kB", (double)bytes / 1e3);
	return g_strdup_printf("%.1f MB", (double)bytes / 1e6);
}

char *
text_battery(gint64 percent)
{
	return percent > 100 ? g_strdup("unknown") : g_strdup_printf("%d %%", (int)percent);
}

char *
text_percent(double percent)
{
	if (percent >= 100.0)
		return g_strdup("100 %");
	return g_strdup_printf("%.1f %%", floor(MAX(percent, 0.0) * 10.0) / 10.0);
}

char *
text_count(guint64 count, const char *noun)
{
	return g_strdup_printf("%" G_GUINT64_FORMAT " %s%s", count, noun, count == 1 ? "" : "s");
}

void
text_append_csv(GString *out, const char *text)
{
	/* A spreadsheet runs a cell that begins like this; the quote makes it text. */
	gboolean formula = *text && strchr("=+-@\t\r", *text);

	if (!formula && !strpbrk(text, ",\"\r\n")) {
		g_string_append(out, text);
		return;
	}
	g_string_append_c(out, '"');
	if (formula)
		g_string_append_c(out, '\'');
	for (; *text; text++) {
		if (*text == '"')
			g_string_append_c(out, '"');
		g_string_append_c(out, *text);
	}
	g_string_append_c(out, '"');
}

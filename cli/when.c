/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "when.h"

static gint64
to_us(GDateTime *time)
{
	return g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time);
}

static GDateTime *
from_us(gint64 us)
{
	gint64 seconds = us / G_USEC_PER_SEC, rest = us % G_USEC_PER_SEC;

	if (rest < 0) {
		seconds--;
		rest += G_USEC_PER_SEC;
	}
	g_autoptr(GDateTime) whole = g_date_time_new_from_unix_utc(seconds);

	return whole ? g_date_time_add(whole, rest) : NULL;
}

static gboolean
parse_midnight(gint64 now_us, int days_back, gint64 *us)
{
	g_autoptr(GDateTime) utc = from_us(now_us);
	g_autoptr(GDateTime) local = utc ? g_date_time_to_local(utc) : NULL;
	g_autoptr(GDateTime) day = local ? g_date_time_add_days(local, -days_back) : NULL;

	if (!day)
		return FALSE;
	g_autoptr(GDateTime) midnight = g_date_time_new_local(g_date_time_get_year(day),
		g_date_time_get_month(day), g_date_time_get_day_of_month(day), 0, 0, 0);

	*us = to_us(midnight);
	return TRUE;
}

/* "3 days ago"; months and years by the calendar. */
static gboolean
parse_ago(const char *text, gint64 now_us, gint64 *us)
{
	static const struct {
		const char *name;
		gint64 seconds;
		int months;
	} units[] = {
		{ "second", 1, 0 }, { "minute", 60, 0 }, { "hour", 3600, 0 }, { "day", 86400, 0 },
		{ "week", 604800, 0 }, { "month", 0, 1 }, { "year", 0, 12 },
	};
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	guint64 count;

	if (g_strv_length(words) != 3 || strcmp(words[2], "ago") ||
	    !g_ascii_string_to_unsigned(words[0], 10, 0, 100000, &count, NULL))
		return FALSE;
	if (g_str_has_suffix(words[1], "s"))
		words[1][strlen(words[1]) - 1] = '\0';
	for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
		if (strcmp(words[1], units[i].name))
			continue;
		if (!units[i].months) {
			*us = now_us - (gint64)count * units[i].seconds * G_USEC_PER_SEC;
			return TRUE;
		}
		g_autoptr(GDateTime) now = from_us(now_us);
		g_autoptr(GDateTime) then = now ? g_date_time_add_months(now, -(int)count * units[i].months) :
						  NULL;

		if (then)
			*us = to_us(then);
		return then != NULL;
	}
	return FALSE;
}

static gint64
local_offset(GTimeZone *zone, gint64 seconds)
{
	return g_time_zone_get_offset(zone, g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, seconds));
}

/* When the clock on the wall showed that, counted as if it were UTC. */
static gint64
from_wall(gint64 wall, enum when_edge edge)
{
	g_autoptr(GTimeZone) zone = g_time_zone_new_local();
	gint64 before = wall - local_offset(zone, wall - 86400), after = wall - local_offset(zone, wall + 86400);
	gboolean was_before = before + local_offset(zone, before) == wall;
	gboolean was_after = after + local_offset(zone, after) == wall;
	gint64 low = wall - 86400, high = wall + 86400;

	if (was_before && was_after)
		return edge == WHEN_SINCE ? MIN(before, after) : MAX(before, after);
	if (was_before || was_after)
		return was_before ? before : after;
	/* Nobody's clock ever showed it. */
	while (high - low > 1) {
		gint64 middle = low + (high - low) / 2;

		if (local_offset(zone, middle) == local_offset(zone, wall - 86400))
			low = middle;
		else
			high = middle;
	}
	return high;
}

static gboolean
parse_iso(const char *text, enum when_edge edge, gint64 *us)
{
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GTimeZone) other = g_time_zone_new_offset(3600);
	g_autofree char *whole = NULL;
	size_t length = strlen(text);

	/* GLib takes a date and a time with seconds; people leave some of it out. */
	if (length < 10 || text[4] != '-' || text[7] != '-')
		return FALSE;
	if (length == 10) {
		whole = g_strconcat(text, "T00:00:00", NULL);
	} else {
		gboolean no_seconds = length >= 16 && text[13] == ':' && text[16] != ':';

		whole = no_seconds ? g_strdup_printf("%.16s:00%s", text, text + 16) : g_strdup(text);
		if (whole[10] == ' ')
			whole[10] = 'T';
	}
	/* As this program shows it: a space before the offset. */
	char *space = strchr(whole, ' ');

	if (space)
		memmove(space, space + 1, strlen(space));

	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(whole, utc);
	g_autoptr(GDateTime) elsewhere = g_date_time_new_from_iso8601(whole, other);

	if (!time || !elsewhere)
		return FALSE;
	*us = to_us(time);
	/* With an offset of its own it is the same moment everywhere. */
	if (*us != to_us(elsewhere))
		*us = from_wall(g_date_time_to_unix(time), edge) * G_USEC_PER_SEC + g_date_time_get_microsecond(time);
	return TRUE;
}

gboolean
when_parse(const char *text, gint64 now_us, enum when_edge edge, gint64 *us)
{
	if (!strcmp(text, "now")) {
		*us = now_us;
		return TRUE;
	}
	if (!strcmp(text, "today"))
		return parse_midnight(now_us, 0, us);
	if (!strcmp(text, "yesterday"))
		return parse_midnight(now_us, 1, us);
	return parse_ago(text, now_us, us) || parse_iso(text, edge, us);
}

char *
when_local(gint64 us)
{
	g_autoptr(GDateTime) utc = from_us(us);
	g_autoptr(GDateTime) local = utc ? g_date_time_to_local(utc) : NULL;

	return local ? g_date_time_format(local, "%Y-%m-%d %H:%M:%S %:z") : g_strdup("unknown");
}

char *
when_at(gint64 us, int offset_min)
{
	g_autoptr(GDateTime) utc = from_us(us);
	g_autoptr(GTimeZone) zone = g_time_zone_new_offset(offset_min * 60);
	g_autoptr(GDateTime) there = utc ? g_date_time_to_timezone(utc, zone) : NULL;

	return there ? g_date_time_format(there, "%Y-%m-%d %H:%M:%S %:z") : g_strdup("unknown");
}

char *
when_utc(gint64 us)
{
	g_autoptr(GDateTime) utc = from_us(us);

	if (!utc)
		return NULL;
	g_autofree char *seconds = g_date_time_format(utc, "%Y-%m-%dT%H:%M:%S");

	return g_strdup_printf("%s.%06dZ", seconds, g_date_time_get_microsecond(utc));
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-ceiling.h"

#include "bluez-timing.h"

StpBluezCeiling
stp_bluez_ceiling_new(gint64 now)
{
	return (StpBluezCeiling){ .value = STP_BLUEZ_SLOTS, .since = now };
}

StpBluezCeiling
stp_bluez_ceiling_restore(guint value, guint refusals, gint64 now)
{
	return (StpBluezCeiling){
		.value = CLAMP(value, 1, STP_BLUEZ_SLOTS),
		.refusals = MIN(refusals, STP_BLUEZ_SLOTS_DOUBLINGS + 1),
		.since = now,
	};
}

gboolean
stp_bluez_ceiling_refused(StpBluezCeiling *ceiling, guint others, gint64 now)
{
	guint value = CLAMP(others, 1, STP_BLUEZ_SLOTS);

	ceiling->since = now;
	if (value >= ceiling->value)
		return FALSE;
	ceiling->value = value;
	ceiling->refusals = MIN(ceiling->refusals + 1, STP_BLUEZ_SLOTS_DOUBLINGS + 1);
	return TRUE;
}

gboolean
stp_bluez_ceiling_suspect(StpBluezCeiling *ceiling, const char *pen, guint others, gint64 now)
{
	gboolean fresh = ceiling->suspect[0] != '\0' &&
			 now - ceiling->suspect_since < STP_BLUEZ_SLOTS_RAISE * G_TIME_SPAN_MILLISECOND;

	if (fresh && !g_str_equal(ceiling->suspect, pen)) {
		ceiling->suspect[0] = '\0';
		return TRUE;
	}
	g_strlcpy(ceiling->suspect, pen, sizeof ceiling->suspect);
	ceiling->suspect_others = others;
	ceiling->suspect_since = now;
	return FALSE;
}

void
stp_bluez_ceiling_carried(StpBluezCeiling *ceiling, guint links)
{
	if (links > ceiling->suspect_others)
		ceiling->suspect[0] = '\0';
	/* Only the full load tells anything about the wait before the next try. */
	if (links >= STP_BLUEZ_SLOTS)
		ceiling->refusals = 0;
}

gboolean
stp_bluez_ceiling_consider(StpBluezCeiling *ceiling, gint64 now)
{
	guint doublings = ceiling->refusals > 0 ? ceiling->refusals - 1 : 0;
	gint64 wait = MIN((gint64)STP_BLUEZ_SLOTS_RAISE << MIN(doublings, STP_BLUEZ_SLOTS_DOUBLINGS),
			  (gint64)STP_BLUEZ_SLOTS_RAISE_MOST);

	if (ceiling->value >= STP_BLUEZ_SLOTS || now - ceiling->since < wait * G_TIME_SPAN_MILLISECOND)
		return FALSE;
	ceiling->value++;
	ceiling->since = now;
	return TRUE;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "chance.h"

/* What goes wrong on the air; odds in a thousand.  All zero: nothing does. */
typedef struct {
	guint drop, twice, swap, flip;       /* of a value of Log Data */
	guint control_drop, control_twice;   /* of an indication of Log Control Point */
	guint stall, cut;                    /* in each interval of a link; a stall ends by itself, or in a cut */
	guint connect_fails, connect_hangs;  /* of a connection attempt */
	guint subscribe_fails, read_fails;   /* of an operation */
	guint slow_ms;                       /* added to what a connection takes at most */
} Weather;

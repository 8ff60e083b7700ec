/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "link.h"
#include "sim-pen.h"
#include "weather.h"

/*
 * A link to a simulated pen on the virtual clock, without sockets: what is sent takes its time, and meets the
 * weather on its way.  The pen must outlive the link's end.
 */

#define FRAIL_TYPE_LINK (frail_link_get_type())
G_DECLARE_FINAL_TYPE(FrailLink, frail_link, FRAIL, LINK, GObject)

/* The weather is looked at all the time and may change; chance is shared with the caller. */
FrailLink *frail_link_new(SimPen *pen, const char *address, guint16 mtu, const Weather *weather,
			  struct chance *chance);
/* The link is lost; of what was on its way some still arrives, at the pen only. */
void frail_link_cut(FrailLink *self, const char *why);
gboolean frail_link_is_up(FrailLink *self);
/* Values of Log Data that the pen has sent. */
guint64 frail_link_sent(FrailLink *self);

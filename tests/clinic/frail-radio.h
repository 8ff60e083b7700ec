/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "frail-link.h"
#include "radio.h"

/*
 * A radio on the virtual clock: pens advertise every now and then, connecting takes its time and fails as
 * the weather wants.  One for each life of a daemon; the pens outlive it.
 */

/* A pen on the air; the owner's. */
typedef struct {
	SimPen *pen; /* NULL: it is switched off */
	const char *address;
	guint16 mtu;
	gboolean in_range, refuses;
	FrailLink *link; /* borrowed; NULL: nobody is connected */
	guint connects;
	guint64 sent;    /* values of Log Data, on links that have ended */
	gint64 shown;    /* monotonic: when the radio last told of it; 0: as gone */
} FrailPen;

#define FRAIL_TYPE_RADIO (frail_radio_get_type())
G_DECLARE_FINAL_TYPE(FrailRadio, frail_radio, FRAIL, RADIO, GObject)

/* pens (element-type FrailPen), the weather and chance are the caller's and must live longer. */
FrailRadio *frail_radio_new(GPtrArray *pens, const Weather *weather, struct chance *chance);
/* The process that listened is gone: links are lost, nothing is heard, every call fails. */
void frail_radio_die(FrailRadio *self);
/* Bluetooth goes, with all links; or is back. */
void frail_radio_set_on(FrailRadio *self, gboolean on);
guint frail_radio_links_most(FrailRadio *self);

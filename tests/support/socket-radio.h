/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "radio.h"
#include "sim-pen-fd.h"

/*
 * A radio for tests in one process: simulated pens at the other end of socket pairs.  No bus, no
 * BlueZ; pairing succeeds at once unless told otherwise.
 */

#define SOCKET_RADIO_ADAPTER "00:AA:01:00:00:00"

#define SOCKET_TYPE_RADIO (socket_radio_get_type())
G_DECLARE_FINAL_TYPE(SocketRadio, socket_radio, SOCKET, RADIO, GObject)

SocketRadio *socket_radio_new(void);

/* The pen and its faults (or NULL) must outlive the radio. */
void socket_radio_put(SocketRadio *self, SimPen *pen, SimLinkFaults *faults, const char *address,
		      guint16 mtu);

/* The pen is heard, with what it advertises now, or with no status at all. */
void socket_radio_hear(SocketRadio *self, const char *address, gboolean with_status);
/* It has not been heard there for so long that it counts as gone. */
void socket_radio_lose_sight(SocketRadio *self, const char *address);
/* It is heard no more. */
void socket_radio_leave(SocketRadio *self, const char *address);
/* End the link from the radio's side, as a pen that goes out of range. */
void socket_radio_cut(SocketRadio *self, const char *address);
/* Whether pairing and connecting fail from now on. */
void socket_radio_refuse(SocketRadio *self, const char *address, gboolean refuse);

/* Whether the radio is told to watch for pens, and how often somebody looked for one. */
gboolean socket_radio_is_watched(SocketRadio *self);
guint socket_radio_looks(SocketRadio *self);
/* Its one adapter falls silent, or hears again. */
void socket_radio_set_silent(SocketRadio *self, gboolean silent);
/* SCANNING at first; the links stay as they are. */
void socket_radio_set_state(SocketRadio *self, StpRadioState state);
/* The host's key of a pen: pairing makes it, forgetting takes it. */
void socket_radio_set_bonded(SocketRadio *self, const char *address, gboolean bonded);
/* What pairing asks from now on ("without-code"); it lives as long as the radio. */
void socket_radio_set_pairing(SocketRadio *self, const char *kind);
/* The next connections fail. */
void socket_radio_break_connects(SocketRadio *self, guint count);
/* How many keys were to be removed. */
guint socket_radio_forgotten(SocketRadio *self);

/*
 * Whether connecting gets no answer from now on, not even when it is cancelled.  FALSE: those who were left without
 * one get it, late.
 */
void socket_radio_swallow(SocketRadio *self, const char *address, gboolean swallow);

/* The pen is heard over another adapter than all others are, which carries one link, as theirs does. */
void socket_radio_set_apart(SocketRadio *self, const char *address);

/* How many connections there were, are, and were at once at the most. */
guint socket_radio_connects(SocketRadio *self);
guint socket_radio_links(SocketRadio *self);
guint socket_radio_links_most(SocketRadio *self);

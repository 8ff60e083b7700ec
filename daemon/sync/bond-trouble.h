/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stipple/gatt.h>

#include "radio.h"
#include "session-store.h"

/*
 * What is wrong with the bond between this host and a pen, and the one repair for it.  What is
 * known: whether BlueZ has a key (the link), whether the pen has one (Features, readable without
 * a bond), and how ours was made (the store).  BlueZ 5.66 tells nobody at what level a bond is,
 * so only what this daemon saw itself counts as authenticated.
 */

/* The alert of a pen whose bond does not work, by its serial number; a sync that works ends it. */
#define STP_ALERT_BOND "bond"

/* FALSE with one of the five errors of the bond; TRUE: records may be asked for. */
gboolean stp_bond_check(StpLink *link, const struct stp_features *features, const StpPenRow *row,
			GError **error);

/*
 * Why an enrolled pen could not be connected: takes the error, gives that or a better one.  A pen that has
 * a key asks for encryption as soon as it is connected, and a host without one loses the link before it
 * can read anything (seen with BlueZ 5.66 at both ends).
 */
GError *stp_bond_explain(StpRadio *radio, const StpPenRow *row, GError *error);

/* Whether this is one of the five. */
gboolean stp_error_is_bond(const GError *error);

/* One word for programs: "pen-forgot", "host-lost", "none", "no-room", "too-weak"; "ok" for any other. */
const char *stp_bond_trouble_name(const GError *error);

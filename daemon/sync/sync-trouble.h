/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * What kind of trouble ended a sync, and so when the next one begins.  One table, in sync-trouble.c:
 *
 * | class     | means                                      | pauses, seconds         | who waits is told |
 * |-----------|--------------------------------------------|-------------------------|-------------------|
 * | link      | lost, did not come about, or too slow      | 1 2 5 15 60 300         | after four        |
 * | slots     | the adapter carries no more connections    | 5 15 60                 | after four        |
 * | absent    | no bluetoothd, or no adapter               | 5 15 60                 | at once           |
 * | busy      | the pen's motor runs                       | 30 60                   | at once           |
 * | store     | the disk is full or fails                  | 60 120 300              | at once           |
 * | protocol  | the pen does not keep to it                | 1 5 30 300 900          | at once           |
 * | auth      | pen and host do not trust each other until | 300 900 3600            | at once           |
 * |           | a person repairs it: an alert. Tried only  |                         |                   |
 * |           | to see whether that was done elsewhere     |                         |                   |
 * | permanent | it will be the same next time              | 300 3600                | at once           |
 * | cancelled | somebody wanted it so                      | none: see pen-keeper.h  | at once           |
 *
 * Pauses are those after the first, second, ... failure in a row; the last one stays.  They count for one
 * class: another one begins with its first.  A sync that completes, and a person who asks, make all forgotten.
 */
typedef enum {
	STP_TROUBLE_NONE,
	STP_TROUBLE_LINK,
	STP_TROUBLE_SLOTS,
	STP_TROUBLE_ABSENT,
	STP_TROUBLE_BUSY,
	STP_TROUBLE_STORE,
	STP_TROUBLE_PROTOCOL,
	STP_TROUBLE_AUTH,
	STP_TROUBLE_PERMANENT,
	STP_TROUBLE_CANCELLED,
	STP_TROUBLE_COUNT
} StpTrouble;

/* Of an error in STP_ERROR; NULL: NONE. */
StpTrouble stp_trouble_of(const GError *error);
/* A word for the journal: "link". */
const char *stp_trouble_name(StpTrouble trouble);
/* Seconds before the next try, after so many failures of that class in a row, from 1. */
guint stp_trouble_pause_s(StpTrouble trouble, guint failures);
/* After how many failures of that class who waits for the sync is told. */
guint stp_trouble_patience(StpTrouble trouble);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "error.h"

/*
 * What kind of trouble an error of the radio or of a link is, and so who does what about it.
 * The tries, pauses and budgets of the link itself are in bluez-timing.h; which answer of BlueZ
 * falls in which class is one table, in bluez-error.c; the pauses between two syncs belong to
 * daemon/sync.
 *
 * | class     | means                                    | the link itself            | then            |
 * |-----------|------------------------------------------|----------------------------|-----------------|
 * | transient | passes by itself: a lost connection, one | 9 quick tries and 4 slow   | sync tries      |
 * |           | that did not come about, a pen that went | ones, 0.1 to 1 s between,  | again, soon at  |
 * |           | out of range                             | 60 s in all                | first           |
 * | slots     | the adapter carries no more connections  | none; it lowers what it    | when a link has |
 * |           |                                          | takes the adapter to carry | ended           |
 * | absent    | bluetoothd, the adapter or the right to  | none                       | when the        |
 * |           | use it is not there at the moment        |                            | radio's state   |
 * |           |                                          |                            | changes         |
 * | auth      | the pen and we do not trust each other:  | none; several links that   | a person, with  |
 * |           | a bond forgotten, lost or too weak. It   | end as soon as they are up | 'stipplectl     |
 * |           | stays so until somebody repairs it       | count as one of these      | pens repair'    |
 * | protocol  | the other end is no pen, or not one of   | none                       | rarely: it may  |
 * |           | ours                                     |                            | get an update   |
 * | permanent | it will be the same next time            | none                       | a person        |
 * | cancelled | somebody wanted it so                    | none                       | nobody          |
 */
typedef enum {
	STP_LINK_CLASS_NONE,		/* no error, or none of the link's */
	STP_LINK_CLASS_TRANSIENT,
	STP_LINK_CLASS_SLOTS,
	STP_LINK_CLASS_ABSENT,
	STP_LINK_CLASS_AUTH,
	STP_LINK_CLASS_PROTOCOL,
	STP_LINK_CLASS_PERMANENT,
	STP_LINK_CLASS_CANCELLED,
	STP_LINK_CLASS_COUNT
} StpLinkClass;

/* Of an error in STP_ERROR; NONE for NULL, and for what only the store or the bus can say. */
StpLinkClass stp_link_class_of(const GError *error);

/* A word for logs and the bus: "transient". */
const char *stp_link_class_name(StpLinkClass class);

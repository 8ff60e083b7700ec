/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

/* Every waiting time of the BlueZ radio, in milliseconds unless named otherwise. */

/*
 * Scanning goes on without a pause for SCAN_EAGER after the start and after anything that lets
 * expect a pen (a lost link, a try to connect); then for SCAN_WINDOW in every SCAN_PERIOD.
 */
#define STP_BLUEZ_SCAN_EAGER	120000
#define STP_BLUEZ_SCAN_WINDOW	10000
#define STP_BLUEZ_SCAN_PERIOD	60000
#define STP_BLUEZ_SCAN_RETRY	5000	/* after StartDiscovery failed */

/* A pen that was not heard for longer is out of sight; longer than SCAN_PERIOD. */
#define STP_BLUEZ_IN_SIGHT	(STP_BLUEZ_SCAN_PERIOD + 5000)
/* Sightings that bring nothing new are told at most so often. */
#define STP_BLUEZ_SIGHTING_INTERVAL 1000

#define STP_BLUEZ_FIND		20000	/* wait for a pen to be heard */
#define STP_BLUEZ_CONNECT_TRY	20000
#define STP_BLUEZ_CONNECT_ALL	60000	/* all tries together */
#define STP_BLUEZ_CONNECT_TRIES	4	/* that took their time */
#define STP_BLUEZ_CONNECT_TRANSIENT 9	/* that failed at once, as BlueZ' do at random */
#define STP_BLUEZ_CONNECT_DROPS	3	/* connections that ended before they were of use */
#define STP_BLUEZ_RESOLVE	10000	/* services and all required characteristics */
#define STP_BLUEZ_SETTLE	500	/* after a new bond, before the first request */
#define STP_BLUEZ_PAIR		120000	/* BlueZ' own limit too */
#define STP_BLUEZ_GATT		20000	/* one read or write; ATT itself gives up after 30 s */
#define STP_BLUEZ_WRITE_AGAIN	50	/* after InProgress */
#define STP_BLUEZ_WRITE_TRIES	20
#define STP_BLUEZ_DISCONNECT	5000	/* BlueZ itself waits two seconds */
#define STP_BLUEZ_DISCONNECTED	250	/* what BlueZ still clears up after it has answered */

/* Milliseconds before try n + 1; the last one holds for all that follow. */
#define STP_BLUEZ_BACKOFF	{ 100, 250, 500, 1000 }

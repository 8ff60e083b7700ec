/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

/* Every waiting time of the BlueZ radio, in milliseconds unless named otherwise. */

/*
 * Discovery, where BlueZ does not watch for pens by itself.  It goes on without a pause while a pen
 * is being connected, for SCAN_EAGER after the start and after anything that lets expect one (a
 * lost link, a failed try), which a sync that is done ends, and for SCAN_LOOK after a user looked.  Then for SCAN_WINDOW
 * in every SCAN_PERIOD, if there is a pen to watch for: a pen advertises every 2.5 s at the slowest.
 */
#define STP_BLUEZ_SCAN_EAGER	120000
#define STP_BLUEZ_SCAN_LOOK	30000
#define STP_BLUEZ_SCAN_WINDOW	10000
#define STP_BLUEZ_SCAN_PERIOD	60000
#define STP_BLUEZ_SCAN_RETRY	5000	/* after StartDiscovery failed */
#define STP_BLUEZ_SCAN_BUSY	3	/* times InProgress, then it must be our own session */

/* BlueZ answers, reads the monitor and asks the kernel: milliseconds; no answer means never. */
#define STP_BLUEZ_MONITOR_ACTIVATE 5000
/*
 * BlueZ calls a device found when it heard it over so long a time without a gap of that length.  The
 * kernel listens half of the time only, so that some of a pen's advertisements are missed.
 */
#define STP_BLUEZ_MONITOR_FOUND	10000
#define STP_BLUEZ_MONITOR_LOST	STP_BLUEZ_IN_SIGHT
/* A controller that watches by itself groups what it hears; news may be that old. */
#define STP_BLUEZ_MONITOR_SAMPLING 5000

/* A pen that was not heard for longer is out of sight; longer than SCAN_PERIOD. */
#define STP_BLUEZ_IN_SIGHT	(STP_BLUEZ_SCAN_PERIOD + 5000)
/*
 * So many pens are remembered for each adapter: more than a clinic has, and each advertisement may look
 * at all of them.  One more takes the place of one that was never bonded; bonded ones may be more.
 */
#define STP_BLUEZ_SIGHTINGS_MOST	256
/* Sightings that bring nothing new are told at most so often, and of a pen in sight at least. */
#define STP_BLUEZ_SIGHTING_INTERVAL 1000
#define STP_BLUEZ_SIGHTING_REMINDER 60000

/*
 * The watchdog, while an advertisement is expected: after so much silence it begins anew with BlueZ
 * and listens to everything, so many times; then it switches the adapter off and on.  habluetooth
 * had to raise 90 s to 120 (field notes, P12).
 */
#define STP_BLUEZ_SILENCE	120000
#define STP_BLUEZ_PROBE		20000
#define STP_BLUEZ_PROBES	3
#define STP_BLUEZ_POWER_OFF	1000	/* between off and on */
#define STP_BLUEZ_POWER_TRIES	5
/*
 * An adapter that a process of ours switched off and did not live to switch on again is switched on by the next
 * one within so long: systemd starts that in seconds, in minutes at most when it failed often.  Later it may be off
 * because a person wants it so.
 */
#define STP_BLUEZ_POWER_OURS	3600000

#define STP_BLUEZ_FIND		20000	/* wait for a pen to be heard */
/*
 * Connecting.  A try that does not end is taken back after CONNECT_TRY, and the others get their
 * turn: BlueZ itself would go on for 40 s.  The time for all tries of a pen counts only while it
 * is its turn, or while it waits by itself.
 */
#define STP_BLUEZ_CONNECT_TRY	20000
#define STP_BLUEZ_CONNECT_ALL	60000	/* all tries together, over all adapters */
#define STP_BLUEZ_CONNECT_TRIES	4	/* that took their time */
#define STP_BLUEZ_CONNECT_TRANSIENT 9	/* that failed at once, as BlueZ' do at random */
#define STP_BLUEZ_CONNECT_ELSEWHERE 1000 /* after InProgress, look again; Connected usually tells before */
/*
 * An attempt that is not ours, as after a crash of this daemon: longer than a pen in reach needs, which
 * advertises every 2.5 s at the slowest.  Then it is taken back; BlueZ would let it block ours for 40 s.
 */
#define STP_BLUEZ_CONNECT_OTHERS 5000
#define STP_BLUEZ_CONNECT_FAST	2000	/* a try that failed sooner was refused, not in vain */
#define STP_BLUEZ_CONNECT_DROPS	3	/* connections that ended before they were of use */
#define STP_BLUEZ_CONNECT_KEYLESS 5	/* bonded, and the link ends as soon as it is up: the pen has no key */
#define STP_BLUEZ_RESOLVE	10000	/* services and all required characteristics */
#define STP_BLUEZ_SETTLE	500	/* after a new bond, before the first request */
#define STP_BLUEZ_PAIR		120000	/* BlueZ' own limit too */
#define STP_BLUEZ_GATT		20000	/* one read or write; ATT itself gives up after 30 s */
#define STP_BLUEZ_WRITE_AGAIN	50	/* after InProgress */
#define STP_BLUEZ_WRITE_TRIES	20
#define STP_BLUEZ_DISCONNECT	5000	/* BlueZ itself waits two seconds */
#define STP_BLUEZ_DISCONNECTED	250	/* what BlueZ still clears up after it has answered */
#define STP_BLUEZ_REASON	100	/* why a link dropped may follow after that it did, from 5.83 on */

/*
 * The pen's data.  GRACE: at the end of a link the descriptor ends first, Connected follows.
 * SILENT: a pen was seen to take 5.6 s for its first answer, and the protocol asks again after 8.
 * STRAGGLERS: between an answer and data sent before it there is no order; 0.1 s was seen.
 */
#define STP_BLUEZ_NOTIFY_GRACE	100
#define STP_BLUEZ_NOTIFY_SILENT	6500
#define STP_BLUEZ_NOTIFY_STRAGGLERS 300
#define STP_BLUEZ_NOTIFY_SWITCHES 3	/* changes of the way in one link; then it is connected anew */

/*
 * Services.  STABLE: they are taken for real when nothing has moved for so long.  REFRESH_PAUSE: BlueZ
 * compares the pen's database hash at a new connection, and a pen that was just updated restarts.
 * REFRESH_AGAIN: what that did not mend it will not mend a minute later.
 */
#define STP_BLUEZ_STABLE	100
#define STP_BLUEZ_REFRESH_PAUSE	2000
#define STP_BLUEZ_REFRESH_AGAIN	600000

/*
 * Connections at once over one adapter: what the weakest common ones carry.  Lowered when one more
 * is refused; raised again by one after SLOTS_RAISE, which doubles with each further refusal.
 */
#define STP_BLUEZ_SLOTS		3
#define STP_BLUEZ_SLOTS_RAISE	3600000
#define STP_BLUEZ_SLOTS_DOUBLINGS 5
#define STP_BLUEZ_SLOTS_RAISE_MOST 86400000

/* A pen changes to another adapter when that hears it better by so much (dB); less is noise. */
#define STP_BLUEZ_ROUTE_GAIN	5

/* Milliseconds before try n + 1; the last one holds for all that follow. */
#define STP_BLUEZ_BACKOFF	{ 100, 250, 500, 1000 }

/* An adapter that another program has the lease of is asked for so often. */
#define STP_BLUEZ_LEASE_AGAIN	2000

/*
 * After logind said that the computer goes to sleep: it is awake when so much of the monotonic clock,
 * which stands still in sleep, has passed, whether logind says so or not.  logind itself waits for 5 s
 * (InhibitDelayMaxSec=).
 */
#define STP_BLUEZ_SLEEP_UNTOLD	60000

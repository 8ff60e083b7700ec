/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

/*
 * Every time and budget of a sync, with its reason.  The link's own are in bluez-timing.h, those of the
 * dialogue's single steps in stipple/host.h, the pauses after a failure in sync-trouble.c.
 */

/* ---- when to connect ---- */

/* A pen whose advertisements tell nothing is asked so often: it may have news, and each contact costs it power. */
#define STP_SYNC_BLIND_S 300
/* Records that were damaged or could not be had are asked for again so often, while the pen is in sight. */
#define STP_SYNC_UNFINISHED_S (15 * 60)
/* ... and not so often when that brought nothing again and again: a flash does not heal. */
#define STP_SYNC_UNFINISHED_MAX_S (4 * 3600)
/*
 * Records that five tries brought only damaged are asked for once more so often, and the pen is met for that if need
 * be: the tries may have met one low battery.  One of 1 MiB, the most there is, takes nine minutes of a slow link.
 */
#define STP_SYNC_GIVEN_UP_S (7 * 24 * 3600)
/* After a sync that brought nothing, news has to wait so long: an advertisement may never agree with its log. */
#define STP_SYNC_IDLE_PAUSE_S 30
/*
 * The radio says when a pen goes, and once a minute that one is there, however it scans: this is for a radio
 * that says nothing any more.
 */
#define STP_SYNC_AWAY_S 90
/*
 * So many may wait for the end of one pen's sync: far more than there are programs in a clinic, and one that asks in
 * a loop must not fill the memory.
 */
#define STP_SYNC_WAITERS_MAX 64
/*
 * So many records share an ACK while others are read: it takes a round trip, and a write to the pen's flash. The
 * engine lets none wait for more than 2 s.
 */
#define STP_SYNC_ACK_RUN 16
/* A sync on request brings progress so often; more often helps nobody, and each is a signal on the bus. */
#define STP_SYNC_PROGRESS_S 1
/* Before it took so long nothing is said of how long it still takes: the first second is the link's, not the log's. */
#define STP_SYNC_ETA_AFTER_S 2

/* ---- who comes first ---- */

/*
 * A sync gives its link to a more urgent one after so long: by then a slow link (2 KiB/s) has brought some
 * 180 KiB, against some 3 s that it costs to connect again.
 */
#define STP_SYNC_QUANTUM_S 90
/* Looked at so often, while anybody waits. */
#define STP_SYNC_QUANTUM_CHECK_S 5
/* What is worth how many seconds of waiting: see sync-order.h. */
#define STP_SYNC_OVERRUN_WORTH_S (30 * 60)
#define STP_SYNC_ASKED_WORTH_S (10 * 60)
#define STP_SYNC_AGE_WORTH_S (5 * 60)
/* ... the last for an age of so much and more: yesterday's treatments are wanted today. */
#define STP_SYNC_AGE_FULL_S (24 * 3600)

/* ---- how long a state may last ---- */

/*
 * Waiting for its turn, trying a dozen times and waiting for the pen: 60 s each in bluez-timing.h, twice where
 * a second adapter is tried.  Beyond that nobody tries any more, and the answer was lost.
 */
#define STP_SYNC_CONNECT_S 240
/* Ten reads and two subscriptions: half a second each usually, 30 s for one of them before BlueZ gives it up. */
#define STP_SYNC_OPEN_S 60
/* HELLO and GET_STATE, three tries of 8 s each, and the clock's 8 s. */
#define STP_SYNC_STATE_S 75
/* A disk that takes no write for so long is not busy, it is broken; a store on a card was seen to stall for 40 s. */
#define STP_SYNC_STORE_S 300
/* The last write, ABORT, and the disconnection; after that the link is cut without them. */
#define STP_SYNC_CLOSING_S 10
/* After the cut: what is under way ends by itself then, or never. */
#define STP_SYNC_ABANDON_S 30

/*
 * While a pen is to send: so many bytes of payload in so many seconds, else it holds a link for nothing.  The
 * slowest honest one sends one segment a second beside its motor, 16 bytes at an MTU of 23: 960 in
 * a minute.  One that drips a byte every 2.9 s, so that no time-out of the dialogue strikes, sends 21.
 */
#define STP_SYNC_PACE_S 60
#define STP_SYNC_PACE_BYTES 512
/* An answer counts as so many bytes: acknowledging and listing are progress, too. */
#define STP_SYNC_PACE_ANSWER_BYTES 16

/* ---- listening while the motor runs ---- */

/*
 * A pen whose motor runs has a session under way, and may refuse its log; the link stays so long, to hear it stop.
 * A treatment lasts longer than that seldom, and a pen that lies about its motor does not keep the link for ever.
 */
#define STP_SYNC_LISTEN_S (10 * 60)
/* Frames come ten times a second, or as seldom as once: in so long there has to be one. */
#define STP_SYNC_LISTEN_CHECK_S 5
/* A pen that has stopped writes its session's last block and its record; then it is asked for it. */
#define STP_SYNC_HEARD_OUT_S 2
/* It may be switched on again, and is listened to again; who comes and goes more often is met again later. */
#define STP_SYNC_LISTENS_MAX STP_LIVE_TALLIES

/* ---- warnings ---- */

/*
 * So long nothing can be heard before people are told: bluetoothd that is restarted, an adapter that is plugged
 * in anew and a computer that wakes up take seconds, and who switches Bluetooth off for a moment knows it.
 */
#define STP_SYNC_RADIO_DOWN_S 120

/*
 * A pen in sight whose syncs have failed for so long, and so many times in a row, is told of: a bad radio recovers
 * within minutes, and who looks at nothing but alerts has half a day left to see to it.
 */
#define STP_SYNC_FAILING_S 3600
#define STP_SYNC_FAILING_TIMES 4
/*
 * A pen that claims another one's serial number counts as gone when it was not heard for so long: it may lie in a drawer
 * overnight, and each day another alert would be one that nobody reads.  Looked at so often.
 */
#define STP_SYNC_TWIN_GONE_S (48 * 3600)
#define STP_SYNC_TWIN_CHECK_S 3600
/* A pen with room for so many more sessions is told of: at five sessions a day that is the next morning. */
#define STP_SYNC_SESSIONS_LEFT_WARN 5

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * Who may forget a record, and when: HELLO, ACK, ERASE_PREPARE, ERASE, DROP_SLOT and the epoch
 * of proto/WIRE.md, between one pen and two hosts.  README.md says what is proved, and how.
 *
 * All is guarded steps on global state; between any two of them power fails, a host crashes,
 * a link breaks, as often as it likes.  A request, its answer and what the host makes of it are
 * one step, or, with the answer lost, one without its end: while a host waits for an answer it
 * does nothing else, so whatever happens in between might as well happen before or after.
 * A set of record numbers is a byte with a bit for each.  REMOVE_* takes one guard away.
 */

#ifndef NUMBERS
#define NUMBERS 3		/* records an epoch sees, up to 4 */
#endif
#ifndef CAPACITY
#define CAPACITY 2		/* of them, the log holds at once: the rest overwrites */
#endif
#ifndef RANGES
#define RANGES 0		/* above a slot's mark; eight in truth */
#endif
#ifndef EPOCHS
#define EPOCHS 2
#endif

#define HOSTS 2
#define NOBODY 2
#define NO_SLOT 2
#define BIT(n) (1 << ((n) - 1))
#define UP_TO(n) ((1 << (n)) - 1)
#define LACKS(have, set) (((set) & ~(have)) != 0)
#define COUNT(set) (((set) & 1) + (((set) >> 1) & 1) + (((set) >> 2) & 1) + (((set) >> 3) & 1))

mtype:op = { HELLO, STATE, LIST, READ, ACK, PREPARE, ERASE, DROP };
mtype:status = { OK, REFUSED, WRONG_EPOCH, NOT_CONFIRMED };
mtype:stage = { FREE, IN_HAND, DURABLE };

/* ---- the pen, over power-off ---- */

byte epoch = 1;
byte newest;
byte present;			/* the records there are */

typedef slot_t {
	bool used;
	byte owner;
	byte epoch;
	byte acked;		/* mark and ranges together */
};
slot_t slots[HOSTS];

/* ---- the pen, while it has power ---- */

byte peer = NOBODY;		/* the host on the link */
byte peer_slot = NO_SLOT;	/* what HELLO gave on this link */
byte erasing;			/* records up to this one are going */
byte prepared_up_to;		/* what the newest nonce stands for; 0: there is none */
byte prepared_epoch;
mtype:op asked;			/* what the display asks a person */
byte asked_a, asked_b;
bool pressed;			/* the button, since it asks */

/* The answer, and a step's own variables; 0 between steps. */
mtype:status status;
byte first, second, n, runs;

/* ---- the hosts, over a crash ---- */

typedef store_t {
	byte held[EPOCHS + 1];
};
store_t stores[HOSTS];
#define HELD(h) stores[h].held[epoch]

/* ---- the host on the link, while it lives ---- */

mtype:stage stage = FREE;
byte known_epoch;		/* 0: not asked yet */
byte known_slot = NO_SLOT;
bool has_list;
byte listed;
bool must_start_over;		/* the pen believes too much */
byte number;			/* in hand, or durable and not yet acknowledged */
byte nonce_up_to;		/* of the nonce it holds; 0: none */
#define MINE stores[peer].held[known_epoch]

/* ---- ghosts: only the properties look at them ---- */

bool restored[HOSTS];		/* from a backup, and the pen believes more than it has */
bool enrolled[HOSTS];		/* it said HELLO, and no person dropped it */
byte written;			/* the highest number ever used in this epoch */
byte data_epoch, data_number;	/* what the bytes in hand say they are */
byte eraser = NOBODY;		/* whose ERASE is under way */
mtype:op consent;		/* what the person read when pressing the button */
byte consent_a, consent_b;

/* ---- for the proof that it settles ---- */

bool calm;			/* no faults any more, no new records, no whims */
#ifdef LIVE
byte told;			/* the pen need not be told of these on this link */
bool fresh;			/* this dialogue began in the calm */
bool finished[HOSTS];
/* Both have all there is, and the pen knows. */
#define SETTLED (finished[0] && finished[1] && \
	!LACKS(HELD(0), present) && !LACKS(HELD(1), present) && \
	!LACKS(SLOT_HOLDS(0) * slots[0].used, present) && !LACKS(SLOT_HOLDS(1) * slots[1].used, present))
#endif

/* ---- properties ---- */

#ifdef REMOVE_SLOT_EPOCH
#define SLOT_HOLDS(s) slots[s].acked
#else
#define SLOT_HOLDS(s) (slots[s].acked * (slots[s].epoch == epoch))
#endif

/* 1: what a slot counts as acknowledged is in its host's store. */
#define BELIEVES_TOO_MUCH(s) (slots[s].used && !restored[slots[s].owner] && \
	LACKS(HELD(slots[s].owner), SLOT_HOLDS(s) & present))
#define CHECK_SLOTS assert(!BELIEVES_TOO_MUCH(0) && !BELIEVES_TOO_MUCH(1))

/* 2: what goes without a trace, every used slot has, and there is one ... */
#define SLOT_LACKS(s, set) (slots[s].used && LACKS(SLOT_HOLDS(s), set))
#define EVERYBODY_HAS(set) ((slots[0].used || slots[1].used) && \
	!SLOT_LACKS(0, set) && !SLOT_LACKS(1, set))
/* ... and every host that enrolled, whatever became of its slot. */
#define HOST_LOSES(h, set) (enrolled[h] && !restored[h] && LACKS(HELD(h), set))
#define CHECK_LOSS(set) assert(EVERYBODY_HAS(set) && !HOST_LOSES(0, set) && !HOST_LOSES(1, set))

#include "pen-answers.pml"
#include "host-dialogue.pml"
#include "faults.pml"

#ifdef LIVE
ltl settles { [] (calm -> <> SETTLED) }
#endif

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* ---- what the host makes of them ---- */

inline start_again()
{
	known_epoch = 0; has_list = false; listed = 0; nonce_up_to = 0;
#ifdef LIVE
	told = 0;
#endif
	number = 0
}

/* The link is gone, and with it all that the host had not made durable, if it crashed. */
inline hang_up()
{
	start_again();
	stage = FREE; known_slot = NO_SLOT; must_start_over = false;
	data_epoch = 0; data_number = 0;
	peer = NOBODY; peer_slot = NO_SLOT; eraser = NOBODY;
	prepared_up_to = 0; prepared_epoch = 0;
	forget_question();
	/* Hosts keep records of old epochs; nothing in here can ask for them any more. */
	if
	:: epoch > 1 -> stores[0].held[epoch - 1] = 0; stores[1].held[epoch - 1] = 0
	:: else
	fi
#ifdef LIVE
	; fresh = false
#endif
}

#define HEARD status = 0; first = 0; second = 0
#define UNLESS_RESET(then) \
	if \
	:: status == WRONG_EPOCH -> start_again() \
	:: else -> then \
	fi; \
	HEARD

inline hear_hello()
{
	if
	:: status == OK ->
		known_slot = first;
#ifdef LIVE
		/* The mark: what a slot holds from 1 on without a gap. */
		n = 1;
		do
		:: n <= NUMBERS && (second & BIT(n)) -> told = told | BIT(n); n++
		:: else -> break
		od;
		n = 0
#endif
	:: else
	fi;
	HEARD
}

inline hear_list()
{
	has_list = true; listed = first;
#ifdef REMOVE_BACKUP_CHECK
	restored[peer] = false
#else
	if
	:: LACKS(MINE, second) -> must_start_over = true
	:: else -> restored[peer] = false
	fi
#endif
}

#ifdef REMOVE_IDENTITY
#define IDENTITY_HOLDS true
#else
#define IDENTITY_HOLDS (first == known_epoch && second == number)
#endif
inline hear_data()
{
	if
	:: status == OK && IDENTITY_HOLDS -> data_epoch = first; data_number = second; stage = IN_HAND
	:: else -> listed = listed & ~BIT(number); number = 0
	fi
}

inline store()
{
	/* 3: what is stored is what its name says. */
	assert(data_epoch == known_epoch && data_number == number);
	MINE = MINE | BIT(number);
	data_epoch = 0; data_number = 0
}

/* ---- the dialogue ---- */

#ifdef LIVE
#define TELL(n) told = told | BIT(n)
#ifdef REMOVE_HELD_ACK
#define UNTOLD 0
#else
#define UNTOLD (MINE & ~told)
#endif
#ifdef REMOVE_SET
/* What is above the highest number it has. */
#define WANTED (listed & ~(MINE | MINE >> 1 | MINE >> 2 | MINE >> 3))
#else
#define WANTED (listed & ~MINE)
#endif
#define LISTENS(h) (!finished[h])
#else
#define TELL(n) skip
#define LISTENS(h) true
#endif
#define CONNECTED (peer != NOBODY && stage == FREE && !erasing)
#define AT_WORK (CONNECTED && known_slot != NO_SLOT && known_epoch && !must_start_over)
#define WHIM (!calm && AT_WORK)
#ifdef REMOVE_ERASER_CHECK
#define MAY_ASK_ERASE(n) true
#else
#define MAY_ASK_ERASE(n) (has_list && !LACKS(MINE, listed & UP_TO(n)))
#endif

inline lowest(pOf)
{
	number = 1;
	do
	:: number < NUMBERS && !((pOf) & BIT(number)) -> number++
	:: else -> break
	od
}

#ifdef REMOVE_TOKEN
/* An answer to READ that comes late passes for that to the next. */
byte late_epoch, late_number;
#define LATE_STEPS(k) \
	:: d_step { AT_WORK && !(MINE & BIT(k)) && !late_number -> \
		on_read(known_epoch, k); late_epoch = first; late_number = second; HEARD } \
	:: d_step { AT_WORK && !(MINE & BIT(k)) && late_number -> \
		number = k; status = OK; first = late_epoch; second = late_number; \
		hear_data(); late_epoch = 0; late_number = 0; HEARD }
#else
#define LATE_STEPS(k)
#endif

/* In any order, and as often as it likes.  That an answer to a question is lost changes nothing. */
#define RECORD_STEPS(k) \
	:: d_step { WHIM && (MINE & BIT(k)) -> \
		on_ack(known_epoch, k, known_slot); UNLESS_RESET(skip); CHECK_SLOTS } \
	:: d_step { WHIM && (MINE & BIT(k)) -> \
		on_ack(known_epoch, k, known_slot); HEARD; CHECK_SLOTS } \
	:: d_step { WHIM && !(MINE & BIT(k)) -> \
		number = k; on_read(known_epoch, k); UNLESS_RESET(hear_data()) } \
	LATE_STEPS(k)
#define PREPARE_STEPS(k) \
	:: d_step { WHIM && !nonce_up_to && MAY_ASK_ERASE(k) -> \
		on_prepare(known_epoch, k); \
		UNLESS_RESET(nonce_up_to = k * (status == OK)) } \
	:: d_step { WHIM && !nonce_up_to && MAY_ASK_ERASE(k) -> on_prepare(known_epoch, k); HEARD }
#define DROP_STEP(s, id) \
	:: d_step { WHIM && (s != known_slot || id != peer) -> on_drop(s, id); HEARD; CHECK_SLOTS }
#define CALL_STEP(h) \
	:: d_step { peer == NOBODY && !erasing && LISTENS(h) -> call(h); CHECK_SLOTS }

inline call(pHost)
{
	peer = pHost;
#ifdef LIVE
	fresh = calm;
#endif
	on_hello(pHost);
	hear_hello()
}

active proctype dialogue()
{
end:	do
	CALL_STEP(0)
	CALL_STEP(1)
	:: d_step { CONNECTED && known_slot == NO_SLOT -> on_hello(peer); hear_hello(); CHECK_SLOTS }
	:: d_step { CONNECTED && known_slot != NO_SLOT && !known_epoch -> known_epoch = epoch }
	:: d_step {
		CONNECTED && known_slot != NO_SLOT && must_start_over ->
		on_drop(known_slot, peer);
		must_start_over = false;
#ifdef LIVE
		told = 0;
#endif
#ifdef REMOVE_OWN_SLOT_STAYS
		known_slot = NO_SLOT;
#endif
		HEARD; CHECK_SLOTS
	}
	:: d_step { CONNECTED && !calm && must_start_over -> on_drop(known_slot, peer); HEARD; CHECK_SLOTS }
	:: d_step { AT_WORK && !has_list -> on_list(known_epoch); UNLESS_RESET(hear_list()); CHECK_SLOTS }

#ifdef REMOVE_FSYNC_FIRST
	:: d_step {
		stage == IN_HAND && !erasing ->
		on_ack(known_epoch, number, known_slot); stage = DURABLE; HEARD; CHECK_SLOTS
	}
	:: d_step { stage == DURABLE -> store(); number = 0; stage = FREE }
#else
	/* A crash before this loses the record; one after it, only that the pen should know. */
	:: d_step { stage == IN_HAND -> store(); stage = DURABLE }
	:: d_step {
		stage == DURABLE && !erasing ->
		TELL(number);
		on_ack(known_epoch, number, known_slot);
		number = 0; stage = FREE;
		UNLESS_RESET(skip);
		CHECK_SLOTS
	}
#endif

#ifdef LIVE
	:: d_step {
		AT_WORK && UNTOLD ->
		lowest(UNTOLD);
		TELL(number);
		on_ack(known_epoch, number, known_slot);
		number = 0;
		UNLESS_RESET(skip)
	}
	:: d_step {
		AT_WORK && WANTED ->
		lowest(WANTED);
		on_read(known_epoch, number);
		UNLESS_RESET(hear_data())
	}
	/* In the calm a dialogue that began before ends somehow, one that began in it with all done. */
	:: d_step { CONNECTED && (!calm || !fresh) -> hang_up() }
	:: d_step {
		calm && fresh && AT_WORK && has_list && !WANTED && !UNTOLD ->
		finished[peer] = true;
		hang_up()
	}
#else
	RECORD_STEPS(1)
	RECORD_STEPS(2)
#if NUMBERS > 2
	RECORD_STEPS(3)
#endif
#if NUMBERS > 3
	RECORD_STEPS(4)
#endif
#endif

	/* Whims: what the wire allows, without any reason. */
	PREPARE_STEPS(1)
	PREPARE_STEPS(2)
#if NUMBERS > 2
	PREPARE_STEPS(3)
#endif
#if NUMBERS > 3
	PREPARE_STEPS(4)
#endif
	:: d_step {
		WHIM && nonce_up_to ->
		on_erase(known_epoch, nonce_up_to);
		UNLESS_RESET(nonce_up_to = nonce_up_to * (status == NOT_CONFIRMED))
	}
	:: d_step { WHIM && nonce_up_to -> on_erase(known_epoch, nonce_up_to); HEARD }
	:: d_step { WHIM && !erasing -> must_start_over = true }
	DROP_STEP(0, 0)
	DROP_STEP(0, 1)
	DROP_STEP(1, 0)
	DROP_STEP(1, 1)
	od
}

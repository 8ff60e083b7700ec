/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What the pen does with a request, and what it answers: in status, first and second. */

inline forget_question()
{
	asked = 0; asked_a = 0; asked_b = 0; pressed = false;
	consent = 0; consent_a = 0; consent_b = 0
}

/* Ask the person, unless just this was asked already. */
inline ask_person(pOp, pA, pB)
{
	if
	:: asked == pOp && asked_a == pA && asked_b == pB
	:: else ->
#ifndef REMOVE_CONFIRMATION_BOUND
		forget_question();
#endif
		asked = pOp; asked_a = pA; asked_b = pB
	fi
}

/* Keep at most RANGES ranges above the mark, the lowest ones. */
inline trim_ranges(pSlot)
{
	n = 1;
	do
	:: n <= NUMBERS && (slots[pSlot].acked & BIT(n)) -> n++
	:: else -> break
	od;
	do
	:: n <= NUMBERS && (slots[pSlot].acked & BIT(n)) && runs == RANGES ->
		slots[pSlot].acked = slots[pSlot].acked & UP_TO(n - 1); break
	:: n <= NUMBERS && (slots[pSlot].acked & BIT(n)) && runs < RANGES ->
		runs++;
		do
		:: n <= NUMBERS && (slots[pSlot].acked & BIT(n)) -> n++
		:: else -> break
		od
	:: n <= NUMBERS && !(slots[pSlot].acked & BIT(n)) -> n++
	:: n > NUMBERS -> break
	od;
	n = 0; runs = 0
}

inline on_hello(pWho)
{
	peer_slot = (slots[0].used && slots[0].owner == pWho -> 0 :
		(slots[1].used && slots[1].owner == pWho -> 1 : NO_SLOT));
	if
	:: peer_slot == NO_SLOT && (!slots[0].used || !slots[1].used) ->
		peer_slot = (slots[0].used -> 1 : 0);
		slots[peer_slot].used = true;
		slots[peer_slot].owner = pWho;
#ifndef REMOVE_SLOT_CLEARING
		slots[peer_slot].acked = 0;
#endif
		slots[peer_slot].epoch = epoch;
		enrolled[pWho] = true
	:: else
	fi;
	if
	:: peer_slot != NO_SLOT -> status = OK; first = peer_slot; second = SLOT_HOLDS(peer_slot)
	:: else -> status = REFUSED
	fi
}

inline on_ack(pEp, pA, pSlot)
{
	if
	:: peer_slot == NO_SLOT || pSlot != peer_slot -> status = REFUSED
#ifndef REMOVE_ACK_EPOCH
	:: peer_slot != NO_SLOT && pSlot == peer_slot && pEp != epoch -> status = WRONG_EPOCH
#endif
	:: else ->
		if
		:: pA > newest -> status = REFUSED
		:: else ->
			if
			:: slots[pSlot].epoch != epoch ->
				slots[pSlot].epoch = epoch;
#ifndef REMOVE_SLOT_EPOCH
				slots[pSlot].acked = 0
#endif
			:: else
			fi;
			/* The mark passes what is gone from below. */
			n = 1;
			do
			:: n <= newest && !(present & UP_TO(n)) ->
				slots[pSlot].acked = slots[pSlot].acked | BIT(n); n++
			:: else -> break
			od;
			slots[pSlot].acked = slots[pSlot].acked | BIT(pA);
			trim_ranges(pSlot);
			status = OK
		fi
	fi
}

/* Nobody has what is yet to be written. */
#ifdef REMOVE_UP_TO_LIMIT
#define IN_LOG(up_to) true
#else
#define IN_LOG(up_to) ((up_to) <= newest)
#endif
#define MAY_GO(up_to) (IN_LOG(up_to) && EVERYBODY_HAS(present & UP_TO(up_to)))

inline on_prepare(pEp, pUp)
{
	if
	:: pEp != epoch -> status = WRONG_EPOCH
	:: pEp == epoch && !MAY_GO(pUp) -> status = REFUSED
	:: else -> prepared_up_to = pUp; prepared_epoch = pEp; status = OK
	fi
}

#ifdef REMOVE_ERASE_EPOCH
#define ERASE_EPOCH_HOLDS(e) true
#else
#define ERASE_EPOCH_HOLDS(e) ((e) == epoch)
#endif
#ifdef REMOVE_ERASE_RECHECK
#define STILL_MAY_GO(up_to) true
#else
#define STILL_MAY_GO(up_to) MAY_GO(up_to)
#endif
/* A host that holds a nonce asks for no other: one that it holds is the newest, or void. */
#ifdef REMOVE_NONCE
#define NONCE_HOLDS(e, up_to) true
#else
#define NONCE_HOLDS(e, up_to) (prepared_up_to == (up_to) && prepared_epoch == (e))
#endif

inline on_erase(pEp, pUp)
{
	if
	:: !ERASE_EPOCH_HOLDS(pEp) -> status = WRONG_EPOCH
	:: ERASE_EPOCH_HOLDS(pEp) && (!STILL_MAY_GO(pUp) || !NONCE_HOLDS(pEp, pUp)) -> status = REFUSED
	:: else ->
		ask_person(ERASE, pUp, pEp);
		if
		:: !pressed -> status = NOT_CONFIRMED
		:: else ->
			/* 5: just this erase was prepared on this link, and a person agreed to it. */
			assert(prepared_up_to == pUp && prepared_epoch == epoch);
			assert(consent == ERASE && consent_a == pUp && consent_b == epoch);
			erasing = pUp;
			eraser = peer;
			prepared_up_to = 0; prepared_epoch = 0;
			forget_question();
			status = OK
		fi
	fi
}

/* One's own slot starts over, and stays one's own; another's goes, when a person says so. */
inline on_drop(pSlot, pWho)
{
	if
#ifndef REMOVE_DROP_ID
	:: !slots[pSlot].used || slots[pSlot].owner != pWho -> status = REFUSED
#endif
	:: else ->
		if
		:: pSlot == peer_slot ->
			restored[peer] = false;
			slots[pSlot].acked = 0;
			slots[pSlot].epoch = epoch;
#ifdef REMOVE_OWN_SLOT_STAYS
			slots[pSlot].used = false; slots[pSlot].owner = 0; peer_slot = NO_SLOT;
#endif
			status = OK
		:: else ->
			ask_person(DROP, pSlot, pWho);
			if
#ifdef REMOVE_DROP_CONFIRMATION
			:: false
#else
			:: !pressed -> status = NOT_CONFIRMED
#endif
			:: else ->
				/* 6: a person saw whose slot goes. */
				assert(consent == DROP && consent_a == pSlot &&
					consent_b == slots[pSlot].owner);
				enrolled[slots[pSlot].owner] = false;
				restored[slots[pSlot].owner] = false;
				slots[pSlot].used = false;
				slots[pSlot].owner = 0;
#ifndef REMOVE_SLOT_CLEARING
				slots[pSlot].acked = 0; slots[pSlot].epoch = 0;
#endif
				forget_question();
				status = OK
			fi
		fi
	fi
}

inline on_list(pEp)
{
	if
	:: pEp != epoch -> status = WRONG_EPOCH
	:: else ->
		status = OK; first = present;
		if
		:: peer_slot != NO_SLOT -> second = present & SLOT_HOLDS(peer_slot)
		:: else
		fi
	fi
}

inline on_read(pEp, pA)
{
	if
#ifndef REMOVE_READ_EPOCH
	:: pEp != epoch -> status = WRONG_EPOCH
#endif
	:: else ->
		if
		:: present & BIT(pA) -> status = OK; first = epoch; second = pA
		:: else -> status = REFUSED
		fi
	fi
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What happens to pen and hosts, and what the pen does by itself. */

/* Make room: the oldest record that every used slot has, or else the oldest, and say so. */
inline overwrite()
{
	n = 1;
	do
	:: n <= newest && !((present & BIT(n)) && EVERYBODY_HAS(BIT(n))) -> n++
	:: else -> break
	od;
	if
	:: n > newest ->
		n = 1;
		do
		:: !(present & BIT(n)) -> n++
		:: else -> break
		od;
#ifdef REMOVE_OVERRUN_FLAG
		CHECK_LOSS(BIT(n))
#endif
	:: else -> CHECK_LOSS(BIT(n))
	fi;
	present = present & ~BIT(n);
	n = 0
}

/* A backup that is older by several records is several such steps. */
#define RESTORE_STEP(h, k) \
	:: d_step { !calm && peer != h && (HELD(h) & BIT(k)) -> \
		stores[h].held[epoch] = HELD(h) & ~BIT(k); \
		restored[h] = restored[h] || BELIEVES_TOO_MUCH(0) || BELIEVES_TOO_MUCH(1) }

active proctype world()
{
end:	do
	/* The pen writes a record. */
	:: d_step {
		!calm && newest < NUMBERS ->
		if
		:: COUNT(present) >= CAPACITY -> overwrite()
		:: else
		fi;
		newest++;
		/* 4: no number comes twice. */
		assert(newest > written);
		written = newest;
		present = present | BIT(newest);
		CHECK_SLOTS
	}
	/* It erases record by record, the oldest first; power may fail between any two. */
	:: d_step {
		erasing ->
		n = 1;
		do
		:: n <= erasing && !(present & BIT(n)) -> n++
		:: else -> break
		od;
		if
		:: n > erasing -> erasing = 0; eraser = NOBODY
		:: else ->
			CHECK_LOSS(BIT(n));
			/* 7: nor does the host that asked for it lack it. */
			assert(eraser == NOBODY || !LACKS(HELD(eraser), BIT(n)));
			present = present & ~BIT(n)
		fi;
		n = 0
	}
	/* The link breaks, or the host crashes. */
	:: d_step { !calm && peer != NOBODY -> hang_up() }
	/* The pen loses power. */
	:: d_step {
		!calm ->
		erasing = 0;
#ifdef REMOVE_NEWEST_KEPT
		newest = 0; n = 1;
		do
		:: n <= NUMBERS -> newest = (present & BIT(n) -> n : newest); n++
		:: else -> break
		od;
		n = 0;
#endif
		hang_up()
	}
	/* The log is reset. */
#ifdef REMOVE_EPOCH_FIRST
	/* Power fails after the wiping, before there is a new epoch. */
	:: d_step { !calm && newest -> erasing = 0; present = 0; newest = 0; hang_up() }
#else
	:: d_step {
		!calm && epoch < EPOCHS ->
		erasing = 0; eraser = NOBODY;
		if
		:: peer != 0 -> stores[0].held[epoch] = 0
		:: else
		fi;
		if
		:: peer != 1 -> stores[1].held[epoch] = 0
		:: else
		fi;
		epoch++;
		present = 0; newest = 0; written = 0;
		restored[0] = false; restored[1] = false;
		CHECK_SLOTS
	}
#endif
	RESTORE_STEP(0, 1)
	RESTORE_STEP(0, 2)
	RESTORE_STEP(1, 1)
	RESTORE_STEP(1, 2)
#if NUMBERS > 2
	RESTORE_STEP(0, 3)
	RESTORE_STEP(1, 3)
#endif
#if NUMBERS > 3
	RESTORE_STEP(0, 4)
	RESTORE_STEP(1, 4)
#endif
	/* A person reads what the pen asks, and presses its button. */
	:: d_step {
		!calm && asked && !pressed ->
		pressed = true;
		consent = asked; consent_a = asked_a; consent_b = asked_b
	}
#ifdef LIVE
	:: d_step { !calm -> calm = true }
#endif
	od
}

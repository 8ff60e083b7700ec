/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Which pen is next, and when the next try is: functions of what they are given. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "error.h"
#include "sync-order.h"
#include "sync-room.h"
#include "sync-timing.h"
#include "sync-trouble.h"
#include "test-seed.h"

#define S G_USEC_PER_SEC
/* Both clocks, far from 0. */
#define NOW (G_GINT64_CONSTANT(1000000) * S)

static StpSyncClaim
claim(gint64 waited_s, gint64 age_s)
{
	return (StpSyncClaim){ .waits_since = NOW - waited_s * S, .complete_at = NOW - age_s * S };
}

static void
p20_overrun_comes_before_who_waits_before_age(void **state)
{
	StpSyncClaim claims[4] = { claim(0, 60), claim(0, 24 * 3600), claim(0, 60), claim(0, 60) };

	assert_int_equal(stp_sync_most_urgent(claims, 1, NOW, NOW), 0);
	assert_int_equal(stp_sync_most_urgent(claims, 2, NOW, NOW), 1);
	claims[2].asked = TRUE;
	assert_int_equal(stp_sync_most_urgent(claims, 3, NOW, NOW), 2);
	claims[3].overrun = TRUE;
	assert_int_equal(stp_sync_most_urgent(claims, 4, NOW, NOW), 3);
	assert_int_equal(stp_sync_most_urgent(claims, 0, NOW, NOW), G_MAXUINT);
}

static void
p20_equals_go_in_the_order_they_came(void **state)
{
	StpSyncClaim claims[3] = { claim(5, 60), claim(5, 60), claim(5, 60) };

	assert_int_equal(stp_sync_most_urgent(claims, 3, NOW, NOW), 0);
}

static void
p20_never_synced_counts_as_old_and_a_clock_set_back_as_nothing(void **state)
{
	StpSyncClaim never = claim(0, 0), future = claim(0, -365 * 24 * 3600), old = claim(0, 48 * 3600);

	never.complete_at = 0;
	assert_int_equal(stp_sync_urgency(&never, NOW, NOW), STP_SYNC_AGE_WORTH_S);
	assert_int_equal(stp_sync_urgency(&old, NOW, NOW), STP_SYNC_AGE_WORTH_S);
	assert_int_equal(stp_sync_urgency(&future, NOW, NOW), 0);
}

/* Whatever comes, again and again: who waits is taken, and not much later than its turn. */
static void
p20_nobody_starves(void **state)
{
	GRand *rand = g_rand_new_with_seed((guint32)test_seed());
	StpSyncClaim claims[20];
	gint64 now = NOW, longest = 0;

	for (guint i = 0; i < G_N_ELEMENTS(claims); i++)
		claims[i] = claim(0, 0);
	for (int turn = 0; turn < 100000; turn++) {
		guint next = stp_sync_most_urgent(claims, G_N_ELEMENTS(claims), now, now);

		longest = MAX(longest, now - claims[next].waits_since);
		/* The one that was served asks again at once, and is as urgent as can be. */
		claims[next] = (StpSyncClaim){
			.overrun = g_rand_boolean(rand),
			.asked = g_rand_boolean(rand),
			.complete_at = g_rand_boolean(rand) ? 0 : now,
			.waits_since = now,
		};
		now += g_rand_int_range(rand, 1, STP_SYNC_QUANTUM_S + 1) * S;
	}
	g_rand_free(rand);
	assert_true(longest <= (STP_SYNC_OVERRUN_WORTH_S + STP_SYNC_ASKED_WORTH_S + STP_SYNC_AGE_WORTH_S +
				(gint64)G_N_ELEMENTS(claims) * STP_SYNC_QUANTUM_S) * S);
}

static void
p20_a_sync_yields_after_its_quantum_and_not_before(void **state)
{
	StpSyncClaim running = claim(500, 60), waiting = claim(1, 60);

	assert_false(stp_sync_has_to_yield(&running, NOW - (STP_SYNC_QUANTUM_S - 1) * S, &waiting, NOW, NOW));
	assert_true(stp_sync_has_to_yield(&running, NOW - STP_SYNC_QUANTUM_S * S, &waiting, NOW, NOW));
	/* For one that would come behind it again, it would be a connection for nothing. */
	running.overrun = TRUE;
	assert_false(stp_sync_has_to_yield(&running, NOW - 10 * STP_SYNC_QUANTUM_S * S, &waiting, NOW, NOW));
	waiting.waits_since = NOW - STP_SYNC_OVERRUN_WORTH_S * S;
	assert_true(stp_sync_has_to_yield(&running, NOW - 10 * STP_SYNC_QUANTUM_S * S, &waiting, NOW, NOW));
}

static void
pauses_grow_and_are_capped(void **state)
{
	for (StpTrouble trouble = STP_TROUBLE_LINK; trouble < STP_TROUBLE_CANCELLED; trouble++) {
		guint before = 0;

		for (guint failures = 1; failures <= 100; failures++) {
			guint pause = stp_trouble_pause_s(trouble, failures);

			assert_in_range(pause, MAX(before, 1), 3600);
			before = pause;
		}
		assert_true(before > stp_trouble_pause_s(trouble, 1));
		assert_true(stp_trouble_patience(trouble) >= 1);
	}
	assert_int_equal(stp_trouble_pause_s(STP_TROUBLE_LINK, 1), 1);
	assert_int_equal(stp_trouble_pause_s(STP_TROUBLE_LINK, 6), 300);
	assert_int_equal(stp_trouble_pause_s(STP_TROUBLE_LINK, 1000), 300);
	assert_int_equal(stp_trouble_pause_s(STP_TROUBLE_CANCELLED, 1), 0);
}

static void
every_error_has_a_class(void **state)
{
	static const struct {
		StpError code;
		StpTrouble trouble;
	} table[] = {
		{ STP_ERROR_LINK_FAILED, STP_TROUBLE_LINK },	    { STP_ERROR_NO_SLOT, STP_TROUBLE_SLOTS },
		{ STP_ERROR_NO_ADAPTER, STP_TROUBLE_ABSENT },	    { STP_ERROR_NO_BLUETOOTH, STP_TROUBLE_ABSENT },
		{ STP_ERROR_BUSY, STP_TROUBLE_BUSY },		    { STP_ERROR_STORE_FULL, STP_TROUBLE_STORE },
		{ STP_ERROR_STORE_FAILED, STP_TROUBLE_STORE },	    { STP_ERROR_PROTOCOL_FAILED, STP_TROUBLE_PROTOCOL },
		{ STP_ERROR_DENIED, STP_TROUBLE_ABSENT },	    { STP_ERROR_PEN_FORGOT_BOND, STP_TROUBLE_AUTH },
		{ STP_ERROR_CANCELLED, STP_TROUBLE_CANCELLED },	    { STP_ERROR_NOT_FOUND, STP_TROUBLE_PROTOCOL },
		{ STP_ERROR_INVALID_ARGUMENT, STP_TROUBLE_PERMANENT }, { STP_ERROR_BOND_TOO_WEAK, STP_TROUBLE_AUTH },
		{ STP_ERROR_HOST_LOST_BOND, STP_TROUBLE_AUTH },	    { STP_ERROR_NO_BOND, STP_TROUBLE_AUTH },
		{ STP_ERROR_NO_ROOM_FOR_BOND, STP_TROUBLE_AUTH },   { STP_ERROR_PAIRING_FAILED, STP_TROUBLE_AUTH },
	};

	assert_int_equal(stp_trouble_of(NULL), STP_TROUBLE_NONE);
	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autoptr(GError) error = g_error_new_literal(STP_ERROR, table[i].code, "text");

		assert_int_equal(stp_trouble_of(error), table[i].trouble);
		assert_string_not_equal(stp_trouble_name(table[i].trouble), "none");
	}
}

static void
lt15_room_is_counted_in_sessions(void **state)
{
	/* Ten records of 100 bytes, five sessions: 200 bytes each. */
	StpSyncRoom room = { .capacity = 2000, .records = 10, .bytes = 1000, .sessions = 5 };
	g_autofree char *two = stp_sync_room_text("P1", 2);
	g_autofree char *one = stp_sync_room_text("P1", 1);

	assert_int_equal(stp_sync_room_left(&room, 0), 10);
	assert_int_equal(stp_sync_room_left(&room, 16), 2);
	assert_int_equal(stp_sync_room_left(&room, 19), 0);
	assert_int_equal(stp_sync_room_left(&room, G_MAXUINT32), 0);
	room.sessions = 0;
	assert_int_equal(stp_sync_room_left(&room, 0), STP_SYNC_ROOM_UNKNOWN);
	room = (StpSyncRoom){ .capacity = 0, .records = 1, .bytes = 1, .sessions = 1 };
	assert_int_equal(stp_sync_room_left(&room, 0), STP_SYNC_ROOM_UNKNOWN);
	assert_non_null(strstr(two, "2 more sessions before"));
	assert_non_null(strstr(one, "1 more session before"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p20_overrun_comes_before_who_waits_before_age),
		cmocka_unit_test(p20_equals_go_in_the_order_they_came),
		cmocka_unit_test(p20_never_synced_counts_as_old_and_a_clock_set_back_as_nothing),
		cmocka_unit_test(p20_nobody_starves),
		cmocka_unit_test(p20_a_sync_yields_after_its_quantum_and_not_before),
		cmocka_unit_test(pauses_grow_and_are_capped),
		cmocka_unit_test(every_error_has_a_class),
		cmocka_unit_test(lt15_room_is_counted_in_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

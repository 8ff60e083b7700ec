/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chain-model.h"
#include "session-generator.h"
#include "test-seed.h"

#define SERIAL "DP-2044-0017"
#define KEY "key of 0017"
#define EPOCH 0xC0FFEE01u

static uint64_t seed;
static struct chain_log whole, cut;
static struct chain_findings found;

/* A log of hundreds of records in whole, and a copy to tamper with in cut. */
static void
begin(unsigned sessions)
{
	memset(&whole, 0, sizeof(whole));
	chain_log_begin(&whole, SERIAL, KEY, EPOCH);
	chain_log_fill(&whole, sessions, seed);
	cut = whole;
}

static void
verify(void)
{
	chain_log_verify(&cut, cut.key.public_key, 0, &found);
}

static size_t
place_of(uint8_t type, unsigned nth)
{
	for (size_t i = 0; i < whole.count; i++) {
		struct stp_record_head head;

		assert_int_equal(stp_record_read_head(whole.items[i].raw, whole.items[i].size, &head), STP_OK);
		if (head.type == type && nth-- == 0)
			return i;
	}
	fail_msg("there is no such record");
	return 0;
}

static struct stp_record_head
head_of(const struct chain_item *item)
{
	struct stp_record_head head;

	assert_int_equal(stp_record_read_head(item->raw, item->size, &head), STP_OK);
	return head;
}

static void
what_a_pen_wrote_is_proven(void **state)
{
	uint32_t sessions = 0;

	begin(120);
	verify();
	assert_true(found.count > 300);
	assert_true(chain_is_sound(&found));
	for (size_t i = 0; i < found.count; i++) {
		const struct stp_chain_report *report = &found.reports[i];

		assert_int_equal(report->link, i == 0 ? STP_CHAIN_FIRST : STP_CHAIN_LINKED);
		assert_int_equal(report->number, whole.items[i].number);
		assert_null(report->reason);
		assert_int_equal(chain_is_proven(&found, i), i + 1 < found.count);
		if (i > 0 && whole.items[i].number != whole.items[i - 1].number + 1) {
			assert_int_equal(report->missing_from, whole.items[i - 1].number + 1);
			assert_int_equal(report->missing_to, whole.items[i].number - 1);
		} else {
			assert_int_equal(report->missing_from, 0);
		}
		if (report->seal == STP_SEAL_NONE)
			continue;
		assert_int_equal(report->seal, STP_SEAL_GOOD);
		assert_int_equal(report->session_no, ++sessions);
		assert_int_equal(report->counter, sessions);
		assert_int_equal(report->proven_from, whole.items[0].number);
		assert_int_equal(report->proven_to, whole.items[i - 1].number);
		assert_int_equal(report->session_last, whole.items[i - 1].number);
	}
	assert_int_equal(sessions, 120);
	assert_int_equal(found.summary.sessions, 120);
	assert_int_equal(found.summary.seals_held, 120);
	assert_int_equal(found.summary.records, whole.count);
	assert_int_equal(found.summary.proven, whole.count - 1);
	assert_int_equal(found.summary.tail, 0);
	assert_int_equal(found.summary.counter, whole.counter);
	assert_int_equal(found.summary.sealed_to, whole.newest);
	assert_int_equal(found.summary.first, whole.items[0].number);
	assert_int_equal(found.summary.last, whole.newest);
}

static void
a_flipped_byte_is_damage(void **state)
{
	struct session_random random = { seed };

	begin(12);
	for (size_t i = 0; i < whole.count; i++) {
		cut.items[i].raw[session_random_below(&random, (uint32_t)whole.items[i].size)] ^=
			(uint8_t)(1u << session_random_below(&random, 8));
		verify();
		assert_int_equal(found.reports[i].link, STP_CHAIN_DAMAGED);
		assert_int_equal(found.reports[i].number, 0);
		assert_string_equal(found.reports[i].reason, "the record is damaged");
		assert_int_equal(found.summary.damaged, 1);
		assert_false(chain_is_proven(&found, i));
		if (i + 1 < whole.count) {
			assert_int_equal(found.reports[i + 1].link, STP_CHAIN_ACROSS);
			assert_int_equal(found.summary.across, 1);
			assert_int_equal(found.summary.lacking, 1);
		}
		/* The session it belongs to, if any, is the only one that is not proven. */
		assert_true(found.summary.sessions >= 11);
		cut.items[i] = whole.items[i];
	}
}

/* Whoever mends the checksum too changes what the next record names, or what the seal says. */
static void
a_mended_flip_is_never_proven(void **state)
{
	static const uint8_t types[] = { STP_RECORD_SESSION, STP_RECORD_EVENT, STP_RECORD_SEAL };

	begin(6);
	for (size_t t = 0; t < sizeof(types); t++) {
		size_t at = place_of(types[t], 1);

		for (size_t bit = 0; bit < 8 * (whole.items[at].size - STP_RECORD_TRAILER_SIZE); bit++) {
			cut.items[at].raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
			chain_item_mend(&cut.items[at]);
			verify();
			assert_false(chain_is_sound(&found));
			assert_false(chain_is_proven(&found, at));
			cut.items[at] = whole.items[at];
		}
	}
}

static void
a_forged_record_breaks_the_next(void **state)
{
	size_t at;

	begin(20);
	at = place_of(STP_RECORD_SESSION, 9);
	struct stp_record_head head = head_of(&whole.items[at]);

	head.start_tick_ms += 60000;
	chain_item_rewrite(&cut.items[at], &head);
	verify();
	assert_int_equal(found.reports[at].link, STP_CHAIN_LINKED);
	assert_true(found.reports[at + 1].link == STP_CHAIN_BROKEN || found.reports[at + 1].link == STP_CHAIN_GAP);
	assert_false(chain_is_proven(&found, at));
	assert_true(chain_is_proven(&found, at + 1));
}

/* All of the hash counts. */
static void
a_hash_that_differs_at_its_end_is_another(void **state)
{
	struct stp_record_head head;

	begin(20);
	head = head_of(&whole.items[30]);
	head.prev_hash[STP_RECORD_HASH_SIZE - 1] ^= 0x80;
	chain_item_rewrite(&cut.items[30], &head);
	verify();
	assert_true(found.reports[30].link == STP_CHAIN_BROKEN || found.reports[30].link == STP_CHAIN_GAP);
}

/* The record that a seal was written behind. */
static void
a_forged_session_does_not_fit_its_seal(void **state)
{
	size_t at;

	begin(5);
	at = place_of(STP_RECORD_SEAL, 2) - 1;
	struct stp_record_head head = head_of(&whole.items[at]);

	head.boot_id++;
	chain_item_rewrite(&cut.items[at], &head);
	verify();
	assert_int_equal(found.reports[at + 1].link, STP_CHAIN_BROKEN);
	assert_int_equal(found.reports[at + 1].seal, STP_SEAL_MISMATCH);
	assert_string_equal(found.reports[at + 1].reason, "the seal was not written behind the record before it");
	assert_false(chain_is_proven(&found, at));
	assert_int_equal(found.summary.seals_refused, 1);
	assert_int_equal(found.summary.sessions, 4);
}

static void
a_dropped_record_leaves_a_gap(void **state)
{
	begin(30);
	for (size_t i = 0; i + 1 < whole.count; i++) {
		bool skipped = i > 0 && whole.items[i + 1].number - whole.items[i - 1].number > 1;

		cut = whole;
		chain_log_drop(&cut, i, 1);
		verify();
		assert_true(skipped || i == 0);
		assert_int_equal(found.reports[i].link, i == 0 ? STP_CHAIN_START : STP_CHAIN_GAP);
		assert_int_equal(found.summary.gaps, i > 0);
		assert_int_equal(found.summary.before_first, i == 0);
		assert_int_equal(found.summary.lacking, 1);
		if (i > 0) {
			assert_true(found.reports[i].missing_from <= whole.items[i].number);
			assert_true(found.reports[i].missing_to >= whole.items[i].number);
		}
	}
}

static void
a_dropped_seal_leaves_its_session_unproven(void **state)
{
	size_t seal, first;

	begin(10);
	seal = place_of(STP_RECORD_SEAL, 4);
	first = place_of(STP_RECORD_SEAL, 3) + 1;
	chain_log_drop(&cut, seal, 1);
	verify();
	assert_int_equal(found.reports[seal].link, STP_CHAIN_GAP);
	assert_int_equal(found.summary.sessions, 9);
	assert_int_equal(found.summary.lacking, 1);
	assert_int_equal(found.summary.proven, cut.count - 1 - (seal - first) - 1);
	for (size_t i = 0; i < cut.count; i++)
		assert_int_equal(chain_is_proven(&found, i),
				 i < first - 1 || (i >= seal && i + 1 < cut.count));
	/* The next session begins behind the gap: it is proven as a whole all the same. */
	assert_int_equal(found.summary.seals_refused, 0);
}

static void
a_gap_within_a_session_leaves_it_short(void **state)
{
	size_t seal;

	begin(0);
	chain_log_session(&whole, 1);
	chain_log_session(&whole, 3);
	chain_log_session(&whole, 1);
	cut = whole;
	seal = place_of(STP_RECORD_SEAL, 1);
	chain_log_drop(&cut, seal - 3, 1);
	verify();
	assert_int_equal(found.reports[seal - 1].seal, STP_SEAL_SHORT);
	assert_int_equal(found.reports[seal - 1].session_no, 0);
	assert_int_equal(found.reports[seal - 1].proven_from, whole.items[seal - 2].number);
	assert_int_equal(found.summary.sessions, 2);
	assert_int_equal(found.summary.seals_held, 3);
	assert_true(chain_is_proven(&found, seal - 2));
}

static void
swapped_records_are_out_of_order(void **state)
{
	begin(20);
	for (size_t i = 0; i + 1 < whole.count; i++) {
		cut = whole;
		cut.items[i] = whole.items[i + 1];
		cut.items[i + 1] = whole.items[i];
		verify();
		assert_int_equal(found.reports[i].link, i == 0 ? STP_CHAIN_START : STP_CHAIN_GAP);
		assert_int_equal(found.reports[i + 1].link, STP_CHAIN_ORDER);
		assert_int_equal(found.summary.disordered, 1);
	}
}

/* Two records that trade their numbers. */
static void
renumbered_records_are_broken(void **state)
{
	struct stp_record_head one, two;
	size_t at;

	begin(20);
	at = place_of(STP_RECORD_SESSION, 12);
	one = head_of(&whole.items[at]);
	two = head_of(&whole.items[at + 1]);
	cut.items[at] = whole.items[at + 1];
	cut.items[at + 1] = whole.items[at];
	two.number = one.number;
	one.number = whole.items[at + 1].number;
	chain_item_rewrite(&cut.items[at], &two);
	chain_item_rewrite(&cut.items[at + 1], &one);
	verify();
	assert_true(found.reports[at].link == STP_CHAIN_BROKEN || found.reports[at].link == STP_CHAIN_GAP);
	assert_true(found.reports[at + 1].link == STP_CHAIN_BROKEN || found.reports[at + 1].link == STP_CHAIN_GAP);
	assert_false(chain_is_proven(&found, at));
	assert_false(chain_is_proven(&found, at + 1));
}

static void
a_cut_tail_shows_against_the_counter(void **state)
{
	begin(40);
	for (size_t left = whole.count - 1; left > 0; left--) {
		uint32_t seals = 0;
		size_t tail = 0;

		chain_log_drop(&cut, left, 1);
		verify();
		for (size_t i = 0; i < left; i++) {
			seals += found.reports[i].seal == STP_SEAL_GOOD;
			tail = found.reports[i].seal == STP_SEAL_GOOD ? 0 : tail + 1;
		}
		assert_int_equal(found.summary.counter, seals);
		assert_true(found.summary.counter < whole.counter);
		assert_int_equal(found.summary.tail, tail);
		assert_int_equal(found.summary.gaps, 0);
	}
}

static void
a_cut_tail_shows_against_what_comes_later(void **state)
{
	begin(10);
	chain_log_drop(&cut, cut.count - 7, 7);
	for (size_t i = 0; i < 4; i++)
		chain_log_session(&whole, 2);
	for (size_t i = whole.count - 16; i < whole.count; i++)
		chain_log_insert(&cut, cut.count, &whole.items[i]);
	verify();
	assert_int_equal(found.summary.gaps, 1);
	assert_int_equal(found.summary.lacking, 7);
	assert_int_equal(found.summary.counter, whole.counter);
}

static void
the_oldest_may_be_overwritten(void **state)
{
	size_t seal;

	begin(0);
	chain_log_session(&whole, 2);
	chain_log_session(&whole, 2);
	cut = whole;
	seal = place_of(STP_RECORD_SEAL, 0);
	chain_log_drop(&cut, 0, 2);
	verify();
	assert_int_equal(found.reports[0].link, STP_CHAIN_START);
	assert_string_equal(found.reports[0].reason, "the record written before it was not given");
	assert_int_equal(found.reports[seal - 2].seal, STP_SEAL_SHORT);
	assert_true(found.summary.before_first);
	assert_int_equal(found.summary.lacking, 2);
	assert_int_equal(found.summary.sessions, 1);
	assert_int_equal(found.summary.proven, cut.count - 1);
}

static void
an_inserted_record_is_not_proven(void **state)
{
	struct stp_record_head head;
	struct chain_item forged;
	size_t at;

	/* Into a number that the pen skipped, naming the record before it. */
	begin(0);
	chain_log_session(&whole, 1);
	whole.newest += 2;
	chain_log_session(&whole, 1);
	cut = whole;
	at = place_of(STP_RECORD_SESSION, 1);
	forged = whole.items[at];
	head = head_of(&forged);
	head.number--;
	chain_item_rewrite(&forged, &head);
	chain_log_insert(&cut, at, &forged);
	verify();
	assert_int_equal(found.reports[at].link, STP_CHAIN_LINKED);
	assert_int_equal(found.reports[at + 1].link, STP_CHAIN_BROKEN);
	assert_false(chain_is_proven(&found, at));

	/* Before the first one. */
	begin(0);
	whole.newest = 5;
	chain_log_event(&whole);
	chain_log_session(&whole, 1);
	cut = whole;
	forged = whole.items[0];
	head = head_of(&forged);
	head.number = 3;
	chain_item_rewrite(&forged, &head);
	chain_log_insert(&cut, 0, &forged);
	verify();
	assert_int_equal(found.reports[1].link, STP_CHAIN_UNCHAINED);
	assert_int_equal(found.reports[3].seal, STP_SEAL_MISMATCH);
	assert_string_equal(found.reports[3].reason, "there are more records than the pen says it wrote");
	assert_false(chain_is_proven(&found, 0));
}

static void
an_appended_record_is_in_the_tail(void **state)
{
	struct chain_item forged;
	struct stp_record_head head;

	begin(3);
	forged = whole.items[whole.count - 2];
	head = head_of(&forged);
	head.number = whole.newest + 1;
	sealing_sha256(whole.items[whole.count - 1].raw, whole.items[whole.count - 1].size, head.prev_hash);
	chain_item_rewrite(&forged, &head);
	chain_log_insert(&cut, cut.count, &forged);
	verify();
	assert_int_equal(found.reports[whole.count].link, STP_CHAIN_LINKED);
	assert_int_equal(found.summary.tail, 1);
	assert_int_equal(found.summary.proven, whole.count - 1);
	assert_false(chain_is_proven(&found, whole.count));
}

static void
another_pens_and_epochs_records_are_left_out(void **state)
{
	static struct chain_log other;

	begin(3);
	chain_log_begin(&other, "DP-2044-0018", KEY, EPOCH);
	chain_log_event(&other);
	chain_log_insert(&cut, 2, &other.items[0]);
	chain_log_begin(&other, SERIAL, KEY, EPOCH + 1);
	chain_log_event(&other);
	chain_log_insert(&cut, 2, &other.items[0]);
	verify();
	assert_int_equal(found.summary.foreign, 2);
	assert_int_equal(found.reports[2].link, STP_CHAIN_FOREIGN);
	assert_int_equal(found.reports[3].link, STP_CHAIN_FOREIGN);
	assert_int_equal(found.reports[4].link, STP_CHAIN_LINKED);
	assert_int_equal(found.summary.proven, whole.count - 1);
}

static void
a_pen_that_does_not_chain_proves_nothing(void **state)
{
	begin(0);
	whole.chained = false;
	for (unsigned i = 0; i < 5; i++)
		chain_log_event(&whole);
	/* Its firmware is updated. */
	whole.chained = true;
	chain_log_event(&whole);
	chain_log_session(&whole, 2);
	cut = whole;
	verify();
	for (size_t i = 1; i < 5; i++)
		assert_int_equal(found.reports[i].link, STP_CHAIN_UNCHAINED);
	assert_int_equal(found.reports[5].link, STP_CHAIN_LINKED);
	assert_int_equal(found.summary.unchained, 4);
	assert_int_equal(found.summary.sessions, 1);
	for (size_t i = 0; i < cut.count; i++)
		assert_int_equal(chain_is_proven(&found, i), i >= 4 && i + 1 < cut.count);
	assert_int_equal(found.summary.proven, cut.count - 5);
	assert_int_equal(found.summary.lacking, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_pen_wrote_is_proven),
		cmocka_unit_test(a_flipped_byte_is_damage),
		cmocka_unit_test(a_mended_flip_is_never_proven),
		cmocka_unit_test(a_forged_record_breaks_the_next),
		cmocka_unit_test(a_hash_that_differs_at_its_end_is_another),
		cmocka_unit_test(a_forged_session_does_not_fit_its_seal),
		cmocka_unit_test(a_dropped_record_leaves_a_gap),
		cmocka_unit_test(a_dropped_seal_leaves_its_session_unproven),
		cmocka_unit_test(a_gap_within_a_session_leaves_it_short),
		cmocka_unit_test(swapped_records_are_out_of_order),
		cmocka_unit_test(renumbered_records_are_broken),
		cmocka_unit_test(a_cut_tail_shows_against_the_counter),
		cmocka_unit_test(a_cut_tail_shows_against_what_comes_later),
		cmocka_unit_test(the_oldest_may_be_overwritten),
		cmocka_unit_test(an_inserted_record_is_not_proven),
		cmocka_unit_test(an_appended_record_is_in_the_tail),
		cmocka_unit_test(another_pens_and_epochs_records_are_left_out),
		cmocka_unit_test(a_pen_that_does_not_chain_proves_nothing),
	};

	seed = test_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

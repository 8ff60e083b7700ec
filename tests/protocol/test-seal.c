/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "chain-model.h"

#define SERIAL "DP-2044-0017"
#define KEY "key of 0017"
#define EPOCH 0xC0FFEE01u

static struct chain_log pen;
static struct chain_findings found;

static void
begin(void)
{
	memset(&pen, 0, sizeof(pen));
	chain_log_begin(&pen, SERIAL, KEY, EPOCH);
}

static const struct stp_chain_report *
verify(void)
{
	chain_log_verify(&pen, pen.key.public_key, 0, &found);
	return &found.reports[found.count - 1];
}

/* Two parts and an event between, numbers 2 to 4, waiting for their seal; what an honest pen would state. */
static struct stp_seal_statement
a_session(void)
{
	begin();
	chain_log_event(&pen);
	pen.session_no = 9;
	chain_log_part(&pen, 9, 0, false);
	chain_log_event(&pen);
	chain_log_part(&pen, 9, 1, true);
	return chain_log_state(&pen, 2, 4);
}

static void
check_refused(const struct stp_seal_statement *statement, enum stp_seal_verdict verdict, const char *reason)
{
	const struct stp_chain_report *report;

	chain_log_seal(&pen, statement);
	report = verify();
	assert_int_equal(report->seal, verdict);
	assert_string_equal(report->reason, reason);
	assert_int_equal(report->proven_from, 0);
	assert_int_equal(report->session_no, 0);
	assert_int_equal(found.summary.seals_refused, 1);
	assert_int_equal(found.summary.sessions, 0);
	assert_int_equal(found.summary.proven, 0);
	assert_int_equal(found.summary.counter, 0);
	assert_int_equal(found.summary.tail, pen.count);
}

static void
a_true_seal_is_good(void **state)
{
	struct stp_seal_statement statement = a_session();
	const struct stp_chain_report *report;

	chain_log_seal(&pen, &statement);
	report = verify();
	assert_int_equal(report->seal, STP_SEAL_GOOD);
	assert_int_equal(report->session_no, 9);
	assert_int_equal(report->session_first, 2);
	assert_int_equal(report->session_last, 4);
	assert_int_equal(report->proven_from, 1);
	assert_int_equal(report->proven_to, 4);
}

static void
a_seal_without_a_session_is_good(void **state)
{
	struct stp_seal_statement statement;

	begin();
	statement = chain_log_state(&pen, 0, 0);
	chain_log_seal(&pen, &statement);
	assert_int_equal(verify()->seal, STP_SEAL_GOOD);
	chain_log_event(&pen);
	statement = chain_log_state(&pen, 0, 0);
	chain_log_seal(&pen, &statement);
	assert_int_equal(verify()->seal, STP_SEAL_GOOD);
	assert_int_equal(found.summary.sessions, 0);
	assert_int_equal(found.summary.proven, 2);
}

/* A pen that signs what is not so. */
static void
a_false_statement_is_named(void **state)
{
	static const char other_record[] = "the seal was made for another record";
	static const char other_session[] = "the session before the seal is not the one it speaks of, or not whole";
	static const char other_numbers[] = "the session before the seal has other record numbers than it says";
	static const char other_count[] = "the session before the seal has another number of records than it says";
	static const char other_records[] = "the seal counts other records than were given";
	struct stp_seal_statement statement;

	statement = a_session(), statement.serial[11] = '8';
	check_refused(&statement, STP_SEAL_MISMATCH, other_record);
	statement = a_session(), statement.epoch++;
	check_refused(&statement, STP_SEAL_MISMATCH, other_record);
	statement = a_session(), statement.number++;
	check_refused(&statement, STP_SEAL_MISMATCH, other_record);
	statement = a_session(), statement.prev_hash[31] ^= 1;
	check_refused(&statement, STP_SEAL_MISMATCH, other_record);
	statement = a_session(), statement.session_no++;
	check_refused(&statement, STP_SEAL_MISMATCH, other_session);
	statement = a_session(), statement.first--;
	check_refused(&statement, STP_SEAL_MISMATCH, other_numbers);
	statement = a_session(), statement.last--, statement.records--;
	check_refused(&statement, STP_SEAL_MISMATCH, other_numbers);
	statement = a_session(), statement.records--;
	check_refused(&statement, STP_SEAL_MISMATCH, other_count);
	statement = a_session(), statement.written--;
	check_refused(&statement, STP_SEAL_MISMATCH, other_records);
}

static void
a_session_that_is_not_whole_is_named(void **state)
{
	static const char reason[] = "the session before the seal is not the one it speaks of, or not whole";
	struct stp_seal_statement statement;

	begin();
	pen.session_no = 9;
	chain_log_part(&pen, 9, 0, false);
	statement = chain_log_state(&pen, 1, 1);
	check_refused(&statement, STP_SEAL_MISMATCH, reason);

	begin();
	pen.session_no = 9;
	chain_log_part(&pen, 9, 0, false);
	chain_log_part(&pen, 9, 2, true);
	statement = chain_log_state(&pen, 1, 2);
	check_refused(&statement, STP_SEAL_MISMATCH, reason);

	begin();
	pen.session_no = 9;
	chain_log_part(&pen, 9, 0, false);
	chain_log_part(&pen, 8, 1, true);
	statement = chain_log_state(&pen, 1, 2);
	check_refused(&statement, STP_SEAL_MISMATCH, reason);

	/* One part too many. */
	begin();
	pen.session_no = 9;
	chain_log_part(&pen, 9, 0, true);
	chain_log_part(&pen, 9, 1, true);
	statement = chain_log_state(&pen, 1, 2);
	check_refused(&statement, STP_SEAL_MISMATCH, reason);
}

/* Within an unbroken run the count of records goes with the records. */
static void
counts_of_two_seals_must_agree(void **state)
{
	struct stp_seal_statement statement;
	const struct stp_chain_report *report;

	begin();
	pen.newest = pen.written = 6;
	chain_log_session(&pen, 1);
	assert_int_equal(verify()->seal, STP_SEAL_GOOD);
	assert_int_equal(found.summary.lacking, 6);
	chain_log_event(&pen);
	statement = chain_log_state(&pen, 0, 0);
	statement.written--;
	chain_log_seal(&pen, &statement);
	report = verify();
	assert_int_equal(report->seal, STP_SEAL_MISMATCH);
	assert_string_equal(report->reason, "the seal counts other records than were given");
}

static void
the_counter_never_goes_back(void **state)
{
	static const char reason[] = "the pen's counter went back";
	struct stp_seal_statement statement;

	begin();
	chain_log_session(&pen, 1);
	chain_log_session(&pen, 1);
	chain_log_event(&pen);
	statement = chain_log_state(&pen, 0, 0);
	statement.counter = 2;
	chain_log_seal(&pen, &statement);
	assert_int_equal(verify()->seal, STP_SEAL_COUNTER_BACK);
	assert_string_equal(verify()->reason, reason);
	assert_int_equal(found.summary.counter, 2);
	assert_int_equal(found.summary.tail, 2);
	/* What comes later vouches for it all the same. */
	statement = chain_log_state(&pen, 0, 0);
	statement.counter = 3;
	chain_log_seal(&pen, &statement);
	assert_int_equal(verify()->seal, STP_SEAL_GOOD);
	assert_int_equal(found.summary.proven, pen.count - 1);

	/* Against another epoch. */
	statement = a_session();
	statement.counter = 41;
	chain_log_seal(&pen, &statement);
	chain_log_verify(&pen, pen.key.public_key, 40, &found);
	assert_int_equal(found.summary.seals_held, 1);
	assert_int_equal(found.summary.counter, 41);
	chain_log_verify(&pen, pen.key.public_key, 41, &found);
	assert_int_equal(found.summary.seals_held, 0);
	assert_int_equal(found.reports[4].seal, STP_SEAL_COUNTER_BACK);
}

static void
an_old_seal_cannot_be_used_again(void **state)
{
	struct stp_record_head head;
	struct chain_item old;

	begin();
	chain_log_session(&pen, 1);
	old = pen.items[1];
	chain_log_session(&pen, 1);
	/* As it was. */
	chain_log_insert(&pen, pen.count, &old);
	assert_int_equal(verify()->link, STP_CHAIN_ORDER);
	assert_int_equal(verify()->seal, STP_SEAL_NONE);
	/* Made to fit. */
	assert_int_equal(stp_record_read_head(old.raw, old.size, &head), STP_OK);
	head.number = 5;
	sealing_sha256(pen.items[3].raw, pen.items[3].size, head.prev_hash);
	chain_item_rewrite(&pen.items[4], &head);
	assert_int_equal(verify()->link, STP_CHAIN_LINKED);
	assert_int_equal(verify()->seal, STP_SEAL_MISMATCH);
	assert_string_equal(verify()->reason, "the seal was made for another record");
}

static void
keys_matter(void **state)
{
	struct stp_seal_statement statement = a_session();
	struct sealing_key other;

	chain_log_seal(&pen, &statement);
	sealing_key_from_text(&other, "key of another pen");
	chain_log_verify(&pen, other.public_key, 0, &found);
	assert_int_equal(found.reports[4].seal, STP_SEAL_WRONG_KEY);
	assert_string_equal(found.reports[4].reason, "the seal was made with another key");
	assert_int_equal(found.summary.proven, 0);

	/* Signed with one key in the name of the other. */
	memcpy(pen.key.secret_key, other.secret_key, sizeof(other.secret_key));
	pen.count--, pen.newest--, pen.written--;
	chain_log_seal(&pen, &statement);
	assert_int_equal(verify()->seal, STP_SEAL_BAD_SIGNATURE);
	assert_string_equal(verify()->reason, "the seal's signature does not hold");
	assert_int_equal(found.summary.proven, 0);

	chain_log_verify(&pen, NULL, 0, &found);
	assert_int_equal(found.reports[4].seal, STP_SEAL_NO_KEY);
	assert_int_equal(found.summary.proven, 0);
	assert_int_equal(found.summary.counter, 0);
	/* Without a key, too, what is not so is named. */
	statement.records--;
	pen.count--, pen.newest--, pen.written--;
	chain_log_seal(&pen, &statement);
	chain_log_verify(&pen, NULL, 0, &found);
	assert_int_equal(found.reports[4].seal, STP_SEAL_MISMATCH);
}

/* A seal record with this statement, signed. */
static void
seal_with(const uint8_t *statement, size_t size)
{
	struct stp_record_head head = { .serial = SERIAL, .epoch = EPOCH, .number = 1, .schema_rev = 1,
		.type = STP_RECORD_SEAL };
	struct stp_seal seal = { .statement_size = (uint8_t)size };
	struct stp_record_writer writer;

	begin();
	memcpy(seal.statement, statement, size);
	sealing_sign(&pen.key, &seal);
	stp_record_begin(&writer, pen.items[0].raw, CHAIN_RECORD_MAX, &head);
	stp_record_put_seal(&writer, &seal);
	assert_int_equal(stp_record_finish(&writer, &pen.items[0].size), STP_OK);
	pen.count = 1;
}

static void
seals_that_cannot_be_read_are_refused(void **state)
{
	static const uint8_t later[] = { 2, 'x' }, odd[] = { 1, 0 };
	struct stp_record_head head = { .serial = SERIAL, .epoch = EPOCH, .number = 1, .schema_rev = 1,
		.type = STP_RECORD_SEAL };
	struct stp_record_writer writer;
	struct stp_seal seal;

	seal_with(later, sizeof(later));
	assert_int_equal(verify()->seal, STP_SEAL_UNKNOWN);
	assert_int_equal(found.summary.seals_refused, 1);
	assert_int_equal(stp_record_validate(pen.items[0].raw, pen.items[0].size, NULL), STP_OK);
	seal_with(odd, sizeof(odd));
	assert_int_equal(verify()->seal, STP_SEAL_MALFORMED);
	/* No seal in it. */
	stp_record_begin(&writer, pen.items[0].raw, CHAIN_RECORD_MAX, &head);
	assert_int_equal(stp_record_finish(&writer, &pen.items[0].size), STP_OK);
	assert_int_equal(verify()->seal, STP_SEAL_MALFORMED);
	assert_int_equal(stp_record_read_seal(pen.items[0].raw, pen.items[0].size, &seal), STP_ERR_MALFORMED);
}

static void
a_seal_comes_back(void **state)
{
	struct stp_seal_statement given = a_session(), read;
	struct stp_record *record = NULL;
	struct stp_seal seal;
	uint8_t message[STP_SEAL_MESSAGE_MAX];
	const struct chain_item *item;
	size_t size;

	chain_log_seal(&pen, &given);
	item = &pen.items[4];
	assert_int_equal(stp_record_validate(item->raw, item->size, NULL), STP_OK);
	assert_int_equal(stp_record_decode(item->raw, item->size, &record), STP_OK);
	assert_null(stp_record_session(record));
	assert_null(stp_record_event(record));
	assert_int_equal(stp_record_read_seal(item->raw, item->size, &seal), STP_OK);
	assert_memory_equal(stp_record_seal(record), &seal, sizeof(seal));
	assert_int_equal(seal.statement_size, 70 + strlen(SERIAL));
	assert_memory_equal(seal.key_id, pen.key.key_id, sizeof(seal.key_id));
	assert_int_equal(stp_seal_statement_decode(seal.statement, seal.statement_size, &read), STP_OK);
	assert_string_equal(read.serial, SERIAL);
	assert_int_equal(read.epoch, EPOCH);
	assert_int_equal(read.number, 5);
	assert_int_equal(read.session_no, 9);
	assert_int_equal(read.first, 2);
	assert_int_equal(read.last, 4);
	assert_int_equal(read.records, 3);
	assert_int_equal(read.written, 4);
	assert_int_equal(read.counter, 1);
	assert_memory_equal(read.prev_hash, stp_record_head(record)->prev_hash, sizeof(read.prev_hash));
	seal.statement[5] = '\n';
	assert_int_equal(stp_seal_statement_decode(seal.statement, seal.statement_size, &read),
			 STP_ERR_MALFORMED);
	seal.statement[5] = (uint8_t)SERIAL[3];
	assert_int_equal(stp_seal_message(&seal, message, &size), STP_OK);
	assert_int_equal(size, 15 + seal.statement_size);
	assert_memory_equal(message, "Stipple seal 1", 15);
	assert_memory_equal(message + 15, seal.statement, seal.statement_size);
	stp_record_free(record);
	item = &pen.items[1];
	assert_int_equal(stp_record_read_seal(item->raw, item->size, &seal), STP_ERR_UNKNOWN);
}

static void
a_pen_cannot_write_nonsense(void **state)
{
	struct stp_record_head head = { .serial = SERIAL, .epoch = EPOCH, .number = 1, .schema_rev = 1,
		.type = STP_RECORD_SEAL };
	struct stp_seal_statement statement;
	struct stp_seal seal = { .statement_size = 0 }, before = seal;
	struct stp_record_writer writer;
	uint8_t raw[CHAIN_RECORD_MAX], message[STP_SEAL_MESSAGE_MAX];
	size_t size;

	statement = a_session(), statement.counter = 0;
	assert_int_equal(stp_seal_statement_encode(&statement, &seal), STP_ERR_RANGE);
	statement = a_session(), statement.serial[0] = '\0';
	assert_int_equal(stp_seal_statement_encode(&statement, &seal), STP_ERR_MALFORMED);
	statement = a_session(), statement.serial[3] = '\t';
	assert_int_equal(stp_seal_statement_encode(&statement, &seal), STP_ERR_MALFORMED);
	statement = a_session(), memset(statement.serial, 'x', sizeof(statement.serial));
	assert_int_equal(stp_seal_statement_encode(&statement, &seal), STP_ERR_MALFORMED);
	statement = a_session(), statement.written = statement.number;
	assert_int_equal(stp_seal_statement_encode(&statement, &seal), STP_ERR_MALFORMED);
	assert_memory_equal(&seal, &before, sizeof(seal));
	assert_int_equal(stp_seal_message(&seal, message, &size), STP_ERR_RANGE);
	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_seal(&writer, &seal);
	assert_int_equal(stp_record_finish(&writer, &size), STP_ERR_RANGE);
	seal.statement_size = STP_SEAL_STATEMENT_MAX + 1;
	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_seal(&writer, &seal);
	assert_int_equal(stp_record_finish(&writer, &size), STP_ERR_RANGE);
}

static bool fail_next;

static bool
failing_sha256(void *user, const uint8_t *bytes, size_t size, uint8_t out[STP_RECORD_HASH_SIZE])
{
	if (fail_next)
		return false;
	sealing_sha256(bytes, size, out);
	return true;
}

static void
the_callers_functions_may_fail(void **state)
{
	struct stp_chain_config config = { .crypto = sealing_crypto() };
	struct stp_seal_statement statement = a_session();
	struct stp_chain_report report, before;
	struct stp_chain chain;

	chain_log_seal(&pen, &statement);
	config.crypto.sha256 = NULL;
	assert_int_equal(stp_chain_init(&chain, &config), STP_ERR_ARGUMENT);
	config.crypto.sha256 = failing_sha256;
	config.crypto.verify = NULL;
	assert_int_equal(stp_chain_init(&chain, &config), STP_OK);
	config.key = pen.key.public_key;
	assert_int_equal(stp_chain_init(&chain, &config), STP_ERR_ARGUMENT);
	config.crypto.verify = sealing_crypto().verify;
	fail_next = true;
	assert_int_equal(stp_chain_init(&chain, &config), STP_ERR_IO);
	fail_next = false;
	assert_int_equal(stp_chain_init(&chain, &config), STP_OK);
	for (size_t i = 0; i < pen.count; i++) {
		memset(&report, 0x5A, sizeof(report));
		before = report;
		fail_next = true;
		assert_int_equal(stp_chain_add(&chain, pen.items[i].raw, pen.items[i].size, &report), STP_ERR_IO);
		assert_memory_equal(&report, &before, sizeof(report));
		fail_next = false;
		assert_int_equal(stp_chain_add(&chain, pen.items[i].raw, pen.items[i].size, &report), STP_OK);
		assert_int_equal(report.link, i == 0 ? STP_CHAIN_FIRST : STP_CHAIN_LINKED);
	}
	assert_int_equal(report.seal, STP_SEAL_GOOD);
}

/* What a record may say besides: when it was, and what a host calls it. */
static void
the_new_fields_come_back(void **state)
{
	struct stp_record_head head = { .serial = SERIAL, .epoch = EPOCH, .number = 1, .schema_rev = 1,
		.type = STP_RECORD_EVENT };
	struct stp_event event = { .code = STP_EVENT_POWER_UP, .arg = STP_POWER_UP_UPDATE,
		.utc_ms = UINT64_C(1795270800123), .utc_uncertainty_ms = 2500 };
	struct stp_session_part part = { .session_no = 1, .period_ms = 10, .has_session_tag = true,
		.session_tag = { 1, 2, 3, 4, 5, 6, 7, 8 } };
	struct stp_record_writer writer;
	struct stp_record *record = NULL;
	uint8_t raw[CHAIN_RECORD_MAX];
	size_t size;

	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_event(&writer, &event);
	assert_int_equal(stp_record_finish(&writer, &size), STP_OK);
	assert_int_equal(stp_record_decode(raw, size, &record), STP_OK);
	assert_true(stp_record_event(record)->utc_ms == event.utc_ms);
	assert_int_equal(stp_record_event(record)->utc_uncertainty_ms, 2500);
	assert_false(stp_record_head(record)->has_prev_hash);
	stp_record_free(record);
	event.utc_ms = 0;
	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_event(&writer, &event);
	assert_int_equal(stp_record_finish(&writer, &size), STP_ERR_MALFORMED);
	event.utc_ms = UINT64_C(1) << 48;
	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_event(&writer, &event);
	assert_int_equal(stp_record_finish(&writer, &size), STP_ERR_RANGE);

	head.type = STP_RECORD_SESSION;
	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_session(&writer, &part);
	assert_int_equal(stp_record_finish(&writer, &size), STP_OK);
	assert_int_equal(stp_record_decode(raw, size, &record), STP_OK);
	assert_true(stp_record_session(record)->has_session_tag);
	assert_memory_equal(stp_record_session(record)->session_tag, part.session_tag, STP_SESSION_TAG_SIZE);
	stp_record_free(record);
}

static void
words_are_unique(void **state)
{
	for (unsigned i = STP_CHAIN_FIRST; i <= STP_CHAIN_ORDER; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(stp_chain_link_name(i), stp_chain_link_name(j));
	for (unsigned i = STP_SEAL_NONE; i <= STP_SEAL_UNKNOWN; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(stp_seal_verdict_name(i), stp_seal_verdict_name(j));
	assert_string_equal(stp_chain_link_name(99), "unknown");
	assert_string_equal(stp_seal_verdict_name(99), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_true_seal_is_good),
		cmocka_unit_test(a_seal_without_a_session_is_good),
		cmocka_unit_test(a_false_statement_is_named),
		cmocka_unit_test(a_session_that_is_not_whole_is_named),
		cmocka_unit_test(counts_of_two_seals_must_agree),
		cmocka_unit_test(the_counter_never_goes_back),
		cmocka_unit_test(an_old_seal_cannot_be_used_again),
		cmocka_unit_test(keys_matter),
		cmocka_unit_test(seals_that_cannot_be_read_are_refused),
		cmocka_unit_test(a_seal_comes_back),
		cmocka_unit_test(a_pen_cannot_write_nonsense),
		cmocka_unit_test(the_callers_functions_may_fail),
		cmocka_unit_test(the_new_fields_come_back),
		cmocka_unit_test(words_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

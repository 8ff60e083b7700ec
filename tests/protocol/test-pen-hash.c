/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* HASH: right, in pieces, and ended like any other operation. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stipple/crc32c.h>

#include "pen-bench.h"

static struct pen_bench bench;

static int
tear_down(void **state)
{
	pen_bench_clear(&bench);
	return 0;
}

static struct stp_request
hash_request(uint32_t record, uint32_t offset, uint32_t length)
{
	return (struct stp_request){ .op = STP_OP_HASH,
		.token = 6,
		.u.hash = { BENCH_EPOCH, record, offset, length } };
}

static void
tells_the_checksum_of_any_part(void **state)
{
	const uint32_t parts[][2] = { { 0, 5000 }, { 0, 1 }, { 4999, 1 }, { 17, 512 }, { 17, 513 }, { 0, 1024 } };

	pen_bench_init(&bench, 2, 5000, 23);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct stp_request request = hash_request(2, parts[i][0], parts[i][1]);

		assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_SUCCESS);
		assert_int_equal(bench.answer.u.hash.crc32c,
				 stp_crc32c(0, bench.flash.records[1].raw + parts[i][0], parts[i][1]));
	}
}

static void
works_in_pieces(void **state)
{
	struct stp_request request = hash_request(1, 0, STP_RECORD_SIZE_MAX);

	pen_bench_init(&bench, 1, STP_RECORD_SIZE_MAX, 23);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.hash.crc32c,
			 stp_crc32c(0, bench.flash.records[0].raw, STP_RECORD_SIZE_MAX));
	/* Each poll reads no more than a segment holds. */
	assert_int_equal(bench.pieces, STP_RECORD_SIZE_MAX / STP_ATT_VALUE_MAX - 1);
}

static void
tells_that_a_record_is_damaged(void **state)
{
	struct stp_request request = hash_request(1, 10, 50);

	pen_bench_init(&bench, 1, 100, 23);
	bench.flash.records[0].entry.flags = STP_ENTRY_CORRUPT;
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_RECORD_CORRUPT);
	assert_int_equal(bench.answer.u.hash.crc32c, stp_crc32c(0, bench.flash.records[0].raw + 10, 50));
}

static void
refuses_as_read_does(void **state)
{
	struct stp_request request = hash_request(3, 0, 100);

	pen_bench_init(&bench, 3, 100, 23);
	request.u.hash.epoch++;
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_WRONG_EPOCH);
	request = hash_request(3, 0, 101);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_INVALID_OPERAND);
	request = hash_request(3, 100, 1);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_INVALID_OPERAND);
	request = hash_request(4, 0, 1);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_NO_RECORDS);
	flash_model_overwrite(&bench.flash);
	request = hash_request(1, 0, 1);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_OVERWRITTEN);
	request = hash_request(2, 0, 1);
	bench.flash.read_fails_at = 0;
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_NOT_COMPLETED);
	pen_bench_set_motor(&bench, true);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_BUSY);
}

/* A HASH of which a piece was done. */
static void
begin_hash(void)
{
	struct stp_request request = hash_request(1, 0, 5000);
	struct stp_pen_output output;

	pen_bench_init(&bench, 2, 5000, 23);
	pen_bench_send(&bench, &request);
	stp_pen_poll(&bench.pen, &output);
	assert_int_equal(output.kind, STP_PEN_WORKING);
	assert_int_equal(output.size, 0);
}

static void
ends_when_the_log_changes_under_it(void **state)
{
	begin_hash();
	pen_bench_set_motor(&bench, true);
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.status, STP_WIRE_BUSY);
	pen_bench_clear(&bench);

	begin_hash();
	bench.flash.state.epoch++;
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.status, STP_WIRE_WRONG_EPOCH);
	pen_bench_clear(&bench);

	begin_hash();
	flash_model_overwrite(&bench.flash);
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.status, STP_WIRE_OVERWRITTEN);
	pen_bench_clear(&bench);

	begin_hash();
	bench.flash.read_fails_at = 1000;
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.status, STP_WIRE_NOT_COMPLETED);
}

static void
ends_with_a_newer_request_and_with_the_link(void **state)
{
	struct stp_request abort_request = { .op = STP_OP_ABORT, .token = 7 }, read = read_request(2, 0, 5000);

	begin_hash();
	assert_int_equal(pen_bench_ask(&bench, &abort_request), STP_WIRE_SUCCESS);
	pen_bench_clear(&bench);

	begin_hash();
	assert_int_equal(pen_bench_ask(&bench, &read), STP_WIRE_SUCCESS);
	assert_memory_equal(bench.bytes, bench.flash.records[1].raw, 5000);
	pen_bench_clear(&bench);

	begin_hash();
	stp_pen_disconnected(&bench.pen);
	stp_pen_connected(&bench.pen, 23);
	pen_bench_expect_idle(&bench);
}

static void
a_malformed_request_neither_ends_it_nor_takes_an_answers_place(void **state)
{
	const uint8_t nonsense[] = { 0x7F, 3 };
	struct stp_request get_state = { .op = STP_OP_GET_STATE, .token = 8 };
	struct stp_pen_output output;

	begin_hash();
	stp_pen_control(&bench.pen, nonsense, sizeof(nonsense));
	stp_pen_poll(&bench.pen, &output);
	assert_int_equal(output.kind, STP_PEN_INDICATE);
	assert_int_equal(output.bytes[2], STP_WIRE_OP_NOT_SUPPORTED);
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.op, STP_OP_HASH);
	assert_int_equal(bench.answer.u.hash.crc32c, stp_crc32c(0, bench.flash.records[0].raw, 5000));

	pen_bench_send(&bench, &get_state);
	stp_pen_control(&bench.pen, nonsense, sizeof(nonsense));
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.op, STP_OP_GET_STATE);
	stp_pen_poll(&bench.pen, &output);
	assert_int_equal(output.bytes[0], 0xFF);
	pen_bench_expect_idle(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(tells_the_checksum_of_any_part, tear_down),
		cmocka_unit_test_teardown(works_in_pieces, tear_down),
		cmocka_unit_test_teardown(tells_that_a_record_is_damaged, tear_down),
		cmocka_unit_test_teardown(refuses_as_read_does, tear_down),
		cmocka_unit_test_teardown(ends_when_the_log_changes_under_it, tear_down),
		cmocka_unit_test_teardown(ends_with_a_newer_request_and_with_the_link, tear_down),
		cmocka_unit_test_teardown(a_malformed_request_neither_ends_it_nor_takes_an_answers_place,
					  tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

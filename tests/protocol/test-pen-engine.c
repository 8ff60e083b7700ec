/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The pen's answers, its streams and its credits; test-pen-slots.c has what it keeps. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pen-bench.h"

static struct pen_bench bench;

static int
tear_down(void **state)
{
	pen_bench_clear(&bench);
	return 0;
}

static void
is_silent_unless_asked(void **state)
{
	const uint8_t get_state[] = { STP_OP_GET_STATE, 1 };

	pen_bench_init(&bench, 3, 100, 23);
	pen_bench_expect_idle(&bench);
	stp_pen_disconnected(&bench.pen);
	stp_pen_control(&bench.pen, get_state, sizeof(get_state));
	pen_bench_expect_idle(&bench);
}

static void
tells_its_state(void **state)
{
	struct stp_request request = { .op = STP_OP_GET_STATE, .token = 9 };

	pen_bench_init(&bench, 3, 100, 23);
	bench.flash.state.flags = STP_STATE_TIME_LOST;
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.state.epoch, BENCH_EPOCH);
	assert_int_equal(bench.answer.u.state.oldest, 1);
	assert_int_equal(bench.answer.u.state.newest, 3);
	assert_int_equal(bench.answer.u.state.boot_id, 5);
	assert_int_equal(bench.answer.u.state.free_percent, 90);
	assert_int_equal(bench.answer.u.state.flags, STP_STATE_TIME_LOST);
}

static void
lists_entries_as_one_stream_of_bytes(void **state)
{
	const uint16_t mtus[] = { 23, 24, 31, 64, 247, 517, 9999 };

	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		struct stp_request request = list_request(1, 100);

		pen_bench_init(&bench, 40, 100, mtus[i]);
		assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_SUCCESS);
		assert_int_equal(bench.size, 40 * STP_ENTRY_SIZE);
		for (unsigned k = 0; k < 40; k++) {
			uint8_t entry[STP_ENTRY_SIZE];

			stp_entry_encode(&bench.flash.records[k].entry, entry);
			assert_memory_equal(bench.bytes + k * STP_ENTRY_SIZE, entry, STP_ENTRY_SIZE);
		}
		pen_bench_clear(&bench);
	}
}

static void
lists_what_there_is_between_the_bounds(void **state)
{
	struct stp_request request = list_request(2, 6);
	struct stp_entry entry;

	pen_bench_init(&bench, 0, 0, 247);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_NO_RECORDS);
	for (uint32_t number = 3; number < 10; number += 2)
		flash_model_add(&bench.flash, number, 50);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_SUCCESS);
	assert_int_equal(bench.size, 2 * STP_ENTRY_SIZE);
	assert_int_equal(stp_entry_decode(bench.bytes + STP_ENTRY_SIZE, STP_ENTRY_SIZE, &entry), STP_OK);
	assert_int_equal(entry.record, 5);

	request = list_request(4, 4);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_NO_RECORDS);
	request = list_request(10, 10);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_NO_RECORDS);
}

static void
reads_any_part_of_a_record(void **state)
{
	const uint16_t mtus[] = { 23, 185, 247, 517 };
	const uint32_t parts[][2] = { { 0, 5000 }, { 0, 1 }, { 4999, 1 }, { 17, 100 }, { 1000, 4000 } };

	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		pen_bench_init(&bench, 2, 5000, mtus[i]);
		for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
			struct stp_request request = read_request(2, parts[k][0], parts[k][1]);

			assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_SUCCESS);
			assert_int_equal(bench.size, parts[k][1]);
			assert_memory_equal(bench.bytes, bench.flash.records[1].raw + parts[k][0], bench.size);
		}
		pen_bench_clear(&bench);
	}
}

static void
reads_the_largest_record(void **state)
{
	struct stp_request request = read_request(1, 0, STP_RECORD_SIZE_MAX);

	pen_bench_init(&bench, 1, STP_RECORD_SIZE_MAX, 23);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_SUCCESS);
	assert_int_equal(bench.segments, 65536);
	assert_memory_equal(bench.bytes, bench.flash.records[0].raw, STP_RECORD_SIZE_MAX);
}

static void
stops_when_the_credits_are_used_up(void **state)
{
	struct stp_request request = read_request(1, 0, 5000);
	struct stp_request credit = { .op = STP_OP_CREDIT, .token = 4, .u.credit.segments = 3 };

	pen_bench_init(&bench, 1, 5000, 23);
	request.u.read.window = 10;
	pen_bench_send(&bench, &request);
	assert_false(pen_bench_drain(&bench));
	assert_int_equal(bench.segments, 10);

	pen_bench_send(&bench, &credit);
	assert_false(pen_bench_drain(&bench));
	assert_int_equal(bench.segments, 13);

	/* Of another operation: ignored, without a word. */
	credit.token = 5;
	pen_bench_send(&bench, &credit);
	bench.last_token = 4;
	assert_false(pen_bench_drain(&bench));
	assert_int_equal(bench.segments, 13);

	/* Never more than the window, however many come. */
	credit.token = 4;
	credit.u.credit.segments = 255;
	pen_bench_send(&bench, &credit);
	pen_bench_send(&bench, &credit);
	assert_false(pen_bench_drain(&bench));
	assert_int_equal(bench.segments, 23);
}

static void
the_newest_request_ends_the_one_before(void **state)
{
	struct stp_request first = read_request(1, 0, 5000), second = read_request(2, 0, 5000);
	struct stp_request abort_request = { .op = STP_OP_ABORT, .token = 6 };

	pen_bench_init(&bench, 2, 5000, 23);
	pen_bench_send(&bench, &first);
	assert_false(pen_bench_drain(&bench));
	second.token = 5;
	/* The bench sees to it that nothing of the first one follows. */
	assert_int_equal(pen_bench_ask(&bench, &second), STP_WIRE_SUCCESS);
	assert_memory_equal(bench.bytes, bench.flash.records[1].raw, 5000);

	pen_bench_send(&bench, &first);
	assert_false(pen_bench_drain(&bench));
	assert_int_equal(pen_bench_ask(&bench, &abort_request), STP_WIRE_SUCCESS);
	/* Nothing to end is no failure. */
	assert_int_equal(pen_bench_ask(&bench, &abort_request), STP_WIRE_SUCCESS);
}

static void
refuses_what_it_does_not_understand(void **state)
{
	static const struct {
		uint8_t bytes[21];
		size_t size;
		uint8_t expected[3];
	} requests[] = {
		{ { 0 }, 0, { 0x80, 0, STP_WIRE_OP_NOT_SUPPORTED } },
		{ { 0 }, 1, { 0x80, 0, STP_WIRE_OP_NOT_SUPPORTED } },
		{ { 0x1C, 7 }, 2, { 0x9C, 7, STP_WIRE_OP_NOT_SUPPORTED } },
		{ { 0x91, 7 }, 2, { 0x91, 7, STP_WIRE_OP_NOT_SUPPORTED } },
		{ { 0xFF, 0xFF }, 2, { 0xFF, 0xFF, STP_WIRE_OP_NOT_SUPPORTED } },
		{ { STP_OP_GET_STATE }, 1, { 0x91, 0, STP_WIRE_INVALID_OPERAND } },
		{ { STP_OP_GET_STATE, 0 }, 2, { 0x91, 0, STP_WIRE_INVALID_OPERAND } },
		{ { STP_OP_GET_STATE, 200 }, 2, { 0x91, 200, STP_WIRE_INVALID_OPERAND } },
		{ { STP_OP_GET_STATE, 1, 1 }, 3, { 0x91, 1, STP_WIRE_INVALID_OPERAND } },
		{ { STP_OP_HELLO, 1 }, 2, { 0x90, 1, STP_WIRE_INVALID_OPERAND } },
		{ { STP_OP_LIST, 2 }, 15, { 0x92, 2, STP_WIRE_INVALID_OPERAND } },
		{ { STP_OP_READ, 3 }, 17, { 0x93, 3, STP_WIRE_INVALID_OPERAND } },
		{ { STP_OP_READ, 3 }, 21, { 0x93, 3, STP_WIRE_INVALID_OPERAND } },
		{ { STP_OP_CREDIT, 4 }, 2, { 0x94, 4, STP_WIRE_INVALID_OPERAND } },
		{ { STP_OP_CREDIT, 4, 0 }, 3, { 0x94, 4, STP_WIRE_INVALID_OPERAND } },
		{ { STP_OP_ACK, 5 }, 15, { 0x97, 5, STP_WIRE_INVALID_OPERAND } },
	};
	struct stp_request stream = read_request(1, 0, 5000);
	struct stp_pen_output output;

	pen_bench_init(&bench, 1, 5000, 23);
	pen_bench_send(&bench, &stream);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		stp_pen_control(&bench.pen, requests[i].bytes, requests[i].size);
		stp_pen_poll(&bench.pen, &output);
		assert_int_equal(output.kind, STP_PEN_INDICATE);
		assert_int_equal(output.size, 3);
		assert_memory_equal(output.bytes, requests[i].expected, 3);
		/* It ended nothing. */
		stp_pen_poll(&bench.pen, &output);
		assert_int_equal(output.kind, STP_PEN_NOTIFY);
	}
}

static void
refuses_what_cannot_be(void **state)
{
	struct stp_request request;

	pen_bench_init(&bench, 5, 100, 23);
	bench.pen.config.max_window = 32;
	request = list_request(1, 5);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_WINDOW_TOO_LARGE);
	request = read_request(1, 0, 100);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_WINDOW_TOO_LARGE);
	bench.pen.config.max_window = 128;

	request.u.read.epoch++;
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_WRONG_EPOCH);
	request = list_request(1, 5);
	request.u.list.epoch++;
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_WRONG_EPOCH);

	request = read_request(1, 0, 101);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_INVALID_OPERAND);
	request = read_request(1, 100, 1);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_INVALID_OPERAND);
	request = read_request(6, 0, 1);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_NO_RECORDS);
	flash_model_add(&bench.flash, 8, 50);
	request = read_request(7, 0, 1);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_NO_RECORDS);
	flash_model_overwrite(&bench.flash);
	request = read_request(1, 0, 1);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_OVERWRITTEN);

	bench.flash.state.flags = STP_STATE_MOTOR_ON;
	request = read_request(2, 0, 1);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_BUSY);
	request = list_request(1, 5);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_BUSY);
}

/* Begin a READ of record 1, take ten segments, and leave the rest to what happens next. */
static void
begin_reading(void)
{
	struct stp_request request = read_request(1, 0, 5000);
	struct stp_request credit = { .op = STP_OP_CREDIT, .token = 4, .u.credit.segments = 10 };

	pen_bench_init(&bench, 3, 5000, 23);
	request.u.read.window = 10;
	pen_bench_send(&bench, &request);
	assert_false(pen_bench_drain(&bench));
	pen_bench_send(&bench, &credit);
}

/* The bench checks that the answer tells what was sent, and its checksum. */
static void
a_stream_that_ends_early_says_how_far_it_came(void **state)
{
	begin_reading();
	bench.flash.read_fails_at = 200;
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.status, STP_WIRE_NOT_COMPLETED);
	assert_int_equal(bench.answer.u.sent.sent, 192);
	pen_bench_clear(&bench);

	begin_reading();
	bench.flash.state.flags = STP_STATE_MOTOR_ON;
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.status, STP_WIRE_BUSY);
	assert_int_equal(bench.answer.u.sent.sent, 160);
	pen_bench_clear(&bench);

	begin_reading();
	flash_model_overwrite(&bench.flash);
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.status, STP_WIRE_OVERWRITTEN);
	pen_bench_clear(&bench);

	begin_reading();
	bench.flash.state.epoch++;
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.status, STP_WIRE_WRONG_EPOCH);
	pen_bench_clear(&bench);

	/* A motor that starts while the pen waits for credits is told at once, too. */
	begin_reading();
	assert_false(pen_bench_drain(&bench));
	bench.flash.state.flags = STP_STATE_MOTOR_ON;
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.status, STP_WIRE_BUSY);
}

static void
a_failing_flash_ends_a_list(void **state)
{
	struct stp_request request = list_request(1, 40);

	pen_bench_init(&bench, 40, 50, 23);
	request.u.list.window = 4;
	pen_bench_send(&bench, &request);
	assert_false(pen_bench_drain(&bench));
	bench.flash.entry_fails = true;
	request = (struct stp_request){ .op = STP_OP_CREDIT, .token = 3, .u.credit.segments = 4 };
	pen_bench_send(&bench, &request);
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.status, STP_WIRE_NOT_COMPLETED);
	request = list_request(1, 40);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_NOT_COMPLETED);
	request = read_request(1, 0, 10);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_NOT_COMPLETED);
}

static void
a_damaged_record_is_sent_and_said_to_be(void **state)
{
	struct stp_request request = read_request(1, 0, 300);

	pen_bench_init(&bench, 1, 300, 23);
	bench.flash.records[0].entry.flags = STP_ENTRY_CORRUPT;
	bench.flash.records[0].raw[7] ^= 1;
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_RECORD_CORRUPT);
	assert_int_equal(bench.size, 300);
	assert_memory_equal(bench.bytes, bench.flash.records[0].raw, 300);
}

static void
a_lost_link_ends_what_is_under_way(void **state)
{
	begin_reading();
	stp_pen_disconnected(&bench.pen);
	pen_bench_expect_idle(&bench);
	stp_pen_connected(&bench.pen, 23);
	pen_bench_expect_idle(&bench);
}

static void
goes_on_when_the_mtu_grows(void **state)
{
	struct stp_request request = read_request(1, 0, 5000);

	begin_reading();
	stp_pen_set_mtu(&bench.pen, 247);
	request = (struct stp_request){ .op = STP_OP_CREDIT, .token = 4, .u.credit.segments = 10 };
	while (!pen_bench_drain(&bench))
		pen_bench_send(&bench, &request);
	assert_int_equal(bench.answer.status, STP_WIRE_SUCCESS);
	assert_memory_equal(bench.bytes, bench.flash.records[0].raw, 5000);
}

/* ---- a log of 100,000 records, made up as it is asked for ---- */

#define MANY 100000u

static void
many_state(void *user, struct stp_pen_log_state *out)
{
	*out = (struct stp_pen_log_state){ .epoch = BENCH_EPOCH, .oldest = 1, .newest = MANY };
}

static enum stp_status
many_entry(void *user, uint32_t record, struct stp_entry *out)
{
	*out = (struct stp_entry){ .record = record, .type = 1, .length = 10, .crc32c = record };
	return record >= 1 && record <= MANY ? STP_OK : STP_ERR_NOT_FOUND;
}

static enum stp_status
many_read(void *user, uint32_t record, uint32_t offset, uint8_t *out, size_t size)
{
	return STP_ERR_IO;
}

static enum stp_status
many_save(void *user, unsigned index, const struct stp_pen_slot *slot)
{
	return STP_OK;
}

static void
a_hundred_thousand_records_are_listed_in_pages(void **state)
{
	static const struct stp_pen_log many = { many_state, many_entry, many_read, many_save };
	const uint32_t pages[] = { 64, 256, STP_LIST_MAX };

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		uint32_t listed = 0;

		pen_bench_init(&bench, 0, 0, 23);
		bench.pen.config.log = &many;
		for (uint32_t from = 1; from <= MANY; from += pages[i]) {
			struct stp_request request = list_request(from, from + pages[i] - 1);

			assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_SUCCESS);
			for (uint32_t at = 0; at < bench.size; at += STP_ENTRY_SIZE) {
				struct stp_entry entry;

				assert_int_equal(stp_entry_decode(bench.bytes + at, STP_ENTRY_SIZE, &entry),
						 STP_OK);
				assert_int_equal(entry.record, ++listed);
			}
		}
		assert_int_equal(listed, MANY);
	}
}

static const struct stp_pen_panel no_panel;

static void
a_careless_configuration_is_refused(void **state)
{
	struct stp_pen_log partial = flash_model_log;
	struct stp_pen_config config = { .log = &partial };
	struct stp_pen pen;

	partial.save_slot = NULL;
	assert_int_equal(stp_pen_init(&pen, &config), STP_ERR_ARGUMENT);
	config.log = NULL;
	assert_int_equal(stp_pen_init(&pen, &config), STP_ERR_ARGUMENT);
	config = (struct stp_pen_config){ .log = &flash_model_log, .max_window = 129 };
	assert_int_equal(stp_pen_init(&pen, &config), STP_ERR_RANGE);
	config = (struct stp_pen_config){ .log = &flash_model_log, .boot_id = STP_BOOT_ID_MAX + 1 };
	assert_int_equal(stp_pen_init(&pen, &config), STP_ERR_RANGE);
	/*
	 * A pen has little memory: 512 bytes for a segment, 352 for the slots, 160 for events that wait, 40
	 * so that the structs can grow.
	 */
	assert_true(sizeof(struct stp_pen) <= 1352);
	assert_int_equal(stp_pen_init_sized(&pen, sizeof(pen) - 1, &config, sizeof(config),
					    sizeof(struct stp_pen_log), sizeof(struct stp_pen_panel)),
			 STP_ERR_SPACE);
	/* A table that ends before the last callback of the first release would be read beyond its end. */
	config = (struct stp_pen_config){ .log = &flash_model_log };
	assert_int_equal(stp_pen_init_sized(&pen, sizeof(pen), &config, sizeof(config),
					    offsetof(struct stp_pen_log, erase), sizeof(struct stp_pen_panel)),
			 STP_ERR_ARGUMENT);
	config.panel = &no_panel;
	assert_int_equal(stp_pen_init_sized(&pen, sizeof(pen), &config, sizeof(config), sizeof(struct stp_pen_log),
					    offsetof(struct stp_pen_panel, set_clock)),
			 STP_ERR_ARGUMENT);
	assert_int_equal(stp_pen_init(&pen, &config), STP_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(is_silent_unless_asked, tear_down),
		cmocka_unit_test_teardown(tells_its_state, tear_down),
		cmocka_unit_test_teardown(lists_entries_as_one_stream_of_bytes, tear_down),
		cmocka_unit_test_teardown(lists_what_there_is_between_the_bounds, tear_down),
		cmocka_unit_test_teardown(reads_any_part_of_a_record, tear_down),
		cmocka_unit_test_teardown(reads_the_largest_record, tear_down),
		cmocka_unit_test_teardown(stops_when_the_credits_are_used_up, tear_down),
		cmocka_unit_test_teardown(the_newest_request_ends_the_one_before, tear_down),
		cmocka_unit_test_teardown(refuses_what_it_does_not_understand, tear_down),
		cmocka_unit_test_teardown(refuses_what_cannot_be, tear_down),
		cmocka_unit_test_teardown(a_stream_that_ends_early_says_how_far_it_came, tear_down),
		cmocka_unit_test_teardown(a_failing_flash_ends_a_list, tear_down),
		cmocka_unit_test_teardown(a_damaged_record_is_sent_and_said_to_be, tear_down),
		cmocka_unit_test_teardown(a_lost_link_ends_what_is_under_way, tear_down),
		cmocka_unit_test_teardown(goes_on_when_the_mtu_grows, tear_down),
		cmocka_unit_test(a_hundred_thousand_records_are_listed_in_pages),
		cmocka_unit_test(a_careless_configuration_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

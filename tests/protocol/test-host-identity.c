/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* A sound record that is not the one that was asked for is never acknowledged. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/record.h>

#include "host-bench.h"

static const struct stp_range everything[] = { { 1, 1 } };

/* The pen lists one record, number 1, and these are its bytes. */
static void
serve(struct host_bench *bench, const uint8_t *raw, uint32_t size)
{
	struct stp_entry entry = { .record = 1, .type = STP_RECORD_EVENT, .length = size };
	uint8_t line[STP_ENTRY_SIZE];

	assert_int_equal(stp_record_check(raw, size, &entry.crc32c), STP_OK);
	stp_entry_encode(&entry, line);
	host_bench_init(bench, 0);
	open_dialogue(bench, 1, 1, everything, 1);
	expect_request(bench, STP_OP_LIST);
	segments(bench, line, sizeof(line), 0, UINT32_MAX);
	answer_sent(bench, STP_WIRE_SUCCESS, line, sizeof(line));
	expect(bench, STP_HOST_LISTED);
	expect_request(bench, STP_OP_READ);
	segments(bench, raw, size, 0, UINT32_MAX);
	answer_sent(bench, STP_WIRE_SUCCESS, raw, size);
}

static size_t
write_event(uint32_t epoch, uint32_t number, uint8_t *raw, size_t capacity)
{
	struct stp_record_head head = { .serial = "DP-1", .epoch = epoch, .number = number,
		.type = STP_RECORD_EVENT, .schema_rev = STP_SCHEMA_REV };
	struct stp_event event = { .event_no = 1, .code = STP_EVENT_POWER_UP };
	struct stp_record_writer writer;
	size_t size;

	stp_record_begin(&writer, raw, capacity, &head);
	stp_record_put_event(&writer, &event);
	assert_int_equal(stp_record_finish(&writer, &size), STP_OK);
	return size;
}

static void
expect_of(uint32_t epoch, uint32_t number, enum stp_status integrity)
{
	struct host_bench bench;
	uint8_t raw[128];
	size_t size = write_event(epoch, number, raw, sizeof(raw));

	serve(&bench, raw, (uint32_t)size);
	expect(&bench, STP_HOST_RECORD);
	assert_string_equal(stp_status_name(bench.action.u.record.integrity), stp_status_name(integrity));
	assert_memory_equal(bench.action.u.record.raw, raw, size);
	/* A caller that stores whatever comes must not cost the record. */
	stp_host_stored(bench.host, true, bench.now);
	if (integrity == STP_OK) {
		expect_request(&bench, STP_OP_ACK);
		answer_bare(&bench, STP_WIRE_SUCCESS);
	}
	expect_done(&bench);
	host_bench_clear(&bench);
}

static void
the_one_asked_for_is_acknowledged(void **state)
{
	expect_of(BENCH_EPOCH, 1, STP_OK);
}

static void
another_number_is_not(void **state)
{
	expect_of(BENCH_EPOCH, 2, STP_ERR_IDENTITY);
}

static void
another_epoch_is_not(void **state)
{
	expect_of(BENCH_EPOCH + 1, 1, STP_ERR_IDENTITY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_one_asked_for_is_acknowledged),
		cmocka_unit_test(another_number_is_not),
		cmocka_unit_test(another_epoch_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

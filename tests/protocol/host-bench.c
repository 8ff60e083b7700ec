/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/crc32c.h>

#include "host-bench.h"

void
host_bench_init(struct host_bench *bench, uint32_t features)
{
	const struct stp_features pen = { .features = features, .max_window = 128 };
	struct stp_host_config config = { .collector_id = { 1, 2, 3, 4, 5, 6, 7, 8 }, .window = 8 };

	memset(bench, 0, sizeof(*bench));
	bench->now = 1000;
	bench->host = stp_host_new(&config);
	assert_non_null(bench->host);
	stp_host_start(bench->host, 23, &pen, bench->now);
}

void
host_bench_clear(struct host_bench *bench)
{
	stp_host_free(bench->host);
	bench->host = NULL;
}

void
expect(struct host_bench *bench, enum stp_host_action_kind kind)
{
	stp_host_poll(bench->host, &bench->action);
	if (bench->action.kind == STP_HOST_NOTE && kind != STP_HOST_NOTE)
		fail_msg("a note: %s", stp_note_name(bench->action.u.note.note));
	assert_int_equal(bench->action.kind, kind);
}

void
expect_note(struct host_bench *bench, enum stp_note note)
{
	expect(bench, STP_HOST_NOTE);
	assert_string_equal(stp_note_name(bench->action.u.note.note), stp_note_name(note));
}

void
expect_request(struct host_bench *bench, enum stp_op op)
{
	uint8_t before = bench->request.token;

	stp_host_poll(bench->host, &bench->action);
	if (bench->action.kind == STP_HOST_BEGIN) {
		bench->begun = bench->action.u.begin.entry;
		assert_int_equal(bench->action.u.begin.epoch, BENCH_EPOCH);
		stp_host_poll(bench->host, &bench->action);
	}
	if (bench->action.kind == STP_HOST_NOTE)
		fail_msg("a note: %s", stp_note_name(bench->action.u.note.note));
	assert_int_equal(bench->action.kind, STP_HOST_WRITE);
	assert_int_equal(stp_request_decode(bench->action.u.write.bytes, bench->action.u.write.size,
					    &bench->request),
			 STP_OK);
	assert_int_equal(bench->request.op, op);
	assert_int_not_equal(bench->request.token, before);
}

void
expect_given_up(struct host_bench *bench, uint32_t record, enum stp_status reason, uint8_t wire_status)
{
	expect(bench, STP_HOST_GIVEN_UP);
	assert_int_equal(bench->action.u.given_up.epoch, BENCH_EPOCH);
	assert_int_equal(bench->action.u.given_up.record, record);
	assert_string_equal(stp_status_name(bench->action.u.given_up.reason), stp_status_name(reason));
	assert_int_equal(bench->action.u.given_up.wire_status, wire_status);
}

void
expect_failed(struct host_bench *bench, enum stp_status reason, enum stp_op op, uint8_t wire_status)
{
	expect(bench, STP_HOST_FAILED);
	assert_string_equal(stp_status_name(bench->action.u.failed.reason), stp_status_name(reason));
	assert_int_equal(bench->action.u.failed.op, op);
	assert_int_equal(bench->action.u.failed.wire_status, wire_status);
	expect(bench, STP_HOST_IDLE);
	assert_true(stp_host_deadline(bench->host) == UINT64_MAX);
}

void
expect_done(struct host_bench *bench)
{
	expect(bench, STP_HOST_DONE);
	expect(bench, STP_HOST_IDLE);
	assert_true(stp_host_deadline(bench->host) == UINT64_MAX);
}

void
answer(struct host_bench *bench, uint8_t status, struct stp_answer fields)
{
	uint8_t bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	fields.op = bench->request.op;
	fields.token = bench->request.token;
	fields.status = status;
	assert_int_equal(stp_answer_encode(&fields, bytes, &size), STP_OK);
	stp_host_control(bench->host, bytes, size, ++bench->now);
}

void
answer_bare(struct host_bench *bench, uint8_t status)
{
	answer(bench, status, (struct stp_answer){ 0 });
}

void
answer_sent(struct host_bench *bench, uint8_t status, const uint8_t *bytes, uint32_t size)
{
	answer(bench, status, (struct stp_answer){ .u.sent = { size, stp_crc32c(0, bytes, size) } });
}

uint32_t
segment_count(uint32_t size)
{
	return (size + BENCH_PAYLOAD - 1) / BENCH_PAYLOAD;
}

void
segment(struct host_bench *bench, const uint8_t *bytes, uint32_t size, uint32_t index)
{
	uint32_t offset = index * BENCH_PAYLOAD;
	struct stp_segment out = { .first = index == 0,
		.last = index + 1 == segment_count(size),
		.counter = index % 64,
		.token = bench->request.token,
		.offset = offset,
		.payload = bytes + offset,
		.size = size - offset < BENCH_PAYLOAD ? size - offset : BENCH_PAYLOAD };
	uint8_t value[BENCH_PAYLOAD + STP_SEGMENT_HEADER_SIZE];
	size_t length;

	assert_int_equal(stp_segment_encode(&out, value, sizeof(value), &length), STP_OK);
	stp_host_data(bench->host, value, length, ++bench->now);
}

void
segments(struct host_bench *bench, const uint8_t *bytes, uint32_t size, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to && i < segment_count(size); i++)
		segment(bench, bytes, size, i);
}

void
expire(struct host_bench *bench, uint64_t after_ms)
{
	assert_int_equal(stp_host_deadline(bench->host) - bench->now, after_ms);
	/* A moment too early is no timeout. */
	bench->now += after_ms - 1;
	stp_host_timeout(bench->host, bench->now);
	expect(bench, STP_HOST_IDLE);
	bench->now++;
	stp_host_timeout(bench->host, bench->now);
}

void
open_dialogue(struct host_bench *bench, uint32_t oldest, uint32_t newest, const struct stp_range *wanted,
	      size_t count)
{
	struct stp_answer state = { .u.state = { BENCH_EPOCH, oldest, newest, 5, 90, 0 } };

	expect_request(bench, STP_OP_HELLO);
	assert_int_equal(bench->request.u.hello.collector_id[7], 8);
	answer(bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { 2, 1, 0 } });
	expect_request(bench, STP_OP_GET_STATE);
	answer(bench, STP_WIRE_SUCCESS, state);
	expect(bench, STP_HOST_READ_TIME);
	stp_host_time(bench->host, NULL, 0, 0, 0, bench->now);
	expect(bench, STP_HOST_STATE);
	stp_host_want(bench->host, wanted, count, bench->now);
}

const uint8_t *
record_bytes(uint32_t number, uint32_t length)
{
	static uint8_t bytes[STP_RECORD_SIZE_MAX];
	uint32_t crc;

	for (uint32_t i = 0; i < length - 4; i++)
		bytes[i] = (uint8_t)(number * 31 + i * 7 + (i >> 8));
	crc = stp_crc32c(0, bytes, length - 4);
	for (unsigned i = 0; i < 4; i++)
		bytes[length - 4 + i] = (uint8_t)(crc >> 8 * i);
	return bytes;
}

void
serve_list(struct host_bench *bench, uint32_t from, uint32_t to, const uint32_t *numbers, size_t count,
	   uint32_t length)
{
	uint8_t bytes[64 * STP_ENTRY_SIZE];

	expect_request(bench, STP_OP_LIST);
	assert_int_equal(bench->request.u.list.epoch, BENCH_EPOCH);
	assert_int_equal(bench->request.u.list.from, from);
	assert_int_equal(bench->request.u.list.to, to);
	if (!count) {
		answer_bare(bench, STP_WIRE_NO_RECORDS);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const uint8_t *raw = record_bytes(numbers[i], length);
		struct stp_entry entry = { .record = numbers[i],
			.type = 1,
			.length = length,
			.crc32c = stp_crc32c(0, raw, length - 4) };

		stp_entry_encode(&entry, bytes + i * STP_ENTRY_SIZE);
	}
	segments(bench, bytes, (uint32_t)count * STP_ENTRY_SIZE, 0, UINT32_MAX);
	answer_sent(bench, STP_WIRE_SUCCESS, bytes, (uint32_t)count * STP_ENTRY_SIZE);
	for (size_t i = 0; i < count; i++) {
		expect(bench, STP_HOST_LISTED);
		assert_int_equal(bench->action.u.entry.record, numbers[i]);
	}
}

void
expect_record(struct host_bench *bench, uint32_t number, uint32_t length, enum stp_status integrity)
{
	expect(bench, STP_HOST_RECORD);
	assert_int_equal(bench->action.u.record.entry.record, number);
	assert_int_equal(bench->action.u.record.epoch, BENCH_EPOCH);
	assert_int_equal(bench->action.u.record.size, length);
	assert_string_equal(stp_status_name(bench->action.u.record.integrity), stp_status_name(integrity));
	if (integrity == STP_OK)
		assert_memory_equal(bench->action.u.record.raw, record_bytes(number, length), length);
}

void
serve_record(struct host_bench *bench, uint32_t number, uint32_t length)
{
	const uint8_t *raw = record_bytes(number, length);

	expect_request(bench, STP_OP_READ);
	assert_int_equal(bench->request.u.read.record, number);
	assert_int_equal(bench->request.u.read.offset, 0);
	assert_int_equal(bench->request.u.read.length, length);
	segments(bench, raw, length, 0, UINT32_MAX);
	answer_sent(bench, STP_WIRE_SUCCESS, raw, length);
	expect_record(bench, number, length, STP_OK);
	expect(bench, STP_HOST_IDLE);
	stp_host_stored(bench->host, true, bench->now);
	expect_request(bench, STP_OP_ACK);
	assert_int_equal(bench->request.u.ack.slot, 2);
	assert_int_equal(bench->request.u.ack.epoch, BENCH_EPOCH);
	assert_int_equal(bench->request.u.ack.from, number);
	assert_int_equal(bench->request.u.ack.to, number);
	answer_bare(bench, STP_WIRE_SUCCESS);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/crc32c.h>

#include "pen-bench.h"

static void
power_up(struct pen_bench *bench, uint16_t att_mtu)
{
	assert_int_equal(stp_pen_init(&bench->pen, &bench->config), STP_OK);
	stp_pen_tick(&bench->pen, bench->now_ms);
	stp_pen_connected(&bench->pen, att_mtu);
}

void
pen_bench_init(struct pen_bench *bench, unsigned count, uint32_t length, uint16_t att_mtu)
{
	memset(bench, 0, sizeof(*bench));
	flash_model_init(&bench->flash, BENCH_EPOCH);
	bench->config = (struct stp_pen_config){ .log = &flash_model_log,
		.user = &bench->flash,
		.boot_id = 5,
		.slots = bench->flash.slots,
		.random = flash_model_random };
	/* The clock wraps in the middle of the tests. */
	bench->now_ms = UINT32_MAX - 5000;
	for (unsigned i = 1; i <= count; i++)
		flash_model_add(&bench->flash, i, length);
	power_up(bench, att_mtu);
}

void
pen_bench_clear(struct pen_bench *bench)
{
	flash_model_clear(&bench->flash);
}

void
pen_bench_restart(struct pen_bench *bench)
{
	power_up(bench, bench->pen.att_mtu);
}

void
pen_bench_send(struct pen_bench *bench, const struct stp_request *request)
{
	uint8_t bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	assert_int_equal(stp_request_encode(request, bytes, &size), STP_OK);
	bench->last_token = request->token;
	bench->pieces = 0;
	if (request->op == STP_OP_LIST || request->op == STP_OP_READ) {
		bench->size = 0;
		bench->segments = 0;
	}
	stp_pen_control(&bench->pen, bytes, size);
}

/* Everything a segment must be. */
static void
take_segment(struct pen_bench *bench, const struct stp_pen_output *output)
{
	struct stp_segment segment;

	assert_true(output->size <= bench->pen.att_mtu - 3u && output->size <= STP_ATT_VALUE_MAX);
	assert_int_equal(stp_segment_decode(output->bytes, output->size, &segment), STP_OK);
	assert_int_equal(segment.token, bench->last_token);
	assert_int_equal(segment.offset, bench->size);
	assert_int_equal(segment.counter, bench->segments % 64);
	assert_int_equal(segment.first, bench->segments == 0);
	memcpy(bench->bytes + bench->size, segment.payload, segment.size);
	bench->size += (uint32_t)segment.size;
	bench->segments++;
}

bool
pen_bench_drain(struct pen_bench *bench)
{
	struct stp_pen_output output;

	for (;;) {
		stp_pen_poll(&bench->pen, &output);
		if (output.kind == STP_PEN_IDLE)
			return false;
		if (output.kind == STP_PEN_WORKING) {
			bench->pieces++;
			continue;
		}
		if (output.kind == STP_PEN_NOTIFY) {
			take_segment(bench, &output);
			continue;
		}
		assert_true(output.size <= STP_CONTROL_SIZE_MAX);
		assert_int_equal(stp_answer_decode(output.bytes, output.size, &bench->answer), STP_OK);
		if (bench->answer.op == STP_OP_LIST || bench->answer.op == STP_OP_READ) {
			assert_int_equal(bench->answer.u.sent.sent, bench->size);
			assert_int_equal(bench->answer.u.sent.crc32c,
					 stp_crc32c(0, bench->bytes, bench->size));
		}
		return true;
	}
}

void
pen_bench_expect_idle(struct pen_bench *bench)
{
	struct stp_pen_output output;

	stp_pen_poll(&bench->pen, &output);
	assert_int_equal(output.kind, STP_PEN_IDLE);
}

uint8_t
pen_bench_ask(struct pen_bench *bench, const struct stp_request *request)
{
	struct stp_request credit = { .op = STP_OP_CREDIT, .token = request->token, .u.credit.segments = 64 };

	pen_bench_send(bench, request);
	while (!pen_bench_drain(bench)) {
		/* Paused for want of credits, and for nothing else. */
		assert_int_equal(bench->pen.stream.credits, 0);
		assert_int_equal(bench->pen.stream.op, request->op);
		pen_bench_send(bench, &credit);
	}
	assert_int_equal(bench->answer.op, request->op);
	assert_int_equal(bench->answer.token, request->token);
	pen_bench_expect_idle(bench);
	return bench->answer.status;
}

void
pen_bench_wait(struct pen_bench *bench, uint32_t ms)
{
	while (ms) {
		uint32_t step = ms < 1000 ? ms : 1000;

		bench->now_ms += step;
		stp_pen_tick(&bench->pen, bench->now_ms);
		ms -= step;
	}
}

void
pen_bench_press(struct pen_bench *bench, enum stp_pen_wish wish)
{
	assert_int_equal(stp_pen_awaits(&bench->pen), wish);
	assert_true(stp_pen_confirm(&bench->pen));
	assert_int_equal(stp_pen_awaits(&bench->pen), STP_PEN_WISH_NONE);
	assert_false(stp_pen_confirm(&bench->pen));
}

void
pen_bench_set_motor(struct pen_bench *bench, bool on)
{
	bench->flash.state.flags = on ? STP_STATE_MOTOR_ON : 0;
}

uint8_t
pen_bench_hello(struct pen_bench *bench, char id)
{
	struct stp_request hello = { .op = STP_OP_HELLO, .token = 1 };
	uint16_t att_mtu = bench->pen.att_mtu;

	/* Another collector comes by another connection. */
	if (bench->collector && bench->collector != id) {
		stp_pen_disconnected(&bench->pen);
		stp_pen_connected(&bench->pen, att_mtu);
	}
	bench->collector = id;

	memset(hello.u.hello.collector_id, id, STP_COLLECTOR_ID_SIZE);
	return pen_bench_ask(bench, &hello);
}

uint8_t
pen_bench_ack(struct pen_bench *bench, uint8_t slot, uint32_t from, uint32_t to)
{
	struct stp_request ack = { .op = STP_OP_ACK, .token = 2, .u.ack = { slot, BENCH_EPOCH, from, to } };

	return pen_bench_ask(bench, &ack);
}

struct stp_request
list_request(uint32_t from, uint32_t to)
{
	return (struct stp_request){ .op = STP_OP_LIST, .token = 3, .u.list = { BENCH_EPOCH, from, to, 64 } };
}

struct stp_request
read_request(uint32_t record, uint32_t offset, uint32_t length)
{
	return (struct stp_request){ .op = STP_OP_READ,
		.token = 4,
		.u.read = { BENCH_EPOCH, record, offset, length, 64 } };
}

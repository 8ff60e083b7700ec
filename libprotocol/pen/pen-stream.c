/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/crc32c.h>

#include "pen-internal.h"

#define COUNTER_MASK 63u

uint8_t
stp_pen_obstacle(const struct stp_pen *pen, const struct stp_pen_log_state *state, uint32_t epoch)
{
	if (epoch != state->epoch)
		return STP_WIRE_WRONG_EPOCH;
	/* Without a clock there is no pace, and silence would be worse than a refusal. */
	if (state->flags & STP_STATE_MOTOR_ON && (!pen->config.motor_segments_per_s || !pen->ticking))
		return STP_WIRE_BUSY;
	return STP_WIRE_SUCCESS;
}

static uint8_t
check_start(const struct stp_pen *pen, uint32_t epoch, uint8_t window, struct stp_pen_log_state *state)
{
	if (window > pen->config.max_window)
		return STP_WIRE_WINDOW_TOO_LARGE;
	stp_pen_ask_log(pen, state);
	return stp_pen_obstacle(pen, state, epoch);
}

uint8_t
stp_pen_begin_list(struct stp_pen *pen, const struct stp_request *request)
{
	struct stp_pen_log_state state;
	uint32_t from = request->u.list.from, to = request->u.list.to;
	uint8_t wire = check_start(pen, request->u.list.epoch, request->u.list.window, &state);

	if (wire != STP_WIRE_SUCCESS)
		return wire;
	if (from < state.oldest)
		from = state.oldest;
	if (to > state.newest)
		to = state.newest;
	if (from > to)
		return STP_WIRE_NO_RECORDS;

	pen->stream.op = STP_OP_LIST;
	pen->stream.token = request->token;
	pen->stream.epoch = request->u.list.epoch;
	pen->stream.window = request->u.list.window;
	pen->stream.credits = request->u.list.window;
	pen->stream.next = from;
	pen->stream.last = to;
	pen->stream.status = STP_WIRE_SUCCESS;
	return STP_WIRE_SUCCESS;
}

static uint8_t
absence(const struct stp_pen_log_state *state, uint32_t record)
{
	return record < state->oldest ? STP_WIRE_OVERWRITTEN : STP_WIRE_NO_RECORDS;
}

/* The log may have lost the record under the reader: say so, instead of a failing flash. */
uint8_t
stp_pen_read_failure(const struct stp_pen_log_state *state, uint32_t record, enum stp_status status)
{
	return status == STP_ERR_NOT_FOUND ? absence(state, record) : STP_WIRE_NOT_COMPLETED;
}

uint8_t
stp_pen_find_range(const struct stp_pen *pen, const struct stp_pen_log_state *state, uint32_t record,
		   uint32_t offset, uint32_t length)
{
	struct stp_entry entry;
	enum stp_status status;

	if (record < state->oldest || record > state->newest)
		return absence(state, record);
	status = pen->config.log->entry(pen->config.user, record, &entry);
	if (status == STP_ERR_NOT_FOUND)
		return STP_WIRE_NO_RECORDS;
	if (status)
		return STP_WIRE_NOT_COMPLETED;
	if (offset > entry.length || length > entry.length - offset)
		return STP_WIRE_INVALID_OPERAND;
	/* A damaged record is evidence: it is read like any other, and said to be damaged. */
	return entry.flags & STP_ENTRY_CORRUPT ? STP_WIRE_RECORD_CORRUPT : STP_WIRE_SUCCESS;
}

uint8_t
stp_pen_begin_read(struct stp_pen *pen, const struct stp_request *request)
{
	struct stp_pen_log_state state;
	uint8_t wire = check_start(pen, request->u.read.epoch, request->u.read.window, &state);

	if (wire != STP_WIRE_SUCCESS)
		return wire;
	wire = stp_pen_find_range(pen, &state, request->u.read.record, request->u.read.offset,
				  request->u.read.length);
	if (wire != STP_WIRE_SUCCESS && wire != STP_WIRE_RECORD_CORRUPT)
		return wire;

	pen->stream.op = STP_OP_READ;
	pen->stream.token = request->token;
	pen->stream.epoch = request->u.read.epoch;
	pen->stream.window = request->u.read.window;
	pen->stream.credits = request->u.read.window;
	pen->stream.next = request->u.read.record;
	pen->stream.offset = request->u.read.offset;
	pen->stream.end = request->u.read.offset + request->u.read.length;
	pen->stream.status = wire;
	return STP_WIRE_SUCCESS;
}

void
stp_pen_add_credit(struct stp_pen *pen, const struct stp_request *request)
{
	unsigned credits = (unsigned)pen->stream.credits + request->u.credit.segments;

	if (!pen->stream.op || pen->stream.token != request->token)
		return;
	/* A CREDIT that came twice must not flood the host. */
	pen->stream.credits = credits > pen->stream.window ? pen->stream.window : (uint8_t)credits;
}

static size_t
payload_max(const struct stp_pen *pen)
{
	size_t value = pen->att_mtu - 3u;

	return (value < STP_ATT_VALUE_MAX ? value : STP_ATT_VALUE_MAX) - STP_SEGMENT_HEADER_SIZE;
}

static enum stp_status
fill_read(struct stp_pen *pen, uint8_t *payload, size_t capacity, size_t *size, bool *last)
{
	uint32_t left = pen->stream.end - pen->stream.offset;
	size_t piece = left < capacity ? left : capacity;
	enum stp_status status =
		pen->config.log->read(pen->config.user, pen->stream.next, pen->stream.offset, payload, piece);

	if (status)
		return status;
	pen->stream.offset += (uint32_t)piece;
	*size = piece;
	*last = pen->stream.offset == pen->stream.end;
	return STP_OK;
}

static enum stp_pen_step
end_segments(const struct stp_pen *pen, uint8_t status, struct stp_answer *reply)
{
	struct stp_pen_log_state state;

	stp_pen_ask_log(pen, &state);
	reply->status = status;
	reply->u.sent.sent = pen->stream.sent;
	reply->u.sent.crc32c = pen->stream.crc;
	reply->u.sent.oldest = state.oldest;
	return STP_PEN_STEP_ENDED;
}

enum stp_pen_step
stp_pen_work_stream(struct stp_pen *pen, struct stp_answer *reply, size_t *size)
{
	struct stp_segment segment = { .token = pen->stream.token, .counter = pen->stream.counter };
	uint8_t *payload = pen->value + STP_SEGMENT_HEADER_SIZE;
	bool list = pen->stream.op == STP_OP_LIST;
	struct stp_pen_log_state state;
	enum stp_status status;
	uint8_t wire;

	if (pen->stream.last_sent)
		return end_segments(pen, pen->stream.status, reply);
	stp_pen_ask_log(pen, &state);
	wire = stp_pen_obstacle(pen, &state, pen->stream.epoch);
	if (wire != STP_WIRE_SUCCESS)
		return end_segments(pen, wire, reply);
	if (!pen->stream.credits || !stp_pen_may_pass(pen, &state) || !(pen->subscribed & 1u << STP_PEN_LOG_DATA))
		return STP_PEN_STEP_PAUSE;

	segment.payload = payload;
	segment.offset = pen->stream.sent;
	segment.first = !pen->stream.sent;
	status = (list ? stp_pen_fill_list : fill_read)(pen, payload, payload_max(pen), &segment.size,
							&segment.last);
	if (status)
		return end_segments(pen, stp_pen_read_failure(&state, pen->stream.next, status), reply);
	if (!segment.size && segment.last)
		return end_segments(pen, STP_WIRE_NO_RECORDS, reply);
	if (!segment.size)
		return STP_PEN_STEP_WORKING;
	if (stp_segment_encode(&segment, pen->value, sizeof(pen->value), size))
		return end_segments(pen, STP_WIRE_NOT_COMPLETED, reply);

	stp_pen_has_passed(pen, &state);
	pen->stream.crc = stp_crc32c(pen->stream.crc, payload, segment.size);
	pen->stream.sent += (uint32_t)segment.size;
	pen->stream.counter = (pen->stream.counter + 1u) & COUNTER_MASK;
	pen->stream.credits--;
	pen->stream.last_sent = segment.last;
	return STP_PEN_STEP_SEGMENT;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/crc32c.h>

#include "pen-internal.h"

#define COUNTER_MASK 63u

/* What forbids a LIST or READ, at its start as well as in its middle. */
static uint8_t
obstacle(const struct stp_pen_log_state *state, uint32_t epoch)
{
	if (epoch != state->epoch)
		return STP_WIRE_WRONG_EPOCH;
	if (state->flags & STP_STATE_MOTOR_ON)
		return STP_WIRE_BUSY;
	return STP_WIRE_SUCCESS;
}

static uint8_t
check_start(const struct stp_pen *pen, uint32_t epoch, uint8_t window, struct stp_pen_log_state *state)
{
	if (window > pen->config.max_window)
		return STP_WIRE_WINDOW_TOO_LARGE;
	pen->config.log->state(pen->config.user, state);
	return obstacle(state, epoch);
}

/* Put the next entry of a LIST in place; sets exhausted when there is none. */
static enum stp_status
fetch_entry(struct stp_pen *pen)
{
	while (pen->stream.next <= pen->stream.last && pen->stream.next) {
		struct stp_entry entry;
		enum stp_status status = pen->config.log->entry(pen->config.user, pen->stream.next, &entry);

		/* Zero after the last number there is: the loop ends. */
		pen->stream.next++;
		if (status == STP_ERR_NOT_FOUND)
			continue;
		if (status)
			return status;
		stp_entry_encode(&entry, pen->stream.entry);
		pen->stream.entry_left = STP_ENTRY_SIZE;
		return STP_OK;
	}
	pen->stream.exhausted = true;
	return STP_OK;
}

uint8_t
stp_pen_begin_list(struct stp_pen *pen, const struct stp_request *request)
{
	struct stp_pen_log_state state;
	uint32_t from = request->u.list.from, to = request->u.list.to;
	uint8_t status = check_start(pen, request->u.list.epoch, request->u.list.window, &state);

	if (status != STP_WIRE_SUCCESS)
		return status;
	if (from < state.oldest)
		from = state.oldest;
	if (to > state.newest)
		to = state.newest;
	if (from > to)
		return STP_WIRE_NO_RECORDS;

	pen->stream.next = from;
	pen->stream.last = to;
	if (fetch_entry(pen))
		return STP_WIRE_NOT_COMPLETED;
	if (pen->stream.exhausted)
		return STP_WIRE_NO_RECORDS;
	pen->stream.op = STP_OP_LIST;
	pen->stream.token = request->token;
	pen->stream.epoch = request->u.list.epoch;
	pen->stream.window = request->u.list.window;
	pen->stream.credits = request->u.list.window;
	pen->stream.status = STP_WIRE_SUCCESS;
	return STP_WIRE_SUCCESS;
}

static uint8_t
absence(const struct stp_pen_log_state *state, uint32_t record)
{
	return record < state->oldest ? STP_WIRE_OVERWRITTEN : STP_WIRE_NO_RECORDS;
}

uint8_t
stp_pen_begin_read(struct stp_pen *pen, const struct stp_request *request)
{
	struct stp_pen_log_state state;
	struct stp_entry entry;
	uint32_t end = request->u.read.offset + request->u.read.length;
	uint8_t wire = check_start(pen, request->u.read.epoch, request->u.read.window, &state);
	enum stp_status status;

	if (wire != STP_WIRE_SUCCESS)
		return wire;
	if (request->u.read.record < state.oldest || request->u.read.record > state.newest)
		return absence(&state, request->u.read.record);
	status = pen->config.log->entry(pen->config.user, request->u.read.record, &entry);
	if (status == STP_ERR_NOT_FOUND)
		return STP_WIRE_NO_RECORDS;
	if (status)
		return STP_WIRE_NOT_COMPLETED;
	if (end > entry.length)
		return STP_WIRE_INVALID_OPERAND;

	pen->stream.op = STP_OP_READ;
	pen->stream.token = request->token;
	pen->stream.epoch = request->u.read.epoch;
	pen->stream.window = request->u.read.window;
	pen->stream.credits = request->u.read.window;
	pen->stream.next = request->u.read.record;
	pen->stream.offset = request->u.read.offset;
	pen->stream.end = end;
	/* A damaged record is evidence: it is read like any other, and said to be damaged. */
	pen->stream.status = entry.flags & STP_ENTRY_CORRUPT ? STP_WIRE_RECORD_CORRUPT : STP_WIRE_SUCCESS;
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
fill_list(struct stp_pen *pen, uint8_t *payload, size_t capacity, size_t *size, bool *last)
{
	size_t filled = 0;

	while (filled < capacity && pen->stream.entry_left) {
		size_t piece = pen->stream.entry_left;

		if (piece > capacity - filled)
			piece = capacity - filled;
		memcpy(payload + filled, pen->stream.entry + STP_ENTRY_SIZE - pen->stream.entry_left, piece);
		filled += piece;
		pen->stream.entry_left = (uint8_t)(pen->stream.entry_left - piece);
		/* Look ahead: only so is it known which segment is the last. */
		if (!pen->stream.entry_left && fetch_entry(pen))
			return STP_ERR_IO;
	}
	*size = filled;
	*last = pen->stream.exhausted;
	return STP_OK;
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

static size_t
end_stream(struct stp_pen *pen, uint8_t status, bool *ended)
{
	pen->stream.status = status;
	*ended = true;
	return 0;
}

/* The log may have lost the record under the reader: say so, instead of a failing flash. */
static uint8_t
failure(const struct stp_pen_log_state *state, const struct stp_pen *pen, enum stp_status status)
{
	if (pen->stream.op == STP_OP_READ && status == STP_ERR_NOT_FOUND)
		return absence(state, pen->stream.next);
	return STP_WIRE_NOT_COMPLETED;
}

size_t
stp_pen_next_segment(struct stp_pen *pen, bool *ended)
{
	struct stp_segment segment = { .token = pen->stream.token, .counter = pen->stream.counter };
	uint8_t *payload = pen->value + STP_SEGMENT_HEADER_SIZE;
	struct stp_pen_log_state state;
	enum stp_status status;
	size_t size = 0;
	uint8_t wire;

	if (pen->stream.op == STP_OP_LIST ? pen->stream.exhausted : pen->stream.offset == pen->stream.end)
		return end_stream(pen, pen->stream.status, ended);
	pen->config.log->state(pen->config.user, &state);
	wire = obstacle(&state, pen->stream.epoch);
	if (wire != STP_WIRE_SUCCESS)
		return end_stream(pen, wire, ended);
	if (!pen->stream.credits)
		return 0;

	segment.payload = payload;
	segment.offset = pen->stream.sent;
	segment.first = !pen->stream.sent;
	if (pen->stream.op == STP_OP_LIST)
		status = fill_list(pen, payload, payload_max(pen), &segment.size, &segment.last);
	else
		status = fill_read(pen, payload, payload_max(pen), &segment.size, &segment.last);
	if (status)
		return end_stream(pen, failure(&state, pen, status), ended);
	if (stp_segment_encode(&segment, pen->value, sizeof(pen->value), &size))
		return end_stream(pen, STP_WIRE_NOT_COMPLETED, ended);

	pen->stream.crc = stp_crc32c(pen->stream.crc, payload, segment.size);
	pen->stream.sent += (uint32_t)segment.size;
	pen->stream.counter = (pen->stream.counter + 1u) & COUNTER_MASK;
	pen->stream.credits--;
	return size;
}

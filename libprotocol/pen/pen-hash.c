/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* HASH: the checksum of a part of a record, a piece at each poll. */

#include <stipple/crc32c.h>

#include "pen-internal.h"

/*
 * Bytes at each poll: as many as the buffer for segments holds, which is free meanwhile.  A Cortex-M0+
 * at 48 MHz takes about a tenth of a millisecond for them.
 */
#define HASH_PIECE STP_ATT_VALUE_MAX

uint8_t
stp_pen_begin_hash(struct stp_pen *pen, const struct stp_request *request)
{
	struct stp_pen_log_state state;
	uint8_t wire;

	stp_pen_ask_log(pen, &state);
	wire = stp_pen_obstacle(pen, &state, request->u.hash.epoch);
	if (wire != STP_WIRE_SUCCESS)
		return wire;
	wire = stp_pen_find_range(pen, &state, request->u.hash.record, request->u.hash.offset,
				  request->u.hash.length);
	if (wire != STP_WIRE_SUCCESS && wire != STP_WIRE_RECORD_CORRUPT)
		return wire;
	pen->stream.op = STP_OP_HASH;
	pen->stream.token = request->token;
	pen->stream.epoch = request->u.hash.epoch;
	pen->stream.next = request->u.hash.record;
	pen->stream.offset = request->u.hash.offset;
	pen->stream.end = request->u.hash.offset + request->u.hash.length;
	pen->stream.status = wire;
	return STP_WIRE_SUCCESS;
}

enum stp_pen_step
stp_pen_work_hash(struct stp_pen *pen, struct stp_answer *reply)
{
	uint32_t left = pen->stream.end - pen->stream.offset;
	size_t piece = left < HASH_PIECE ? left : HASH_PIECE;
	struct stp_pen_log_state state;
	enum stp_status status;

	stp_pen_ask_log(pen, &state);
	reply->status = stp_pen_obstacle(pen, &state, pen->stream.epoch);
	if (reply->status != STP_WIRE_SUCCESS)
		return STP_PEN_STEP_ENDED;
	if (!stp_pen_may_pass(pen, &state))
		return STP_PEN_STEP_PAUSE;
	stp_pen_has_passed(pen, &state);
	status = pen->config.log->read(pen->config.user, pen->stream.next, pen->stream.offset, pen->value, piece);
	if (status) {
		reply->status = stp_pen_read_failure(&state, pen->stream.next, status);
		return STP_PEN_STEP_ENDED;
	}
	pen->stream.crc = stp_crc32c(pen->stream.crc, pen->value, piece);
	pen->stream.offset += (uint32_t)piece;
	reply->status = pen->stream.status;
	reply->u.hash.crc32c = pen->stream.crc;
	return pen->stream.offset == pen->stream.end ? STP_PEN_STEP_ENDED : STP_PEN_STEP_WORKING;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * ERASE_PREPARE and ERASE: both look at everything that forbids it, since things change between the two.
 * The records are looked at a piece at each poll.
 */

#include "pen-internal.h"

static uint8_t
erase_obstacle(const struct stp_pen_log_state *state, uint32_t epoch, uint32_t up_to)
{
	if (epoch != state->epoch)
		return STP_WIRE_WRONG_EPOCH;
	if (up_to > state->newest)
		return STP_WIRE_INVALID_OPERAND;
	if (state->flags & STP_STATE_MOTOR_ON)
		return STP_WIRE_BUSY;
	if (up_to < state->oldest)
		return STP_WIRE_NO_RECORDS;
	return STP_WIRE_SUCCESS;
}

uint8_t
stp_pen_begin_erase(struct stp_pen *pen, const struct stp_request *request)
{
	bool prepare = request->op == STP_OP_ERASE_PREPARE;
	uint32_t epoch = prepare ? request->u.erase_prepare.epoch : request->u.erase.epoch;
	uint32_t up_to = prepare ? request->u.erase_prepare.up_to : request->u.erase.up_to;
	struct stp_pen_log_state state;
	uint8_t wire;

	if (!pen->config.log->erase || !stp_pen_can_prepare(pen))
		return STP_WIRE_OP_NOT_SUPPORTED;
	/* Whatever comes of it, a new preparation takes the place of the one before. */
	if (prepare)
		stp_pen_forget_wish(pen);
	if (pen->slot >= STP_PEN_SLOTS)
		return STP_WIRE_NOT_AUTHORISED;
	stp_pen_ask_log(pen, &state);
	wire = erase_obstacle(&state, epoch, up_to);
	if (wire != STP_WIRE_SUCCESS)
		return wire;
	pen->stream.op = request->op;
	pen->stream.token = request->token;
	pen->stream.epoch = epoch;
	pen->stream.next = state.oldest;
	pen->stream.last = up_to;
	pen->stream.offset = prepare ? 0 : request->u.erase.nonce;
	return STP_WIRE_SUCCESS;
}

/*
 * Go past one number, or a run of them that every collector has acknowledged; *done behind the last.  Of the
 * others only a record that could still be fetched forbids the erasure.
 */
static uint8_t
pass_records(struct stp_pen *pen, const struct stp_pen_log_state *state, bool *done)
{
	struct stp_range run = { 0, 0 };
	struct stp_entry entry;
	enum stp_status status;

	if (pen->stream.next < state->oldest)
		pen->stream.next = state->oldest;
	if (!stp_pen_common_run(pen, state->epoch, pen->stream.next, &run) || run.from > pen->stream.next) {
		run.to = pen->stream.next;
		status = pen->config.log->entry(pen->config.user, pen->stream.next, &entry);
		if (!status && !(entry.flags & STP_ENTRY_CORRUPT))
			return STP_WIRE_NOT_ACKNOWLEDGED;
		if (status && status != STP_ERR_NOT_FOUND)
			return STP_WIRE_NOT_COMPLETED;
	}
	*done = run.to >= pen->stream.last;
	pen->stream.next = run.to + 1;
	return STP_WIRE_SUCCESS;
}

static bool
is_prepared(const struct stp_pen *pen)
{
	return pen->wish.wish == STP_PEN_WISH_ERASE && pen->wish.nonce == pen->stream.offset &&
	       pen->wish.epoch == pen->stream.epoch && pen->wish.up_to == pen->stream.last;
}

static void
prepare_erase(struct stp_pen *pen, struct stp_answer *reply)
{
	reply->u.erase_prepare.nonce = stp_pen_prepare(pen, STP_PEN_WISH_ERASE);
	pen->wish.epoch = pen->stream.epoch;
	pen->wish.up_to = pen->stream.last;
}

static uint8_t
execute_erase(struct stp_pen *pen)
{
	if (!is_prepared(pen))
		return STP_WIRE_STALE;
	if (!pen->wish.confirmed && !pen->config.erase_unconfirmed)
		return STP_WIRE_NOT_CONFIRMED;
	/* Used up now: power may fail at any moment from here on, and nobody presses for a second time. */
	stp_pen_forget_wish(pen);
	if (pen->config.log->erase(pen->config.user, pen->stream.last))
		return STP_WIRE_NOT_COMPLETED;
	return STP_WIRE_SUCCESS;
}

enum stp_pen_step
stp_pen_work_erase(struct stp_pen *pen, struct stp_answer *reply)
{
	struct stp_pen_log_state state;
	bool done = false;

	stp_pen_ask_log(pen, &state);
	reply->status = erase_obstacle(&state, pen->stream.epoch, pen->stream.last);
	for (unsigned i = 0; i < STP_PEN_LOOKUPS_MAX && reply->status == STP_WIRE_SUCCESS && !done; i++)
		reply->status = pass_records(pen, &state, &done);
	if (reply->status == STP_WIRE_SUCCESS && !done)
		return STP_PEN_STEP_WORKING;
	if (reply->status == STP_WIRE_SUCCESS && pen->stream.op == STP_OP_ERASE_PREPARE)
		prepare_erase(pen, reply);
	else if (reply->status == STP_WIRE_SUCCESS)
		reply->status = execute_erase(pen);
	return STP_PEN_STEP_ENDED;
}

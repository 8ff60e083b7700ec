/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "pen-internal.h"

#define NO_SLOT 0xFF
#define ANSWER 0x80u

enum stp_status
stp_pen_init(struct stp_pen *pen, const struct stp_pen_config *config)
{
	const struct stp_pen_log *log = config->log;

	if (!log || !log->state || !log->entry || !log->read || !log->save_slot)
		return STP_ERR_ARGUMENT;
	if (config->max_window > STP_WINDOW_MAX || config->boot_id > STP_BOOT_ID_MAX)
		return STP_ERR_RANGE;
	memset(pen, 0, sizeof(*pen));
	pen->config = *config;
	pen->config.slots = NULL;
	if (!pen->config.max_window)
		pen->config.max_window = STP_WINDOW_MAX;
	if (config->slots)
		memcpy(pen->slots, config->slots, sizeof(pen->slots));
	for (unsigned i = 0; i < STP_PEN_SLOTS; i++)
		/* Flash that was damaged must not become a read past the array. */
		if (pen->slots[i].range_count > STP_PEN_SLOT_RANGES)
			pen->slots[i].range_count = 0;
	pen->slot = NO_SLOT;
	pen->att_mtu = STP_ATT_MTU_MIN;
	return STP_OK;
}

static void
drop_stream(struct stp_pen *pen)
{
	memset(&pen->stream, 0, sizeof(pen->stream));
}

void
stp_pen_set_mtu(struct stp_pen *pen, uint16_t att_mtu)
{
	if (att_mtu < STP_ATT_MTU_MIN)
		att_mtu = STP_ATT_MTU_MIN;
	if (att_mtu > STP_ATT_MTU_MAX)
		att_mtu = STP_ATT_MTU_MAX;
	pen->att_mtu = att_mtu;
}

void
stp_pen_connected(struct stp_pen *pen, uint16_t att_mtu)
{
	stp_pen_disconnected(pen);
	stp_pen_set_mtu(pen, att_mtu);
	pen->connected = true;
}

void
stp_pen_disconnected(struct stp_pen *pen)
{
	drop_stream(pen);
	pen->connected = false;
	pen->slot = NO_SLOT;
	pen->answer_size = 0;
}

static void
answer(struct stp_pen *pen, const struct stp_answer *what)
{
	if (stp_answer_encode(what, pen->answer, &pen->answer_size))
		pen->answer_size = 0;
}

/* Requests that cannot be decoded are answered with what is known of them. */
static void
refuse(struct stp_pen *pen, const uint8_t *bytes, size_t size, enum stp_status why)
{
	pen->answer[0] = (uint8_t)((size ? bytes[0] : 0) | ANSWER);
	pen->answer[1] = size > 1 ? bytes[1] : 0;
	pen->answer[2] = why == STP_ERR_UNKNOWN || !size ? STP_WIRE_OP_NOT_SUPPORTED : STP_WIRE_INVALID_OPERAND;
	pen->answer_size = 3;
}

static void
on_hello(struct stp_pen *pen, const struct stp_request *request, struct stp_answer *reply)
{
	pen->slot = NO_SLOT;
	reply->status = stp_pen_take_slot(pen, request->u.hello.collector_id);
	reply->u.hello.slot = pen->slot;
	reply->u.hello.slots_free = stp_pen_slots_free(pen);
	reply->u.hello.mark = stp_pen_mark(pen);
	answer(pen, reply);
}

static void
on_get_state(struct stp_pen *pen, const struct stp_request *request, struct stp_answer *reply)
{
	struct stp_pen_log_state state;

	pen->config.log->state(pen->config.user, &state);
	reply->status = STP_WIRE_SUCCESS;
	reply->u.state.epoch = state.epoch;
	reply->u.state.oldest = state.oldest;
	reply->u.state.newest = state.newest;
	reply->u.state.boot_id = pen->config.boot_id;
	reply->u.state.free_percent = state.free_percent;
	reply->u.state.flags = state.flags;
	answer(pen, reply);
}

static void
on_list(struct stp_pen *pen, const struct stp_request *request, struct stp_answer *reply)
{
	struct stp_pen_log_state state;

	reply->status = stp_pen_begin_list(pen, request);
	if (reply->status == STP_WIRE_SUCCESS)
		return;
	pen->config.log->state(pen->config.user, &state);
	reply->u.sent.oldest = state.oldest;
	answer(pen, reply);
}

static void
on_read(struct stp_pen *pen, const struct stp_request *request, struct stp_answer *reply)
{
	reply->status = stp_pen_begin_read(pen, request);
	if (reply->status != STP_WIRE_SUCCESS)
		answer(pen, reply);
}

static void
on_abort(struct stp_pen *pen, const struct stp_request *request, struct stp_answer *reply)
{
	/* The stream was ended as by any request; that there was none is no failure. */
	reply->status = STP_WIRE_SUCCESS;
	answer(pen, reply);
}

static void
on_ack(struct stp_pen *pen, const struct stp_request *request, struct stp_answer *reply)
{
	reply->status = stp_pen_acknowledge(pen, request);
	if (pen->slot < STP_PEN_SLOTS)
		reply->u.ack.ranges_free = (uint8_t)(STP_PEN_SLOT_RANGES - pen->slots[pen->slot].range_count);
	answer(pen, reply);
}

static const struct {
	enum stp_op op;
	void (*handle)(struct stp_pen *pen, const struct stp_request *request, struct stp_answer *reply);
} handlers[] = {
	{ STP_OP_HELLO, on_hello },	  { STP_OP_GET_STATE, on_get_state }, { STP_OP_LIST, on_list },
	{ STP_OP_READ, on_read },	  { STP_OP_ABORT, on_abort },	      { STP_OP_ACK, on_ack },
};

void
stp_pen_control(struct stp_pen *pen, const uint8_t *bytes, size_t size)
{
	struct stp_request request;
	struct stp_answer reply = { 0 };
	enum stp_status status;

	if (!pen->connected)
		return;
	status = stp_request_decode(bytes, size, &request);
	if (status) {
		refuse(pen, bytes, size, status);
		return;
	}
	if (request.op == STP_OP_CREDIT) {
		stp_pen_add_credit(pen, &request);
		return;
	}

	/* One operation at a time, and the newest request is the one the host waits for. */
	drop_stream(pen);
	pen->answer_size = 0;
	reply.op = request.op;
	reply.token = request.token;
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].op == request.op) {
			handlers[i].handle(pen, &request, &reply);
			return;
		}
	reply.status = STP_WIRE_OP_NOT_SUPPORTED;
	answer(pen, &reply);
}

static void
conclude(struct stp_pen *pen)
{
	struct stp_answer reply = { .op = pen->stream.op,
		.token = pen->stream.token,
		.status = pen->stream.status,
		.u.sent = { .sent = pen->stream.sent, .crc32c = pen->stream.crc } };
	struct stp_pen_log_state state;

	if (reply.op == STP_OP_LIST) {
		pen->config.log->state(pen->config.user, &state);
		reply.u.sent.oldest = state.oldest;
	}
	answer(pen, &reply);
	drop_stream(pen);
}

void
stp_pen_poll(struct stp_pen *pen, struct stp_pen_output *output)
{
	*output = (struct stp_pen_output){ .kind = STP_PEN_IDLE };
	if (!pen->connected)
		return;
	if (!pen->answer_size && pen->stream.op) {
		bool ended = false;
		size_t size = stp_pen_next_segment(pen, &ended);

		if (size) {
			*output = (struct stp_pen_output){ STP_PEN_NOTIFY, pen->value, size };
			return;
		}
		if (ended)
			conclude(pen);
	}
	if (pen->answer_size) {
		*output = (struct stp_pen_output){ STP_PEN_INDICATE, pen->answer, pen->answer_size };
		pen->answer_size = 0;
	}
}

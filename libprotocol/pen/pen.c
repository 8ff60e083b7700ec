/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "pen-internal.h"
#include "../base/struct-size.h"

#define ANSWER 0x80u

/* The engine calls through the program's own tables: what the first release had must be there. */
#define LOG_SIZE_MIN (offsetof(struct stp_pen_log, erase) + sizeof(((struct stp_pen_log *)NULL)->erase))
#define PANEL_SIZE_MIN (offsetof(struct stp_pen_panel, set_clock) + sizeof(((struct stp_pen_panel *)NULL)->set_clock))

static enum stp_status
check_settings(const struct stp_pen_config *config)
{
	uint16_t revision;

	return stp_config_check(config->settings, config->settings_size, &revision);
}

enum stp_status
stp_pen_init_sized(struct stp_pen *pen, size_t pen_size, const struct stp_pen_config *given, size_t given_size,
		   size_t log_size, size_t panel_size)
{
	struct stp_pen_config taken, *config = &taken;
	struct stp_pen_log log;
	struct stp_pen_panel panel;

	if (pen_size < sizeof(*pen))
		return STP_ERR_SPACE;
	if (!struct_take(&taken, sizeof(taken), given, given_size) || !taken.log ||
	    !struct_take(&log, sizeof(log), taken.log, log_size) ||
	    (taken.panel && !struct_take(&panel, sizeof(panel), taken.panel, panel_size)))
		return STP_ERR_ARGUMENT;
	if (log_size < LOG_SIZE_MIN || (taken.panel && panel_size < PANEL_SIZE_MIN))
		return STP_ERR_ARGUMENT;
	if (!log.state || !log.entry || !log.read || !log.save_slot)
		return STP_ERR_ARGUMENT;
	if (config->max_window > STP_WINDOW_MAX || config->boot_id > STP_BOOT_ID_MAX)
		return STP_ERR_RANGE;
	if (config->settings) {
		enum stp_status status = check_settings(config);

		if (status)
			return status;
	}
	memset(pen, 0, sizeof(*pen));
	pen->config = *config;
	pen->log_size = (uint16_t)(log_size < sizeof(log) ? log_size : sizeof(log));
	pen->panel_size = (uint16_t)(panel_size < sizeof(panel) ? panel_size : sizeof(panel));
	pen->config.slots = NULL;
	if (!pen->config.max_window)
		pen->config.max_window = STP_WINDOW_MAX;
	if (config->slots)
		memcpy(pen->slots, config->slots, sizeof(pen->slots));
	for (unsigned i = 0; i < STP_PEN_SLOTS; i++)
		/* Flash that was damaged must not become a read past the array. */
		if (pen->slots[i].range_count > STP_PEN_SLOT_RANGES)
			pen->slots[i].range_count = 0;
	stp_pen_check_slots(pen);
	pen->slot = STP_PEN_NO_SLOT;
	pen->att_mtu = STP_ATT_MTU_MIN;
	if (pen->config.settings)
		stp_pen_apply_settings(pen);
	return STP_OK;
}

void
stp_pen_end_stream(struct stp_pen *pen)
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
	pen->subscribed = 1u << STP_PEN_LOG_CONTROL | 1u << STP_PEN_LOG_DATA | 1u << STP_PEN_PANEL;
}

void
stp_pen_disconnected(struct stp_pen *pen)
{
	stp_pen_end_stream(pen);
	stp_pen_forget_wish(pen);
	stp_pen_forget_outputs(pen);
	pen->connected = false;
	pen->held = false;
	pen->subscribed = 0;
	pen->made_slot = false;
	pen->slot = STP_PEN_NO_SLOT;
}

static void
answer(struct stp_pen *pen, const struct stp_answer *what)
{
	size_t size;

	pen->answer_size = stp_answer_encode(what, pen->answer, &size) ? 0 : (uint8_t)size;
}

uint8_t
stp_pen_refuse(uint8_t *out, const uint8_t *bytes, size_t size, enum stp_status why)
{
	out[0] = (uint8_t)((size ? bytes[0] : 0) | ANSWER);
	out[1] = size > 1 ? bytes[1] : 0;
	out[2] = why == STP_ERR_UNKNOWN || !size ? STP_WIRE_OP_NOT_SUPPORTED : STP_WIRE_INVALID_OPERAND;
	return 3;
}

static void
on_hello(struct stp_pen *pen, const struct stp_request *request, struct stp_answer *reply)
{
	/* What was prepared was for the collector before. */
	stp_pen_forget_wish(pen);
	pen->slot = STP_PEN_NO_SLOT;
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

	stp_pen_ask_log(pen, &state);
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
	stp_pen_ask_log(pen, &state);
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
on_hash(struct stp_pen *pen, const struct stp_request *request, struct stp_answer *reply)
{
	reply->status = stp_pen_begin_hash(pen, request);
	if (reply->status != STP_WIRE_SUCCESS)
		answer(pen, reply);
}

static void
on_erase(struct stp_pen *pen, const struct stp_request *request, struct stp_answer *reply)
{
	reply->status = stp_pen_begin_erase(pen, request);
	if (reply->status != STP_WIRE_SUCCESS)
		answer(pen, reply);
}

static void
on_slots(struct stp_pen *pen, const struct stp_request *request, struct stp_answer *reply)
{
	reply->status = stp_pen_tell_slot(pen, request->u.slots.index, reply);
	answer(pen, reply);
}

static void
on_drop_slot(struct stp_pen *pen, const struct stp_request *request, struct stp_answer *reply)
{
	reply->status = stp_pen_drop_slot(pen, request);
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
	{ STP_OP_HELLO, on_hello },
	{ STP_OP_GET_STATE, on_get_state },
	{ STP_OP_LIST, on_list },
	{ STP_OP_READ, on_read },
	{ STP_OP_HASH, on_hash },
	{ STP_OP_ABORT, on_abort },
	{ STP_OP_ACK, on_ack },
	{ STP_OP_ERASE_PREPARE, on_erase },
	{ STP_OP_ERASE, on_erase },
	{ STP_OP_SLOTS, on_slots },
	{ STP_OP_DROP_SLOT, on_drop_slot },
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
		/* It ends nothing, nor does it take the place of an answer that waits. */
		pen->refusal_size = stp_pen_refuse(pen->refusal, bytes, size, status);
		return;
	}
	if (request.op == STP_OP_CREDIT) {
		stp_pen_add_credit(pen, &request);
		return;
	}

	/* One operation at a time, and the newest request is the one the host waits for. */
	stp_pen_end_stream(pen);
	pen->answer_size = 0;
	reply.op = request.op;
	reply.token = request.token;
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].op == request.op) {
			handlers[i].handle(pen, &request, &reply);
			return;
		}
}

/* Go on with what is under way, a step. */
enum stp_pen_step
stp_pen_work(struct stp_pen *pen, size_t *size)
{
	struct stp_answer reply = { .op = pen->stream.op, .token = pen->stream.token };
	enum stp_pen_step step = STP_PEN_STEP_PAUSE;

	if (reply.op == STP_OP_LIST || reply.op == STP_OP_READ)
		step = stp_pen_work_stream(pen, &reply, size);
	else if (reply.op == STP_OP_HASH)
		step = stp_pen_work_hash(pen, &reply);
	else if (reply.op == STP_OP_ERASE_PREPARE || reply.op == STP_OP_ERASE)
		step = stp_pen_work_erase(pen, &reply);
	if (step == STP_PEN_STEP_ENDED) {
		answer(pen, &reply);
		stp_pen_end_stream(pen);
	}
	return step;
}

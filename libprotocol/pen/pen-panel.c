/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * Pen Control Point.  Each request is answered at once; nothing here touches what is under way at the
 * log, and nothing here reaches the motor.
 */

#include <string.h>

#include "pen-internal.h"

static uint8_t
wire_status(enum stp_status status)
{
	if (status == STP_OK)
		return STP_WIRE_SUCCESS;
	if (status == STP_ERR_RANGE)
		return STP_WIRE_INVALID_OPERAND;
	if (status == STP_ERR_UNKNOWN)
		return STP_WIRE_OP_NOT_SUPPORTED;
	if (status == STP_ERR_REFUSED)
		return STP_WIRE_BATTERY_LOW;
	return status == STP_ERR_TURN ? STP_WIRE_BUSY : STP_WIRE_NOT_COMPLETED;
}

static bool
motor_runs(const struct stp_pen *pen)
{
	struct stp_pen_log_state state;

	stp_pen_ask_log(pen, &state);
	return state.flags & STP_STATE_MOTOR_ON;
}

static uint8_t
prepare_self_test(struct stp_pen *pen, struct stp_panel_answer *reply)
{
	if (!pen->config.panel->self_test || !stp_pen_can_prepare(pen))
		return STP_WIRE_OP_NOT_SUPPORTED;
	stp_pen_forget_wish(pen);
	if (motor_runs(pen))
		return STP_WIRE_BUSY;
	reply->u.self_test_prepare.nonce = stp_pen_prepare(pen, STP_PEN_WISH_SELF_TEST);
	return STP_WIRE_SUCCESS;
}

static uint8_t
run_self_test(struct stp_pen *pen, uint32_t nonce)
{
	if (!pen->config.panel->self_test || !stp_pen_can_prepare(pen))
		return STP_WIRE_OP_NOT_SUPPORTED;
	if (motor_runs(pen))
		return STP_WIRE_BUSY;
	if (pen->wish.wish != STP_PEN_WISH_SELF_TEST || pen->wish.nonce != nonce)
		return STP_WIRE_STALE;
	if (!pen->wish.confirmed)
		return STP_WIRE_NOT_CONFIRMED;
	stp_pen_forget_wish(pen);
	return wire_status(pen->config.panel->self_test(pen->config.user));
}

static uint8_t
reboot(struct stp_pen *pen)
{
	if (!pen->config.panel->reboot)
		return STP_WIRE_OP_NOT_SUPPORTED;
	if (motor_runs(pen))
		return STP_WIRE_BUSY;
	return wire_status(pen->config.panel->reboot(pen->config.user));
}

static uint8_t
get_setting(const struct stp_pen *pen, uint8_t tag, struct stp_panel_answer *reply)
{
	const uint8_t *settings = pen->config.settings;
	struct stp_config_item item;

	if (!settings)
		return STP_WIRE_OP_NOT_SUPPORTED;
	if (stp_config_find(settings, pen->config.settings_size, tag, &item))
		return STP_WIRE_NO_RECORDS;
	reply->u.config_get.revision = stp_pen_settings_revision(pen);
	reply->u.config_get.size = item.size;
	if (item.size)
		memcpy(reply->u.config_get.value, item.value, item.size);
	return STP_WIRE_SUCCESS;
}

static uint8_t
set_setting(struct stp_pen *pen, const struct stp_panel_request *request, struct stp_panel_answer *reply)
{
	uint8_t status = stp_pen_change_setting(pen, request);

	reply->u.config_set.revision = pen->config.settings ? stp_pen_settings_revision(pen) : 0;
	return status;
}

static uint8_t
set_live_rate(struct stp_pen *pen, uint8_t hz, struct stp_panel_answer *reply)
{
	uint8_t granted = hz;
	enum stp_status status;

	if (!pen->config.panel->live_rate)
		return STP_WIRE_OP_NOT_SUPPORTED;
	status = pen->config.panel->live_rate(pen->config.user, hz, &granted);
	reply->u.live_rate.hz = granted < hz ? granted : hz;
	return wire_status(status);
}

static uint8_t
obey(struct stp_pen *pen, const struct stp_panel_request *request, struct stp_panel_answer *reply)
{
	const struct stp_pen_panel *panel = pen->config.panel;
	void *user = pen->config.user;

	switch (request->op) {
	case STP_PANEL_IDENTIFY:
		if (panel->identify)
			return wire_status(panel->identify(user, request->u.identify.seconds));
		break;
	case STP_PANEL_SELF_TEST_PREPARE:
		return prepare_self_test(pen, reply);
	case STP_PANEL_SELF_TEST_RUN:
		return run_self_test(pen, request->u.self_test_run.nonce);
	case STP_PANEL_CONFIG_SET:
		return set_setting(pen, request, reply);
	case STP_PANEL_CONFIG_GET:
		return get_setting(pen, request->u.config_get.tag, reply);
	case STP_PANEL_SET_ZONE:
		if (panel->set_zone)
			return wire_status(panel->set_zone(user, request->u.set_zone.zone));
		break;
	case STP_PANEL_SESSION_TAG:
		if (panel->session_tag)
			return wire_status(panel->session_tag(user, request->u.session_tag.tag));
		break;
	case STP_PANEL_LIVE_RATE:
		return set_live_rate(pen, request->u.live_rate.hz, reply);
	case STP_PANEL_REBOOT:
		return reboot(pen);
	case STP_PANEL_COUNTERS_RESET:
		if (panel->reset_counters)
			return wire_status(panel->reset_counters(user));
		break;
	}
	return STP_WIRE_OP_NOT_SUPPORTED;
}

void
stp_pen_panel(struct stp_pen *pen, const uint8_t *bytes, size_t size)
{
	struct stp_panel_request request;
	struct stp_panel_answer reply = { 0 };
	enum stp_status status;

	if (!pen->connected || !(pen->subscribed & 1u << STP_PEN_PANEL))
		return;
	status = stp_panel_request_decode(bytes, size, &request);
	if (status) {
		pen->panel_answer_size = stp_pen_refuse(pen->panel_answer, bytes, size, status);
		return;
	}
	reply.op = request.op;
	reply.token = request.token;
	reply.status = pen->config.panel ? obey(pen, &request, &reply) : STP_WIRE_OP_NOT_SUPPORTED;
	size = 0;
	pen->panel_answer_size = stp_panel_answer_encode(&reply, pen->panel_answer, &size) ? 0 : (uint8_t)size;
}

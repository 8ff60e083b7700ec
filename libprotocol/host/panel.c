/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>

#include <stipple/panel.h>

#include "request-turn.h"
#include "../base/struct-size.h"

struct stp_panel {
	struct turn turn;
	struct stp_panel_request request;
	bool announce_due;
	struct stp_panel_action announce;
};

struct stp_panel *
stp_panel_new_sized(const struct stp_panel_config *config, size_t config_size)
{
	struct stp_panel *panel = calloc(1, sizeof(*panel));
	struct stp_panel_config taken;

	if (!panel)
		return NULL;
	if (!struct_take(&taken, sizeof(taken), config, config_size)) {
		free(panel);
		return NULL;
	}
	stp_turn_init(&panel->turn, taken.first_answer_ms, taken.retries, taken.last_token);
	return panel;
}

void
stp_panel_free(struct stp_panel *panel)
{
	free(panel);
}

/* Done twice, it is as if it was done once. */
static bool
may_be_repeated(enum stp_panel_op op)
{
	return op == STP_PANEL_IDENTIFY || op == STP_PANEL_CONFIG_SET || op == STP_PANEL_CONFIG_GET ||
	       op == STP_PANEL_SET_ZONE || op == STP_PANEL_SESSION_TAG || op == STP_PANEL_LIVE_RATE;
}

enum stp_status
stp_panel_ask(struct stp_panel *panel, const struct stp_panel_request *request, uint64_t now_ms)
{
	struct stp_panel_request own = *request;
	uint8_t bytes[STP_CONTROL_SIZE_MAX];
	enum stp_status status;
	size_t size;

	stp_turn_set_now(&panel->turn, now_ms);
	if (panel->turn.state != TURN_OVER || panel->announce_due)
		return STP_ERR_TURN;
	own.token = STP_TOKEN_MIN;
	status = stp_panel_request_encode(&own, bytes, &size);
	if (status)
		return status;
	panel->request = own;
	stp_turn_begin(&panel->turn);
	return STP_OK;
}

static void
panel_fail(struct stp_panel *panel, uint8_t wire_status)
{
	stp_turn_end(&panel->turn);
	panel->announce.kind = STP_PANEL_FAILED;
	panel->announce.u.failed.reason = STP_ERR_TIMEOUT;
	panel->announce.u.failed.op = panel->request.op;
	panel->announce.u.failed.wire_status = wire_status;
	panel->announce_due = true;
}

static void
panel_ask_person(struct stp_panel *panel)
{
	bool told = panel->turn.told;

	panel->turn.unsure = false;
	if (!stp_turn_wait_for_person(&panel->turn)) {
		panel_fail(panel, STP_WIRE_NOT_CONFIRMED);
		return;
	}
	if (told)
		return;
	panel->turn.told = true;
	panel->announce.kind = STP_PANEL_CONFIRM;
	panel->announce.u.confirm.within_ms = TURN_PATIENCE_MS;
	panel->announce_due = true;
}

void
stp_panel_control(struct stp_panel *panel, const uint8_t *bytes, size_t size, uint64_t now_ms)
{
	struct stp_panel_answer answer;

	stp_turn_set_now(&panel->turn, now_ms);
	if (stp_panel_answer_decode(bytes, size, &answer) || answer.op != panel->request.op ||
	    !stp_turn_takes(&panel->turn, answer.token))
		return;
	if (answer.status == STP_WIRE_NOT_CONFIRMED) {
		panel_ask_person(panel);
		return;
	}
	panel->announce.kind = STP_PANEL_ANSWER;
	panel->announce.u.answer.answer = answer;
	panel->announce.u.answer.repeated = panel->turn.unsure;
	panel->announce_due = true;
}

void
stp_panel_timeout(struct stp_panel *panel, uint64_t now_ms)
{
	stp_turn_set_now(&panel->turn, now_ms);
	switch (stp_turn_expire(&panel->turn)) {
	case TURN_NOT_DUE:
		break;
	case TURN_UNANSWERED:
		if (may_be_repeated(panel->request.op))
			stp_turn_again(&panel->turn);
		else
			panel_fail(panel, 0);
		break;
	case TURN_DUE_AGAIN:
		stp_turn_again(&panel->turn);
		break;
	case TURN_GIVEN_UP:
		panel_fail(panel, 0);
		break;
	}
}

uint64_t
stp_panel_deadline(const struct stp_panel *panel)
{
	return panel->turn.deadline;
}

void
stp_panel_poll_sized(struct stp_panel *panel, struct stp_panel_action *action, size_t action_size)
{
	struct stp_panel_action next;

	memset(&next, 0, sizeof(next));
	next.kind = STP_PANEL_IDLE;
	if (panel->announce_due) {
		next = panel->announce;
		panel->announce_due = false;
	} else if (panel->turn.state == TURN_WRITE) {
		panel->turn.state = TURN_ANSWER;
		panel->request.token = panel->turn.token;
		/* It was encoded once already, when it was asked. */
		if (!stp_panel_request_encode(&panel->request, next.u.write.bytes, &next.u.write.size))
			next.kind = STP_PANEL_WRITE;
	}
	struct_give(action, action_size, &next, sizeof(next));
}

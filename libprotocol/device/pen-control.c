/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdbool.h>
#include <string.h>

#include <stipple/pen-control.h>

#include "../base/wire-bytes.h"

#define PANEL_ANSWER 0x80u
#define PANEL_REQUEST_HEAD 2u	/* op, token */
#define PANEL_ANSWER_HEAD 3u	/* op, token, status */

/* How much follows the head: fixed bytes, then a value of any length up to STP_CONFIG_VALUE_MAX. */
struct panel_shape {
	bool known;
	uint8_t fixed;
	bool value;
};

static struct panel_shape
panel_request_shape(enum stp_panel_op op)
{
	switch (op) {
	case STP_PANEL_IDENTIFY:
	case STP_PANEL_CONFIG_GET:
	case STP_PANEL_SET_ZONE:
	case STP_PANEL_LIVE_RATE:
		return (struct panel_shape){ true, 1, false };
	case STP_PANEL_SELF_TEST_RUN:
		return (struct panel_shape){ true, 4, false };
	case STP_PANEL_CONFIG_SET:
		return (struct panel_shape){ true, 3, true };
	case STP_PANEL_SESSION_TAG:
		return (struct panel_shape){ true, STP_SESSION_TAG_SIZE, false };
	case STP_PANEL_SELF_TEST_PREPARE:
	case STP_PANEL_REBOOT:
	case STP_PANEL_COUNTERS_RESET:
		return (struct panel_shape){ true, 0, false };
	}
	return (struct panel_shape){ false, 0, false };
}

static struct panel_shape
panel_answer_shape(enum stp_panel_op op)
{
	switch (op) {
	case STP_PANEL_SELF_TEST_PREPARE:
		return (struct panel_shape){ true, 4, false };
	case STP_PANEL_CONFIG_SET:
		return (struct panel_shape){ true, 2, false };
	case STP_PANEL_CONFIG_GET:
		return (struct panel_shape){ true, 2, true };
	case STP_PANEL_LIVE_RATE:
		return (struct panel_shape){ true, 1, false };
	case STP_PANEL_IDENTIFY:
	case STP_PANEL_SELF_TEST_RUN:
	case STP_PANEL_SET_ZONE:
	case STP_PANEL_SESSION_TAG:
	case STP_PANEL_REBOOT:
	case STP_PANEL_COUNTERS_RESET:
		return (struct panel_shape){ true, 0, false };
	}
	return (struct panel_shape){ false, 0, false };
}

static enum stp_status
check_panel_request(const struct stp_panel_request *request)
{
	if (request->token < STP_TOKEN_MIN || request->token > STP_TOKEN_MAX)
		return STP_ERR_RANGE;
	switch (request->op) {
	case STP_PANEL_IDENTIFY:
		return request->u.identify.seconds <= STP_IDENTIFY_MAX_S ? STP_OK : STP_ERR_RANGE;
	case STP_PANEL_CONFIG_SET:
		return request->u.config_set.tag && request->u.config_set.size <= STP_CONFIG_VALUE_MAX ?
			       STP_OK : STP_ERR_RANGE;
	case STP_PANEL_CONFIG_GET:
		return request->u.config_get.tag ? STP_OK : STP_ERR_RANGE;
	case STP_PANEL_LIVE_RATE:
		return request->u.live_rate.hz <= STP_LIVE_HZ_MAX ? STP_OK : STP_ERR_RANGE;
	case STP_PANEL_SELF_TEST_PREPARE:
	case STP_PANEL_SELF_TEST_RUN:
	case STP_PANEL_SET_ZONE:
	case STP_PANEL_SESSION_TAG:
	case STP_PANEL_REBOOT:
	case STP_PANEL_COUNTERS_RESET:
		break;
	}
	return STP_OK;
}

enum stp_status
stp_panel_request_encode(const struct stp_panel_request *request, uint8_t out[STP_CONTROL_SIZE_MAX],
			 size_t *size)
{
	struct panel_shape shape = panel_request_shape(request->op);
	uint8_t *body = out + PANEL_REQUEST_HEAD;
	size_t value_size = 0;
	enum stp_status status;

	if (!shape.known)
		return STP_ERR_UNKNOWN;
	status = check_panel_request(request);
	if (status)
		return status;
	out[0] = (uint8_t)request->op;
	out[1] = request->token;
	switch (request->op) {
	case STP_PANEL_IDENTIFY:
		body[0] = request->u.identify.seconds;
		break;
	case STP_PANEL_SELF_TEST_RUN:
		put_le32(body, request->u.self_test_run.nonce);
		break;
	case STP_PANEL_CONFIG_SET:
		put_le16(body, request->u.config_set.revision);
		body[2] = request->u.config_set.tag;
		value_size = request->u.config_set.size;
		memcpy(body + 3, request->u.config_set.value, value_size);
		break;
	case STP_PANEL_CONFIG_GET:
		body[0] = request->u.config_get.tag;
		break;
	case STP_PANEL_SET_ZONE:
		body[0] = request->u.set_zone.zone;
		break;
	case STP_PANEL_SESSION_TAG:
		memcpy(body, request->u.session_tag.tag, STP_SESSION_TAG_SIZE);
		break;
	case STP_PANEL_LIVE_RATE:
		body[0] = request->u.live_rate.hz;
		break;
	case STP_PANEL_SELF_TEST_PREPARE:
	case STP_PANEL_REBOOT:
	case STP_PANEL_COUNTERS_RESET:
		break;
	}
	*size = PANEL_REQUEST_HEAD + shape.fixed + value_size;
	return STP_OK;
}

static void
get_panel_request_body(struct stp_panel_request *request, const uint8_t *body, size_t value_size)
{
	switch (request->op) {
	case STP_PANEL_IDENTIFY:
		request->u.identify.seconds = body[0];
		break;
	case STP_PANEL_SELF_TEST_RUN:
		request->u.self_test_run.nonce = get_le32(body);
		break;
	case STP_PANEL_CONFIG_SET:
		request->u.config_set.revision = get_le16(body);
		request->u.config_set.tag = body[2];
		request->u.config_set.size = (uint8_t)value_size;
		memcpy(request->u.config_set.value, body + 3, value_size);
		break;
	case STP_PANEL_CONFIG_GET:
		request->u.config_get.tag = body[0];
		break;
	case STP_PANEL_SET_ZONE:
		request->u.set_zone.zone = body[0];
		break;
	case STP_PANEL_SESSION_TAG:
		memcpy(request->u.session_tag.tag, body, STP_SESSION_TAG_SIZE);
		break;
	case STP_PANEL_LIVE_RATE:
		request->u.live_rate.hz = body[0];
		break;
	case STP_PANEL_SELF_TEST_PREPARE:
	case STP_PANEL_REBOOT:
	case STP_PANEL_COUNTERS_RESET:
		break;
	}
}

enum stp_status
stp_panel_request_decode(const uint8_t *bytes, size_t size, struct stp_panel_request *out)
{
	struct stp_panel_request request = { 0 };
	struct panel_shape shape;
	enum stp_status status;
	size_t least;

	if (!size)
		return STP_ERR_TRUNCATED;
	request.op = (enum stp_panel_op)bytes[0];
	shape = panel_request_shape(request.op);
	if (!shape.known)
		return STP_ERR_UNKNOWN;
	least = PANEL_REQUEST_HEAD + shape.fixed;
	if (size < least)
		return STP_ERR_TRUNCATED;
	if (size > (shape.value ? least + STP_CONFIG_VALUE_MAX : least))
		return STP_ERR_MALFORMED;
	request.token = bytes[1];
	get_panel_request_body(&request, bytes + PANEL_REQUEST_HEAD, size - least);
	status = check_panel_request(&request);
	if (status)
		return status;
	*out = request;
	return STP_OK;
}

/* With WRONG_REVISION, the present revision saves the host a CONFIG_GET. */
static bool
panel_answer_has_body(enum stp_panel_op op, uint8_t status)
{
	return status == STP_WIRE_SUCCESS ||
	       (op == STP_PANEL_CONFIG_SET && status == STP_WIRE_WRONG_REVISION);
}

static enum stp_status
check_panel_answer(const struct stp_panel_answer *answer)
{
	if (answer->token > STP_TOKEN_MAX)
		return STP_ERR_RANGE;
	if (answer->status != STP_WIRE_SUCCESS)
		return STP_OK;
	if (answer->op == STP_PANEL_CONFIG_GET && answer->u.config_get.size > STP_CONFIG_VALUE_MAX)
		return STP_ERR_RANGE;
	if (answer->op == STP_PANEL_LIVE_RATE && answer->u.live_rate.hz > STP_LIVE_HZ_MAX)
		return STP_ERR_RANGE;
	return STP_OK;
}

enum stp_status
stp_panel_answer_encode(const struct stp_panel_answer *answer, uint8_t out[STP_CONTROL_SIZE_MAX],
			size_t *size)
{
	struct panel_shape shape = panel_answer_shape(answer->op);
	uint8_t *body = out + PANEL_ANSWER_HEAD;
	size_t value_size = 0;
	enum stp_status status;

	if (!shape.known)
		return STP_ERR_UNKNOWN;
	status = check_panel_answer(answer);
	if (status)
		return status;
	out[0] = (uint8_t)(answer->op | PANEL_ANSWER);
	out[1] = answer->token;
	out[2] = answer->status;
	*size = PANEL_ANSWER_HEAD;
	if (!panel_answer_has_body(answer->op, answer->status))
		return STP_OK;
	switch (answer->op) {
	case STP_PANEL_SELF_TEST_PREPARE:
		put_le32(body, answer->u.self_test_prepare.nonce);
		break;
	case STP_PANEL_CONFIG_SET:
		put_le16(body, answer->u.config_set.revision);
		break;
	case STP_PANEL_CONFIG_GET:
		put_le16(body, answer->u.config_get.revision);
		value_size = answer->u.config_get.size;
		memcpy(body + 2, answer->u.config_get.value, value_size);
		break;
	case STP_PANEL_LIVE_RATE:
		body[0] = answer->u.live_rate.hz;
		break;
	case STP_PANEL_IDENTIFY:
	case STP_PANEL_SELF_TEST_RUN:
	case STP_PANEL_SET_ZONE:
	case STP_PANEL_SESSION_TAG:
	case STP_PANEL_REBOOT:
	case STP_PANEL_COUNTERS_RESET:
		break;
	}
	*size += shape.fixed + value_size;
	return STP_OK;
}

static void
get_panel_answer_body(struct stp_panel_answer *answer, const uint8_t *body, size_t body_size)
{
	switch (answer->op) {
	case STP_PANEL_SELF_TEST_PREPARE:
		answer->u.self_test_prepare.nonce = get_le32(body);
		break;
	case STP_PANEL_CONFIG_SET:
		answer->u.config_set.revision = get_le16(body);
		break;
	case STP_PANEL_CONFIG_GET:
		answer->u.config_get.revision = get_le16(body);
		answer->u.config_get.size = (uint8_t)(body_size - 2);
		memcpy(answer->u.config_get.value, body + 2, body_size - 2);
		break;
	case STP_PANEL_LIVE_RATE:
		answer->u.live_rate.hz = body[0];
		break;
	case STP_PANEL_IDENTIFY:
	case STP_PANEL_SELF_TEST_RUN:
	case STP_PANEL_SET_ZONE:
	case STP_PANEL_SESSION_TAG:
	case STP_PANEL_REBOOT:
	case STP_PANEL_COUNTERS_RESET:
		break;
	}
}

enum stp_status
stp_panel_answer_decode(const uint8_t *bytes, size_t size, struct stp_panel_answer *out)
{
	struct stp_panel_answer answer = { 0 };
	struct panel_shape shape;
	enum stp_status status;

	if (size < PANEL_ANSWER_HEAD)
		return STP_ERR_TRUNCATED;
	if (size > STP_CONTROL_SIZE_MAX || !(bytes[0] & PANEL_ANSWER))
		return STP_ERR_MALFORMED;
	answer.op = (enum stp_panel_op)(bytes[0] & ~PANEL_ANSWER);
	shape = panel_answer_shape(answer.op);
	if (!shape.known)
		return STP_ERR_UNKNOWN;
	answer.token = bytes[1];
	answer.status = bytes[2];
	/* A refusal may end after its status. */
	if (panel_answer_has_body(answer.op, answer.status) &&
	    !(size == PANEL_ANSWER_HEAD && answer.status != STP_WIRE_SUCCESS)) {
		if (size < PANEL_ANSWER_HEAD + shape.fixed)
			return STP_ERR_TRUNCATED;
		get_panel_answer_body(&answer, bytes + PANEL_ANSWER_HEAD, size - PANEL_ANSWER_HEAD);
	}
	status = check_panel_answer(&answer);
	if (status)
		return status;
	*out = answer;
	return STP_OK;
}

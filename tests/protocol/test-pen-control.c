/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/pen-control.h>

#include "codec-vectors.h"

/* What can be read can be written: an encoder's refusal must not hide that the decoder did not refuse. */

static void
print_hex(char *text, size_t room, const uint8_t *bytes, size_t size)
{
	assert_true(room > 2 * size);
	*text = '\0';
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, room - 2 * i, "%02x", bytes[i]);
}

static enum stp_status
turn_panel_request(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again,
		   size_t *again_size)
{
	struct stp_panel_request r;
	enum stp_status status = stp_panel_request_decode(bytes, size, &r);
	char hex[2 * STP_CONTROL_SIZE_MAX + 1], more[100] = "";

	if (status)
		return status;
	if (r.op == STP_PANEL_IDENTIFY) {
		snprintf(more, sizeof(more), " seconds=%u", r.u.identify.seconds);
	} else if (r.op == STP_PANEL_SELF_TEST_RUN) {
		snprintf(more, sizeof(more), " nonce=%08" PRIx32, r.u.self_test_run.nonce);
	} else if (r.op == STP_PANEL_CONFIG_SET) {
		print_hex(hex, sizeof(hex), r.u.config_set.value, r.u.config_set.size);
		snprintf(more, sizeof(more), " revision=%u tag=%u value=%s", r.u.config_set.revision,
			 r.u.config_set.tag, hex);
	} else if (r.op == STP_PANEL_CONFIG_GET) {
		snprintf(more, sizeof(more), " tag=%u", r.u.config_get.tag);
	} else if (r.op == STP_PANEL_SET_ZONE) {
		snprintf(more, sizeof(more), " zone=%u", r.u.set_zone.zone);
	} else if (r.op == STP_PANEL_SESSION_TAG) {
		print_hex(hex, sizeof(hex), r.u.session_tag.tag, STP_SESSION_TAG_SIZE);
		snprintf(more, sizeof(more), " tag=%s", hex);
	} else if (r.op == STP_PANEL_LIVE_RATE) {
		snprintf(more, sizeof(more), " hz=%u", r.u.live_rate.hz);
	}
	snprintf(text, text_size, "op=%s token=%u%s", stp_panel_op_name(r.op), r.token, more);
	assert_int_equal(stp_panel_request_encode(&r, again, again_size), STP_OK);
	return STP_OK;
}

static enum stp_status
turn_panel_answer(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again,
		  size_t *again_size)
{
	struct stp_panel_answer a;
	enum stp_status status = stp_panel_answer_decode(bytes, size, &a);
	char hex[2 * STP_CONTROL_SIZE_MAX + 1], more[100] = "", word[20];
	const char *name;

	if (status)
		return status;
	if (a.op == STP_PANEL_CONFIG_SET && a.status == STP_WIRE_WRONG_REVISION) {
		snprintf(more, sizeof(more), " revision=%u", a.u.config_set.revision);
	} else if (a.status != STP_WIRE_SUCCESS) {
		*more = '\0';
	} else if (a.op == STP_PANEL_SELF_TEST_PREPARE) {
		snprintf(more, sizeof(more), " nonce=%08" PRIx32, a.u.self_test_prepare.nonce);
	} else if (a.op == STP_PANEL_CONFIG_SET) {
		snprintf(more, sizeof(more), " revision=%u", a.u.config_set.revision);
	} else if (a.op == STP_PANEL_CONFIG_GET) {
		print_hex(hex, sizeof(hex), a.u.config_get.value, a.u.config_get.size);
		snprintf(more, sizeof(more), " revision=%u value=%s", a.u.config_get.revision, hex);
	} else if (a.op == STP_PANEL_LIVE_RATE) {
		snprintf(more, sizeof(more), " hz=%u", a.u.live_rate.hz);
	}
	name = stp_wire_status_name(a.status);
	if (!name) {
		snprintf(word, sizeof(word), "%u", a.status);
		name = word;
	}
	snprintf(text, text_size, "op=%s token=%u status=%s%s", stp_panel_op_name(a.op), a.token, name, more);
	assert_int_equal(stp_panel_answer_encode(&a, again, again_size), STP_OK);
	return STP_OK;
}

static void
requests_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "panel-requests.txt", turn_panel_request });
}

static void
answers_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "panel-answers.txt", turn_panel_answer });
}

static void
what_must_not_be_sent_is_not_written(void **state)
{
	struct stp_panel_request request = { .op = STP_PANEL_IDENTIFY, .token = 1, .u.identify.seconds = 31 };
	struct stp_panel_answer answer = { .op = STP_PANEL_LIVE_RATE, .token = 1,
		.status = STP_WIRE_SUCCESS, .u.live_rate.hz = STP_LIVE_HZ_MAX + 1 };
	uint8_t out[STP_CONTROL_SIZE_MAX], untouched[STP_CONTROL_SIZE_MAX];
	size_t size = 99;

	memset(out, 0x5A, sizeof(out));
	memcpy(untouched, out, sizeof(out));
	assert_int_equal(stp_panel_request_encode(&request, out, &size), STP_ERR_RANGE);
	request = (struct stp_panel_request){ .op = STP_PANEL_REBOOT };
	assert_int_equal(stp_panel_request_encode(&request, out, &size), STP_ERR_RANGE);
	request = (struct stp_panel_request){ .op = STP_PANEL_CONFIG_SET, .token = 1,
		.u.config_set = { .tag = STP_CONFIG_LABEL, .size = STP_CONFIG_VALUE_MAX + 1 } };
	assert_int_equal(stp_panel_request_encode(&request, out, &size), STP_ERR_RANGE);
	request = (struct stp_panel_request){ .op = (enum stp_panel_op)STP_PANEL_MAKER_MIN, .token = 1 };
	assert_int_equal(stp_panel_request_encode(&request, out, &size), STP_ERR_UNKNOWN);
	assert_int_equal(stp_panel_answer_encode(&answer, out, &size), STP_ERR_RANGE);
	answer = (struct stp_panel_answer){ .op = STP_PANEL_CONFIG_GET, .token = 1, .status = STP_WIRE_SUCCESS,
		.u.config_get.size = STP_CONFIG_VALUE_MAX + 1 };
	assert_int_equal(stp_panel_answer_encode(&answer, out, &size), STP_ERR_RANGE);
	answer = (struct stp_panel_answer){ .op = STP_PANEL_REBOOT, .token = STP_TOKEN_MAX + 1,
		.status = STP_WIRE_SUCCESS };
	assert_int_equal(stp_panel_answer_encode(&answer, out, &size), STP_ERR_RANGE);
	answer = (struct stp_panel_answer){ .op = (enum stp_panel_op)STP_PANEL_MAKER_MIN, .token = 1,
		.status = STP_WIRE_SUCCESS };
	assert_int_equal(stp_panel_answer_encode(&answer, out, &size), STP_ERR_UNKNOWN);
	assert_memory_equal(out, untouched, sizeof(out));
	assert_int_equal(size, 99);
}

static void
the_two_control_points_share_no_operation(void **state)
{
	for (int op = 0; op < 256; op++)
		assert_true(!stp_op_name((enum stp_op)op) || !stp_panel_op_name((enum stp_panel_op)op));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_as_the_vectors_say),
		cmocka_unit_test(answers_are_as_the_vectors_say),
		cmocka_unit_test(what_must_not_be_sent_is_not_written),
		cmocka_unit_test(the_two_control_points_share_no_operation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

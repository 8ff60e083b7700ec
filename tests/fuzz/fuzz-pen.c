/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * The input is a list of commands: a byte that says what, and one that says how much.
 *   0 n  write the next n bytes to Log Control Point      1 n  poll up to n + 1 times
 *   2 n  the MTU becomes 23 + 2n                          3 -  disconnect, connect
 *   4 n  the state's flags become n                       5 n  the epoch grows by n
 *   6 n  the oldest record becomes n
 */

#include <stipple/gatt.h>

#include "fuzz-target.h"

#include "fuzz-log.h"

static struct stp_pen pen;
static unsigned allowance, window;
static uint8_t token;

static void
write_request(const uint8_t *bytes, size_t size)
{
	struct stp_request request;
	struct stp_pen_output output;
	bool credit = size && bytes[0] == STP_OP_CREDIT;

	if (stp_request_decode(bytes, size, &request) == STP_OK) {
		if (request.op == STP_OP_CREDIT) {
			if (request.token == token)
				allowance += request.u.credit.segments;
			allowance = allowance > window ? window : allowance;
		} else {
			token = 0;
		}
		if (request.op == STP_OP_LIST || request.op == STP_OP_READ) {
			token = request.token;
			window = request.op == STP_OP_LIST ? request.u.list.window : request.u.read.window;
			allowance = window;
		}
	}
	stp_pen_control(&pen, bytes, size);
	if (credit || token)
		return;
	/* Never silence. */
	stp_pen_poll(&pen, &output);
	FUZZ_CHECK(output.kind == STP_PEN_INDICATE && output.size >= 3 && output.size <= STP_CONTROL_SIZE_MAX);
}

static void
poll(unsigned times)
{
	struct stp_pen_output output = { .kind = STP_PEN_NOTIFY };

	for (unsigned i = 0; i <= times && output.kind != STP_PEN_IDLE; i++) {
		struct stp_segment segment;
		struct stp_answer answer;

		stp_pen_poll(&pen, &output);
		if (output.kind == STP_PEN_NOTIFY) {
			FUZZ_CHECK(output.size <= pen.att_mtu - 3u && output.size <= STP_ATT_VALUE_MAX);
			FUZZ_CHECK(stp_segment_decode(output.bytes, output.size, &segment) == STP_OK);
			FUZZ_CHECK(segment.token == token && allowance > 0);
			allowance--;
		} else if (output.kind == STP_PEN_INDICATE && output.size > 3) {
			FUZZ_CHECK(stp_answer_decode(output.bytes, output.size, &answer) == STP_OK);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct stp_pen_config config = { .log = &fuzz_log, .boot_id = 1 };

	fuzz_log_reset();
	token = 0;
	FUZZ_CHECK(stp_pen_init(&pen, &config) == STP_OK);
	stp_pen_connected(&pen, STP_ATT_MTU_MIN);
	for (size_t at = 0; at + 1 < size; at += 2) {
		size_t amount = bytes[at + 1];

		switch (bytes[at] % 7) {
		case 0:
			if (amount > size - at - 2)
				amount = size - at - 2;
			write_request(bytes + at + 2, amount);
			at += amount;
			break;
		case 1:
			poll((unsigned)amount);
			break;
		case 2:
			stp_pen_set_mtu(&pen, (uint16_t)(STP_ATT_MTU_MIN + 2 * amount));
			break;
		case 3:
			stp_pen_disconnected(&pen);
			stp_pen_connected(&pen, STP_ATT_MTU_MIN);
			token = 0;
			break;
		case 4:
			fuzz_state.flags = (uint8_t)amount;
			break;
		case 5:
			fuzz_state.epoch += (uint32_t)amount;
			break;
		case 6:
			fuzz_state.oldest = 1 + (uint32_t)amount % (FUZZ_NEWEST + 1);
			break;
		}
		(void)stp_pen_slots_with_news(&pen);
	}
	poll(255);
	return 0;
}

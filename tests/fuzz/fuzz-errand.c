/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * The two small engines of a host, errands on Log Control Point and requests on Pen Control Point, with
 * an input for a pen.  The first byte chooses: an errand (% 4 < 3, its kind) or the panel; then
 * commands of two bytes, what and how much:
 *   0 n  an answer to the last request, of status n, with fields from the bytes that follow
 *   1 n  the next n bytes come as an answer
 *   2 n  n / 8 seconds pass            3 n  let the deadline come
 *   4 n  ask the panel what the next n bytes say
 */

#include <stdbool.h>
#include <string.h>

#include <stipple/errand.h>
#include <stipple/panel.h>

#include "fuzz-target.h"

#define EPOCH 0x01010101u
#define UP_TO 9u
#define NEVER UINT64_MAX

static struct stp_errand *errand;	/* one of the two */
static struct stp_panel *panel;
static uint64_t now;
static uint8_t last[STP_CONTROL_SIZE_MAX];	/* the last request */
static size_t last_size;
static bool over;
static unsigned writes, asked_once;	/* since the panel was asked; what it may write but once */
static uint32_t nonce, oldest;
static bool state_told;

static struct stp_range held_items[] = { { 1, 4 }, { 8, 20 } }, settled_items[] = { { 5, 6 } };
static const struct stp_ranges held = { held_items, 2, 2 }, settled = { settled_items, 1, 1 };

/* Nothing is erased that is not here: number 7 is neither held nor settled. */
static void
check_erasure(const struct stp_request *request)
{
	if (request->op == STP_OP_ERASE_PREPARE) {
		FUZZ_CHECK(request->u.erase_prepare.epoch == EPOCH && request->u.erase_prepare.up_to == UP_TO);
		FUZZ_CHECK(state_told && oldest > 7);
	}
	if (request->op == STP_OP_ERASE) {
		FUZZ_CHECK(request->u.erase.epoch == EPOCH && request->u.erase.up_to == UP_TO);
		FUZZ_CHECK(request->u.erase.nonce == nonce);
	}
}

static void
take_write(const uint8_t *bytes, size_t size)
{
	FUZZ_CHECK(size >= 2 && size <= sizeof(last));
	FUZZ_CHECK(!last_size || bytes[1] != last[1]);
	memcpy(last, bytes, size);
	last_size = size;
	writes++;
}

static void
serve_errand(void)
{
	struct stp_errand_action action;

	for (unsigned i = 0; !over; i++) {
		struct stp_request request;

		FUZZ_CHECK(i < 10);
		stp_errand_poll(errand, &action);
		switch (action.kind) {
		case STP_ERRAND_IDLE:
			FUZZ_CHECK(stp_errand_deadline(errand) != NEVER);
			return;
		case STP_ERRAND_WRITE:
			FUZZ_CHECK(stp_request_decode(action.u.write.bytes, action.u.write.size, &request) == STP_OK);
			check_erasure(&request);
			take_write(action.u.write.bytes, action.u.write.size);
			break;
		case STP_ERRAND_CONFIRM:
		case STP_ERRAND_SLOT:
			break;
		case STP_ERRAND_DONE:
		case STP_ERRAND_FAILED:
			over = true;
			break;
		}
	}
	stp_errand_poll(errand, &action);
	FUZZ_CHECK(action.kind == STP_ERRAND_IDLE && stp_errand_deadline(errand) == NEVER);
}

static void
serve_panel(void)
{
	struct stp_panel_action action = { .kind = STP_PANEL_WRITE };

	for (unsigned i = 0; action.kind != STP_PANEL_IDLE; i++) {
		struct stp_panel_request request;

		FUZZ_CHECK(i < 10);
		stp_panel_poll(panel, &action);
		if (action.kind != STP_PANEL_WRITE)
			continue;
		FUZZ_CHECK(stp_panel_request_decode(action.u.write.bytes, action.u.write.size, &request) == STP_OK);
		take_write(action.u.write.bytes, action.u.write.size);
		/* Only what a person was asked for comes again. */
		FUZZ_CHECK(!asked_once || writes == 1);
	}
}

static void
serve(void)
{
	if (errand)
		serve_errand();
	else
		serve_panel();
}

static void
deliver(const uint8_t *bytes, size_t size)
{
	struct stp_answer answer;
	bool fits = !stp_answer_decode(bytes, size, &answer) && last_size && answer.op == (enum stp_op)last[0] &&
		answer.token == last[1];

	if (errand && fits && answer.op == STP_OP_GET_STATE && answer.status == STP_WIRE_SUCCESS) {
		state_told = true;
		oldest = answer.u.state.oldest;
	}
	if (errand && fits && answer.op == STP_OP_ERASE_PREPARE && answer.status == STP_WIRE_SUCCESS)
		nonce = answer.u.erase_prepare.nonce;
	if (errand)
		stp_errand_control(errand, bytes, size, now);
	else
		stp_panel_control(panel, bytes, size, now);
	/* Who waits for a person repeats whatever it is. */
	if (size >= 3 && bytes[2] == STP_WIRE_NOT_CONFIRMED)
		asked_once = 0;
	serve();
}

static void
answer_last(uint8_t status, const uint8_t *fields, size_t size)
{
	uint8_t bytes[STP_CONTROL_SIZE_MAX] = { (uint8_t)(last[0] | 0x80), last[1], status };

	if (size > sizeof(bytes) - 3)
		size = sizeof(bytes) - 3;
	memcpy(bytes + 3, fields, size);
	deliver(bytes, sizeof(bytes));
}

static void
wait_until(uint64_t then)
{
	if (then == NEVER)
		return;
	now = then > now ? then : now;
	if (errand)
		stp_errand_timeout(errand, now);
	else
		stp_panel_timeout(panel, now);
	serve();
}

static uint64_t
deadline(void)
{
	return errand ? stp_errand_deadline(errand) : stp_panel_deadline(panel);
}

static void
ask_panel(const uint8_t *bytes, size_t size)
{
	struct stp_panel_request request;

	if (!panel || stp_panel_request_decode(bytes, size, &request))
		return;
	if (stp_panel_ask(panel, &request, now))
		return;
	writes = 0;
	asked_once = request.op == STP_PANEL_REBOOT || request.op == STP_PANEL_COUNTERS_RESET ||
		request.op == STP_PANEL_SELF_TEST_RUN || request.op == STP_PANEL_SELF_TEST_PREPARE;
	serve();
}

static size_t
obey(uint8_t what, uint8_t amount, const uint8_t *rest, size_t left)
{
	size_t size = amount < left ? amount : left;

	switch (what % 5) {
	case 0:
		answer_last(amount, rest, left < 17 ? left : 17);
		return left < 17 ? left : 17;
	case 1:
		deliver(rest, size);
		return size;
	case 2:
		wait_until(now + amount * 125u);
		return 0;
	case 3:
		wait_until(deadline());
		return 0;
	default:
		ask_panel(rest, size);
		return size;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct stp_panel_config panel_config = { 0 };
	struct stp_errand_config config = { .collector_id = "FUZZING", .index = 2, .epoch = EPOCH, .up_to = UP_TO,
		.held = &held, .settled = &settled };

	if (!size)
		return 0;
	now = 0;
	last_size = 0;
	writes = asked_once = 0;
	over = state_told = false;
	oldest = 0;
	config.kind = (enum stp_errand_kind)(bytes[0] % 4);
	errand = bytes[0] % 4 < 3 ? stp_errand_new(&config) : NULL;
	panel = errand ? NULL : stp_panel_new(&panel_config);
	FUZZ_CHECK(errand || panel);
	if (errand)
		stp_errand_start(errand, now);
	serve();
	for (size_t at = 1; at + 1 < size && !over; at += 2)
		at += obey(bytes[at], bytes[at + 1], bytes + at + 2, size - at - 2);
	/* Left alone, it comes to an end. */
	for (unsigned i = 0; deadline() != NEVER; i++) {
		FUZZ_CHECK(i < 500);
		wait_until(deadline());
	}
	FUZZ_CHECK(over || !errand);
	stp_errand_free(errand);
	stp_panel_free(panel);
	return 0;
}

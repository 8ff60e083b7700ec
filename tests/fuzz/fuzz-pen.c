/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * The input is a list of commands: a byte that says what, and one that says how much.
 *    0 n  write the next n bytes to Log Control Point      1 n  poll up to n + 1 times
 *    2 n  the MTU becomes 23 + 2n                          3 -  disconnect, connect
 *    4 n  the state's flags become n                       5 n  the epoch grows by n
 *    6 n  the oldest record becomes n                      7 n  write the next n bytes to Pen Control Point
 *    8 n  n times 250 ms pass                              9 -  a person presses the button
 *   10 n  (un)subscribe from channel n mod 8, by bit 7    11 n  something changed, see news()
 *   12 n  hold indications, or not                        13 -  the log is full
 *   14 n  write the next n bytes to Current Elapsed Time  15 n  an understood request, see ask_well()
 * What forbids an erasure, and who agreed to it, is accounted for here once more.
 */

#include <stipple/gatt.h>

#include "fuzz-target.h"

#include "fuzz-log.h"

static struct stp_pen pen;
static struct stp_pen_log log_of_pen;
static uint8_t settings[STP_CONFIG_SIZE_MAX];
static unsigned allowance, window;
static uint8_t token;
static uint8_t subscribed;
static bool held;
static uint32_t now_ms;
/* The preparations the pen answered, the press after each, and what is to be seen when one is executed. */
static struct { bool valid, pressed; uint32_t nonce, up_to, at_ms; } erasure, self_test;

static bool
has(const struct stp_pen_slot *slot, uint32_t number)
{
	if (slot->epoch != fuzz_state.epoch)
		return false;
	if (number <= slot->mark)
		return true;
	for (unsigned i = 0; i < slot->range_count; i++)
		if (number >= slot->ranges[i].from && number <= slot->ranges[i].to)
			return true;
	return false;
}

static bool
all_have(uint32_t number)
{
	bool any = false;

	for (unsigned i = 0; i < STP_PEN_SLOTS; i++) {
		if (pen.slots[i].used && !has(&pen.slots[i], number))
			return false;
		any |= pen.slots[i].used;
	}
	return any;
}

static enum stp_status
erase(void *user, uint32_t up_to)
{
	FUZZ_CHECK(erasure.valid && erasure.pressed && erasure.up_to == up_to);
	FUZZ_CHECK(now_ms - erasure.at_ms < STP_PEN_WISH_MS && !(fuzz_state.flags & STP_STATE_MOTOR_ON));
	FUZZ_CHECK(up_to >= fuzz_state.oldest && up_to <= fuzz_state.newest);
	for (uint32_t number = fuzz_state.oldest; number <= up_to; number++)
		FUZZ_CHECK(!fuzz_exists(number) || number == 2 || all_have(number));
	erasure.valid = false;
	fuzz_state.oldest = up_to + 1;
	return STP_OK;
}

static enum stp_status
test_itself(void *user)
{
	FUZZ_CHECK(self_test.valid && self_test.pressed && now_ms - self_test.at_ms < STP_PEN_WISH_MS);
	FUZZ_CHECK(!(fuzz_state.flags & STP_STATE_MOTOR_ON));
	self_test.valid = false;
	return STP_OK;
}

static enum stp_status
take_number(void *user, uint8_t number)
{
	return number == 200 ? STP_ERR_IO : STP_OK;
}

static enum stp_status
save_settings(void *user, const uint8_t *value, size_t size, uint8_t tag)
{
	uint16_t revision;

	FUZZ_CHECK(stp_config_check(value, size, &revision) == STP_OK && revision != 0);
	FUZZ_CHECK(tag != STP_CONFIG_CONFIRMATION);
	return STP_OK;
}

static enum stp_status
set_clock(void *user, int64_t utc_ms, uint8_t source)
{
	FUZZ_CHECK(utc_ms >= INT64_C(946684800000) && source < 7);
	return STP_OK;
}

static const struct stp_pen_panel panel = {
	.identify = take_number,
	.self_test = test_itself,
	.set_zone = take_number,
	.save_settings = save_settings,
	.set_clock = set_clock,
};

static uint32_t
draw(void *user)
{
	static uint32_t noise;

	noise = noise * 1664525u + 1013904223u;
	return noise;
}

/* The press that counts comes after the request; maybe before its answer, which may have to wait. */
static void
void_preparations(void)
{
	erasure.valid = erasure.pressed = false;
	self_test.valid = self_test.pressed = false;
}

static void
take_answer(const struct stp_pen_output *output)
{
	struct stp_answer answer;

	if (output->size == 3 || stp_answer_decode(output->bytes, output->size, &answer))
		return;
	if (answer.op == STP_OP_ERASE_PREPARE && answer.status == STP_WIRE_SUCCESS) {
		erasure.valid = true;
		erasure.nonce = answer.u.erase_prepare.nonce;
		erasure.up_to = pen.wish.up_to;
		erasure.at_ms = now_ms;
	}
}

static void
take_panel_answer(const struct stp_pen_output *output)
{
	struct stp_panel_answer answer;

	if (output->size == 3)
		return;
	FUZZ_CHECK(stp_panel_answer_decode(output->bytes, output->size, &answer) == STP_OK);
	if (answer.op == STP_PANEL_SELF_TEST_PREPARE && answer.status == STP_WIRE_SUCCESS) {
		self_test.valid = true;
		self_test.nonce = answer.u.self_test_prepare.nonce;
		self_test.at_ms = now_ms;
	}
}

static void
take_notification(const struct stp_pen_output *output)
{
	struct stp_segment segment;
	struct stp_live live;

	if (output->channel == STP_PEN_LIVE) {
		FUZZ_CHECK(stp_live_decode(output->bytes, output->size, &live) == STP_OK);
		return;
	}
	FUZZ_CHECK(output->channel == STP_PEN_LOG_DATA);
	FUZZ_CHECK(output->size <= pen.att_mtu - 3u && output->size <= STP_ATT_VALUE_MAX);
	FUZZ_CHECK(stp_segment_decode(output->bytes, output->size, &segment) == STP_OK);
	FUZZ_CHECK(segment.token == token && allowance > 0);
	allowance--;
}

static enum stp_pen_output_kind
poll_once(void)
{
	struct stp_pen_output output;

	stp_pen_poll(&pen, &output);
	if (output.kind != STP_PEN_INDICATE && output.kind != STP_PEN_NOTIFY)
		return output.kind;
	FUZZ_CHECK(subscribed & 1u << output.channel && output.size > 0 && output.size <= pen.att_mtu - 3u);
	if (output.kind == STP_PEN_NOTIFY) {
		take_notification(&output);
		return output.kind;
	}
	FUZZ_CHECK(!held && output.channel != STP_PEN_LOG_DATA && output.channel != STP_PEN_LIVE);
	if (output.channel == STP_PEN_LOG_CONTROL)
		take_answer(&output);
	if (output.channel == STP_PEN_PANEL)
		take_panel_answer(&output);
	return output.kind;
}

static void
poll(unsigned times)
{
	for (unsigned i = 0; i <= times; i++)
		if (poll_once() == STP_PEN_IDLE)
			return;
}

static void
account_request(const struct stp_request *request)
{
	if (request->op == STP_OP_CREDIT) {
		if (request->token == token)
			allowance += request->u.credit.segments;
		allowance = allowance > window ? window : allowance;
		return;
	}
	token = 0;
	if (request->op == STP_OP_HELLO || request->op == STP_OP_ERASE_PREPARE)
		void_preparations();
	if (request->op == STP_OP_LIST || request->op == STP_OP_READ) {
		token = request->token;
		window = request->op == STP_OP_LIST ? request->u.list.window : request->u.read.window;
		allowance = window;
	}
}

/* Of what answers at once, or after some work: never silence. */
static void
expect_answer(void)
{
	enum stp_pen_output_kind kind = STP_PEN_WORKING;

	for (unsigned i = 0; i < 32 && kind != STP_PEN_INDICATE && kind != STP_PEN_IDLE; i++)
		kind = poll_once();
	FUZZ_CHECK(kind == STP_PEN_INDICATE || (pen.stream.op == STP_OP_HASH && fuzz_state.flags & STP_STATE_MOTOR_ON));
}

static void
write_request(const uint8_t *bytes, size_t size)
{
	struct stp_request request;
	bool credit = size && bytes[0] == STP_OP_CREDIT;

	if (stp_request_decode(bytes, size, &request) == STP_OK)
		account_request(&request);
	stp_pen_control(&pen, bytes, size);
	if (!credit && !token && !held && subscribed & 1u << STP_PEN_LOG_CONTROL)
		expect_answer();
}

static void
write_panel_request(const uint8_t *bytes, size_t size)
{
	struct stp_panel_request request;

	/* One that cannot be understood takes nothing's place, nor does one whose answer nobody would hear. */
	if (subscribed & 1u << STP_PEN_PANEL && !stp_panel_request_decode(bytes, size, &request) &&
	    request.op == STP_PANEL_SELF_TEST_PREPARE)
		void_preparations();
	stp_pen_panel(&pen, bytes, size);
	if (!held && subscribed & 1u << STP_PEN_PANEL)
		expect_answer();
}

/* What chance alone would not find: a preparation, its execution, and the acknowledgement before. */
static void
ask_well(unsigned what)
{
	struct stp_request request = { .op = STP_OP_ACK, .token = (uint8_t)(1 + what % 15) };
	struct stp_panel_request panel_request = { .op = STP_PANEL_SELF_TEST_RUN,
		.token = 1,
		.u.self_test_run.nonce = self_test.nonce };
	uint32_t up_to = 1 + what / 8 % FUZZ_NEWEST;
	uint8_t bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	switch (what % 4) {
	case 0:
		request.u.ack.slot = pen.slot;
		request.u.ack.epoch = fuzz_state.epoch;
		request.u.ack.from = 1;
		request.u.ack.to = up_to;
		break;
	case 1:
		request.op = STP_OP_ERASE_PREPARE;
		request.u.erase_prepare.epoch = fuzz_state.epoch;
		request.u.erase_prepare.up_to = up_to;
		break;
	case 2:
		request.op = STP_OP_ERASE;
		request.u.erase.epoch = fuzz_state.epoch;
		request.u.erase.up_to = erasure.up_to ? erasure.up_to : 1;
		request.u.erase.nonce = erasure.nonce;
		break;
	default:
		FUZZ_CHECK(stp_panel_request_encode(&panel_request, bytes, &size) == STP_OK);
		write_panel_request(bytes, size);
		return;
	}
	FUZZ_CHECK(stp_request_encode(&request, bytes, &size) == STP_OK);
	write_request(bytes, size);
}

static void
press(void)
{
	enum stp_pen_wish wish = stp_pen_awaits(&pen);

	FUZZ_CHECK(stp_pen_confirm(&pen) == (wish != STP_PEN_WISH_NONE));
	erasure.pressed |= wish == STP_PEN_WISH_ERASE;
	self_test.pressed |= wish == STP_PEN_WISH_SELF_TEST;
}

static void
subscribe(unsigned amount)
{
	uint8_t bit = (uint8_t)(1u << amount % 8);

	stp_pen_subscribed(&pen, (enum stp_pen_channel)(amount % 8), amount & 128);
	if (amount % 8 < STP_PEN_CHANNELS)
		subscribed = (uint8_t)(amount & 128 ? subscribed | bit : subscribed & ~bit);
}

static void
news(unsigned amount)
{
	const struct stp_live live = { .depth_um = (uint16_t)(amount * 32) };
	const struct stp_event_hint hint = { .event_no = amount, .severity = (uint8_t)(amount % 5) };

	switch (amount % 4) {
	case 0:
		FUZZ_CHECK((stp_pen_live(&pen, &live) == STP_OK) == (live.depth_um <= 5000));
		break;
	case 1:
		FUZZ_CHECK((stp_pen_event(&pen, &hint) == STP_OK) == (hint.severity <= 3));
		break;
	case 2:
		stp_pen_cartridge_changed(&pen, (uint8_t)amount);
		break;
	default:
		stp_pen_settings_changed(&pen, pen.config.settings_size);
		break;
	}
}

static void
run_full(void)
{
	uint32_t record = 0;
	enum stp_pen_victim victim = stp_pen_overwrite_next(&pen, &record);

	FUZZ_CHECK((victim == STP_PEN_VICTIM_NONE) == (fuzz_state.oldest > fuzz_state.newest));
	if (victim == STP_PEN_VICTIM_SPARE)
		FUZZ_CHECK(fuzz_exists(record) && record >= fuzz_state.oldest && all_have(record));
	if (victim != STP_PEN_VICTIM_OVERRUN)
		return;
	FUZZ_CHECK(record == fuzz_state.oldest);
	for (uint32_t number = record; number <= fuzz_state.newest; number++)
		FUZZ_CHECK(!fuzz_exists(number) || !all_have(number));
}

static void
link_up(void)
{
	stp_pen_connected(&pen, STP_ATT_MTU_MIN);
	token = 0;
	held = false;
	subscribed = 1u << STP_PEN_LOG_CONTROL | 1u << STP_PEN_LOG_DATA | 1u << STP_PEN_PANEL;
	void_preparations();
}

/* False: it takes the bytes that follow. */
static bool
obey(unsigned what, unsigned amount)
{
	switch (what) {
	case 1:
		poll(amount);
		return true;
	case 2:
		stp_pen_set_mtu(&pen, (uint16_t)(STP_ATT_MTU_MIN + 2 * amount));
		return true;
	case 3:
		stp_pen_disconnected(&pen);
		link_up();
		return true;
	case 4:
		fuzz_state.flags = (uint8_t)amount;
		return true;
	case 5:
		fuzz_state.epoch += (uint32_t)amount;
		return true;
	case 6:
		/* Records come back only in a log that starts over. */
		fuzz_state.epoch += 1 + amount % (FUZZ_NEWEST + 1) < fuzz_state.oldest;
		fuzz_state.oldest = 1 + (uint32_t)amount % (FUZZ_NEWEST + 1);
		return true;
	case 8:
		now_ms += amount * 250u;
		stp_pen_tick(&pen, now_ms);
		return true;
	case 9:
		press();
		return true;
	case 10:
		subscribe(amount);
		return true;
	case 11:
		news(amount);
		return true;
	case 12:
		held = amount & 1;
		stp_pen_hold_indications(&pen, held);
		return true;
	case 13:
		run_full();
		return true;
	case 15:
		ask_well(amount);
		return true;
	default:
		return false;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct stp_pen_config config = { .log = &log_of_pen,
		.boot_id = 1,
		.random = draw,
		.panel = &panel,
		.settings = settings,
		.settings_size = stp_config_begin(settings, 0) };

	fuzz_log_reset();
	log_of_pen = fuzz_log;
	log_of_pen.erase = erase;
	now_ms = UINT32_MAX - 30000;
	memset(&erasure, 0, sizeof(erasure));
	memset(&self_test, 0, sizeof(self_test));
	FUZZ_CHECK(stp_pen_init(&pen, &config) == STP_OK);
	stp_pen_tick(&pen, now_ms);
	link_up();
	for (size_t at = 0; at + 1 < size; at += 2) {
		size_t amount = bytes[at + 1];

		if (!obey(bytes[at] % 16, (unsigned)amount)) {
			if (amount > size - at - 2)
				amount = size - at - 2;
			if (bytes[at] % 16 == 0)
				write_request(bytes + at + 2, amount);
			else if (bytes[at] % 16 == 7)
				write_panel_request(bytes + at + 2, amount);
			else
				(void)stp_pen_set_clock(&pen, bytes + at + 2, amount);
			at += amount;
		}
		(void)stp_pen_slots_with_news(&pen);
	}
	poll(255);
	return 0;
}

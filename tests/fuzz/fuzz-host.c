/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * The host engine with a sound pen behind it, and an input that meddles.  Commands of two
 * bytes, what and how much:
 *   0 n  let n + 1 messages pass        1 n  damage the next message: flip bit n
 *   2 n  lose the next n messages       3 n  let n / 4 seconds pass
 *   4 n  the next n bytes come as an answer; with bit 7 of n, they get the right token
 *   5 n  the same as a segment          6 n  what the store says to the next records: n & 1
 *   7 n  cancel when n is 0, else double the next message
 *   8 n  bytes of the records to come are here already: n / 2 * 8 of them, the last one flipped when n is odd
 * Now and then what a journal would be told is looked at: it is the record's, once the record is sound.
 */

#include <stipple/gatt.h>
#include <stipple/host.h>

#include "fuzz-target.h"

#include "fuzz-log.h"

static struct stp_pen pen;
static struct stp_host *host;
static uint64_t now;
static bool durable, over, doubled;
static unsigned lose;
static int flip;
static uint8_t token;
static unsigned kept;		/* what resuming gives of each record, see 8 n */
static bool acknowledgeable[FUZZ_NEWEST + 1];
static const struct stp_range everything[] = { { 1, 64 } };

static void
take_request(const uint8_t *bytes, size_t size)
{
	struct stp_request request;

	FUZZ_CHECK(stp_request_decode(bytes, size, &request) == STP_OK);
	if (request.op != STP_OP_CREDIT)
		token = request.token;
	if (request.op == STP_OP_ACK) {
		/* One by one, or, to a slot that started over, all that was stored before. */
		FUZZ_CHECK(request.u.ack.to <= FUZZ_NEWEST);
		for (uint32_t number = request.u.ack.from; number <= request.u.ack.to; number++)
			FUZZ_CHECK(acknowledgeable[number]);
	}
	stp_pen_control(&pen, bytes, size);
}

/* No more has arrived than there is, and what has can be read. */
static void
look_at_arrived(size_t least)
{
	struct stp_entry entry;
	uint32_t epoch;
	size_t size = 0;
	const uint8_t *bytes = stp_host_arrived(host, &entry, &epoch, &size);
	uint8_t sum = 0;
	volatile uint8_t sink;

	FUZZ_CHECK(size >= least);
	if (!bytes)
		return;
	FUZZ_CHECK(size > 0 && size <= entry.length && entry.record);
	for (size_t i = 0; i < size; i++)
		sum ^= bytes[i];
	sink = sum;
	(void)sink;
}

static void
resume(const struct stp_host_action *action)
{
	uint32_t number = action->u.begin.entry.record;
	uint8_t bytes[FUZZ_LENGTH_MAX] = { 0 };
	size_t size = kept / 2 * 8;

	if (!kept)
		return;
	if (number <= FUZZ_NEWEST)
		memcpy(bytes, fuzz_raw[number], sizeof(bytes));
	size = size < sizeof(bytes) ? size : sizeof(bytes);
	if (size && kept % 2)
		bytes[size - 1] ^= 1;
	stp_host_resume(host, bytes, size, now);
}

static void
take_record(const struct stp_host_action *action)
{
	uint32_t number = action->u.record.entry.record;

	FUZZ_CHECK(action->u.record.size == action->u.record.entry.length);
	look_at_arrived(action->u.record.size);
	FUZZ_CHECK(action->u.record.integrity ||
		   stp_crc32c(0, action->u.record.raw, action->u.record.size - 4) ==
			   action->u.record.entry.crc32c);
	/* An input that forges whole answers can invent records, but not sound ones of others. */
	if (number <= FUZZ_NEWEST)
		acknowledgeable[number] |= durable && action->u.record.integrity == STP_OK;
	stp_host_stored(host, durable && number <= FUZZ_NEWEST, now);
}

/* Do what the host wants until it waits. */
static void
serve(void)
{
	struct stp_host_action action;

	for (unsigned i = 0; !over; i++) {
		FUZZ_CHECK(i < 100000);
		stp_host_poll(host, &action);
		switch (action.kind) {
		case STP_HOST_IDLE:
			FUZZ_CHECK(stp_host_deadline(host) != UINT64_MAX);
			return;
		case STP_HOST_WRITE:
		case STP_HOST_WRITE_COMMAND:
			take_request(action.u.write.bytes, action.u.write.size);
			break;
		case STP_HOST_READ_TIME:
			stp_host_time(host, NULL, 0, 0, 0, now);
			break;
		case STP_HOST_STATE:
			stp_host_want(host, everything, 1, now);
			break;
		case STP_HOST_RECORD:
			take_record(&action);
			break;
		case STP_HOST_BEGIN:
			resume(&action);
			break;
		case STP_HOST_LISTED:
		case STP_HOST_GIVEN_UP:
		case STP_HOST_NOTE:
			break;
		case STP_HOST_DONE:
		case STP_HOST_FAILED:
			look_at_arrived(0);
			over = true;
			break;
		}
	}
}

static void
deliver(bool control, const uint8_t *bytes, size_t size)
{
	if (control)
		stp_host_control(host, bytes, size, now);
	else
		stp_host_data(host, bytes, size, now);
	serve();
}

static void
pass(unsigned count)
{
	for (unsigned i = 0; i < count && !over; i++) {
		struct stp_pen_output output;
		uint8_t bytes[STP_ATT_VALUE_MAX];

		stp_pen_poll(&pen, &output);
		if (output.kind == STP_PEN_IDLE)
			return;
		if (output.kind == STP_PEN_WORKING)
			continue;
		if (lose) {
			lose--;
			continue;
		}
		memcpy(bytes, output.bytes, output.size);
		if (flip >= 0)
			bytes[(size_t)flip / 8 % output.size] ^= (uint8_t)(1u << flip % 8);
		flip = -1;
		deliver(output.kind == STP_PEN_INDICATE, bytes, output.size);
		if (doubled)
			deliver(output.kind == STP_PEN_INDICATE, bytes, output.size);
		doubled = false;
	}
}

static void
inject(bool control, const uint8_t *bytes, size_t size, bool fitting)
{
	uint8_t copy[128];

	memcpy(copy, bytes, size);
	if (fitting && control && size > 1)
		copy[1] = token;
	if (fitting && !control && size > 3)
		copy[3] = (uint8_t)((copy[3] & 15) | token << 4);
	deliver(control, copy, size);
}

static size_t
obey(uint8_t what, uint8_t amount, const uint8_t *rest, size_t left)
{
	size_t size = amount & 127u;

	size = size < left ? size : left;
	switch (what % 9) {
	case 0:
		pass(amount + 1u);
		break;
	case 1:
		flip = amount;
		break;
	case 2:
		lose = amount;
		break;
	case 3:
		now += amount * 250u;
		stp_host_timeout(host, now);
		serve();
		break;
	case 4:
	case 5:
		inject(what % 9 == 4, rest, size, (amount & 128) != 0);
		return size;
	case 6:
		durable = (amount & 1) != 0;
		break;
	case 7:
		if (!amount)
			stp_host_cancel(host, now);
		doubled = amount != 0;
		serve();
		break;
	case 8:
		kept = amount;
		look_at_arrived(0);
		break;
	}
	return 0;
}

/* With nobody meddling any more, it comes to an end. */
static void
finish(void)
{
	lose = 0;
	flip = -1;
	for (unsigned i = 0; !over; i++) {
		uint64_t deadline = stp_host_deadline(host);

		FUZZ_CHECK(i < 2000);
		pass(1000);
		if (over)
			break;
		now = deadline > now && deadline != UINT64_MAX ? deadline : now;
		stp_host_timeout(host, now);
		serve();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct stp_pen_config pen_config = { .log = &fuzz_log, .boot_id = 1 };
	const struct stp_host_config host_config = { .window = 5 };
	const struct stp_features features = { .features = STP_FEATURE_HASH };

	fuzz_log_reset();
	memset(acknowledgeable, 0, sizeof(acknowledgeable));
	now = 0;
	over = doubled = false;
	durable = true;
	kept = 0;
	lose = 0;
	flip = -1;
	FUZZ_CHECK(stp_pen_init(&pen, &pen_config) == STP_OK);
	host = stp_host_new(&host_config);
	FUZZ_CHECK(host);
	stp_pen_connected(&pen, 48);
	stp_host_start(host, 48, &features, now);
	serve();
	for (size_t at = 0; at + 1 < size && !over; at += 2)
		at += obey(bytes[at], bytes[at + 1], bytes + at + 2, size - at - 2);
	finish();
	stp_host_free(host);
	return 0;
}

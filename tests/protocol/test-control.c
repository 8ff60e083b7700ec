/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/control.h>
#include <stipple/host.h>

#include "codec-vectors.h"

static void
print_hex(char *text, size_t size, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		snprintf(text + 2 * i, size - 2 * i, "%02x", bytes[i]);
}

static enum stp_status
turn_request(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again,
	     size_t *again_size)
{
	struct stp_request r;
	enum stp_status status = stp_request_decode(bytes, size, &r);
	int at;

	if (status)
		return status;
	at = snprintf(text, text_size, "op=%s token=%u", stp_op_name(r.op), r.token);
	text += at;
	text_size -= (size_t)at;
	switch (r.op) {
	case STP_OP_HELLO:
		at = snprintf(text, text_size, " collector=");
		print_hex(text + at, text_size - (size_t)at, r.u.hello.collector_id, STP_COLLECTOR_ID_SIZE);
		break;
	case STP_OP_LIST:
		snprintf(text, text_size, " epoch=%u from=%u to=%u window=%u", r.u.list.epoch, r.u.list.from,
			 r.u.list.to, r.u.list.window);
		break;
	case STP_OP_READ:
		snprintf(text, text_size, " epoch=%u record=%u offset=%u length=%u window=%u", r.u.read.epoch,
			 r.u.read.record, r.u.read.offset, r.u.read.length, r.u.read.window);
		break;
	case STP_OP_CREDIT:
		snprintf(text, text_size, " segments=%u", r.u.credit.segments);
		break;
	case STP_OP_ACK:
		snprintf(text, text_size, " slot=%u epoch=%u from=%u to=%u", r.u.ack.slot, r.u.ack.epoch,
			 r.u.ack.from, r.u.ack.to);
		break;
	case STP_OP_HASH:
		snprintf(text, text_size, " epoch=%u record=%u offset=%u length=%u", r.u.hash.epoch,
			 r.u.hash.record, r.u.hash.offset, r.u.hash.length);
		break;
	case STP_OP_ERASE_PREPARE:
		snprintf(text, text_size, " epoch=%u upto=%u", r.u.erase_prepare.epoch, r.u.erase_prepare.up_to);
		break;
	case STP_OP_ERASE:
		snprintf(text, text_size, " epoch=%u upto=%u nonce=%08x", r.u.erase.epoch, r.u.erase.up_to,
			 r.u.erase.nonce);
		break;
	case STP_OP_SLOTS:
		snprintf(text, text_size, " index=%u", r.u.slots.index);
		break;
	case STP_OP_DROP_SLOT:
		at = snprintf(text, text_size, " index=%u name=", r.u.drop_slot.index);
		print_hex(text + at, text_size - (size_t)at, r.u.drop_slot.name, STP_COLLECTOR_NAME_SIZE);
		break;
	case STP_OP_GET_STATE:
	case STP_OP_ABORT:
		break;
	}
	/* A window only a pen may judge is read, but never written. */
	if ((r.op == STP_OP_LIST && r.u.list.window > STP_WINDOW_MAX) ||
	    (r.op == STP_OP_READ && r.u.read.window > STP_WINDOW_MAX)) {
		assert_int_equal(stp_request_encode(&r, again, again_size), STP_ERR_RANGE);
		return STP_OK;
	}
	return stp_request_encode(&r, again, again_size);
}

static enum stp_status
turn_answer(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again, size_t *again_size)
{
	struct stp_answer a;
	enum stp_status status = stp_answer_decode(bytes, size, &a);
	char number[8];
	const char *word;
	int at;

	if (status)
		return status;
	word = stp_wire_status_name(a.status);
	snprintf(number, sizeof(number), "%u", a.status);
	at = snprintf(text, text_size, "op=%s token=%u status=%s", stp_op_name(a.op), a.token,
		      word ? word : number);
	text += at;
	text_size -= (size_t)at;
	if (a.op == STP_OP_LIST)
		snprintf(text, text_size, " sent=%u crc=%08x oldest=%u", a.u.sent.sent, a.u.sent.crc32c,
			 a.u.sent.oldest);
	else if (a.op == STP_OP_READ)
		snprintf(text, text_size, " sent=%u crc=%08x", a.u.sent.sent, a.u.sent.crc32c);
	else if (a.status == STP_WIRE_SUCCESS && a.op == STP_OP_HELLO)
		snprintf(text, text_size, " slot=%u free=%u mark=%u", a.u.hello.slot, a.u.hello.slots_free,
			 a.u.hello.mark);
	else if (a.status == STP_WIRE_SUCCESS && a.op == STP_OP_GET_STATE)
		snprintf(text, text_size, " epoch=%u oldest=%u newest=%u boot=%u free=%u flags=%u",
			 a.u.state.epoch, a.u.state.oldest, a.u.state.newest, a.u.state.boot_id,
			 a.u.state.free_percent, a.u.state.flags);
	else if (a.status == STP_WIRE_SUCCESS && a.op == STP_OP_ACK)
		snprintf(text, text_size, " free=%u", a.u.ack.ranges_free);
	else if (a.op == STP_OP_HASH && (a.status == STP_WIRE_SUCCESS || a.status == STP_WIRE_RECORD_CORRUPT))
		snprintf(text, text_size, " crc=%08x", a.u.hash.crc32c);
	else if (a.status == STP_WIRE_SUCCESS && a.op == STP_OP_ERASE_PREPARE)
		snprintf(text, text_size, " nonce=%08x", a.u.erase_prepare.nonce);
	else if (a.status == STP_WIRE_SUCCESS && a.op == STP_OP_SLOTS) {
		at = snprintf(text, text_size, " name=");
		print_hex(text + at, text_size - (size_t)at, a.u.slots.name, STP_COLLECTOR_NAME_SIZE);
		at += 2 * STP_COLLECTOR_NAME_SIZE;
		snprintf(text + at, text_size - (size_t)at, " mark=%u epoch=%u", a.u.slots.mark, a.u.slots.epoch);
	}
	return stp_answer_encode(&a, again, again_size);
}

static enum stp_status
turn_entry(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again, size_t *again_size)
{
	struct stp_entry e;
	enum stp_status status = stp_entry_decode(bytes, size, &e);

	if (status)
		return status;
	snprintf(text, text_size, "record=%u boot=%u tick=%llu type=%u flags=%u length=%u crc=%08x", e.record,
		 e.boot_id, (unsigned long long)e.start_tick_ms, e.type, e.flags, e.length, e.crc32c);
	stp_entry_encode(&e, again);
	*again_size = STP_ENTRY_SIZE;
	return STP_OK;
}

static void
requests_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "requests.txt", turn_request });
}

static void
answers_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "answers.txt", turn_answer });
}

static void
entries_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "entries.txt", turn_entry });
}

static void
outputs_are_untouched_on_failure(void **state)
{
	struct stp_request request = { .op = STP_OP_LIST, .token = 9 };
	struct stp_answer answer = { .op = STP_OP_READ, .token = 9 };
	struct stp_entry entry = { .record = 9 };
	const uint8_t junk[3] = { 0xFF, 0xFF, 0xFF };

	assert_int_equal(stp_request_decode(junk, sizeof(junk), &request), STP_ERR_UNKNOWN);
	assert_int_equal(request.token, 9);
	assert_int_equal(stp_answer_decode(junk, sizeof(junk), &answer), STP_ERR_UNKNOWN);
	assert_int_equal(answer.token, 9);
	assert_int_equal(stp_entry_decode(junk, sizeof(junk), &entry), STP_ERR_TRUNCATED);
	assert_int_equal(entry.record, 9);
}

static void
what_does_not_fit_is_not_written(void **state)
{
	struct stp_answer answer = { .op = STP_OP_GET_STATE, .token = 1, .status = STP_WIRE_SUCCESS };
	struct stp_request request = { .op = (enum stp_op)0x1C, .token = 1 };
	uint8_t out[STP_CONTROL_SIZE_MAX];
	size_t size = 77;

	answer.u.state.boot_id = STP_BOOT_ID_MAX + 1;
	assert_int_equal(stp_answer_encode(&answer, out, &size), STP_ERR_RANGE);
	answer = (struct stp_answer){ .op = STP_OP_CREDIT, .token = 1, .status = STP_WIRE_SUCCESS };
	assert_int_equal(stp_answer_encode(&answer, out, &size), STP_ERR_UNKNOWN);
	assert_int_equal(stp_request_encode(&request, out, &size), STP_ERR_UNKNOWN);
	assert_int_equal(size, 77);
}

static void
every_status_op_and_note_has_words(void **state)
{
	for (unsigned status = 0; status < 256; status++) {
		assert_non_null(stp_wire_status_text((uint8_t)status));
		assert_non_null(stp_wire_status_hint((uint8_t)status));
	}
	assert_string_equal(stp_wire_status_name(STP_WIRE_BUSY), "busy");
	assert_string_equal(stp_wire_status_name(STP_WIRE_OVERWRITTEN), "overwritten");
	assert_null(stp_wire_status_name(0x7F));
	assert_null(stp_op_name((enum stp_op)0x1C));
	for (int note = STP_NOTE_ANSWER_OUT_OF_TURN; note <= STP_NOTE_SLOTS_FULL; note++)
		assert_string_not_equal(stp_note_name((enum stp_note)note), "note-unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_as_the_vectors_say),
		cmocka_unit_test(answers_are_as_the_vectors_say),
		cmocka_unit_test(entries_are_as_the_vectors_say),
		cmocka_unit_test(outputs_are_untouched_on_failure),
		cmocka_unit_test(what_does_not_fit_is_not_written),
		cmocka_unit_test(every_status_op_and_note_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

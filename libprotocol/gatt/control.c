/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdbool.h>
#include <string.h>

#include <stipple/control.h>
#include <stipple/segment.h>

#include "../base/wire-bytes.h"

#define ANSWER 0x80u
#define REQUEST_HEAD 2u	/* op, token */
#define ANSWER_HEAD 3u	/* op, token, status */

/* How many bytes follow the head; -1 where there is no such message. */
static int
request_body_size(enum stp_op op)
{
	switch (op) {
	case STP_OP_HELLO:
		return STP_COLLECTOR_ID_SIZE;
	case STP_OP_GET_STATE:
	case STP_OP_ABORT:
		return 0;
	case STP_OP_LIST:
		return 13;
	case STP_OP_READ:
		return 15;
	case STP_OP_CREDIT:
	case STP_OP_SLOTS:
		return 1;
	case STP_OP_HASH:
		return 14;
	case STP_OP_ACK:
		return 13;
	case STP_OP_ERASE_PREPARE:
		return 8;
	case STP_OP_ERASE:
		return 12;
	case STP_OP_DROP_SLOT:
		return 1 + STP_COLLECTOR_NAME_SIZE;
	}
	return -1;
}

static int
answer_body_size(enum stp_op op)
{
	switch (op) {
	case STP_OP_HELLO:
		return 6;
	case STP_OP_GET_STATE:
		return 17;
	case STP_OP_LIST:
		return 11;
	case STP_OP_READ:
		return 7;
	case STP_OP_CREDIT:
	case STP_OP_ABORT:
	case STP_OP_ERASE:
	case STP_OP_DROP_SLOT:
		return 0;
	case STP_OP_HASH:
	case STP_OP_ERASE_PREPARE:
		return 4;
	case STP_OP_ACK:
		return 1;
	case STP_OP_SLOTS:
		return STP_COLLECTOR_NAME_SIZE + 8;
	}
	return -1;
}

/* CREDIT is answered only when it is refused. */
static bool
is_answer(enum stp_op op, uint8_t status)
{
	return answer_body_size(op) >= 0 && (op != STP_OP_CREDIT || status != STP_WIRE_SUCCESS);
}

static bool
has_body(enum stp_op op, uint8_t status)
{
	return status == STP_WIRE_SUCCESS || op == STP_OP_LIST || op == STP_OP_READ ||
	       (op == STP_OP_HASH && status == STP_WIRE_RECORD_CORRUPT);
}

static bool
is_in_record(uint32_t record, uint32_t offset, uint32_t length)
{
	return record && length && offset <= STP_SEGMENT_OFFSET_MAX && length <= STP_RECORD_SIZE_MAX - offset;
}

static enum stp_status
check_request(const struct stp_request *request)
{
	if (request->token < STP_TOKEN_MIN || request->token > STP_TOKEN_MAX)
		return STP_ERR_RANGE;
	switch (request->op) {
	case STP_OP_LIST:
		if (!request->u.list.from || request->u.list.from > request->u.list.to ||
		    request->u.list.to - request->u.list.from >= STP_LIST_MAX || !request->u.list.window)
			return STP_ERR_RANGE;
		break;
	case STP_OP_READ:
		if (!is_in_record(request->u.read.record, request->u.read.offset, request->u.read.length) ||
		    !request->u.read.window)
			return STP_ERR_RANGE;
		break;
	case STP_OP_HASH:
		if (!is_in_record(request->u.hash.record, request->u.hash.offset, request->u.hash.length))
			return STP_ERR_RANGE;
		break;
	case STP_OP_CREDIT:
		if (!request->u.credit.segments)
			return STP_ERR_RANGE;
		break;
	case STP_OP_ACK:
		if (!request->u.ack.from || request->u.ack.from > request->u.ack.to)
			return STP_ERR_RANGE;
		break;
	case STP_OP_ERASE_PREPARE:
		if (!request->u.erase_prepare.up_to)
			return STP_ERR_RANGE;
		break;
	case STP_OP_ERASE:
		if (!request->u.erase.up_to)
			return STP_ERR_RANGE;
		break;
	case STP_OP_HELLO:
	case STP_OP_GET_STATE:
	case STP_OP_ABORT:
	case STP_OP_SLOTS:
	case STP_OP_DROP_SLOT:
		break;
	}
	return STP_OK;
}

static void
put_request_body(const struct stp_request *request, uint8_t *body)
{
	switch (request->op) {
	case STP_OP_HELLO:
		memcpy(body, request->u.hello.collector_id, STP_COLLECTOR_ID_SIZE);
		break;
	case STP_OP_LIST:
		put_le32(body, request->u.list.epoch);
		put_le32(body + 4, request->u.list.from);
		put_le32(body + 8, request->u.list.to);
		body[12] = request->u.list.window;
		break;
	case STP_OP_READ:
		put_le32(body, request->u.read.epoch);
		put_le32(body + 4, request->u.read.record);
		put_le24(body + 8, request->u.read.offset);
		put_le24(body + 11, request->u.read.length);
		body[14] = request->u.read.window;
		break;
	case STP_OP_CREDIT:
		body[0] = request->u.credit.segments;
		break;
	case STP_OP_ACK:
		body[0] = request->u.ack.slot;
		put_le32(body + 1, request->u.ack.epoch);
		put_le32(body + 5, request->u.ack.from);
		put_le32(body + 9, request->u.ack.to);
		break;
	case STP_OP_HASH:
		put_le32(body, request->u.hash.epoch);
		put_le32(body + 4, request->u.hash.record);
		put_le24(body + 8, request->u.hash.offset);
		put_le24(body + 11, request->u.hash.length);
		break;
	case STP_OP_ERASE_PREPARE:
		put_le32(body, request->u.erase_prepare.epoch);
		put_le32(body + 4, request->u.erase_prepare.up_to);
		break;
	case STP_OP_ERASE:
		put_le32(body, request->u.erase.epoch);
		put_le32(body + 4, request->u.erase.up_to);
		put_le32(body + 8, request->u.erase.nonce);
		break;
	case STP_OP_SLOTS:
		body[0] = request->u.slots.index;
		break;
	case STP_OP_DROP_SLOT:
		body[0] = request->u.drop_slot.index;
		memcpy(body + 1, request->u.drop_slot.name, STP_COLLECTOR_NAME_SIZE);
		break;
	case STP_OP_GET_STATE:
	case STP_OP_ABORT:
		break;
	}
}

enum stp_status
stp_request_encode(const struct stp_request *request, uint8_t out[STP_CONTROL_SIZE_MAX], size_t *size)
{
	int body = request_body_size(request->op);
	enum stp_status status;

	if (body < 0)
		return STP_ERR_UNKNOWN;
	status = check_request(request);
	if (status)
		return status;
	if ((request->op == STP_OP_LIST && request->u.list.window > STP_WINDOW_MAX) ||
	    (request->op == STP_OP_READ && request->u.read.window > STP_WINDOW_MAX))
		return STP_ERR_RANGE;
	out[0] = (uint8_t)request->op;
	out[1] = request->token;
	put_request_body(request, out + REQUEST_HEAD);
	*size = REQUEST_HEAD + (size_t)body;
	return STP_OK;
}

static void
get_request_body(struct stp_request *request, const uint8_t *body)
{
	switch (request->op) {
	case STP_OP_HELLO:
		memcpy(request->u.hello.collector_id, body, STP_COLLECTOR_ID_SIZE);
		break;
	case STP_OP_LIST:
		request->u.list.epoch = get_le32(body);
		request->u.list.from = get_le32(body + 4);
		request->u.list.to = get_le32(body + 8);
		request->u.list.window = body[12];
		break;
	case STP_OP_READ:
		request->u.read.epoch = get_le32(body);
		request->u.read.record = get_le32(body + 4);
		request->u.read.offset = get_le24(body + 8);
		request->u.read.length = get_le24(body + 11);
		request->u.read.window = body[14];
		break;
	case STP_OP_CREDIT:
		request->u.credit.segments = body[0];
		break;
	case STP_OP_ACK:
		request->u.ack.slot = body[0];
		request->u.ack.epoch = get_le32(body + 1);
		request->u.ack.from = get_le32(body + 5);
		request->u.ack.to = get_le32(body + 9);
		break;
	case STP_OP_HASH:
		request->u.hash.epoch = get_le32(body);
		request->u.hash.record = get_le32(body + 4);
		request->u.hash.offset = get_le24(body + 8);
		request->u.hash.length = get_le24(body + 11);
		break;
	case STP_OP_ERASE_PREPARE:
		request->u.erase_prepare.epoch = get_le32(body);
		request->u.erase_prepare.up_to = get_le32(body + 4);
		break;
	case STP_OP_ERASE:
		request->u.erase.epoch = get_le32(body);
		request->u.erase.up_to = get_le32(body + 4);
		request->u.erase.nonce = get_le32(body + 8);
		break;
	case STP_OP_SLOTS:
		request->u.slots.index = body[0];
		break;
	case STP_OP_DROP_SLOT:
		request->u.drop_slot.index = body[0];
		memcpy(request->u.drop_slot.name, body + 1, STP_COLLECTOR_NAME_SIZE);
		break;
	case STP_OP_GET_STATE:
	case STP_OP_ABORT:
		break;
	}
}

enum stp_status
stp_request_decode(const uint8_t *bytes, size_t size, struct stp_request *out)
{
	struct stp_request request = { 0 };
	enum stp_status status;
	int body;

	if (!size)
		return STP_ERR_TRUNCATED;
	request.op = (enum stp_op)bytes[0];
	body = request_body_size(request.op);
	if (body < 0)
		return STP_ERR_UNKNOWN;
	if (size < REQUEST_HEAD + (size_t)body)
		return STP_ERR_TRUNCATED;
	if (size > REQUEST_HEAD + (size_t)body)
		return STP_ERR_MALFORMED;
	request.token = bytes[1];
	get_request_body(&request, bytes + REQUEST_HEAD);
	status = check_request(&request);
	if (status)
		return status;
	*out = request;
	return STP_OK;
}

static bool
fits_24_bits(uint32_t value)
{
	return value <= 0xFFFFFFu;
}

enum stp_status
stp_answer_encode(const struct stp_answer *answer, uint8_t out[STP_CONTROL_SIZE_MAX], size_t *size)
{
	uint8_t *body = out + ANSWER_HEAD;

	if (!is_answer(answer->op, answer->status))
		return STP_ERR_UNKNOWN;
	if (answer->token > STP_TOKEN_MAX)
		return STP_ERR_RANGE;
	if (answer->op == STP_OP_GET_STATE && answer->status == STP_WIRE_SUCCESS &&
	    !fits_24_bits(answer->u.state.boot_id))
		return STP_ERR_RANGE;
	if ((answer->op == STP_OP_LIST || answer->op == STP_OP_READ) && answer->u.sent.sent > STP_RECORD_SIZE_MAX)
		return STP_ERR_RANGE;

	out[0] = (uint8_t)(answer->op | ANSWER);
	out[1] = answer->token;
	out[2] = answer->status;
	*size = ANSWER_HEAD;
	if (!has_body(answer->op, answer->status))
		return STP_OK;

	*size += (size_t)answer_body_size(answer->op);
	switch (answer->op) {
	case STP_OP_HELLO:
		body[0] = answer->u.hello.slot;
		body[1] = answer->u.hello.slots_free;
		put_le32(body + 2, answer->u.hello.mark);
		break;
	case STP_OP_GET_STATE:
		put_le32(body, answer->u.state.epoch);
		put_le32(body + 4, answer->u.state.oldest);
		put_le32(body + 8, answer->u.state.newest);
		put_le24(body + 12, answer->u.state.boot_id);
		body[15] = answer->u.state.free_percent;
		body[16] = answer->u.state.flags;
		break;
	case STP_OP_LIST:
	case STP_OP_READ:
		put_le24(body, answer->u.sent.sent);
		put_le32(body + 3, answer->u.sent.crc32c);
		if (answer->op == STP_OP_LIST)
			put_le32(body + 7, answer->u.sent.oldest);
		break;
	case STP_OP_HASH:
		put_le32(body, answer->u.hash.crc32c);
		break;
	case STP_OP_ACK:
		body[0] = answer->u.ack.ranges_free;
		break;
	case STP_OP_ERASE_PREPARE:
		put_le32(body, answer->u.erase_prepare.nonce);
		break;
	case STP_OP_SLOTS:
		memcpy(body, answer->u.slots.name, STP_COLLECTOR_NAME_SIZE);
		put_le32(body + 4, answer->u.slots.mark);
		put_le32(body + 8, answer->u.slots.epoch);
		break;
	case STP_OP_CREDIT:
	case STP_OP_ABORT:
	case STP_OP_ERASE:
	case STP_OP_DROP_SLOT:
		break;
	}
	return STP_OK;
}

static enum stp_status
get_answer_body(struct stp_answer *answer, const uint8_t *body)
{
	switch (answer->op) {
	case STP_OP_HELLO:
		answer->u.hello.slot = body[0];
		answer->u.hello.slots_free = body[1];
		answer->u.hello.mark = get_le32(body + 2);
		break;
	case STP_OP_GET_STATE:
		answer->u.state.epoch = get_le32(body);
		answer->u.state.oldest = get_le32(body + 4);
		answer->u.state.newest = get_le32(body + 8);
		answer->u.state.boot_id = get_le24(body + 12);
		answer->u.state.free_percent = body[15];
		answer->u.state.flags = body[16];
		break;
	case STP_OP_LIST:
	case STP_OP_READ:
		answer->u.sent.sent = get_le24(body);
		answer->u.sent.crc32c = get_le32(body + 3);
		if (answer->op == STP_OP_LIST)
			answer->u.sent.oldest = get_le32(body + 7);
		if (answer->u.sent.sent > STP_RECORD_SIZE_MAX)
			return STP_ERR_RANGE;
		break;
	case STP_OP_HASH:
		answer->u.hash.crc32c = get_le32(body);
		break;
	case STP_OP_ACK:
		answer->u.ack.ranges_free = body[0];
		break;
	case STP_OP_ERASE_PREPARE:
		answer->u.erase_prepare.nonce = get_le32(body);
		break;
	case STP_OP_SLOTS:
		memcpy(answer->u.slots.name, body, STP_COLLECTOR_NAME_SIZE);
		answer->u.slots.mark = get_le32(body + 4);
		answer->u.slots.epoch = get_le32(body + 8);
		break;
	case STP_OP_CREDIT:
	case STP_OP_ABORT:
	case STP_OP_ERASE:
	case STP_OP_DROP_SLOT:
		break;
	}
	return STP_OK;
}

enum stp_status
stp_answer_decode(const uint8_t *bytes, size_t size, struct stp_answer *out)
{
	struct stp_answer answer = { 0 };
	enum stp_status status;

	if (size < ANSWER_HEAD)
		return STP_ERR_TRUNCATED;
	if (size > STP_CONTROL_SIZE_MAX || !(bytes[0] & ANSWER))
		return STP_ERR_MALFORMED;
	answer.op = (enum stp_op)(bytes[0] & ~ANSWER);
	answer.token = bytes[1];
	answer.status = bytes[2];
	if (!is_answer(answer.op, answer.status))
		return STP_ERR_UNKNOWN;
	if (answer.token > STP_TOKEN_MAX)
		return STP_ERR_RANGE;

	/* A refusal may end after its status. */
	if (has_body(answer.op, answer.status) &&
	    !(size == ANSWER_HEAD && answer.status != STP_WIRE_SUCCESS)) {
		if (size < ANSWER_HEAD + (size_t)answer_body_size(answer.op))
			return STP_ERR_TRUNCATED;
		status = get_answer_body(&answer, bytes + ANSWER_HEAD);
		if (status)
			return status;
	}
	*out = answer;
	return STP_OK;
}

void
stp_entry_encode(const struct stp_entry *entry, uint8_t out[STP_ENTRY_SIZE])
{
	put_le32(out, entry->record);
	put_le32(out + 4, entry->boot_id);
	put_le48(out + 8, entry->start_tick_ms);
	out[14] = entry->type;
	out[15] = entry->flags;
	put_le32(out + 16, entry->length);
	put_le32(out + 20, entry->crc32c);
}

enum stp_status
stp_entry_decode(const uint8_t *bytes, size_t size, struct stp_entry *out)
{
	struct stp_entry entry;

	if (size < STP_ENTRY_SIZE)
		return STP_ERR_TRUNCATED;
	if (size > STP_ENTRY_SIZE)
		return STP_ERR_MALFORMED;
	entry = (struct stp_entry){
		.record = get_le32(bytes),
		.boot_id = get_le32(bytes + 4),
		.start_tick_ms = get_le48(bytes + 8),
		.type = bytes[14],
		.flags = bytes[15],
		.length = get_le32(bytes + 16),
		.crc32c = get_le32(bytes + 20),
	};
	if (!entry.record || !entry.length || entry.length > STP_RECORD_SIZE_MAX)
		return STP_ERR_RANGE;
	*out = entry;
	return STP_OK;
}

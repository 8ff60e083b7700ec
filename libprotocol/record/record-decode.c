/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdlib.h>

#include "record-scan.h"
#include "stipple.pb-c.h"

struct stp_record {
	struct stp_record_head head;
	struct stp_session_part session;
	struct stp_event event;
	struct stp_seal seal;
	Stipple__Record *message;
};

/* What protobuf-c may still take; a small record can ask for much memory. */
struct purse {
	size_t left;
	bool overdrawn;
};

static void *
take_memory(void *data, size_t size)
{
	struct purse *purse = data;
	void *memory = NULL;

	if (size <= purse->left)
		memory = malloc(size > 0 ? size : 1);
	if (memory)
		purse->left -= size;
	else
		purse->overdrawn = true;
	return memory;
}

static void
give_memory(void *data, void *memory)
{
	(void)data;
	free(memory);
}

static enum stp_status
unpack(const uint8_t *raw, size_t size, Stipple__Record **out)
{
	struct purse purse = { .left = STP_RECORD_MEMORY_MAX };
	ProtobufCAllocator allocator = { take_memory, give_memory, &purse };

	*out = stipple__record__unpack(&allocator, size - STP_RECORD_TRAILER_SIZE, raw);
	if (*out)
		return STP_OK;
	return purse.overdrawn ? STP_ERR_MEMORY : STP_ERR_MALFORMED;
}

/* A number that the message has wider than we do. */
static bool
narrow(uint32_t value, uint32_t max, bool *fits)
{
	if (value > max)
		*fits = false;
	return *fits;
}

static uint16_t
known(protobuf_c_boolean has, uint32_t value, uint16_t max, bool *fits)
{
	if (!has || !narrow(value, max, fits))
		return STP_ABSENT;
	return (uint16_t)value;
}

static enum stp_status
take_session(const Stipple__SessionPart *message, struct stp_session_part *part)
{
	bool fits = true;

	if (!message)
		return STP_ERR_MALFORMED;
	narrow(message->part, UINT16_MAX, &fits);
	narrow(message->period_ms, UINT16_MAX, &fits);
	narrow(message->needles, UINT8_MAX, &fits);
	*part = (struct stp_session_part){
		.session_no = message->session_no,
		.part = (uint16_t)message->part,
		.last = message->last,
		.period_ms = (uint16_t)message->period_ms,
		.duration_ms = message->duration_ms,
		.motor_on_ms = message->motor_on_ms,
		.strokes = message->strokes,
		.sample_count = message->sample_count,
		.set_depth_min_um = known(message->has_set_depth_min_um,
			message->set_depth_min_um, STP_DEPTH_MAX_UM, &fits),
		.set_depth_max_um = known(message->has_set_depth_max_um,
			message->set_depth_max_um, STP_DEPTH_MAX_UM, &fits),
		.set_rate_dhz = known(message->has_set_rate_dhz,
			message->set_rate_dhz, STP_RATE_MAX_DHZ, &fits),
		.needles = (uint8_t)message->needles,
	};
	if (!fits || message->cartridge_uid.len > sizeof(part->cartridge_uid))
		return STP_ERR_RANGE;
	part->cartridge_uid_size = (uint8_t)message->cartridge_uid.len;
	if (part->cartridge_uid_size > 0)
		memcpy(part->cartridge_uid, message->cartridge_uid.data, part->cartridge_uid_size);
	if (message->has_session_tag) {
		if (message->session_tag.len != sizeof(part->session_tag))
			return STP_ERR_RANGE;
		part->has_session_tag = true;
		memcpy(part->session_tag, message->session_tag.data, sizeof(part->session_tag));
	}
	return stp_record_check_session(part);
}

static enum stp_status
unpack_event(const Stipple__Event *message, struct stp_event *event)
{
	bool fits = true;

	if (!message)
		return STP_ERR_MALFORMED;
	narrow(message->code, UINT16_MAX, &fits);
	narrow(message->severity, UINT8_MAX, &fits);
	*event = (struct stp_event){
		.event_no = message->event_no,
		.code = (uint16_t)message->code,
		.arg = message->arg,
		.severity = (uint8_t)message->severity,
		.utc_ms = message->utc_ms,
		.utc_uncertainty_ms = message->utc_uncertainty_ms,
	};
	return fits ? stp_record_check_event(event) : STP_ERR_RANGE;
}

static enum stp_status
take_message(struct stp_record *record, const uint8_t *raw, size_t size)
{
	if (record->head.type == STP_RECORD_SESSION)
		return take_session(record->message->session, &record->session);
	if (record->head.type == STP_RECORD_SEAL)
		return stp_record_scan_seal(raw, size, &record->seal);
	return unpack_event(record->message->event, &record->event);
}

enum stp_status
stp_record_decode(const uint8_t *raw, size_t size, struct stp_record **out)
{
	struct stp_record_head head;
	struct stp_record *record;
	enum stp_status status;

	status = stp_record_read_head(raw, size, &head);
	if (status != STP_OK)
		return status;
	if (head.type != STP_RECORD_SESSION && head.type != STP_RECORD_EVENT && head.type != STP_RECORD_SEAL)
		return STP_ERR_UNKNOWN;
	record = calloc(1, sizeof(*record));
	if (!record)
		return STP_ERR_MEMORY;
	record->head = head;
	status = unpack(raw, size, &record->message);
	if (status == STP_OK)
		status = take_message(record, raw, size);
	if (status == STP_OK)
		*out = record;
	else
		stp_record_free(record);
	return status;
}

void
stp_record_free(struct stp_record *record)
{
	struct purse purse = { 0 };
	ProtobufCAllocator allocator = { take_memory, give_memory, &purse };

	if (!record)
		return;
	if (record->message)
		stipple__record__free_unpacked(record->message, &allocator);
	free(record);
}

const struct stp_record_head *
stp_record_head(const struct stp_record *record)
{
	return &record->head;
}

const struct stp_session_part *
stp_record_session(const struct stp_record *record)
{
	return record->head.type == STP_RECORD_SESSION ? &record->session : NULL;
}

const struct stp_event *
stp_record_event(const struct stp_record *record)
{
	return record->head.type == STP_RECORD_EVENT ? &record->event : NULL;
}

const struct stp_seal *
stp_record_seal(const struct stp_record *record)
{
	return record->head.type == STP_RECORD_SEAL ? &record->seal : NULL;
}

size_t
stp_record_block_count(const struct stp_record *record)
{
	return record->message->n_block;
}

const uint8_t *
stp_record_block(const struct stp_record *record, size_t index, size_t *size)
{
	const ProtobufCBinaryData *block;

	if (index >= record->message->n_block)
		return NULL;
	block = &record->message->block[index];
	*size = block->len;
	return block->data;
}

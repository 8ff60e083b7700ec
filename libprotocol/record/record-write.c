/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/crc32c.h>

#include "record-format.h"
#include "../base/struct-size.h"

/* A part of a session with every field at its longest stays well below. */
#define PART_SIZE_MAX 128
#define SEAL_SIZE_MAX (STP_SEAL_STATEMENT_MAX + STP_SIGNATURE_SIZE + STP_KEY_ID_SIZE + 8)

static void
put_byte(struct stp_record_writer *writer, uint8_t byte)
{
	if (writer->failed != STP_OK)
		return;
	if (writer->size == writer->capacity) {
		writer->failed = STP_ERR_SPACE;
		return;
	}
	writer->bytes[writer->size++] = byte;
}

static void
put_varint(struct stp_record_writer *writer, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		put_byte(writer, (uint8_t)(value | 0x80));
	put_byte(writer, (uint8_t)value);
}

static void
put_number(struct stp_record_writer *writer, unsigned field, uint64_t value)
{
	put_varint(writer, field << 3 | WIRE_VARINT);
	put_varint(writer, value);
}

static void
put_bytes(struct stp_record_writer *writer, unsigned field, const void *bytes, size_t size)
{
	put_varint(writer, field << 3 | WIRE_BYTES);
	put_varint(writer, size);
	if (writer->failed != STP_OK)
		return;
	if (writer->capacity - writer->size < size) {
		writer->failed = STP_ERR_SPACE;
		return;
	}
	if (size > 0)
		memcpy(writer->bytes + writer->size, bytes, size);
	writer->size += size;
}

static bool
holds(struct stp_record_writer *writer, enum stp_status status)
{
	if (writer->failed == STP_OK)
		writer->failed = status;
	return writer->failed == STP_OK;
}

/* A newer program's wishes are refused, not dropped in silence. */
static bool
takes(struct stp_record_writer *writer, void *full, size_t full_size, const void *given, size_t given_size)
{
	return holds(writer, struct_take(full, full_size, given, given_size) ? STP_OK : STP_ERR_ARGUMENT);
}

static void
put_known(struct stp_record_writer *writer, unsigned field, uint16_t value)
{
	if (value != STP_ABSENT)
		put_number(writer, field, value);
}

/* A message inside the record goes through a buffer of its own: its length comes first. */
static void
put_message(struct stp_record_writer *writer, unsigned field, const struct stp_record_writer *inner)
{
	if (holds(writer, inner->failed))
		put_bytes(writer, field, inner->bytes, inner->size);
}

void
stp_record_begin_sized(struct stp_record_writer *writer, uint8_t *bytes, size_t capacity,
		       const struct stp_record_head *given, size_t given_size)
{
	struct stp_record_head taken, *head = &taken;

	*writer = (struct stp_record_writer){ .bytes = bytes, .capacity = capacity };
	if (!takes(writer, &taken, sizeof(taken), given, given_size) || !holds(writer, stp_record_check_head(head)))
		return;
	put_bytes(writer, RECORD_SERIAL, head->serial,
		  record_text_size(head->serial, STP_SERIAL_MAX));
	put_number(writer, RECORD_EPOCH, head->epoch);
	put_number(writer, RECORD_NUMBER, head->number);
	put_number(writer, RECORD_BOOT_ID, head->boot_id);
	put_number(writer, RECORD_START_TICK, head->start_tick_ms);
	put_number(writer, RECORD_TYPE, head->type);
	put_number(writer, RECORD_SCHEMA_REV, head->schema_rev);
	put_bytes(writer, RECORD_FIRMWARE, head->firmware,
		  record_text_size(head->firmware, STP_FIRMWARE_MAX));
	if (head->has_prev_hash)
		put_bytes(writer, RECORD_PREV_HASH, head->prev_hash, sizeof(head->prev_hash));
}

void
stp_record_put_session_sized(struct stp_record_writer *writer, const struct stp_session_part *given,
			     size_t given_size)
{
	struct stp_session_part taken, *part = &taken;
	uint8_t bytes[PART_SIZE_MAX];
	struct stp_record_writer inner = { .bytes = bytes, .capacity = sizeof(bytes) };

	if (!takes(writer, &taken, sizeof(taken), given, given_size)
	    || !holds(writer, stp_record_check_session(part)))
		return;
	put_number(&inner, SESSION_NO, part->session_no);
	put_number(&inner, SESSION_PART_NO, part->part);
	put_number(&inner, SESSION_LAST, part->last);
	put_number(&inner, SESSION_PERIOD, part->period_ms);
	put_number(&inner, SESSION_DURATION, part->duration_ms);
	put_number(&inner, SESSION_MOTOR_ON, part->motor_on_ms);
	put_number(&inner, SESSION_STROKES, part->strokes);
	put_number(&inner, SESSION_SAMPLES, part->sample_count);
	put_known(&inner, SESSION_DEPTH_MIN, part->set_depth_min_um);
	put_known(&inner, SESSION_DEPTH_MAX, part->set_depth_max_um);
	put_known(&inner, SESSION_RATE, part->set_rate_dhz);
	if (part->needles > 0)
		put_number(&inner, SESSION_NEEDLES, part->needles);
	if (part->cartridge_uid_size > 0)
		put_bytes(&inner, SESSION_CARTRIDGE, part->cartridge_uid, part->cartridge_uid_size);
	if (part->has_session_tag)
		put_bytes(&inner, SESSION_TAG, part->session_tag, sizeof(part->session_tag));
	put_message(writer, RECORD_SESSION_PART, &inner);
}

void
stp_record_put_event_sized(struct stp_record_writer *writer, const struct stp_event *given,
			   size_t given_size)
{
	struct stp_event taken, *event = &taken;
	uint8_t bytes[PART_SIZE_MAX];
	struct stp_record_writer inner = { .bytes = bytes, .capacity = sizeof(bytes) };

	if (!takes(writer, &taken, sizeof(taken), given, given_size) || !holds(writer, stp_record_check_event(event)))
		return;
	put_number(&inner, EVENT_NO, event->event_no);
	put_number(&inner, EVENT_CODE, event->code);
	put_number(&inner, EVENT_ARG, event->arg);
	put_number(&inner, EVENT_SEVERITY, event->severity);
	if (event->utc_ms != 0)
		put_number(&inner, EVENT_UTC, event->utc_ms);
	if (event->utc_uncertainty_ms != 0)
		put_number(&inner, EVENT_UTC_UNCERTAINTY, event->utc_uncertainty_ms);
	put_message(writer, RECORD_EVENT_PART, &inner);
}

void
stp_record_put_seal(struct stp_record_writer *writer, const struct stp_seal *seal)
{
	uint8_t bytes[SEAL_SIZE_MAX];
	struct stp_record_writer inner = { .bytes = bytes, .capacity = sizeof(bytes) };

	if (!holds(writer, stp_record_check_seal(seal)))
		return;
	put_bytes(&inner, SEAL_STATEMENT, seal->statement, seal->statement_size);
	put_bytes(&inner, SEAL_SIGNATURE, seal->signature, sizeof(seal->signature));
	put_bytes(&inner, SEAL_KEY_ID, seal->key_id, sizeof(seal->key_id));
	put_message(writer, RECORD_SEAL_PART, &inner);
}

void
stp_record_put_block(struct stp_record_writer *writer, const uint8_t *block, size_t size)
{
	put_bytes(writer, RECORD_BLOCK, block, size);
}

enum stp_status
stp_record_finish(struct stp_record_writer *writer, size_t *size)
{
	size_t message = writer->size;
	uint32_t crc;

	if (writer->failed != STP_OK)
		return writer->failed;
	if (message > STP_RECORD_SIZE_MAX - STP_RECORD_TRAILER_SIZE)
		return writer->failed = STP_ERR_SPACE;
	crc = stp_crc32c(0, writer->bytes, message);
	for (unsigned i = 0; i < STP_RECORD_TRAILER_SIZE; i++)
		put_byte(writer, (uint8_t)(crc >> 8 * i));
	if (writer->failed == STP_OK)
		*size = writer->size;
	return writer->failed;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/crc32c.h>

#include "record-format.h"
#include "struct-size.h"

/*
 * The head is read without protobuf-c: no memory is taken, and it can be had from
 * records of a type that only a later version understands.
 */

struct scanner {
	const uint8_t *next, *end;
};

struct field {
	uint32_t number;
	enum wire_type wire;
	uint64_t value;		/* the number, or the size of the bytes */
	const uint8_t *bytes;
};

static enum stp_status
scan_varint(struct scanner *scanner, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte;

		if (scanner->next == scanner->end)
			return STP_ERR_TRUNCATED;
		byte = *scanner->next++;
		*value |= (uint64_t)(byte & 0x7F) << shift;
		if (byte < 0x80)
			return STP_OK;
	}
	return STP_ERR_MALFORMED;
}

static enum stp_status
scan_bytes(struct scanner *scanner, uint64_t size, struct field *field)
{
	if (size > (size_t)(scanner->end - scanner->next))
		return STP_ERR_TRUNCATED;
	field->bytes = scanner->next;
	field->value = size;
	scanner->next += size;
	return STP_OK;
}

static enum stp_status
scan_field(struct scanner *scanner, struct field *field)
{
	enum stp_status status;
	uint64_t value;

	status = scan_varint(scanner, &value);
	if (status != STP_OK)
		return status;
	if (value >> 3 == 0 || value > UINT32_MAX)
		return STP_ERR_MALFORMED;
	field->number = (uint32_t)(value >> 3);
	switch (value & 7) {
	case WIRE_VARINT:
		field->wire = WIRE_VARINT;
		return scan_varint(scanner, &field->value);
	case WIRE_FIXED64:
		field->wire = WIRE_FIXED64;
		return scan_bytes(scanner, 8, field);
	case WIRE_BYTES:
		field->wire = WIRE_BYTES;
		status = scan_varint(scanner, &value);
		return status == STP_OK ? scan_bytes(scanner, value, field) : status;
	case WIRE_FIXED32:
		field->wire = WIRE_FIXED32;
		return scan_bytes(scanner, 4, field);
	default:
		return STP_ERR_MALFORMED;
	}
}

static enum stp_status
take_text(char *text, size_t max, const struct field *field)
{
	if (field->wire != WIRE_BYTES)
		return STP_ERR_MALFORMED;
	if (field->value > max)
		return STP_ERR_RANGE;
	if (!record_is_printable(field->bytes, (size_t)field->value))
		return STP_ERR_MALFORMED;
	memset(text, 0, max + 1);
	memcpy(text, field->bytes, (size_t)field->value);
	return STP_OK;
}

static enum stp_status
take_number(const struct field *field, uint64_t max)
{
	if (field->wire != WIRE_VARINT)
		return STP_ERR_MALFORMED;
	return field->value > max ? STP_ERR_RANGE : STP_OK;
}

static enum stp_status
take_field(struct stp_record_head *head, const struct field *field)
{
	enum stp_status status = STP_OK;

	switch (field->number) {
	case RECORD_SERIAL:
		return take_text(head->serial, STP_SERIAL_MAX, field);
	case RECORD_FIRMWARE:
		return take_text(head->firmware, STP_FIRMWARE_MAX, field);
	case RECORD_EPOCH:
		status = take_number(field, UINT32_MAX);
		head->epoch = (uint32_t)field->value;
		break;
	case RECORD_NUMBER:
		status = take_number(field, UINT32_MAX);
		head->number = (uint32_t)field->value;
		break;
	case RECORD_BOOT_ID:
		status = take_number(field, UINT32_MAX);
		head->boot_id = (uint32_t)field->value;
		break;
	case RECORD_START_TICK:
		status = take_number(field, RECORD_TICK_MAX_MS);
		head->start_tick_ms = field->value;
		break;
	case RECORD_TYPE:
		status = take_number(field, UINT8_MAX);
		head->type = (uint8_t)field->value;
		break;
	case RECORD_SCHEMA_REV:
		status = take_number(field, UINT16_MAX);
		head->schema_rev = (uint16_t)field->value;
		break;
	default:
		break;
	}
	return status;
}

enum stp_status
stp_record_check(const uint8_t *raw, size_t size, uint32_t *crc32c)
{
	const uint8_t *trailer;
	uint32_t crc;

	if (size <= STP_RECORD_TRAILER_SIZE)
		return STP_ERR_TRUNCATED;
	if (size > STP_RECORD_SIZE_MAX)
		return STP_ERR_RANGE;
	trailer = raw + size - STP_RECORD_TRAILER_SIZE;
	crc = trailer[0] | (uint32_t)trailer[1] << 8 | (uint32_t)trailer[2] << 16
		| (uint32_t)trailer[3] << 24;
	if (stp_crc32c(0, raw, size - STP_RECORD_TRAILER_SIZE) != crc)
		return STP_ERR_CRC;
	*crc32c = crc;
	return STP_OK;
}

enum stp_status
stp_record_read_head_sized(const uint8_t *raw, size_t size, struct stp_record_head *head, size_t head_size)
{
	struct stp_record_head found = { 0 };
	struct scanner scanner;
	enum stp_status status;
	uint32_t crc;

	status = stp_record_check(raw, size, &crc);
	if (status != STP_OK)
		return status;
	scanner = (struct scanner){ raw, raw + size - STP_RECORD_TRAILER_SIZE };
	while (scanner.next < scanner.end) {
		struct field field = { 0 };

		status = scan_field(&scanner, &field);
		if (status == STP_OK)
			status = take_field(&found, &field);
		if (status != STP_OK)
			return status;
	}
	status = stp_record_check_head(&found);
	if (status == STP_OK)
		struct_give(head, head_size, &found, sizeof(found));
	return status;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "record-scan.h"

static enum stp_status
scan_varint(struct record_scanner *scanner, uint64_t *value)
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
scan_span(struct record_scanner *scanner, uint64_t size, struct record_scanned *field)
{
	if (size > (size_t)(scanner->end - scanner->next))
		return STP_ERR_TRUNCATED;
	field->bytes = scanner->next;
	field->value = size;
	scanner->next += size;
	return STP_OK;
}

enum stp_status
stp_record_scan(struct record_scanner *scanner, struct record_scanned *field)
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
		return scan_span(scanner, 8, field);
	case WIRE_BYTES:
		field->wire = WIRE_BYTES;
		status = scan_varint(scanner, &value);
		return status == STP_OK ? scan_span(scanner, value, field) : status;
	case WIRE_FIXED32:
		field->wire = WIRE_FIXED32;
		return scan_span(scanner, 4, field);
	default:
		return STP_ERR_MALFORMED;
	}
}

enum stp_status
stp_record_scan_number(const struct record_scanned *field, uint64_t max)
{
	if (field->wire != WIRE_VARINT)
		return STP_ERR_MALFORMED;
	return field->value > max ? STP_ERR_RANGE : STP_OK;
}

enum stp_status
stp_record_scan_bytes(const struct record_scanned *field, uint8_t *out, size_t size)
{
	if (field->wire != WIRE_BYTES)
		return STP_ERR_MALFORMED;
	if (field->value != size)
		return STP_ERR_RANGE;
	memcpy(out, field->bytes, size);
	return STP_OK;
}

typedef enum stp_status scan_taker(void *out, const struct record_scanned *field);

static enum stp_status
scan_message(const uint8_t *bytes, size_t size, scan_taker *take, void *out)
{
	struct record_scanner scanner = { bytes, bytes + size };
	enum stp_status status = STP_OK;

	while (status == STP_OK && scanner.next < scanner.end) {
		struct record_scanned field = { 0 };

		status = stp_record_scan(&scanner, &field);
		if (status == STP_OK)
			status = take(out, &field);
	}
	return status;
}

/* A message within the record that comes in pieces is merged, as protobuf has it. */
static enum stp_status
scan_inner(const uint8_t *raw, size_t size, uint32_t number, scan_taker *take, void *out)
{
	struct record_scanner scanner = { raw, raw + size - STP_RECORD_TRAILER_SIZE };
	bool found = false;

	while (scanner.next < scanner.end) {
		struct record_scanned field = { 0 };
		enum stp_status status = stp_record_scan(&scanner, &field);

		if (status == STP_OK && field.number == number) {
			found = true;
			status = field.wire != WIRE_BYTES
				? STP_ERR_MALFORMED : scan_message(field.bytes, (size_t)field.value, take, out);
		}
		if (status != STP_OK)
			return status;
	}
	return found ? STP_OK : STP_ERR_MALFORMED;
}

static enum stp_status
take_text(char *text, size_t max, const struct record_scanned *field)
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
take_head(void *out, const struct record_scanned *field)
{
	struct stp_record_head *head = out;
	enum stp_status status = STP_OK;

	switch (field->number) {
	case RECORD_SERIAL:
		return take_text(head->serial, STP_SERIAL_MAX, field);
	case RECORD_FIRMWARE:
		return take_text(head->firmware, STP_FIRMWARE_MAX, field);
	case RECORD_EPOCH:
		status = stp_record_scan_number(field, UINT32_MAX);
		head->epoch = (uint32_t)field->value;
		break;
	case RECORD_NUMBER:
		status = stp_record_scan_number(field, UINT32_MAX);
		head->number = (uint32_t)field->value;
		break;
	case RECORD_BOOT_ID:
		status = stp_record_scan_number(field, UINT32_MAX);
		head->boot_id = (uint32_t)field->value;
		break;
	case RECORD_START_TICK:
		status = stp_record_scan_number(field, RECORD_TICK_MAX_MS);
		head->start_tick_ms = field->value;
		break;
	case RECORD_TYPE:
		status = stp_record_scan_number(field, UINT8_MAX);
		head->type = (uint8_t)field->value;
		break;
	case RECORD_SCHEMA_REV:
		status = stp_record_scan_number(field, UINT16_MAX);
		head->schema_rev = (uint16_t)field->value;
		break;
	case RECORD_PREV_HASH:
		head->has_prev_hash = true;
		return stp_record_scan_bytes(field, head->prev_hash, sizeof(head->prev_hash));
	default:
		break;
	}
	return status;
}

enum stp_status
stp_record_scan_head(const uint8_t *raw, size_t size, struct stp_record_head *out)
{
	*out = (struct stp_record_head){ 0 };
	return scan_message(raw, size - STP_RECORD_TRAILER_SIZE, take_head, out);
}

static enum stp_status
take_place(void *out, const struct record_scanned *field)
{
	struct record_place *place = out;
	enum stp_status status = STP_OK;

	switch (field->number) {
	case SESSION_NO:
		status = stp_record_scan_number(field, UINT32_MAX);
		place->session_no = (uint32_t)field->value;
		break;
	case SESSION_PART_NO:
		status = stp_record_scan_number(field, UINT16_MAX);
		place->part = (uint32_t)field->value;
		break;
	case SESSION_LAST:
		status = stp_record_scan_number(field, UINT64_MAX);
		place->last = field->value != 0;
		break;
	default:
		break;
	}
	return status;
}

enum stp_status
stp_record_scan_place(const uint8_t *raw, size_t size, struct record_place *out)
{
	*out = (struct record_place){ 0 };
	return scan_inner(raw, size, RECORD_SESSION_PART, take_place, out);
}

struct seal_found {
	struct stp_seal seal;
	bool signature, key_id;
};

static enum stp_status
take_seal_field(void *out, const struct record_scanned *field)
{
	struct seal_found *found = out;
	struct stp_seal *seal = &found->seal;

	switch (field->number) {
	case SEAL_STATEMENT:
		if (field->wire != WIRE_BYTES)
			return STP_ERR_MALFORMED;
		if (field->value > sizeof(seal->statement))
			return STP_ERR_RANGE;
		memset(seal->statement, 0, sizeof(seal->statement));
		memcpy(seal->statement, field->bytes, (size_t)field->value);
		seal->statement_size = (uint8_t)field->value;
		return STP_OK;
	case SEAL_SIGNATURE:
		found->signature = true;
		return stp_record_scan_bytes(field, seal->signature, sizeof(seal->signature));
	case SEAL_KEY_ID:
		found->key_id = true;
		return stp_record_scan_bytes(field, seal->key_id, sizeof(seal->key_id));
	default:
		return STP_OK;
	}
}

enum stp_status
stp_record_scan_seal(const uint8_t *raw, size_t size, struct stp_seal *out)
{
	struct seal_found found = { .signature = false };
	enum stp_status status = scan_inner(raw, size, RECORD_SEAL_PART, take_seal_field, &found);

	if (status != STP_OK)
		return status;
	if (!found.signature || !found.key_id)
		return STP_ERR_RANGE;
	*out = found.seal;
	return stp_record_check_seal(out);
}

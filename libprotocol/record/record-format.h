/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef RECORD_FORMAT_H
#define RECORD_FORMAT_H

/* What the writer, which speaks protobuf by hand, and the reader must agree on. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <stipple/record.h>
#include <stipple/seal.h>
#include <stipple/telemetry.h>

#define RECORD_DURATION_MAX_MS (24u * 60 * 60 * 1000)
#define RECORD_SAMPLES_MAX (RECORD_DURATION_MAX_MS / STP_PERIOD_MIN_MS)
#define RECORD_TICK_MAX_MS ((UINT64_C(1) << 48) - 1)
#define RECORD_UTC_MAX_MS ((UINT64_C(1) << 48) - 1)
#define RECORD_NEEDLES_MAX 100
#define RECORD_SEVERITY_MAX 3

enum record_field {
	RECORD_SERIAL = 1,
	RECORD_EPOCH,
	RECORD_NUMBER,
	RECORD_BOOT_ID,
	RECORD_START_TICK,
	RECORD_TYPE,
	RECORD_SCHEMA_REV,
	RECORD_FIRMWARE,
	RECORD_SESSION_PART,
	RECORD_EVENT_PART,
	RECORD_BLOCK,
	RECORD_PREV_HASH,
	RECORD_SEAL_PART,
};

enum session_field {
	SESSION_NO = 1,
	SESSION_PART_NO,
	SESSION_LAST,
	SESSION_PERIOD,
	SESSION_DURATION,
	SESSION_MOTOR_ON,
	SESSION_STROKES,
	SESSION_SAMPLES,
	SESSION_DEPTH_MIN,
	SESSION_DEPTH_MAX,
	SESSION_RATE,
	SESSION_NEEDLES,
	SESSION_CARTRIDGE,
	SESSION_TAG,
};

enum event_field {
	EVENT_NO = 1,
	EVENT_CODE,
	EVENT_ARG,
	EVENT_SEVERITY,
	EVENT_UTC,
	EVENT_UTC_UNCERTAINTY,
};

enum seal_field {
	SEAL_STATEMENT = 1,
	SEAL_SIGNATURE,
	SEAL_KEY_ID,
};

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_BYTES = 2,
	WIRE_FIXED32 = 5,
};

static inline bool
record_is_printable(const uint8_t *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] < 0x20 || text[i] > 0x7E)
			return false;
	return true;
}

/* A zero-terminated field of our own structs; its size, or max + 1 when it does not end. */
static inline size_t
record_text_size(const char *text, size_t max)
{
	size_t size = 0;

	/* Not memchr: a freestanding libc need not have it. */
	while (size <= max && text[size] != '\0')
		size++;
	return size;
}

/* Both ends hold a head, a part and an event to the same rules. */
enum stp_status stp_record_check_head(const struct stp_record_head *head);
enum stp_status stp_record_check_session(const struct stp_session_part *part);
enum stp_status stp_record_check_event(const struct stp_event *event);
enum stp_status stp_record_check_seal(const struct stp_seal *seal);
/*
 * Whether a seal's statement speaks of the very record that carries it.  STP_OK also for a version
 * of the statement that this library does not know.
 */
enum stp_status stp_record_check_statement(const struct stp_seal *seal, const struct stp_record_head *head);

#endif

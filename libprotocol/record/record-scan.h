/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef RECORD_SCAN_H
#define RECORD_SCAN_H

/*
 * The fields of a protobuf message, one after the other, without protobuf-c: no memory is taken,
 * and what only a later version understands is passed over.
 */

#include <stddef.h>
#include <stdint.h>

#include <stipple/record.h>
#include <stipple/status.h>

#include "record-format.h"

struct record_scanner {
	const uint8_t *next, *end;
};

struct record_scanned {
	uint32_t number;
	enum wire_type wire;
	uint64_t value;		/* the number, or the size of the bytes */
	const uint8_t *bytes;
};

/* The next field; there is one while next is before end. */
enum stp_status stp_record_scan(struct record_scanner *scanner, struct record_scanned *field);
enum stp_status stp_record_scan_number(const struct record_scanned *field, uint64_t max);
/* A field of exactly size bytes. */
enum stp_status stp_record_scan_bytes(const struct record_scanned *field, uint8_t *out, size_t size);

/* The rest is for raw records whose trailer was seen to hold. */

/* A session part by its place in the session; 0 in fields that are missing. */
struct record_place {
	uint32_t session_no, part;
	bool last;
};
enum stp_status stp_record_scan_place(const uint8_t *raw, size_t size, struct record_place *out);
enum stp_status stp_record_scan_head(const uint8_t *raw, size_t size, struct stp_record_head *out);
enum stp_status stp_record_scan_seal(const uint8_t *raw, size_t size, struct stp_seal *out);

#endif

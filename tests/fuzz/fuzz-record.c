/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/crc32c.h>
#include <stipple/record.h>

#include "fuzz-target.h"

static void
decode(const uint8_t *raw, size_t size)
{
	struct stp_record_fault fault = { STP_OK, -1, NULL };
	struct stp_record *record = NULL;
	struct stp_record_head head;
	enum stp_status read, decoded, validated;

	read = stp_record_read_head(raw, size, &head);
	decoded = stp_record_decode(raw, size, &record);
	validated = stp_record_validate(raw, size, &fault);
	FUZZ_CHECK((decoded == STP_OK) == (record != NULL));
	FUZZ_CHECK(decoded != STP_OK || read == STP_OK);
	FUZZ_CHECK(validated != STP_OK || decoded == STP_OK);
	FUZZ_CHECK(validated == fault.status && (validated == STP_OK) == (fault.reason == NULL));
	if (record) {
		FUZZ_CHECK(strlen(stp_record_head(record)->serial) <= STP_SERIAL_MAX);
		FUZZ_CHECK(!!stp_record_session(record) + !!stp_record_event(record) + !!stp_record_seal(record) == 1);
		for (size_t i = 0; i < stp_record_block_count(record); i++) {
			size_t length;

			FUZZ_CHECK(stp_record_block(record, i, &length) || length == 0);
		}
	}
	stp_record_free(record);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *sealed;
	uint32_t crc;

	decode(bytes, size);
	if (size < STP_RECORD_TRAILER_SIZE)
		return 0;
	/* No fuzzer finds a checksum: seal what it made. */
	sealed = malloc(size);
	memcpy(sealed, bytes, size);
	crc = stp_crc32c(0, bytes, size - STP_RECORD_TRAILER_SIZE);
	for (unsigned i = 0; i < STP_RECORD_TRAILER_SIZE; i++)
		sealed[size - STP_RECORD_TRAILER_SIZE + i] = (uint8_t)(crc >> 8 * i);
	decode(sealed, size);
	free(sealed);
	return 0;
}

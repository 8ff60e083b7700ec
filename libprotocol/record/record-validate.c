/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdlib.h>

#include <stipple/record.h>
#include <stipple/telemetry.h>

#include "record-format.h"
#include "../base/struct-size.h"

#define NO_BLOCK (-1)

/* One buffer for the samples of one block after the other. */
struct inspection {
	struct stp_block_decoder decoder;
	struct stp_sample *samples;
	size_t capacity;
	uint32_t last_ms;
	uint64_t total;
};

static const char *
record_reason(enum stp_status status)
{
	switch ((int)status) {
	case STP_ERR_TRUNCATED:
		return "the record ends too early";
	case STP_ERR_CRC:
		return "the record's checksum does not hold";
	case STP_ERR_RANGE:
		return "a field of the record is out of range";
	case STP_ERR_UNKNOWN:
		return "the record is of an unknown type";
	case STP_ERR_MEMORY:
		return "the record needs more memory than there is or it may have";
	default:
		return "the record's message is malformed";
	}
}

static const char *
block_reason(enum stp_status status)
{
	switch ((int)status) {
	case STP_ERR_TRUNCATED:
		return "a telemetry block ends too early";
	case STP_ERR_CRC:
		return "a telemetry block's checksum does not hold";
	case STP_ERR_RANGE:
		return "a telemetry block holds a value out of range";
	case STP_ERR_UNKNOWN:
		return "a telemetry block uses an unknown codec";
	case STP_ERR_MEMORY:
		return "there is no memory for a telemetry block's samples";
	case STP_ERR_ORPHAN:
		return "a telemetry block continues one that is not there";
	default:
		return "a telemetry block is malformed";
	}
}

static enum stp_status
report(struct stp_record_fault *fault, enum stp_status status, int32_t block, const char *reason)
{
	*fault = (struct stp_record_fault){ status, block, reason };
	return status;
}

static enum stp_status
make_room(struct inspection *inspection, size_t samples)
{
	struct stp_sample *larger;

	if (samples <= inspection->capacity)
		return STP_OK;
	larger = realloc(inspection->samples, samples * sizeof(*larger));
	if (!larger)
		return STP_ERR_MEMORY;
	inspection->samples = larger;
	inspection->capacity = samples;
	return STP_OK;
}

static enum stp_status
inspect_block(struct inspection *inspection, const uint8_t *block, size_t size, const char **reason)
{
	struct stp_block_info info;
	enum stp_status status;
	size_t count = 0;

	status = stp_block_peek(block, size, &info);
	if (status == STP_OK)
		status = make_room(inspection, info.samples);
	/* A damaged header is a matter of the checksum first. */
	if (status != STP_ERR_MEMORY)
		status = stp_block_decoder_next(&inspection->decoder, block, size,
						inspection->samples, inspection->capacity, &count);
	*reason = block_reason(status);
	if (status != STP_OK || count == 0)
		return status;
	if (inspection->samples[0].t_ms < inspection->last_ms) {
		*reason = "time goes back between two telemetry blocks";
		return STP_ERR_MALFORMED;
	}
	inspection->last_ms = inspection->samples[count - 1].t_ms;
	inspection->total += count;
	return STP_OK;
}

static enum stp_status
inspect_blocks(struct inspection *inspection, const struct stp_record *record,
	       struct stp_record_fault *fault)
{
	const struct stp_session_part *part = stp_record_session(record);
	size_t count = stp_record_block_count(record);

	if (!part && count > 0)
		return report(fault, STP_ERR_MALFORMED, NO_BLOCK,
			      "a record that is no session holds telemetry blocks");
	for (size_t i = 0; i < count; i++) {
		const char *reason;
		size_t size = 0;
		const uint8_t *block = stp_record_block(record, i, &size);
		enum stp_status status = inspect_block(inspection, block, size, &reason);

		if (status != STP_OK)
			return report(fault, status, (int32_t)i, reason);
		/* Blocks of 23 bytes can hold 36000 samples each: the number that the record says bounds the work. */
		if (inspection->total > part->sample_count)
			break;
	}
	if (part && inspection->total != part->sample_count)
		return report(fault, STP_ERR_MALFORMED, NO_BLOCK,
			      "the blocks hold another number of samples than the record says");
	return STP_OK;
}

static enum stp_status
inspect_seal(const struct stp_record *record, struct stp_record_fault *fault)
{
	const struct stp_seal *seal = stp_record_seal(record);
	enum stp_status status = seal ? stp_record_check_statement(seal, stp_record_head(record)) : STP_OK;

	if (status != STP_OK)
		return report(fault, status, NO_BLOCK, "the seal's statement is malformed or of another record");
	return STP_OK;
}

enum stp_status
stp_record_validate_sized(const uint8_t *raw, size_t size, struct stp_record_fault *fault, size_t fault_size)
{
	struct inspection inspection = { 0 };
	struct stp_record *record = NULL;
	struct stp_record_fault found = { 0 };
	enum stp_status status;

	stp_block_decoder_init(&inspection.decoder);
	status = stp_record_decode(raw, size, &record);
	if (status == STP_OK)
		status = inspect_blocks(&inspection, record, &found);
	else
		(void)report(&found, status, NO_BLOCK, record_reason(status));
	if (status == STP_OK)
		status = inspect_seal(record, &found);
	if (status != STP_OK && fault)
		struct_give(fault, fault_size, &found, sizeof(found));
	free(inspection.samples);
	stp_record_free(record);
	return status;
}

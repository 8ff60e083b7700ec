/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "record-digest.h"

typedef struct {
	struct stp_block_decoder decoder;
	struct stp_sample *items;
	gsize capacity;
} Samples;

static enum stp_status
decode_block(const guint8 *bytes, gsize size, Samples *samples, gsize *count)
{
	struct stp_block_info info;
	enum stp_status status = stp_block_peek(bytes, size, &info);

	if (status != STP_OK)
		return status;
	if (info.samples > samples->capacity) {
		g_free(samples->items);
		samples->items = g_new(struct stp_sample, info.samples);
		samples->capacity = info.samples;
	}
	return stp_block_decoder_next(&samples->decoder, bytes, size, samples->items, samples->capacity, count);
}

static enum stp_status
sum_up(StpRecordDigest *self, const struct stp_record *record, Samples *samples)
{
	guint64 total = 0;
	guint32 last_ms = 0;

	for (size_t i = 0; i < stp_record_block_count(record); i++) {
		size_t size, count = 0;
		const uint8_t *block = stp_record_block(record, i, &size);
		enum stp_status status = decode_block(block, size, samples, &count);

		if (status != STP_OK)
			return status;
		if (count > 0 && samples->items[0].t_ms < last_ms)
			return STP_ERR_MALFORMED;
		if (count > 0)
			last_ms = samples->items[count - 1].t_ms;
		stp_summary_add_samples(self->summary, samples->items, count);
		total += count;
	}
	return total == self->part.sample_count ? STP_OK : STP_ERR_MALFORMED;
}

static enum stp_status
look_inside(StpRecordDigest *self, const guint8 *raw, gsize size)
{
	struct stp_record *record = NULL;
	enum stp_status status = stp_record_decode(raw, size, &record);
	const struct stp_session_part *part;
	const struct stp_event *event;
	Samples samples = { .items = NULL };

	if (status != STP_OK)
		return status;
	self->head = *stp_record_head(record);
	part = stp_record_session(record);
	event = stp_record_event(record);
	if (event != NULL) {
		self->is_event = TRUE;
		self->event = *event;
	}
	if (part != NULL) {
		self->is_session = TRUE;
		self->part = *part;
		self->summary = stp_summary_new();
		stp_block_decoder_init(&samples.decoder);
		status = sum_up(self, record, &samples);
		g_free(samples.items);
	}
	stp_record_free(record);
	return status;
}

StpRecordDigest *
stp_record_digest_new(const guint8 *raw, gsize size)
{
	StpRecordDigest *self = g_new0(StpRecordDigest, 1);
	struct stp_record_fault fault = { STP_OK, -1, NULL };

	self->verdict = look_inside(self, raw, size);
	if (self->verdict == STP_OK)
		return self;
	/* The checks of the library's own judge say more about where and why; it is slower. */
	if (stp_record_validate(raw, size, &fault) != STP_OK)
		self->verdict = fault.status;
	/* A bad checksum within a good one is how the pen wrote it. */
	if (self->verdict == STP_ERR_CRC && fault.block >= 0)
		self->verdict = STP_ERR_MALFORMED;
	if (fault.reason != NULL && fault.block >= 0)
		self->reason = g_strdup_printf("telemetry block %d: %s", fault.block + 1, fault.reason);
	else
		self->reason = g_strdup(fault.reason != NULL ? fault.reason : stp_status_name(self->verdict));
	return self;
}

void
stp_record_digest_free(StpRecordDigest *self)
{
	if (self == NULL)
		return;
	stp_summary_free(self->summary);
	g_free(self->reason);
	g_free(self);
}

void
stp_record_hash(const guint8 *raw, gsize size, guint8 hash[STP_HASH_SIZE])
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize length = STP_HASH_SIZE;

	g_checksum_update(checksum, raw, (gssize)size);
	g_checksum_get_digest(checksum, hash, &length);
}

/*
 * A record is a chain of protobuf fields; a chain that needs more bytes than there are was
 * cut.  Damage in the middle of a block, the usual kind, leaves the chain intact.
 */
gboolean
stp_record_looks_cut(const guint8 *raw, gsize size)
{
	gsize at = 0;

	while (at < size) {
		guint64 value = 0;
		guint type = raw[at] & 7;
		guint shift = 0;

		/* The tag and a length or a number are both in base 128. */
		while (at < size && raw[at] >= 0x80)
			at++;
		at++;
		if (type == 1 || type == 5) {
			at += type == 1 ? 8 : 4;
			continue;
		}
		if (type != 0 && type != 2)
			return FALSE;
		do {
			if (at >= size)
				return TRUE;
			value |= shift < 35 ? (guint64)(raw[at] & 0x7f) << shift : 0;
			shift += 7;
		} while (raw[at++] >= 0x80);
		if (type == 2 && value > size - MIN(at, size))
			return TRUE;
		if (type == 2)
			at += (gsize)value;
		if (at + STP_RECORD_TRAILER_SIZE == size)
			return FALSE;
	}
	return TRUE;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/crc32c.h>

#include "telemetry-decode.h"

static void
set_value(struct stp_sample *sample, unsigned column, uint16_t value)
{
	switch (column) {
	case STP_COLUMN_DEPTH:
		sample->depth_um = value;
		break;
	case STP_COLUMN_RATE:
		sample->rate_dhz = value;
		break;
	default:
		sample->current_ma = value;
		break;
	}
}

/* Any one sample, at leisure. */
static enum stp_status
decode_sample(struct decoder *decoder, struct stp_sample *out)
{
	struct bit_reader *reader = &decoder->values;
	uint32_t quotient[STP_COLUMNS] = { 0 };

	*out = decoder->like;
	out->t_ms = (uint32_t)decoder->due_ms;
	for (unsigned i = 0; i < STP_COLUMNS; i++)
		if (decoder->present & decoder->seen & 1u << i)
			quotient[i] = bits_take_zeros(reader, QUOTIENT_ESCAPE);
	for (unsigned i = 0; i < STP_COLUMNS; i++) {
		struct column *column = &decoder->column[i];
		uint32_t *mean = &decoder->mean[decoder->like.contact][i];
		uint32_t bits = rice_bits(*mean), folded;
		bool fresh = !(decoder->seen & 1u << i);
		int32_t value;

		if (!(decoder->present & 1u << i))
			continue;
		if (fresh || quotient[i] == QUOTIENT_ESCAPE) {
			value = (int32_t)bits_take(reader, PLAIN_BITS);
			folded = escape_weight(bits);
		} else {
			folded = quotient[i] << bits | bits_take(reader, bits);
			value = rounded(column->level + column->trend) + unfold(folded);
		}
		if ((uint32_t)value > column_max[i])
			return STP_ERR_RANGE;
		if (fresh) {
			column->level = value * (1 << LEVEL_BITS);
			decoder->seen |= (uint8_t)(1u << i);
		} else {
			*mean = mean_after(*mean, folded);
			learn(column->gains.level_gain, column->gains.trend_gain,
			      column->gains.trend_keep, &column->level, &column->trend, value);
		}
		set_value(out, i, (uint16_t)value);
	}
	return STP_OK;
}

/* Samples without an event among them, the clock running by the period. */
static enum stp_status
decode_span(struct decoder *decoder, struct stp_sample *out, size_t count)
{
	uint64_t last = decoder->due_ms + (uint64_t)decoder->period_ms * (count - 1);

	if (decoder->due_ms < decoder->last_ms || last > UINT32_MAX)
		return STP_ERR_MALFORMED;
	decoder->last_ms = (uint32_t)last;
	while (count > 0) {
		size_t done = 0;

		if ((decoder->present & decoder->seen) == ALL_PRESENT)
			done = decoder->plain(decoder, out, count);
		if (done == 0) {
			enum stp_status status = decode_sample(decoder, out);

			if (status != STP_OK)
				return status;
			done = 1;
		}
		out += done;
		count -= done;
		decoder->due_ms += (uint64_t)decoder->period_ms * done;
	}
	return STP_OK;
}

static uint32_t
take_gap(struct decoder *decoder)
{
	uint32_t bits = gap_bits(decoder->gap_mean);
	uint32_t quotient = bits_take_zeros(&decoder->events, QUOTIENT_ESCAPE), gap;

	if (quotient == QUOTIENT_ESCAPE)
		gap = bits_take(&decoder->events, GAP_PLAIN_BITS);
	else
		gap = quotient << bits | bits_take(&decoder->events, bits);
	if (gap > 0)
		decoder->gap_mean = gap_mean_after(decoder->gap_mean, gap);
	return gap;
}

static enum event_kind
take_kind(struct decoder *decoder)
{
	static const enum event_kind kinds[] = { EVENT_JITTER, EVENT_CONTACT, EVENT_SHIFT, EVENT_MARK };
	unsigned ones = 0;

	while (ones < 4 && bits_take(&decoder->events, 1))
		ones++;
	return ones < 4 ? kinds[ones] : EVENT_PRESENCE;
}

/* 0, which no encoder writes, when the code is longer than any time. */
static int64_t
take_offset(struct decoder *decoder)
{
	bool early = bits_take(&decoder->events, 1);
	uint32_t bits = 0;
	int64_t size;

	while (bits < 32 && !bits_take(&decoder->events, 1))
		bits++;
	if (bits == 32)
		return 0;
	size = (int64_t)1 << bits | bits_take(&decoder->events, bits < 16 ? bits : 16);
	if (bits > 16)
		size |= (int64_t)bits_take(&decoder->events, bits - 16) << 16;
	return early ? -size : size;
}

static void
set_presence(struct decoder *decoder, uint8_t present)
{
	decoder->present = present;
	decoder->like.depth_um = decoder->like.rate_dhz = decoder->like.current_ma = STP_ABSENT;
}

/* One event; *jitter receives what it does to this sample's time alone. */
static enum stp_status
take_event(struct decoder *decoder, enum event_kind kind, int64_t *jitter)
{
	int64_t offset;

	switch (kind) {
	case EVENT_SHIFT:
	case EVENT_JITTER:
		offset = take_offset(decoder);
		if (offset == 0)
			return STP_ERR_MALFORMED;
		if (kind == EVENT_JITTER)
			*jitter = offset;
		else
			decoder->due_ms += (uint64_t)offset;
		break;
	case EVENT_CONTACT:
		decoder->like.contact ^= 1;
		break;
	case EVENT_MARK:
		decoder->like.pass = (uint8_t)bits_take(&decoder->events, 8);
		decoder->like.zone = (uint8_t)bits_take(&decoder->events, 8);
		break;
	case EVENT_PRESENCE:
	case EVENT_NONE:
	default:
		set_presence(decoder, (uint8_t)bits_take(&decoder->events, STP_COLUMNS));
		break;
	}
	return STP_OK;
}

/* The sample at which something happens; *gap receives the way to the next one. */
static enum stp_status
decode_eventful(struct decoder *decoder, struct stp_sample *out, uint32_t *gap)
{
	enum event_kind last = EVENT_NONE;
	enum stp_status status;
	int64_t jitter = 0;
	uint64_t due;

	do {
		enum event_kind kind = take_kind(decoder);

		if (kind <= last)
			return STP_ERR_MALFORMED;
		last = kind;
		status = take_event(decoder, kind, &jitter);
		if (status != STP_OK)
			return status;
		*gap = take_gap(decoder);
	} while (*gap == 0);
	due = decoder->due_ms;
	decoder->due_ms += (uint64_t)jitter;
	if (decoder->due_ms > UINT32_MAX)
		return STP_ERR_MALFORMED;
	status = decode_span(decoder, out, 1);
	decoder->due_ms = due + decoder->period_ms;
	return status;
}

static enum stp_status
decode_samples(struct decoder *decoder, struct stp_sample *out, size_t count)
{
	uint32_t gap = take_gap(decoder);
	enum stp_status status;
	size_t done = 0;

	if (gap == 0 || gap > count)
		return STP_ERR_MALFORMED;
	status = decode_span(decoder, out, gap);
	for (done = gap; status == STP_OK && done < count; done += gap) {
		status = decode_eventful(decoder, out + done, &gap);
		if (status != STP_OK)
			break;
		if (gap > count - done)
			return STP_ERR_MALFORMED;
		if (gap > 1)
			status = decode_span(decoder, out + done + 1, gap - 1);
	}
	return status;
}

/* Both streams met exactly, and nothing hides in what they left over. */
static bool
all_read(struct decoder *decoder)
{
	return bits_read(&decoder->values) + bits_read(&decoder->events) == decoder->values.size
		&& bits_padded(&decoder->values) && bits_padded(&decoder->events);
}

static void
set_up(struct decoder *decoder, const uint8_t *bytes, size_t size)
{
	size_t payload = size - STP_BLOCK_HEADER_SIZE - STP_BLOCK_TRAILER_SIZE;
	uint8_t flags = bytes[BLOCK_FLAGS];

	*decoder = (struct decoder){
		.values = { .bytes = bytes + STP_BLOCK_HEADER_SIZE, .size = payload },
		.events = { .bytes = bytes + STP_BLOCK_HEADER_SIZE, .size = payload, .down = true },
		.limit = bytes + size - sizeof(uint64_t),
		.like = {
			.contact = (flags & FLAG_CONTACT) != 0,
			.pass = bytes[BLOCK_PASS],
			.zone = bytes[BLOCK_ZONE],
		},
		.period_ms = get_le16(bytes + BLOCK_PERIOD),
		.due_ms = get_le32(bytes + BLOCK_FIRST_MS),
		.gap_mean = GAP_MEAN_START,
		.plain = telemetry_plain_decoder(),
	};
	set_presence(decoder, flags & ALL_PRESENT);
	for (unsigned i = 0; i < STP_COLUMNS; i++) {
		uint8_t column = bytes[BLOCK_COLUMNS + i];

		decoder->column[i].gains = predictors[column & 0x0F];
		decoder->mean[0][i] = decoder->mean[1][i] = mean_start(column >> 4);
	}
}

enum stp_status
stp_block_peek(const uint8_t *bytes, size_t size, struct stp_block_info *info)
{
	struct stp_block_info seen;

	if (size < STP_BLOCK_HEADER_SIZE + STP_BLOCK_TRAILER_SIZE)
		return STP_ERR_TRUNCATED;
	seen = (struct stp_block_info){
		.codec = bytes[BLOCK_CODEC],
		.samples = get_le16(bytes + BLOCK_SAMPLES),
		.period_ms = get_le16(bytes + BLOCK_PERIOD),
		.first_ms = get_le32(bytes + BLOCK_FIRST_MS),
	};
	if (seen.codec != STP_CODEC_RICE)
		return STP_ERR_UNKNOWN;
	if (seen.samples > STP_BLOCK_SAMPLES_MAX || seen.period_ms < STP_PERIOD_MIN_MS
	    || seen.period_ms > STP_PERIOD_MAX_MS)
		return STP_ERR_RANGE;
	if (bytes[BLOCK_FLAGS] & ~FLAGS_KNOWN)
		return STP_ERR_MALFORMED;
	for (unsigned i = 0; i < STP_COLUMNS; i++)
		if ((bytes[BLOCK_COLUMNS + i] & 0x0F) >= STP_PREDICTORS)
			return STP_ERR_MALFORMED;
	*info = seen;
	return STP_OK;
}

enum stp_status
stp_block_decode(const uint8_t *bytes, size_t size,
		 struct stp_sample *samples, size_t capacity, size_t *count)
{
	struct stp_block_info info;
	struct decoder decoder;
	enum stp_status status;

	if (size < STP_BLOCK_HEADER_SIZE + STP_BLOCK_TRAILER_SIZE)
		return STP_ERR_TRUNCATED;
	if (stp_crc32c(0, bytes, size - STP_BLOCK_TRAILER_SIZE)
	    != get_le32(bytes + size - STP_BLOCK_TRAILER_SIZE))
		return STP_ERR_CRC;
	status = stp_block_peek(bytes, size, &info);
	if (status != STP_OK)
		return status;
	if (info.samples > capacity)
		return STP_ERR_SPACE;
	set_up(&decoder, bytes, size);
	if (info.samples > 0)
		status = decode_samples(&decoder, samples, info.samples);
	if (status == STP_OK && !all_read(&decoder))
		status = STP_ERR_MALFORMED;
	if (status == STP_OK)
		*count = info.samples;
	return status;
}

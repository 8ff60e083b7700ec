/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/crc32c.h>

#include "../base/struct-size.h"
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

/* Takes the rest of a value; *miss receives how far off the prediction was. */
static enum stp_status
decode_value(struct decoder *decoder, unsigned i, uint32_t quotient, struct stp_sample *out,
	     int32_t *miss)
{
	struct column *column = &decoder->trail.column[i];
	uint32_t *mean = &decoder->trail.mean[decoder->trail.like.contact][i];
	uint32_t bits = rice_bits(*mean), folded;
	bool fresh = !(decoder->trail.seen & 1u << i);
	int32_t value;

	if (fresh || quotient == QUOTIENT_ESCAPE) {
		value = (int32_t)bits_take(&decoder->values, PLAIN_BITS);
		folded = escape_weight(bits);
	} else {
		folded = quotient << bits | bits_take(&decoder->values, bits);
		value = unfold(column->level + column->trend, folded);
	}
	if ((uint32_t)value > column_max[i])
		return STP_ERR_RANGE;
	if (fresh) {
		column->level = value * (1 << LEVEL_BITS);
		decoder->trail.seen |= (uint8_t)(1u << i);
	} else {
		*mean = mean_after(*mean, folded);
		*miss = missed(column->level, column->trend, value);
	}
	set_value(out, i, (uint16_t)value);
	return STP_OK;
}

/* Any one sample, at leisure. */
static enum stp_status
decode_sample(struct decoder *decoder, struct stp_sample *out)
{
	uint8_t known = decoder->trail.present & decoder->trail.seen;
	uint32_t quotient[STP_COLUMNS] = { 0 };
	int32_t miss[STP_COLUMNS] = { 0 };

	*out = decoder->trail.like;
	out->t_ms = (uint32_t)decoder->trail.due_ms;
	for (unsigned i = 0; i < STP_COLUMNS; i++)
		if (known & 1u << i)
			quotient[i] = bits_take_zeros(&decoder->values, QUOTIENT_ESCAPE);
	for (unsigned i = 0; i < STP_COLUMNS; i++) {
		enum stp_status status = STP_OK;

		if (decoder->trail.present & 1u << i)
			status = decode_value(decoder, i, quotient[i], out, &miss[i]);
		if (status != STP_OK)
			return status;
	}
	for (unsigned i = 0; i < STP_COLUMNS; i++) {
		struct column *column = &decoder->trail.column[i];
		uint8_t choice = column->predictor;
		int32_t kick = i == STP_COLUMN_RATE ? decoder->trail.kick * miss[STP_COLUMN_CURRENT] : 0;

		if (known & 1u << i)
			learn(level_gains[choice], trend_gains[choice], trend_keeps[choice],
			      &column->level, &column->trend, miss[i], kick);
	}
	return STP_OK;
}

/* Samples without an event among them, the clock running by the period. */
static enum stp_status
decode_span(struct decoder *decoder, struct stp_sample *out, size_t count)
{
	uint64_t last = decoder->trail.due_ms + (uint64_t)decoder->trail.period_ms * (count - 1);

	/* A clock that went below zero stands near the end of 64 bits, and would come round within the span. */
	if (decoder->trail.due_ms < decoder->trail.last_ms || decoder->trail.due_ms > last || last > UINT32_MAX)
		return STP_ERR_MALFORMED;
	decoder->trail.last_ms = (uint32_t)last;
	while (count > 0) {
		size_t done = 0;

		if ((decoder->trail.present & decoder->trail.seen) == ALL_PRESENT)
			done = decoder->plain(decoder, out, count);
		if (done == 0) {
			enum stp_status status = decode_sample(decoder, out);

			if (status != STP_OK)
				return status;
			done = 1;
		}
		out += done;
		count -= done;
		decoder->trail.due_ms += (uint64_t)decoder->trail.period_ms * done;
	}
	return STP_OK;
}

static uint32_t
take_gap(struct decoder *decoder)
{
	uint32_t bits = gap_bits(decoder->trail.gap_mean);
	uint32_t quotient = bits_take_zeros(&decoder->events, QUOTIENT_ESCAPE), gap;

	if (quotient == QUOTIENT_ESCAPE)
		gap = bits_take(&decoder->events, GAP_PLAIN_BITS);
	else
		gap = quotient << bits | bits_take(&decoder->events, bits);
	if (gap > 0)
		decoder->trail.gap_mean = gap_mean_after(decoder->trail.gap_mean, gap);
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
	decoder->trail.present = present;
	decoder->trail.like.depth_um = decoder->trail.like.rate_dhz = decoder->trail.like.current_ma = STP_ABSENT;
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
			decoder->trail.due_ms += (uint64_t)offset;
		break;
	case EVENT_CONTACT:
		decoder->trail.like.contact ^= 1;
		break;
	case EVENT_MARK:
		decoder->trail.like.pass = (uint8_t)bits_take(&decoder->events, 8);
		decoder->trail.like.zone = (uint8_t)bits_take(&decoder->events, 8);
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
	due = decoder->trail.due_ms;
	decoder->trail.due_ms += (uint64_t)jitter;
	if (decoder->trail.due_ms > UINT32_MAX)
		return STP_ERR_MALFORMED;
	status = decode_span(decoder, out, 1);
	decoder->trail.due_ms = due + decoder->trail.period_ms;
	return status;
}

static enum stp_status
decode_samples(struct decoder *decoder, struct stp_sample *out, size_t count, bool chained)
{
	uint32_t gap = take_gap(decoder);
	enum stp_status status = STP_OK;
	size_t done;

	/* The header says what an independent block begins with; there no event can come. */
	if (gap > count || (gap == 0 && !chained))
		return STP_ERR_MALFORMED;
	if (gap > 0)
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

static size_t
header_size(const uint8_t *bytes)
{
	return bytes[BLOCK_CODEC] == STP_CODEC_CHAINED ? STP_BLOCK_CHAINED_HEADER_SIZE
		: STP_BLOCK_HEADER_SIZE;
}

static void
set_up_readers(struct decoder *decoder, const uint8_t *bytes, size_t size)
{
	size_t header = header_size(bytes), payload = size - header - STP_BLOCK_TRAILER_SIZE;

	decoder->values = (struct bit_reader){ .bytes = bytes + header, .size = payload };
	decoder->events = (struct bit_reader){ .bytes = bytes + header, .size = payload, .down = true };
	decoder->limit = bytes + size - sizeof(uint64_t);
	decoder->plain = stp_telemetry_plain_decoder();
}

/* All that an independent block begins with stands in its header. */
static void
begin_trail(struct decoder *decoder, const uint8_t *bytes)
{
	uint8_t flags = bytes[BLOCK_FLAGS];

	decoder->trail = (struct trail){
		.like = {
			.contact = (flags & FLAG_CONTACT) != 0,
			.pass = bytes[BLOCK_PASS],
			.zone = bytes[BLOCK_ZONE],
		},
		.period_ms = get_le16(bytes + BLOCK_PERIOD),
		.due_ms = get_le32(bytes + BLOCK_FIRST_MS),
		.gap_mean = GAP_MEAN_START,
	};
	set_presence(decoder, flags & ALL_PRESENT);
	decoder->trail.kick = couplings[flags >> FLAGS_COUPLING & (COUPLINGS - 1)];
	for (unsigned i = 0; i < STP_COLUMNS; i++) {
		uint8_t column = bytes[BLOCK_COLUMNS + i];

		decoder->trail.column[i].predictor = column & 0x0F;
		decoder->trail.mean[0][i] = decoder->trail.mean[1][i] = mean_start(column >> 4);
	}
}

static void
go_on_trail(struct decoder *decoder, const struct trail *trail, const uint8_t *bytes)
{
	uint16_t choice = get_le16(bytes + CHAINED_COLUMNS);

	decoder->trail = *trail;
	decoder->trail.kick = couplings[choice >> CHAINED_COUPLING];
	for (unsigned i = 0; i < STP_COLUMNS; i++) {
		struct column *column = &decoder->trail.column[i];
		uint8_t predictor = choice >> 4 * i & 0x0F;

		if (predictor != column->predictor)
			hand_over(&column->level, &column->trend, column_max[i]);
		column->predictor = predictor;
	}
}

static enum stp_status
peek_chained(const uint8_t *bytes, struct stp_block_info *info)
{
	*info = (struct stp_block_info){
		.codec = bytes[BLOCK_CODEC],
		.samples = get_le16(bytes + CHAINED_SAMPLES),
	};
	if (info->samples > STP_BLOCK_SAMPLES_MAX)
		return STP_ERR_RANGE;
	return get_le16(bytes + CHAINED_COLUMNS) & ~CHAINED_KNOWN ? STP_ERR_MALFORMED : STP_OK;
}

static enum stp_status
peek_independent(const uint8_t *bytes, struct stp_block_info *info)
{
	*info = (struct stp_block_info){
		.codec = bytes[BLOCK_CODEC],
		.samples = get_le16(bytes + BLOCK_SAMPLES),
		.period_ms = get_le16(bytes + BLOCK_PERIOD),
		.first_ms = get_le32(bytes + BLOCK_FIRST_MS),
	};
	if (info->samples > STP_BLOCK_SAMPLES_MAX || info->period_ms < STP_PERIOD_MIN_MS
	    || info->period_ms > STP_PERIOD_MAX_MS)
		return STP_ERR_RANGE;
	return bytes[BLOCK_FLAGS] & ~FLAGS_KNOWN ? STP_ERR_MALFORMED : STP_OK;
}

static bool
too_short(const uint8_t *bytes, size_t size)
{
	return size < 1 || size < header_size(bytes) + STP_BLOCK_TRAILER_SIZE;
}

enum stp_status
stp_block_peek_sized(const uint8_t *bytes, size_t size, struct stp_block_info *info, size_t info_size)
{
	struct stp_block_info seen;
	enum stp_status status;

	if (too_short(bytes, size))
		return STP_ERR_TRUNCATED;
	if (bytes[BLOCK_CODEC] != STP_CODEC_RICE && bytes[BLOCK_CODEC] != STP_CODEC_CHAINED)
		return STP_ERR_UNKNOWN;
	if (bytes[BLOCK_CODEC] == STP_CODEC_CHAINED)
		status = peek_chained(bytes, &seen);
	else
		status = peek_independent(bytes, &seen);
	if (status == STP_OK)
		struct_give(info, info_size, &seen, sizeof(seen));
	return status;
}

static enum stp_status
decode_next(struct trail *trail, const uint8_t *bytes, size_t size,
	    struct stp_sample *samples, size_t capacity, size_t *count)
{
	struct decoder decoder;
	struct stp_block_info info;
	enum stp_status status;
	uint32_t crc;
	bool chained;

	if (too_short(bytes, size))
		return STP_ERR_TRUNCATED;
	chained = bytes[BLOCK_CODEC] == STP_CODEC_CHAINED;
	if (chained && !trail->ends_block)
		return STP_ERR_ORPHAN;
	crc = stp_crc32c(chained ? trail->crc : 0, bytes, size - STP_BLOCK_TRAILER_SIZE);
	if (crc != get_le32(bytes + size - STP_BLOCK_TRAILER_SIZE))
		return STP_ERR_CRC;
	status = stp_block_peek(bytes, size, &info);
	if (status != STP_OK)
		return status;
	if (info.samples > capacity)
		return STP_ERR_SPACE;
	if (chained)
		go_on_trail(&decoder, trail, bytes);
	else
		begin_trail(&decoder, bytes);
	set_up_readers(&decoder, bytes, size);
	if (info.samples > 0)
		status = decode_samples(&decoder, samples, info.samples, chained);
	if (status == STP_OK && !all_read(&decoder))
		status = STP_ERR_MALFORMED;
	if (status != STP_OK)
		return status;
	*trail = decoder.trail;
	trail->crc = crc;
	trail->ends_block = true;
	*count = info.samples;
	return STP_OK;
}

_Static_assert(sizeof(struct trail) <= sizeof(struct stp_block_decoder), "callers place it");

void
stp_block_decoder_init(struct stp_block_decoder *decoder)
{
	memset(decoder, 0, sizeof(*decoder));
}

enum stp_status
stp_block_decoder_next(struct stp_block_decoder *decoder, const uint8_t *bytes, size_t size,
		       struct stp_sample *samples, size_t capacity, size_t *count)
{
	struct trail trail;
	enum stp_status status;

	memcpy(&trail, decoder, sizeof(trail));
	status = decode_next(&trail, bytes, size, samples, capacity, count);
	if (status == STP_ERR_SPACE)
		return status;
	if (status != STP_OK)
		trail.ends_block = false;
	memcpy(decoder, &trail, sizeof(trail));
	return status;
}

enum stp_status
stp_block_decode(const uint8_t *bytes, size_t size,
		 struct stp_sample *samples, size_t capacity, size_t *count)
{
	struct trail trail = { .ends_block = false };

	return decode_next(&trail, bytes, size, samples, capacity, count);
}

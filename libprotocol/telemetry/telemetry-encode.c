/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/crc32c.h>

#include "bit-writer.h"
#include "telemetry-encode.h"

/*
 * The block is written from both ends of the buffer: values up from the header,
 * events down from the end, so that neither needs to know how long the other gets.
 */

#define ROOM_FOR_SAMPLE (STP_BLOCK_SAMPLE_SIZE_MAX + STP_BLOCK_TRAILER_SIZE + 4 + 2 * BITS_SLACK)

_Static_assert(sizeof(struct stp_block_encoder) <= 1024, "the pen keeps this in its RAM");
_Static_assert(STP_BLOCK_SIZE_MAX(1) >= STP_BLOCK_HEADER_SIZE + ROOM_FOR_SAMPLE,
	       "the last sample must still find the room it asks for");

static void
put_event_bits(struct stp_block_encoder *encoder, uint32_t value, uint32_t count)
{
	bits_put_down(&encoder->events, encoder->bytes + encoder->capacity, value, count);
}

static void
put_gap(struct stp_block_encoder *encoder, uint32_t gap)
{
	uint32_t bits = gap_bits(encoder->gap_mean), quotient = gap >> bits;

	if (quotient >= QUOTIENT_ESCAPE) {
		put_event_bits(encoder, 0, QUOTIENT_ESCAPE);
		put_event_bits(encoder, gap, GAP_PLAIN_BITS);
	} else {
		put_event_bits(encoder, 1u << quotient, quotient + 1);
		put_event_bits(encoder, gap & ((1u << bits) - 1), bits);
	}
	if (gap > 0)
		encoder->gap_mean = gap_mean_after(encoder->gap_mean, gap);
}

/* A number other than 0: its sign, then its size in an Exp-Golomb code. */
static void
put_offset(struct stp_block_encoder *encoder, int64_t offset)
{
	uint32_t size = (uint32_t)(offset < 0 ? -offset : offset), bits = floor_log2(size);

	put_event_bits(encoder, offset < 0, 1);
	for (uint32_t zeros = bits; zeros > 0; zeros--)
		put_event_bits(encoder, 0, 1);
	put_event_bits(encoder, 1, 1);
	size &= (1u << bits) - 1;
	put_event_bits(encoder, size & 0xFFFF, bits < 16 ? bits : 16);
	if (bits > 16)
		put_event_bits(encoder, size >> 16, bits - 16);
}

static void
put_event(struct stp_block_encoder *encoder, enum event_kind kind)
{
	static const struct { uint8_t code, bits; } codes[] = {
		[EVENT_JITTER] = { 0x0, 1 }, [EVENT_CONTACT] = { 0x1, 2 },
		[EVENT_SHIFT] = { 0x3, 3 }, [EVENT_MARK] = { 0x7, 4 }, [EVENT_PRESENCE] = { 0xF, 4 },
	};

	put_gap(encoder, encoder->samples - encoder->event_at);
	encoder->event_at = encoder->samples;
	put_event_bits(encoder, codes[kind].code, codes[kind].bits);
}

static uint8_t
presence(const struct stp_sample *sample)
{
	return (uint8_t)((sample->depth_um != STP_ABSENT) << STP_COLUMN_DEPTH
		| (sample->rate_dhz != STP_ABSENT) << STP_COLUMN_RATE
		| (sample->current_ma != STP_ABSENT) << STP_COLUMN_CURRENT);
}

/* A sample off its time by as much as the one before: not the sample jitters, the clock moved. */
static void
put_time(struct stp_block_encoder *encoder, uint32_t t_ms)
{
	int64_t offset = (int64_t)t_ms - (int64_t)encoder->due_ms;
	bool moved = offset == encoder->jitter_ms || offset >= encoder->period_ms
		|| offset <= -(int64_t)encoder->period_ms;

	put_event(encoder, moved ? EVENT_SHIFT : EVENT_JITTER);
	put_offset(encoder, offset);
	if (moved)
		encoder->due_ms = t_ms;
	encoder->jitter_ms = moved ? 0 : (int32_t)offset;
}

static void
put_events(struct stp_block_encoder *encoder, const struct stp_sample *sample, uint8_t present)
{
	if (sample->t_ms != encoder->due_ms)
		put_time(encoder, sample->t_ms);
	else
		encoder->jitter_ms = 0;
	if (sample->contact != encoder->contact) {
		put_event(encoder, EVENT_CONTACT);
		encoder->contact = sample->contact;
	}
	if (sample->pass != encoder->pass || sample->zone != encoder->zone) {
		put_event(encoder, EVENT_MARK);
		put_event_bits(encoder, sample->pass, 8);
		put_event_bits(encoder, sample->zone, 8);
		encoder->pass = sample->pass;
		encoder->zone = sample->zone;
	}
	if (present != encoder->present) {
		put_event(encoder, EVENT_PRESENCE);
		put_event_bits(encoder, present, STP_COLUMNS);
		encoder->present = present;
	}
}

static void
put_first(struct stp_block_encoder *encoder, const struct stp_sample *sample, uint8_t present)
{
	uint8_t *header = encoder->bytes;

	header[BLOCK_FLAGS] |= (uint8_t)(present | (sample->contact ? FLAG_CONTACT : 0));
	put_le32(header + BLOCK_FIRST_MS, sample->t_ms);
	header[BLOCK_PASS] = sample->pass;
	header[BLOCK_ZONE] = sample->zone;
	encoder->present = present;
	encoder->contact = sample->contact;
	encoder->pass = sample->pass;
	encoder->zone = sample->zone;
	encoder->due_ms = sample->t_ms;
}

/* The two parts of a value's code: quotient in unary, then the remainder. */
struct code {
	uint32_t unary, unary_bits, rest, rest_bits;
};

static struct code
code_value(struct stp_block_encoder *encoder, unsigned column, uint16_t value, int32_t miss)
{
	uint32_t *mean = &encoder->mean[encoder->contact][column];
	uint32_t bits = rice_bits(*mean), folded = fold(miss), quotient = folded >> bits;
	struct code code = { 1u << (quotient & 31), quotient + 1, folded & ((1u << bits) - 1), bits };

	if (quotient >= QUOTIENT_ESCAPE) {
		code = (struct code){ 0, QUOTIENT_ESCAPE, value, PLAIN_BITS };
		folded = escape_weight(bits);
	}
	*mean = mean_after(*mean, folded);
	return code;
}

/* The first value of a column in this block stands plain. */
static struct code
code_first_value(struct stp_block_encoder *encoder, unsigned column, uint16_t value)
{
	encoder->seen |= (uint8_t)(1u << column);
	encoder->level[column] = value * (1 << LEVEL_BITS);
	encoder->trend[column] = 0;
	return (struct code){ 0, 0, value, PLAIN_BITS };
}

static void
put_codes(struct stp_block_encoder *encoder, const struct code *codes, unsigned count)
{
	uint8_t *start = encoder->start;

	for (unsigned i = 0; i < count; i++)
		bits_put_up(&encoder->values, start, codes[i].unary, codes[i].unary_bits);
	for (unsigned i = 0; i < count; i++)
		bits_put_up(&encoder->values, start, codes[i].rest, codes[i].rest_bits);
}

static void
put_values(struct stp_block_encoder *encoder, const struct stp_sample *sample)
{
	uint8_t known = encoder->present & encoder->seen;
	int32_t miss[STP_COLUMNS] = { 0 };
	struct code codes[STP_COLUMNS];
	unsigned count = 0;

	for (unsigned column = 0; column < STP_COLUMNS; column++) {
		uint16_t value = *sample_value(sample, column);

		if (!(encoder->present & 1u << column))
			continue;
		if (!(known & 1u << column)) {
			codes[count++] = code_first_value(encoder, column, value);
			continue;
		}
		miss[column] = missed(encoder->level[column], encoder->trend[column], value);
		codes[count++] = code_value(encoder, column, value, miss[column]);
	}
	put_codes(encoder, codes, count);
	for (unsigned column = 0; column < STP_COLUMNS; column++)
		if (known & 1u << column)
			learn(encoder->level_gain[column], encoder->trend_gain[column],
			      encoder->trend_keep[column], &encoder->level[column],
			      &encoder->trend[column], miss[column],
			      encoder->kick[column] * miss[STP_COLUMN_CURRENT]);
}

static bool
in_range(const struct stp_sample *sample)
{
	return (sample->depth_um <= STP_DEPTH_MAX_UM || sample->depth_um == STP_ABSENT)
		&& (sample->rate_dhz <= STP_RATE_MAX_DHZ || sample->rate_dhz == STP_ABSENT)
		&& (sample->current_ma <= STP_CURRENT_MAX_MA || sample->current_ma == STP_ABSENT)
		&& sample->contact <= 1;
}

static size_t
own_header_size(const struct stp_block_encoder *encoder)
{
	return encoder->chained ? STP_BLOCK_CHAINED_HEADER_SIZE : STP_BLOCK_HEADER_SIZE;
}

static bool
has_room(const struct stp_block_encoder *encoder)
{
	size_t used = own_header_size(encoder) + bits_size(&encoder->values)
		+ bits_size(&encoder->events);

	return encoder->samples < STP_BLOCK_SAMPLES_MAX
		&& encoder->capacity - used >= ROOM_FOR_SAMPLE;
}

/* The same question with less to compute, for as long as no event comes and all columns are known. */
static void
note_room(struct stp_block_encoder *encoder)
{
	size_t used = own_header_size(encoder) + bits_size(&encoder->events) + ROOM_FOR_SAMPLE
		+ BITS_HELD_BYTES;

	encoder->ample = 0;
	if (encoder->capacity > used && encoder->jitter_ms == 0
	    && (encoder->seen & encoder->present) == ALL_PRESENT)
		encoder->ample = encoder->capacity - used;
}

/* Any sample: with events, without values, or the first. */
static enum stp_status
add_any(struct stp_block_encoder *encoder, const struct stp_sample *sample)
{
	uint8_t present = presence(sample);

	/* A chained block goes on after the one before, in time, too; an independent one began at 0. */
	if (!in_range(sample) || sample->t_ms < encoder->last_ms)
		return STP_ERR_RANGE;
	if (!has_room(encoder))
		return STP_ERR_SPACE;
	if (encoder->samples == 0 && !encoder->chained)
		put_first(encoder, sample, present);
	else
		put_events(encoder, sample, present);
	put_values(encoder, sample);
	note_room(encoder);
	encoder->last_ms = sample->t_ms;
	encoder->due_ms += encoder->period_ms;
	encoder->samples++;
	return STP_OK;
}

void
stp_block_encoder_init(struct stp_block_encoder *encoder)
{
	*encoder = (struct stp_block_encoder){
		.plain = stp_telemetry_plain_encoder(),
		.predictor = { 4, 14, 8 },
		.coupling = 3,
	};
	stp_telemetry_begin_trials(encoder);
	for (unsigned column = 0; column < STP_COLUMNS; column++)
		encoder->mean[0][column] = mean_start(3);
}

static void
use_predictors(struct stp_block_encoder *encoder)
{
	for (unsigned column = 0; column < STP_COLUMNS; column++) {
		uint8_t choice = encoder->trial.choice[column];

		if (encoder->predictor[column] != choice)
			hand_over(&encoder->level[column], &encoder->trend[column], column_max[column]);
		encoder->predictor[column] = choice;
		encoder->level_gain[column] = level_gains[choice];
		encoder->trend_gain[column] = trend_gains[choice];
		encoder->trend_keep[column] = trend_keeps[choice];
	}
	encoder->coupling = encoder->trial.coupling;
	encoder->kick[STP_COLUMN_RATE] = couplings[encoder->coupling];
}

static void
begin_block(struct stp_block_encoder *encoder, bool chained, uint8_t *bytes, size_t capacity)
{
	encoder->bytes = bytes;
	encoder->capacity = capacity;
	encoder->chained = chained;
	encoder->chainable = false;
	encoder->start = bytes + own_header_size(encoder);
	encoder->values = encoder->events = (struct stp_bit_writer){ 0 };
	encoder->samples = encoder->event_at = 0;
	use_predictors(encoder);
	memset(bytes, 0, own_header_size(encoder));
	bytes[BLOCK_CODEC] = chained ? STP_CODEC_CHAINED : STP_CODEC_RICE;
}

enum stp_status
stp_block_encoder_begin(struct stp_block_encoder *encoder, uint16_t period_ms,
			uint8_t *bytes, size_t capacity)
{
	if (period_ms < STP_PERIOD_MIN_MS || period_ms > STP_PERIOD_MAX_MS)
		return STP_ERR_RANGE;
	if (capacity < STP_BLOCK_SIZE_MAX(0))
		return STP_ERR_SPACE;
	begin_block(encoder, false, bytes, capacity);
	bytes[BLOCK_FLAGS] = (uint8_t)(encoder->coupling << FLAGS_COUPLING);
	put_le16(bytes + BLOCK_PERIOD, period_ms);
	for (unsigned column = 0; column < STP_COLUMNS; column++) {
		uint32_t start = rice_bits(encoder->mean[encoder->contact][column]);

		bytes[BLOCK_COLUMNS + column] = (uint8_t)(encoder->predictor[column] | start << 4);
		encoder->mean[0][column] = encoder->mean[1][column] = mean_start(start);
	}
	encoder->period_ms = period_ms;
	encoder->gap_mean = GAP_MEAN_START;
	encoder->last_ms = 0;
	encoder->due_ms = 0;
	encoder->jitter_ms = 0;
	encoder->ample = 0;
	/* So reads an empty header: what a chained block begins with after a block without samples. */
	encoder->present = encoder->seen = encoder->contact = encoder->pass = encoder->zone = 0;
	encoder->crc = 0;
	return STP_OK;
}

enum stp_status
stp_block_encoder_begin_chained(struct stp_block_encoder *encoder, uint8_t *bytes,
				size_t capacity)
{
	if (!encoder->chainable)
		return STP_ERR_ARGUMENT;
	if (capacity < STP_BLOCK_SIZE_MAX(0))
		return STP_ERR_SPACE;
	begin_block(encoder, true, bytes, capacity);
	put_le16(bytes + CHAINED_COLUMNS, (uint16_t)(encoder->predictor[STP_COLUMN_DEPTH]
		| encoder->predictor[STP_COLUMN_RATE] << 4 | encoder->predictor[STP_COLUMN_CURRENT] << 8
		| encoder->coupling << CHAINED_COUPLING));
	note_room(encoder);
	return STP_OK;
}

enum stp_status
stp_block_encoder_add(struct stp_block_encoder *encoder, const struct stp_sample *sample)
{
	enum stp_status status = STP_OK;

	if (!encoder->bytes)
		return STP_ERR_ARGUMENT;
	if (!stp_telemetry_encode_one(encoder, sample))
		status = add_any(encoder, sample);
	if (status == STP_OK)
		stp_telemetry_after_sample(encoder, sample);
	return status;
}

enum stp_status
stp_block_encoder_add_many(struct stp_block_encoder *encoder, const struct stp_sample *samples,
			   size_t count, size_t *taken)
{
	enum stp_status status = encoder->bytes ? STP_OK : STP_ERR_ARGUMENT;
	size_t done = 0;

	while (done < count && status == STP_OK) {
		size_t plain = encoder->plain(encoder, samples + done, count - done);

		if (plain == 0) {
			status = add_any(encoder, samples + done);
			plain = status == STP_OK;
		}
		stp_telemetry_try_predictors(encoder, samples + done, plain);
		done += plain;
	}
	*taken = done;
	return status;
}

enum stp_status
stp_block_encoder_finish(struct stp_block_encoder *encoder, size_t *size)
{
	uint8_t *bytes = encoder->bytes;
	size_t values, events, end;

	if (!bytes)
		return STP_ERR_ARGUMENT;
	if (encoder->samples > 0)
		put_gap(encoder, encoder->samples - encoder->event_at);
	bits_end_up(&encoder->values, encoder->start);
	put_event_bits(encoder, 0, (8 - encoder->events.count) & 7);
	values = encoder->values.written;
	events = encoder->events.written;
	end = own_header_size(encoder) + values + events;
	memmove(encoder->start + values, bytes + encoder->capacity - events, events);
	put_le16(bytes + (encoder->chained ? CHAINED_SAMPLES : BLOCK_SAMPLES),
		 (uint16_t)encoder->samples);
	/* A chained block's checksum goes on from the one before: it fits behind no other block. */
	encoder->crc = stp_crc32c(encoder->crc, bytes, end);
	put_le32(bytes + end, encoder->crc);
	*size = end + STP_BLOCK_TRAILER_SIZE;
	encoder->bytes = NULL;
	encoder->chainable = true;
	return STP_OK;
}

enum stp_status
stp_block_encode(const struct stp_sample *samples, size_t count, uint16_t period_ms,
		 uint8_t *bytes, size_t capacity, size_t *size)
{
	struct stp_block_encoder encoder;
	enum stp_status status;
	size_t taken;

	if (count > STP_BLOCK_SAMPLES_MAX)
		return STP_ERR_ARGUMENT;
	stp_block_encoder_init(&encoder);
	status = stp_block_encoder_begin(&encoder, period_ms, bytes, capacity);
	if (status == STP_OK)
		status = stp_block_encoder_add_many(&encoder, samples, count, &taken);
	return status == STP_OK ? stp_block_encoder_finish(&encoder, size) : status;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_TELEMETRY_H
#define STIPPLE_TELEMETRY_H

/*
 * Telemetry: samples in fixed units, and the block that carries up to 36,000 of
 * them losslessly.  proto/WIRE.md, "Telemetry block", is the binding text.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A value the pen did not measure.  Absent is not zero. */
#define STP_ABSENT 0xFFFFu

#define STP_DEPTH_MAX_UM 5000	/* covers the 4 mm of radio-frequency devices */
#define STP_RATE_MAX_DHZ 5000	/* 500 Hz; pens run at 30-300 Hz */
#define STP_CURRENT_MAX_MA 10000
#define STP_PERIOD_MIN_MS 5
#define STP_PERIOD_MAX_MS 1000
#define STP_BLOCK_SAMPLES_MAX 36000
#define STP_BLOCK_SAMPLES_DEFAULT 1024

/* What the sensors said at one moment. */
struct stp_sample {
	uint32_t t_ms;		/* since the session's start; never decreases */
	uint16_t depth_um;	/* delivered depth, 0..5000, or STP_ABSENT */
	uint16_t rate_dhz;	/* stroke rate in 0.1 Hz, 0..5000, or STP_ABSENT */
	uint16_t current_ma;	/* motor current, 0..10000, or STP_ABSENT */
	uint8_t contact;	/* 0 or 1 */
	uint8_t pass;		/* 0 none, from 1 */
	uint8_t zone;		/* 0 none, else a zone code */
};

#define STP_BLOCK_HEADER_SIZE 15	/* of an independent block */
#define STP_BLOCK_CHAINED_HEADER_SIZE 5
#define STP_BLOCK_TRAILER_SIZE 4	/* CRC-32C over everything before it */
/* No sample ever needs more than this; one like its neighbours takes about 2 bytes. */
#define STP_BLOCK_SAMPLE_SIZE_MAX 34
/* A buffer of this size takes any n samples; no block of n samples is larger. */
#define STP_BLOCK_SIZE_MAX(n) \
	(STP_BLOCK_HEADER_SIZE + STP_BLOCK_TRAILER_SIZE + 24 + \
	 (size_t)STP_BLOCK_SAMPLE_SIZE_MAX * (size_t)(n))

/* The block's first byte. */
enum stp_codec {
	STP_CODEC_RICE = 1,	/* an independent block: readable by itself */
	STP_CODEC_CHAINED = 2,	/* begins with what the block before it ended with */
};

/* ---- writing (pen and host; no allocation, integers only, no division) ---- */

/* The columns that carry numbers, in wire order. */
enum {
	STP_COLUMN_DEPTH,	/* depth_um */
	STP_COLUMN_RATE,	/* rate_dhz */
	STP_COLUMN_CURRENT,	/* current_ma */
	STP_COLUMNS		/* how many there are */
};

#define STP_PREDICTORS 16

/* Part of the encoder's state. */
struct stp_bit_writer {
	size_t word;		/* bits not written out yet */
	size_t written;		/* bytes */
	uint32_t count;		/* bits in word */
};

/*
 * The encoder's own state, below 1 KiB; the type is complete so that firmware can
 * place it.  Keep one per session: what it learns about the sensors in one block
 * it uses for the next, while every independent block stays readable by itself.
 */
struct stp_block_encoder {
	/* What this machine is fastest with; set once. */
	size_t (*plain)(struct stp_block_encoder *encoder, const struct stp_sample *samples,
			size_t count);
	uint8_t *bytes, *start;		/* the block, and its value bits */
	size_t capacity;
	struct stp_bit_writer values;	/* grow up from the header */
	struct stp_bit_writer events;	/* grow down from the buffer's end */
	size_t ample;			/* while values take less, a plain sample finds room; 0: none would be plain */
	uint32_t samples;
	uint32_t last_ms;
	uint64_t due_ms;		/* of the next sample, by the nominal period */
	int32_t jitter_ms;		/* of the last sample */
	uint32_t event_at, gap_mean;	/* the sample with the last event */
	uint16_t period_ms;
	uint8_t present, seen, contact, pass, zone;
	bool chained, chainable;	/* this block; whether the next one may be */
	uint32_t crc;			/* of the block before */
	uint8_t predictor[STP_COLUMNS], coupling;
	/* Per column, and one to spare for machines that work on four numbers at once. */
	int32_t level[4], trend[4], level_gain[4], trend_gain[4], trend_keep[4], kick[4];
	uint32_t mean[2][STP_COLUMNS];	/* of the folded residuals, by contact */
	struct {
		uint8_t of, ended;	/* what is tried; how often it was */
		uint8_t choice[STP_COLUMNS], coupling;
		bool fresh;
		uint32_t left, pause;	/* samples to go, and until the next one */
		int32_t current_level, current_trend;
		uint32_t cost[STP_PREDICTORS];
		int32_t level[STP_PREDICTORS], trend[STP_PREDICTORS];
	} trial;			/* of other predictors, for later blocks */
	uint32_t later[8];
};

/* Once per session. */
STP_API void stp_block_encoder_init(struct stp_block_encoder *encoder);

/*
 * Start an independent block in bytes, which stay the caller's and must live until
 * stp_block_encoder_finish().  STP_ERR_RANGE: the period is not in 5..1000 ms;
 * STP_ERR_SPACE: the buffer is smaller than STP_BLOCK_SIZE_MAX(0).
 */
STP_API STP_MUST_CHECK enum stp_status
stp_block_encoder_begin(struct stp_block_encoder *encoder, uint16_t period_ms,
			uint8_t *bytes, size_t capacity);

/*
 * Start a chained block: one that goes on where this encoder's last block ended, with the
 * same period.  It is smaller, and readable only after that block.  The first block of
 * a record has to be independent.  STP_ERR_ARGUMENT: nothing was finished since
 * stp_block_encoder_init(), or a block was begun since and not finished; STP_ERR_SPACE: as above.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_block_encoder_begin_chained(struct stp_block_encoder *encoder, uint8_t *bytes,
				size_t capacity);

/*
 * Add the next sample.  On failure the block is as it was and can be finished:
 * STP_ERR_SPACE: the buffer might not take it, or the block has 36,000 samples:
 * finish and put the sample into the next block.  STP_ERR_RANGE: a value outside its
 * range, or a time before the last sample's.  STP_ERR_ARGUMENT: no block was begun.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_block_encoder_add(struct stp_block_encoder *encoder, const struct stp_sample *sample);

/*
 * Add up to count samples, faster than one by one; *taken receives how many are in the
 * block now.  A failure, as above, is that of the first sample not taken.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_block_encoder_add_many(struct stp_block_encoder *encoder, const struct stp_sample *samples,
			   size_t count, size_t *taken);

/* Close the block; *size receives its length.  No samples make a valid, empty block. */
STP_API STP_MUST_CHECK enum stp_status
stp_block_encoder_finish(struct stp_block_encoder *encoder, size_t *size);

/*
 * One block from an array: the same bytes as a new encoder's first block.
 * STP_ERR_ARGUMENT: more than 36,000 samples.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_block_encode(const struct stp_sample *samples, size_t count, uint16_t period_ms,
		 uint8_t *bytes, size_t capacity, size_t *size);

/* ---- reading ---- */

/* What a block's header says. */
struct stp_block_info {
	uint8_t codec;		/* enum stp_codec */
	uint16_t samples;	/* 0..36000 */
	uint16_t period_ms;	/* 5..1000; 0 in a chained block, which does not say */
	uint32_t first_ms;	/* time of the first sample; 0 when there is none, or in a chained block */
};

/* stp_block_peek() for a struct of that size; see stipple.h. */
STP_API STP_MUST_CHECK enum stp_status
stp_block_peek_sized(const uint8_t *bytes, size_t size, struct stp_block_info *info, size_t info_size);

/*
 * The header alone, without the checksum: enough to plan a decode.
 * STP_ERR_TRUNCATED, STP_ERR_UNKNOWN (codec), STP_ERR_RANGE, STP_ERR_MALFORMED.
 */
STP_MUST_CHECK static inline enum stp_status
stp_block_peek(const uint8_t *bytes, size_t size, struct stp_block_info *info)
{
	return stp_block_peek_sized(bytes, size, info, sizeof(*info));
}

/*
 * What the blocks of a record leave behind one for the next: chained blocks need it.
 * Place it anywhere; it holds no pointers, so that a copy is as good.
 */
struct stp_block_decoder {
	uint64_t opaque[24];
};

/* Before the first block of a record. */
STP_API void stp_block_decoder_init(struct stp_block_decoder *decoder);

/*
 * Decode the next block of a record: all blocks one after the other, in order.  As
 * stp_block_decode(), and besides: STP_ERR_ORPHAN: the block is chained, and there was no
 * block before it, or not one that could be decoded.  STP_ERR_CRC: also when a chained block
 * belongs behind another one.  After a failure other than STP_ERR_SPACE the decoder
 * takes up again at the next independent block; after STP_ERR_SPACE, at the same block.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_block_decoder_next(struct stp_block_decoder *decoder, const uint8_t *bytes, size_t size,
		       struct stp_sample *samples, size_t capacity, size_t *count);

/*
 * Decode a whole independent block.  The checksum is verified first, every value is checked
 * against its range and times never decrease.  *count is written on STP_OK only;
 * after a failure the contents of samples are unspecified, nothing beyond
 * samples[capacity - 1] was written.
 * STP_ERR_SPACE: capacity is below the block's sample count.  STP_ERR_TRUNCATED: shorter
 * than any block.  STP_ERR_CRC: damaged, or cut short.  STP_ERR_RANGE: an impossible
 * value, e.g. a depth above 5,000 um.  STP_ERR_MALFORMED: written by a broken encoder.
 * STP_ERR_ORPHAN: a chained block; stp_block_decoder_next() reads it after the one before it.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_block_decode(const uint8_t *bytes, size_t size,
		 struct stp_sample *samples, size_t capacity, size_t *count);

#ifdef __cplusplus
}
#endif

#endif

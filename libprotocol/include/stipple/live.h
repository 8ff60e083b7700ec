/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_LIVE_H
#define STIPPLE_LIVE_H

/*
 * Live: what the pen does right now, notified up to ten times a second.  For showing, never for
 * keeping: the record has it all, and better.  proto/WIRE.md, "Live".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STP_LIVE_SIZE 20
#define STP_LIVE_HZ_MAX 10	/* an eye reads no faster, and the link stays free for records */

/* Flags of a live frame. */
enum stp_live_flag {
	STP_LIVE_MOTOR_ON = 1u << 0,	/* the motor runs */
	STP_LIVE_CONTACT = 1u << 1,	/* the tip touches skin */
	STP_LIVE_CARTRIDGE_OK = 1u << 2,	/* the cartridge is fit for use */
	STP_LIVE_ALARM = 1u << 3,	/* the pen shows or sounds an alarm */
};

/* STP_ABSENT in a depth, rate or current: unknown, or not measured by this pen. */
struct stp_live {
	uint8_t seq;			/* counts the frames made, modulo 256 */
	uint8_t flags;			/* enum stp_live_flag; reserved bits are kept */
	uint32_t tick_low_ms;		/* low 32 bits of the tick */
	uint16_t set_depth_um;		/* 0..5000, STP_ABSENT */
	uint16_t depth_um;		/* delivered; 0..5000, STP_ABSENT */
	uint16_t set_rate_dhz;		/* 0.1 Hz; 0..5000, STP_ABSENT */
	uint16_t rate_dhz;		/* measured; 0..5000, STP_ABSENT */
	uint8_t zone, pass;		/* 0: none */
	uint16_t current_ma;		/* of the motor; 0..10000, STP_ABSENT */
	uint16_t strokes_low;		/* of this session, modulo 65536 */
};

/* STP_ERR_RANGE: a field outside its range; nothing is written then. */
STP_API STP_MUST_CHECK enum stp_status
stp_live_encode(const struct stp_live *live, uint8_t out[STP_LIVE_SIZE]);

/*
 * Longer values are accepted (later revisions append).  STP_ERR_TRUNCATED: fewer than 20 bytes;
 * STP_ERR_RANGE: a field outside its range, and the whole frame is not to be shown.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_live_decode(const uint8_t *bytes, size_t size, struct stp_live *out);

/* ---- host: what came, what is missing, and the whole tick ---- */

/* What a frame is in the sequence of frames. */
enum stp_live_turn {
	STP_LIVE_NEXT,		/* the one after the newest, or the first of all */
	STP_LIVE_AFTER_GAP,	/* newer, but some in between are missing */
	STP_LIVE_OLD,		/* a duplicate, or overtaken by newer ones: do not show it */
	STP_LIVE_RESTARTED,	/* the pen began anew: its tick went back */
};

/* One for each connection, by stp_live_tracker_init().  The counters are there to be read. */
struct stp_live_tracker {
	uint64_t tick_ms;	/* of the newest frame; before the first: the reference */
	uint32_t frames;	/* taken as new */
	uint32_t lost;		/* at least so many are missing: gaps of 256 do not show */
	uint32_t old;		/* duplicates and overtaken frames */
	uint32_t restarts;
	uint8_t seq;		/* of the newest frame */
	bool begun;
	uint64_t later[2];
};

/*
 * reference_tick_ms: a tick of this power-up that is less than 24 days old, as Current Elapsed Time
 * gives it.  The frames' 32 bits are completed from it, so a wrap after 49.7 days goes unnoticed.
 */
STP_API void stp_live_tracker_init(struct stp_live_tracker *tracker, uint64_t reference_tick_ms);

/*
 * Take a decoded frame into account.  *tick_ms receives its whole tick, 48 bits, and may be NULL.
 * After STP_LIVE_RESTARTED the tick counts from the new power-up.
 */
STP_API enum stp_live_turn
stp_live_tracker_take(struct stp_live_tracker *tracker, const struct stp_live *frame, uint64_t *tick_ms);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef DIALOGUE_MODEL_H
#define DIALOGUE_MODEL_H

/* What the parts of the simulated world share; dialogue-world.h is its outside. */

#include <stipple/host.h>

#include "flash-model.h"

#define AIR_MAX 512
#define STORE_MAX 256

#define CHECK(world, condition) \
	do { \
		if (!(condition)) \
			world_breach(world, #condition, __FILE__, __LINE__); \
	} while (0)

enum way { TO_PEN, TO_HOST_CONTROL, TO_HOST_DATA };

struct parcel {
	enum way way;
	uint64_t at;
	uint64_t order;
	size_t size;
	bool doubled;
	uint8_t bytes[STP_ATT_VALUE_MAX];
};

struct stored {
	uint32_t epoch, number, size, crc;
	enum stp_status integrity;
};

/* Chances in 1/1000. */
struct weather {
	unsigned drop, doubling, late, flip, control_drop, stall, disconnect, crash, disk_full, pen_event;
};

struct world {
	uint64_t seed, random;
	bool rough;
	struct weather weather;
	uint64_t now, order, pen_ready, last_at[TO_HOST_DATA + 1];

	struct flash_model flash;
	struct stp_pen pen;
	uint32_t boot_id, next_number;
	bool connected;

	struct stp_host *host;
	struct stored store[STORE_MAX];
	size_t stored;
	struct stp_range held[STORE_MAX], wishes[STORE_MAX];

	struct parcel air[AIR_MAX];
	size_t in_air;

	/* an independent count of what the pen may send, and of what the host let out */
	uint8_t op_token, op_window;
	uint32_t allowance;
	bool over, failed;
	bool slot_full;		/* the pen's slot ran out of ranges once: it may know less than is stored */
};

/* ---- chance ---- */

static inline uint32_t
roll(struct world *world, uint32_t sides)
{
	uint64_t z = world->random += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return (uint32_t)((z ^ z >> 31) % sides);
}

static inline bool
strikes(struct world *world, unsigned chance)
{
	return chance && roll(world, 1000) < chance;
}

/* Something happened that must not: name the seed, abort. */
void world_breach(const struct world *world, const char *what, const char *file, int line);

/* ---- the collector's store (dialogue-store.c) ---- */

extern const uint8_t world_collector[STP_COLLECTOR_ID_SIZE];

void store_record(struct world *world, const struct stp_host_action *action);
/* What the store holds of the epoch; sound: only what may be acknowledged. */
size_t store_held(struct world *world, uint32_t epoch, bool sound, struct stp_range items[STORE_MAX]);
/* Nothing is acknowledged in the pen's slot that the store lacks. */
void check_slots(struct world *world);

/* ---- the air (dialogue-air.c) ---- */

void air_send(struct world *world, enum way way, const uint8_t *bytes, size_t size);
/* When the next parcel is due; UINT64_MAX: never. */
uint64_t air_due(const struct world *world);
/* Deliver the parcel that is due. */
void air_deliver(struct world *world);
/* The pen lets a segment out: is it allowed to? */
void account_segment(struct world *world, const uint8_t *bytes, size_t size);

#endif

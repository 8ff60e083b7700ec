/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef DIALOGUE_WORLD_H
#define DIALOGUE_WORLD_H

/*
 * A pen, a collector with its store, and the air between them; all from one seed.  What must
 * never happen is checked after every step; a breach names the seed and aborts.
 */

#include <stdbool.h>
#include <stdint.h>

struct world;

enum world_mood {
	WORLD_QUIET,	/* nothing goes wrong */
	WORLD_ROUGH,	/* the seed decides what does */
};

struct world *world_new(uint64_t seed, enum world_mood mood);
void world_free(struct world *world);

/*
 * Some rough dialogues, then a quiet one, which must end with everything covered and
 * acknowledged; how many there were.
 */
unsigned world_run(struct world *world);

/* Every record of the pen is in the store, as the pen has it. */
bool world_is_covered(const struct world *world);
/* The pen's slot says so, too, but for the damaged ones. */
bool world_is_acknowledged(const struct world *world);

#endif

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef WORLD_H
#define WORLD_H

/*
 * Collectors with their stores, pens with their flash, and links between them; all from one seed,
 * with virtual time.  What must never happen is looked for after every step; a breach prints the
 * last steps, names the seed, and ends the process with status 1.
 */

#include <stdbool.h>
#include <stdint.h>

struct world;

enum world_mood {
	WORLD_CALM,	/* one host, one pen, nothing goes wrong */
	WORLD_ROUGH,	/* the seed decides how many there are and what goes wrong */
};

struct world_count {
	uint64_t steps;		/* things that an engine was told or asked */
	uint64_t dialogues;
	uint64_t records;	/* stored */
	uint64_t trace;		/* a digest of every step: the same seed yields the same */
};

/* Memory for any number of runs, one after the other; NULL when there is none. */
struct world *world_new(void);
void world_free(struct world *world);
/* Print every step while it happens. */
void world_set_loud(struct world *world);

/*
 * A run: some dialogues at once in bad weather, then the weather clears up and one dialogue of each host
 * with each pen must do.  Adds to *count.
 */
void world_run(struct world *world, uint64_t seed, enum world_mood mood, struct world_count *count);

#endif

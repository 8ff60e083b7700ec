/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef CHANCE_H
#define CHANCE_H

/* Chance from a seed (SplitMix64): the same seed, the same rolls, on every machine. */

#include <stdbool.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline uint64_t
chance_mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static inline uint64_t
chance_bits(struct chance *chance)
{
	return chance_mix(chance->state += 0x9E3779B97F4A7C15u);
}

/* 0 .. sides - 1, by a multiplication: a division would cost more than all the rest. */
static inline uint32_t
roll(struct chance *chance, uint32_t sides)
{
	return (uint32_t)((chance_bits(chance) >> 32) * sides >> 32);
}

/* odds in 1/1000 */
static inline bool
strikes(struct chance *chance, unsigned odds)
{
	return odds && roll(chance, 1000) < odds;
}

#endif

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STRUCT_SIZE_H
#define STRUCT_SIZE_H

/*
 * Structs that grow cross the library's border with their size: the program may have been
 * compiled with a header that is older or newer than the library.  stipple.h has the rules.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Take a struct in: full is ours, given the program's.  What an older program does not know of is
 * zero, which means "as before".  False when a newer one asks for what this library does not know.
 */
static inline bool
struct_take(void *full, size_t full_size, const void *given, size_t given_size)
{
	const uint8_t *bytes = given;

	memset(full, 0, full_size);
	memcpy(full, given, given_size < full_size ? given_size : full_size);
	for (size_t i = full_size; i < given_size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* Hand a struct out: as much of ours as the program has room for, the rest of its own zero. */
static inline void
struct_give(void *out, size_t out_size, const void *full, size_t full_size)
{
	memcpy(out, full, out_size < full_size ? out_size : full_size);
	if (out_size > full_size)
		memset((uint8_t *)out + full_size, 0, out_size - full_size);
}

#endif

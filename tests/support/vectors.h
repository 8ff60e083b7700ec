/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef VECTORS_H
#define VECTORS_H

/*
 * Golden vectors, proto/vectors/NAME.txt: one line each,
 *
 *   name | bytes in hex, blanks allowed | expectation
 *
 * Empty lines and lines that begin with # are skipped.
 */

#include <stddef.h>
#include <stdint.h>

struct vector {
	const char *file;
	unsigned line;
	const char *name, *expectation;	/* without blanks around */
	const uint8_t *bytes;
	size_t size;
};

typedef void (*vector_fn)(const struct vector *vector, void *user);

/*
 * Call fn for each vector of the file (a name as in "segment.txt", looked up in the folder
 * that the environment variable STIPPLE_VECTORS names).  Returns how many there were; a file
 * that cannot be read, or a line that is no vector, is told on stderr and returns -1.
 */
int vectors_each(const char *file, vector_fn fn, void *user);

#endif

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef VECTOR_FILE_H
#define VECTOR_FILE_H

/*
 * Golden vectors: proto/vectors/NAME.txt, a line each of "name | hex | expectation", "#"
 * begins a comment line.  The folder is that of STIPPLE_VECTORS.
 */

#include <stddef.h>
#include <stdint.h>

struct vector {
	char *name;
	uint8_t *bytes;		/* on the heap, of exactly this size */
	size_t size;
	char *expectation;
};

/* Call use for every vector of the file; returns how many there were, ends the program on a bad file. */
size_t vector_file_each(const char *name, void (*use)(const struct vector *vector));

#endif

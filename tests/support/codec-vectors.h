/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef CODEC_VECTORS_H
#define CODEC_VECTORS_H

/*
 * Check a pair of calls, one reading and one writing a message, against a file of vectors: what
 * is read has the fields the line gives, and is written as the same bytes again.
 */

#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

struct codec {
	const char *file;
	/* Decode; on STP_OK say the fields in text, encode into again (512 bytes) and say its size. */
	enum stp_status (*turn)(const uint8_t *bytes, size_t size, char *text, size_t text_size,
				uint8_t *again, size_t *again_size);
};

/* Fails the running cmocka test at the first line that does not hold. */
void codec_check(const struct codec *codec);

#endif

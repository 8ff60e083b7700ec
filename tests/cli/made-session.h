/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include <stipple/telemetry.h>

/* Sessions as the daemon hands them out, made with the library the pens use. */

/* One raw record: a part of session 7 of "SP-0001", epoch 0x2a. */
GBytes *made_record(guint32 number, guint16 part, gboolean last, const struct stp_sample *samples, gsize count);

/* Lengths and records, one after the other. */
GByteArray *made_file(GBytes *const *records, gsize count);

/* A memory file with these bytes, sealed or not; -1 fails the test. */
int made_memfd(const guint8 *bytes, gsize size, gboolean sealed);

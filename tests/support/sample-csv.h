/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include <stipple/telemetry.h>

/*
 * Samples as CSV text: the header line below, then one line per sample, decimal numbers
 * without signs or blanks, an empty depth, rate or current where it is absent, lines ended by
 * a single newline.  Reading is strict: whatever is not exactly that is an error that names
 * the file, the line and the column.
 */

#define SAMPLE_CSV_HEADER "t_ms,depth_um,rate_dHz,current_mA,contact,pass,zone"
/* A day at 200 Hz. */
#define SAMPLE_CSV_SAMPLES_MAX 17280000u

typedef enum {
	SAMPLE_CSV_ERROR_IO,     /* the file cannot be read, or xz failed */
	SAMPLE_CSV_ERROR_FORMAT, /* the text is not as described above */
} SampleCsvError;

#define SAMPLE_CSV_ERROR (sample_csv_error_quark())
GQuark sample_csv_error_quark(void);

/* (element-type struct stp_sample).  A path that ends in ".xz" is read through "xz -dc". */
GArray *sample_csv_read(const char *path, GError **error);

/* The same from memory; name is what errors call it. */
GArray *sample_csv_parse(const char *text, gsize size, const char *name, GError **error);

/* Header and lines.  Reading them back gives the same samples. */
GString *sample_csv_format(const struct stp_sample *samples, gsize count);

/* The nominal period: the median step, within 5..1000 ms; fallback_ms below two samples. */
guint16 sample_csv_period_ms(const struct stp_sample *samples, gsize count, guint16 fallback_ms);

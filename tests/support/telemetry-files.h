/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef TELEMETRY_FILES_H
#define TELEMETRY_FILES_H

#include <stddef.h>

#include <stipple/telemetry.h>

#include "session-generator.h"

/*
 * The measured-with sessions that may lie beside the source tree: one xz-packed CSV file
 * per profile, in the folder STIPPLE_TELEMETRY names or else ../shared/telemetry.
 * Returns the number of samples and the samples in *samples (to be freed), or 0 when
 * the file is not there; ends the program when it is there but broken.
 */
size_t telemetry_file_read(enum session_profile profile, struct stp_sample **samples);

/* Bytes per sample of an ideal adaptive coder, as measured for these files. */
double telemetry_file_entropy(enum session_profile profile);

#endif

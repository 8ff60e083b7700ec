/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "sim-pen.h"

/*
 * What simulated pens were given and what lies in their flash, written down for tests to
 * compare with, in DIRECTORY/SERIAL:
 *   EPOCH-NUMBER.csv  the samples of a session; EPOCH in eight hexadecimal digits, NUMBER the
 *                     record number of its first part
 *   sessions.tsv      epoch, first record, last record, session, boot id, start tick, samples
 *   records.tsv       epoch, number, type, length, CRC-32C, SHA-256: as served, faults included
 * The tables begin with a line of column names; epochs and checksums are hexadecimal.
 */
typedef struct SimTruth SimTruth;

SimTruth *sim_truth_new(const char *directory);
void sim_truth_free(SimTruth *truth);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimTruth, sim_truth_free)

gboolean sim_truth_session(SimTruth *truth, const SimPen *pen, const SimSession *session, const SimSpan *span,
			   GError **error);
/* Write records.tsv for the flash as it is now. */
gboolean sim_truth_records(SimTruth *truth, const SimPen *pen, GError **error);

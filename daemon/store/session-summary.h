/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include <stipple/telemetry.h>

/*
 * What a list of sessions tells of thousands of samples: how deep, how many zones and passes.
 * A session's parts are summed up one by one, and the sums can be added.
 */
typedef struct {
	/* How often each delivered depth was measured: [0] without contact, [1] in contact. */
	guint32 depths[2][STP_DEPTH_MAX_UM + 1];
	guint8 passes[256 * 256 / 8];	/* a bit for each zone << 8 | pass that was seen */
	guint16 last_pass;
	guint16 depth_max_um;		/* STP_ABSENT: none was measured */
} StpSummary;

StpSummary *stp_summary_new(void);
void stp_summary_free(StpSummary *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpSummary, stp_summary_free)

void stp_summary_add_samples(StpSummary *self, const struct stp_sample *samples, gsize count);

/* Half of the samples in contact are at most as deep; of all samples when none is in contact. */
guint stp_summary_depth_p50(const StpSummary *self);
guint stp_summary_zones(const StpSummary *self);
guint stp_summary_passes(const StpSummary *self);

/*
 * For the store: a few bytes up to some thousand.  alone: no other part will be added, so the
 * depths are cut down to their median.
 */
GByteArray *stp_summary_encode(const StpSummary *self, gboolean alone);
/* Add an encoded one; what makes no sense in it is left out. */
void stp_summary_add_encoded(StpSummary *self, const guint8 *bytes, gsize size);

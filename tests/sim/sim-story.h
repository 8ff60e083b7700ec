/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "sim-pen.h"
#include "sim-truth.h"

/*
 * What a simulated pen has been through: seeded sessions and alarms over the last days, some of
 * them in earlier boots, whose time no collector can know.
 */
typedef struct {
	guint64 seed;
	guint sessions;
	guint samples_min, samples_max; /* of each session */
	guint16 period_ms;
	GPtrArray *recordings;       /* (element-type GArray of struct stp_sample): sessions
				      * read from files, the last before today; may be NULL */
	guint16 recording_period_ms; /* of those too short to show it */
} SimStory;

/*
 * Let the story happen: fills the flash and leaves the tick a while after the last session.
 * truth may be NULL.
 */
gboolean sim_story_tell(const SimStory *story, SimPen *pen, SimTruth *truth, GError **error);

/*
 * The session for which the motor ran, ending now: what live frames told of it holds, as long as rate_dhz is
 * SIM_LIVE_RATE_DHZ.
 */
gboolean sim_story_add_worked(const SimStory *story, guint64 seed, guint16 rate_dhz, SimPen *pen, SimTruth *truth,
			      GError **error);

/* One more session, ending now. */
gboolean sim_story_add_session(const SimStory *story, guint64 seed, SimPen *pen, SimTruth *truth,
			       GError **error);

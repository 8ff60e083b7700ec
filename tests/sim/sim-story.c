/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sample-csv.h"
#include "session-generator.h"
#include "sim-story.h"

#define MINUTE_MS UINT64_C(60000)

/* Where the story is. */
struct teller {
	const SimStory *story;
	struct session_random random;
	SimPen *pen;
	SimTruth *truth;
	guint32 boot_id;
	guint64 tick_ms;
};

static guint64
minutes(struct teller *teller, guint from, guint to)
{
	guint ms = (guint)((to - from) * MINUTE_MS);

	return from * MINUTE_MS + session_random_below(&teller->random, ms);
}

/* Write the session that begins at the teller's tick, and let its time pass. */
static gboolean
write_session(struct teller *teller, SimSession *session, GError **error)
{
	SimSpan span;

	session->boot_id = teller->boot_id;
	session->start_tick_ms = teller->tick_ms;
	session->needles = session_random_below(&teller->random, 4) > 0 ? 12 : 36;
	session->cartridge_uid_size = 7;
	session->cartridge_uid[0] = 0x04;
	for (guint i = 1; i < session->cartridge_uid_size; i++)
		session->cartridge_uid[i] = (guint8)session_random_below(&teller->random, 256);
	if (session->count > 0)
		teller->tick_ms += session->samples[session->count - 1].t_ms + session->period_ms;
	return sim_pen_add_session(teller->pen, session, &span, error) &&
	       (!teller->truth || sim_truth_session(teller->truth, teller->pen, session, &span, error));
}

static gboolean
generate_session(struct teller *teller, GError **error)
{
	const SimStory *story = teller->story;
	guint8 zone = sim_panel_zone(sim_pen_panel(teller->pen));
	guint spread = story->samples_max - story->samples_min + 1;
	guint count = story->samples_min + session_random_below(&teller->random, spread);
	g_autofree struct stp_sample *samples = g_new(struct stp_sample, MAX(count, 1));
	struct session_facts facts;
	struct session_plan plan;
	SimSession session;

	plan = session_plan_default(session_random_below(&teller->random, SESSION_PROFILES),
				    session_random_next(&teller->random), count);
	plan.period_ms = story->period_ms;
	plan.absent = session_random_below(&teller->random, 3) == 0 ? 2e-4 : 0;
	session_generate(&plan, samples, &facts);
	/* What a host set counts, not what the operator would have said. */
	for (guint i = 0; i < count && zone != 0; i++)
		samples[i].zone = zone;
	session = (SimSession){
		.samples = samples,
		.count = count,
		.period_ms = story->period_ms,
		.set_depth_min_um = facts.set_depth_min_um,
		.set_depth_max_um = facts.set_depth_max_um,
		.set_rate_dhz = facts.set_rate_dhz,
	};
	return write_session(teller, &session, error);
}

gboolean
sim_story_add_worked(const SimStory *story, guint64 seed, guint16 rate_dhz, SimPen *pen, SimTruth *truth,
		     GError **error)
{
	guint64 since_ms = sim_pen_motor_since_ms(pen);
	guint count = (guint)((sim_pen_tick_ms(pen) - since_ms + story->period_ms - 1) / story->period_ms);
	struct teller teller = { story, { seed }, pen, truth, sim_pen_boot_id(pen), since_ms };
	g_autofree struct stp_sample *samples = g_new(struct stp_sample, MAX(count, 1));
	struct session_facts facts;
	struct session_plan plan = session_plan_default(0, seed, count);
	SimSession session;

	plan.period_ms = story->period_ms;
	plan.jitter = plan.dropout = plan.absent = 0;
	session_generate(&plan, samples, &facts);
	for (guint i = 0; i < count; i++)
		samples[i].rate_dhz = rate_dhz;
	session = (SimSession){
		.samples = samples,
		.count = count,
		.period_ms = story->period_ms,
		.set_depth_min_um = facts.set_depth_min_um,
		.set_depth_max_um = facts.set_depth_max_um,
		.set_rate_dhz = rate_dhz,
	};
	return write_session(&teller, &session, error);
}

static gboolean
replay_session(struct teller *teller, const GArray *recording, GError **error)
{
	const struct stp_sample *samples = (const struct stp_sample *)(gconstpointer)recording->data;
	SimSession session = {
		.samples = samples,
		.count = recording->len,
		.period_ms =
			sample_csv_period_ms(samples, recording->len, teller->story->recording_period_ms),
		.set_depth_min_um = STP_ABSENT,
		.set_depth_max_um = STP_ABSENT,
		.set_rate_dhz = STP_ABSENT,
	};

	return write_session(teller, &session, error);
}

static gboolean
maybe_alarm(struct teller *teller, GError **error)
{
	static const struct stp_event alarms[] = {
		{ .code = STP_EVENT_DEPTH_DEVIATION, .arg = 210, .severity = 2 },
		{ .code = STP_EVENT_STALL, .severity = 3 },
		{ .code = STP_EVENT_SPEED_SAG, .arg = 18, .severity = 1 },
		{ .code = STP_EVENT_BATTERY_LOW, .arg = 14, .severity = 1 },
	};
	struct stp_event event = alarms[session_random_below(&teller->random, G_N_ELEMENTS(alarms))];

	if (session_random_below(&teller->random, 5) > 0)
		return TRUE;
	return sim_pen_add_event(teller->pen, teller->boot_id, teller->tick_ms, &event, error);
}

static void
switch_on_again(struct teller *teller)
{
	teller->boot_id++;
	teller->tick_ms = minutes(teller, 2, 40);
}

/* Sessions of the earlier boots: a quarter of them each. */
static guint32
boots_back(const SimStory *story, guint session)
{
	guint quarter = story->sessions / 4;

	return session < quarter ? 2 : session < 2 * quarter ? 1 : 0;
}

gboolean
sim_story_tell(const SimStory *story, SimPen *pen, SimTruth *truth, GError **error)
{
	guint32 now = sim_pen_boot_id(pen);
	guint recordings = story->recordings ? story->recordings->len : 0;
	struct teller teller = { story, { story->seed }, pen, truth, 0, 0 };

	teller.boot_id = now - MIN(boots_back(story, 0), now - 1);
	teller.tick_ms = minutes(&teller, 2, 40);
	for (guint i = 0; i < story->sessions; i++) {
		guint32 boot_id = now - MIN(boots_back(story, i), now - 1);

		while (teller.boot_id < boot_id)
			switch_on_again(&teller);
		if (!generate_session(&teller, error) || !maybe_alarm(&teller, error))
			return FALSE;
		teller.tick_ms += minutes(&teller, 25, 300);
	}
	while (teller.boot_id < now)
		switch_on_again(&teller);
	for (guint i = 0; i < recordings; i++) {
		if (!replay_session(&teller, g_ptr_array_index(story->recordings, i), error))
			return FALSE;
		teller.tick_ms += minutes(&teller, 10, 60);
	}
	sim_pen_set_tick_ms(pen, teller.tick_ms);
	return TRUE;
}

gboolean
sim_story_add_session(const SimStory *story, guint64 seed, SimPen *pen, SimTruth *truth, GError **error)
{
	struct teller teller = { story, { seed }, pen, truth, sim_pen_boot_id(pen), 0 };
	guint64 longest_ms = (guint64)story->samples_max * story->period_ms;
	guint64 tick_ms = sim_pen_tick_ms(pen);

	teller.tick_ms = tick_ms > longest_ms ? tick_ms - longest_ms : 0;
	return generate_session(&teller, error);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <math.h>

#include "session-generator.h"

#define ZONES_MAX 8
#define DEPTH_LAG_MS 50.0
#define LOAD_LAG_MS 40.0
#define RATE_LAG_MS 60.0
#define HAND_LAG_MS 150.0
#define SAG_DHZ 60.0
#define IDLE_MA 55.0
#define LOAD_MA 160.0

/* What goes on behind the sensors. */
struct scene {
	const struct session_plan *plan;
	struct session_random random;
	double spare;			/* the second number of a normal pair */
	bool has_spare;
	unsigned zones, passes;
	uint16_t set_depth[ZONES_MAX];
	double set_rate;
	double depth, rate, load, hand, pressure, carried;
	double depth_gain, rate_gain, load_gain, hand_keep;
	bool contact;
	size_t stroke_left;		/* samples until contact changes */
	size_t absent_left[3];
	uint64_t due_ms;
};

uint64_t
session_random_next(struct session_random *random)
{
	uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

uint32_t
session_random_below(struct session_random *random, uint32_t below)
{
	return (uint32_t)((session_random_next(random) >> 32) * below >> 32);
}

static double
uniform(struct scene *scene)
{
	return (double)(session_random_next(&scene->random) >> 11) * 0x1p-53;
}

static double
between(struct scene *scene, double low, double high)
{
	return low + (high - low) * uniform(scene);
}

static double
normal(struct scene *scene)
{
	double radius, angle;

	if (scene->has_spare) {
		scene->has_spare = false;
		return scene->spare;
	}
	radius = sqrt(-2.0 * log(1.0 - uniform(scene)));
	angle = 2.0 * acos(-1.0) * uniform(scene);
	scene->spare = radius * sin(angle);
	scene->has_spare = true;
	return radius * cos(angle);
}

/* The share of a step that a first-order lag makes good in one period. */
static double
gain(const struct scene *scene, double lag_ms)
{
	return 1.0 - exp(-(double)scene->plan->period_ms / lag_ms);
}

static uint16_t
measured(double value, double max)
{
	double rounded = floor(value + 0.5);

	return (uint16_t)(rounded < 0.0 ? 0.0 : rounded > max ? max : rounded);
}

static void
set_up(struct scene *scene, const struct session_plan *plan)
{
	*scene = (struct scene){ .plan = plan, .random = { plan->seed } };
	scene->zones = 5 + session_random_below(&scene->random, 4);
	scene->passes = 2 + session_random_below(&scene->random, 3);
	for (unsigned zone = 0; zone < scene->zones; zone++)
		scene->set_depth[zone] =
			(uint16_t)(250 + 50 * session_random_below(&scene->random, 46));
	scene->set_rate = 1000 + 10 * session_random_below(&scene->random, 21);
	scene->depth = scene->set_depth[0];
	scene->rate = scene->set_rate;
	scene->depth_gain = gain(scene, DEPTH_LAG_MS);
	scene->rate_gain = gain(scene, RATE_LAG_MS);
	scene->load_gain = gain(scene, LOAD_LAG_MS);
	scene->hand_keep = 1.0 - gain(scene, HAND_LAG_MS);
	scene->stroke_left = (size_t)(between(scene, 300, 1000) / plan->period_ms) + 1;
}

static void
move_hand(struct scene *scene)
{
	if (scene->stroke_left-- == 0) {
		double ms = scene->contact ? between(scene, 300, 1000) : between(scene, 1000, 4000);

		scene->contact = !scene->contact;
		scene->pressure = between(scene, 0.4, 0.9);
		scene->stroke_left = (size_t)(ms / scene->plan->period_ms);
	}
	scene->hand = scene->hand_keep * scene->hand
		+ sqrt(1.0 - scene->hand_keep * scene->hand_keep) * 0.1 * normal(scene);
	scene->load += scene->load_gain
		* ((scene->contact ? fmax(0.0, scene->pressure + scene->hand) : 0.0) - scene->load);
	scene->rate += scene->rate_gain * (scene->set_rate - SAG_DHZ * scene->load - scene->rate);
}

static uint16_t
absent_or(struct scene *scene, unsigned column, bool never, uint16_t value)
{
	const struct session_plan *plan = scene->plan;

	if (never)
		return STP_ABSENT;
	if (scene->absent_left[column] == 0 && plan->absent > 0 && uniform(scene) < plan->absent)
		scene->absent_left[column] = 1 + session_random_below(&scene->random, 40);
	if (scene->absent_left[column] == 0)
		return value;
	scene->absent_left[column]--;
	return STP_ABSENT;
}

static void
measure(struct scene *scene, size_t index, struct stp_sample *sample)
{
	const struct session_plan *plan = scene->plan;
	const struct session_noise *noise = &plan->noise;
	size_t leg = index * scene->zones * scene->passes / plan->samples;
	size_t zone = leg % scene->zones;
	double fresh = sqrt(1.0 - noise->depth_carry * noise->depth_carry);

	move_hand(scene);
	scene->depth += scene->depth_gain * (scene->set_depth[zone] - scene->depth);
	scene->carried = noise->depth_carry * scene->carried
		+ fresh * noise->depth_um * normal(scene);
	*sample = (struct stp_sample){
		.t_ms = (uint32_t)scene->due_ms,
		.contact = scene->contact,
		.pass = (uint8_t)(1 + leg / scene->zones),
		.zone = (uint8_t)(1 + zone),
	};
	sample->depth_um = absent_or(scene, 0, plan->no_depth,
		measured(scene->depth + scene->carried, STP_DEPTH_MAX_UM));
	sample->rate_dhz = absent_or(scene, 1, plan->no_rate,
		measured(scene->rate + noise->rate_dhz * normal(scene), STP_RATE_MAX_DHZ));
	sample->current_ma = absent_or(scene, 2, plan->no_current,
		measured(IDLE_MA + LOAD_MA * scene->load + noise->current_ma * normal(scene),
			 STP_CURRENT_MAX_MA));
	if (index > 0 && uniform(scene) < plan->jitter)
		sample->t_ms += uniform(scene) < 0.5 ? 1u : (uint32_t)-1;
	scene->due_ms += plan->period_ms;
	if (uniform(scene) < plan->dropout)
		scene->due_ms += (uint64_t)plan->period_ms
			* (1 + session_random_below(&scene->random, 20));
}

static void
note_facts(const struct scene *scene, double strokes, struct session_facts *facts)
{
	*facts = (struct session_facts){
		.set_depth_min_um = UINT16_MAX,
		.set_rate_dhz = (uint16_t)scene->set_rate,
		.strokes = (uint32_t)strokes,
		.zones = (uint8_t)scene->zones,
		.passes = (uint8_t)scene->passes,
	};
	for (unsigned zone = 0; zone < scene->zones; zone++) {
		uint16_t depth = scene->set_depth[zone];

		if (depth < facts->set_depth_min_um)
			facts->set_depth_min_um = depth;
		if (depth > facts->set_depth_max_um)
			facts->set_depth_max_um = depth;
	}
}

struct session_plan
session_plan_default(enum session_profile profile, uint64_t seed, size_t samples)
{
	struct session_plan plan = {
		.seed = seed,
		.samples = samples,
		.period_ms = 10,
		.noise = { .depth_um = 8, .rate_dhz = 3, .current_ma = 2.5 },
		.jitter = 0.01,
		.dropout = 1e-4,
	};

	if (profile == SESSION_CORRELATED)
		plan.noise.depth_carry = 0.7;
	if (profile == SESSION_QUIET)
		plan.noise = (struct session_noise){ .depth_um = 2, .rate_dhz = 1, .current_ma = 1 };
	return plan;
}

const char *
session_profile_name(enum session_profile profile)
{
	static const char *const names[SESSION_PROFILES] = { "white", "correlated", "quiet" };

	return (unsigned)profile < SESSION_PROFILES ? names[profile] : "adjusted";
}

void
session_generate(const struct session_plan *plan, struct stp_sample *samples,
		 struct session_facts *facts)
{
	struct scene scene;
	double strokes = 0;

	set_up(&scene, plan);
	for (size_t i = 0; i < plan->samples; i++) {
		measure(&scene, i, &samples[i]);
		if (scene.contact)
			strokes += scene.rate / 10.0 * plan->period_ms / 1000.0;
	}
	if (!facts)
		return;
	note_facts(&scene, strokes, facts);
	if (plan->samples > 0)
		facts->duration_ms = samples[plan->samples - 1].t_ms - samples[0].t_ms
			+ plan->period_ms;
	facts->motor_on_ms = facts->duration_ms;
}

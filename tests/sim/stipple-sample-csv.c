/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * stipple-sample-csv [--seed N] [--samples N] [--period MS] [--profile NAME]: a generated session
 * as CSV on stdout, for the demo and for trying things out.
 */

#include <glib.h>
#include <stdio.h>

#include "sample-csv.h"
#include "session-generator.h"

static gboolean
find_profile(const char *name, enum session_profile *profile)
{
	for (int i = 0; i < SESSION_PROFILES; i++) {
		if (g_str_equal(session_profile_name((enum session_profile)i), name)) {
			*profile = (enum session_profile)i;
			return TRUE;
		}
	}
	return FALSE;
}

int
main(int argc, char **argv)
{
	gint64 seed = 1;
	int samples = 180000, period = 10;
	g_autofree char *name = NULL;
	const GOptionEntry entries[] = {
		{ "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "Seed of the generator (1)", "N" },
		{ "samples", 0, 0, G_OPTION_ARG_INT, &samples, "How many (180000)", "N" },
		{ "period", 0, 0, G_OPTION_ARG_INT, &period, "Between samples, 5 to 1000 (10)", "MS" },
		{ "profile", 0, 0, G_OPTION_ARG_STRING, &name,
		  "Sensor noise: white, correlated or quiet (white)", "NAME" },
		G_OPTION_ENTRY_NULL
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- a generated session as CSV");
	g_autoptr(GError) error = NULL;
	enum session_profile profile = SESSION_WHITE;
	g_autofree struct stp_sample *session = NULL;
	g_autoptr(GString) text = NULL;
	struct session_plan plan;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		g_printerr("stipple-sample-csv: %s\n", error->message);
		return 64;
	}
	if (samples < 0 || (guint)samples > SAMPLE_CSV_SAMPLES_MAX || period < STP_PERIOD_MIN_MS ||
	    period > STP_PERIOD_MAX_MS || (name != NULL && !find_profile(name, &profile))) {
		g_printerr("stipple-sample-csv: a value is out of range; see --help\n");
		return 64;
	}

	plan = session_plan_default(profile, (uint64_t)seed, (size_t)samples);
	plan.period_ms = (uint16_t)period;
	session = g_new(struct stp_sample, MAX(plan.samples, 1));
	session_generate(&plan, session, NULL);
	text = sample_csv_format(session, plan.samples);
	return fwrite(text->str, 1, text->len, stdout) == text->len && fflush(stdout) == 0 ? 0 : 1;
}

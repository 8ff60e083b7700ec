/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * fault-runs: the daemon's collector and store against simulated pens, through everything that goes wrong in
 * a clinic, one seed for each run; see ward.h.
 *
 *   --seed N     the first seed; STIPPLE_SEED, or the time
 *   --runs N     how many; STIPPLE_RUNS, or 1 when STIPPLE_SEED is set, else 200
 *   --jobs N     processes that share them (1)
 *   --loud       print all that happens
 *
 * A run that breaks prints what led there and the line that replays it; status 3.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ward.h"

#define JOBS_MAX 64
#define RUNS_DEFAULT 200

typedef struct {
	guint64 seed;
	gint64 runs;
	gint jobs;
	gboolean loud;
} Options;

static gboolean
read_options(int argc, char **argv, Options *options)
{
	const char *seed = getenv("STIPPLE_SEED"), *runs = getenv("STIPPLE_RUNS");
	g_autofree char *given = NULL;
	const GOptionEntry entries[] = {
		{ "seed", 0, 0, G_OPTION_ARG_STRING, &given, "the first seed", "N" },
		{ "runs", 0, 0, G_OPTION_ARG_INT64, &options->runs, "how many", "N" },
		{ "jobs", 0, 0, G_OPTION_ARG_INT, &options->jobs, "processes that share them", "N" },
		{ "loud", 0, 0, G_OPTION_ARG_NONE, &options->loud, "print all that happens", NULL },
		{ 0 },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	options->runs = runs ? strtoll(runs, NULL, 0) : seed ? 1 : RUNS_DEFAULT;
	options->jobs = 1;
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		fprintf(stderr, "fault-runs: %s\n", error->message);
		return FALSE;
	}
	if (options->jobs < 1 || options->jobs > JOBS_MAX || options->runs < 1) {
		fprintf(stderr, "fault-runs: --jobs takes 1 to %d, --runs at least 1\n", JOBS_MAX);
		return FALSE;
	}
	seed = given ? given : seed;
	options->seed = seed ? strtoull(seed, NULL, 0) : (guint64)time(NULL) * 1000;
	return TRUE;
}

static volatile guint64 seed_under_way;

/* A crash has a seed, too. */
static void
on_crash(int number)
{
	dprintf(STDERR_FILENO, "fault-runs: signal %d\nreplay: fault-runs --seed %" G_GUINT64_FORMAT " --runs 1 --loud\n",
		number, seed_under_way);
	signal(number, SIG_DFL);
	raise(number);
}

static void
watch_crashes(void)
{
	signal(SIGABRT, on_crash);
#ifndef __SANITIZE_ADDRESS__
	/* The sanitizer has more to say of this one, and aborts then. */
	signal(SIGSEGV, on_crash);
#endif
}

/* Ends the process at a breach. */
static void
work(const Options *options, gint job, WardCount *count)
{
	for (gint64 run = job; run < options->runs; run += options->jobs) {
		seed_under_way = options->seed + (guint64)run;
		ward_run(seed_under_way, options->loud, count);
	}
}

static int
work_in_children(const Options *options, WardCount *counts)
{
	int status, worst = 0;

	for (gint job = 0; job < options->jobs; job++) {
		pid_t child = fork();

		g_assert_cmpint(child, >=, 0);
		if (child == 0) {
			work(options, job, &counts[job]);
			_exit(0);
		}
	}
	for (gint job = 0; job < options->jobs; job++)
		if (wait(&status) > 0 && status != 0)
			worst = WIFEXITED(status) ? WEXITSTATUS(status) : 4;
	return worst;
}

int
main(int argc, char **argv)
{
	Options options = { 0 };
	WardCount *counts, sum = { 0 };
	gint64 began = g_get_monotonic_time();
	gdouble seconds;
	int status = 0;

	if (!read_options(argc, argv, &options))
		return 2;
	watch_crashes();
	printf("STIPPLE_SEED=%" G_GUINT64_FORMAT "\n", options.seed);
	fflush(stdout);
	counts = mmap(NULL, JOBS_MAX * sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	g_assert_true(counts != MAP_FAILED);
	if (options.jobs == 1)
		work(&options, 0, &counts[0]);
	else
		status = work_in_children(&options, counts);
	for (gint job = 0; job < options.jobs; job++) {
		sum.runs += counts[job].runs;
		sum.records += counts[job].records;
		sum.crashes += counts[job].crashes;
		sum.restarts += counts[job].restarts;
		sum.syncs += counts[job].syncs;
		sum.connects += counts[job].connects;
		sum.deeds += counts[job].deeds;
		sum.hours += counts[job].hours;
	}
	seconds = (gdouble)(g_get_monotonic_time() - began) / G_USEC_PER_SEC;
	printf("%" G_GUINT64_FORMAT " runs, %" G_GUINT64_FORMAT " faults, %" G_GUINT64_FORMAT " kills and power cuts, %"
	       G_GUINT64_FORMAT " restarts, %" G_GUINT64_FORMAT " connections, %" G_GUINT64_FORMAT " syncs, %"
	       G_GUINT64_FORMAT " records, %.0f hours of theirs in %.1f s of ours: %.0f runs/s\n",
	       sum.runs, sum.deeds, sum.crashes, sum.restarts, sum.connects, sum.syncs, sum.records, sum.hours, seconds,
	       (gdouble)sum.runs / seconds);
	return status;
}

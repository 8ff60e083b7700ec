/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * simulate: runs of the simulated world, one seed each.
 *
 *   --seed N     the first seed; STIPPLE_SEED, or the time
 *   --runs N     how many; STIPPLE_RUNS, or 1 when only STIPPLE_SEED is set, or until --seconds are over
 *   --seconds N  stop after so long (10 when nothing else is said)
 *   --jobs N     processes that share the seeds (1)
 *   --calm       worlds in which nothing goes wrong
 *   --loud       print every step
 *
 * Prints what was done and how fast.  Ends with status 1 at the first breach, after its trace.
 */

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define JOBS_MAX 256
#define SECONDS_DEFAULT 10

struct task {
	uint64_t seed, runs;
	double seconds;
	unsigned jobs;
	enum world_mood mood;
	bool loud;
};

struct result {
	uint64_t runs;
	struct world_count count;
};

/* ---- a crash has a seed, too ---- */

static volatile uint64_t seed_under_way;

static void
on_crash(int number)
{
	/* Whatever state this process is in, it ends here. */
	dprintf(STDERR_FILENO, "simulate: signal %d\nreplay: simulate --seed %" PRIu64 " --runs 1 --loud\n", number,
		seed_under_way);
	signal(number, SIG_DFL);
	raise(number);
}

static void
watch_crashes(void)
{
	signal(SIGABRT, on_crash);
#ifndef __SANITIZE_ADDRESS__
	/* The sanitizer has more to say of these, and aborts then. */
	signal(SIGSEGV, on_crash);
	signal(SIGBUS, on_crash);
	signal(SIGFPE, on_crash);
#endif
}

/* ---- runs ---- */

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void
work(const struct task *task, unsigned job, struct result *result)
{
	struct world *world = world_new();
	double end = now() + task->seconds;

	if (!world)
		exit(EXIT_FAILURE);
	if (task->loud)
		world_set_loud(world);
	for (uint64_t i = job; i < task->runs; i += task->jobs) {
		if (result->runs % 16 == 0 && now() >= end)
			break;
		seed_under_way = task->seed + i;
		world_run(world, task->seed + i, task->mood, &result->count);
		result->runs++;
	}
	world_free(world);
}

/* True: a child met a breach, and said so. */
static bool
work_in_children(const struct task *task, struct result *results)
{
	bool failed = false;

	for (unsigned job = 0; job < task->jobs; job++) {
		pid_t child = fork();

		if (child < 0) {
			perror("simulate: fork");
			exit(EXIT_FAILURE);
		}
		if (!child) {
			work(task, job, &results[job]);
			_exit(EXIT_SUCCESS);
		}
	}
	for (unsigned job = 0; job < task->jobs; job++) {
		int status;

		if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
			failed = true;
	}
	return failed;
}

static void
report(const struct task *task, const struct result *results, double seconds)
{
	struct result sum = { 0 };

	for (unsigned job = 0; job < task->jobs; job++) {
		sum.runs += results[job].runs;
		sum.count.steps += results[job].count.steps;
		sum.count.dialogues += results[job].count.dialogues;
		sum.count.records += results[job].count.records;
		sum.count.trace ^= results[job].count.trace;
	}
	printf("seeds from %" PRIu64 ": %" PRIu64 " runs, %" PRIu64 " dialogues, %" PRIu64 " records stored, %" PRIu64
	       " steps in %.1f s: %.0f runs/s, %.0f steps/s; digest %016" PRIx64 "\n",
	       task->seed, sum.runs, sum.count.dialogues, sum.count.records, sum.count.steps, seconds,
	       (double)sum.runs / seconds, (double)sum.count.steps / seconds, sum.count.trace);
}

static uint64_t
number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "simulate: \"%s\" is no number\n", text);
		exit(EXIT_FAILURE);
	}
	return value;
}

static struct task
read_options(int argc, char **argv)
{
	static const struct option options[] = { { "seed", required_argument, NULL, 's' },
		{ "runs", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 't' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "calm", no_argument, NULL, 'c' },
		{ "loud", no_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 } };
	const char *seed = getenv("STIPPLE_SEED"), *runs = getenv("STIPPLE_RUNS"), *seconds = NULL;
	struct task task = { .jobs = 1, .mood = WORLD_ROUGH };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's': seed = optarg; break;
		case 'r': runs = optarg; break;
		case 't': seconds = optarg; break;
		case 'j': task.jobs = (unsigned)number(optarg); break;
		case 'c': task.mood = WORLD_CALM; break;
		case 'l': task.loud = true; break;
		default: exit(EXIT_FAILURE);
		}
	}
	if (!task.jobs || task.jobs > JOBS_MAX) {
		fprintf(stderr, "simulate: --jobs takes 1 to %d\n", JOBS_MAX);
		exit(EXIT_FAILURE);
	}
	task.seed = seed ? number(seed) : (uint64_t)time(NULL);
	task.runs = runs ? number(runs) : getenv("STIPPLE_SEED") ? 1 : UINT64_MAX;
	/* What is counted is not timed as well. */
	task.seconds = runs ? 1e9 : seconds ? (double)number(seconds) : SECONDS_DEFAULT;
	return task;
}

int
main(int argc, char **argv)
{
	struct task task = read_options(argc, argv);
	struct result *results = mmap(NULL, JOBS_MAX * sizeof(*results), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double began = now();
	bool failed = false;

	if (results == MAP_FAILED) {
		perror("simulate");
		return EXIT_FAILURE;
	}
	watch_crashes();
	if (task.jobs == 1)
		work(&task, 0, &results[0]);
	else
		failed = work_in_children(&task, results);
	report(&task, results, now() - began);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

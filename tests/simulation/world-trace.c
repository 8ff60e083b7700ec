/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "world-model.h"

static const char *const words[HAPPENINGS] = {
	[SAW_RUN] = "run: hosts, pens, babbler",
	[SAW_CONNECT] = "connect: mtu, window",
	[SAW_DISCONNECT] = "disconnect",
	[SAW_REQUEST] = "pen gets request: op and token, bytes 6-7, bytes 10-11",
	[SAW_ANSWER] = "pen answers: op and token, status, size",
	[SAW_SEGMENT] = "pen sends segment: token and offset, size, credits left",
	[SAW_LOST] = "lost on the way: way, size",
	[SAW_STORE] = "host writes: epoch, record, integrity",
	[SAW_SYNC] = "host synced: entries",
	[SAW_CRASH] = "host crashes: entries left",
	[SAW_BACKUP] = "host is backed up: entries",
	[SAW_RESTORE] = "host is restored: entries, were, keeps its id",
	[SAW_WRITE] = "pen wrote: epoch, record, length",
	[SAW_REMOVE] = "pen removes: epoch, record, everybody has it",
	[SAW_POWER] = "pen powers up: epoch, oldest, newest",
	[SAW_DEAD] = "pen's power goes",
	[SAW_RESET] = "pen's log is reset: epoch",
	[SAW_MOTOR] = "pen's motor: on",
	[SAW_ROT] = "pen's flash rots: epoch, record, offset",
	[SAW_SAVE] = "pen keeps slot: index, mark, ranges",
	[SAW_JOURNAL] = "host journals: record, size, of",
	[SAW_RESUME] = "host resumes: record, size, of",
	[SAW_ERASE] = "pen erases: up to",
	[SAW_PRESS] = "somebody presses the button: confirms something",
	[SAW_LISTED] = "host hears of: record, flags, length",
	[SAW_ERRAND] = "errand: kind, up to, index",
	[SAW_CANCEL] = "somebody cancels",
	[SAW_CLOCK] = "clock: tick, jump",
	[SAW_GIVEN_UP] = "host gives up: record, reason, status",
	[SAW_NOTE] = "host notes: note, record, detail",
	[SAW_OVER] = "dialogue over: failed, reason, status",
	[SAW_TIMEOUT] = "host's deadline passed",
	[SAW_WISH] = "host wants: epoch, held ranges, wanted ranges",
	[SAW_WEATHER] = "the weather clears up",
};

static void
print_step(const struct trace_step *step)
{
	fprintf(stderr, "# %8" PRIu32 " ms", step->at);
	if (step->host == BABBLER)
		fputs(" babbler", stderr);
	else if (step->host != NOBODY)
		fprintf(stderr, " host %u ", step->host);
	else
		fputs("        ", stderr);
	if (step->pen != NOBODY)
		fprintf(stderr, " pen %u", step->pen);
	else
		fputs("      ", stderr);
	fprintf(stderr, "  %s  (%" PRIu32 " = 0x%" PRIx32 ", %" PRIu32 ", %" PRIu32 ")\n", words[step->what], step->a,
		step->a, step->b, step->c);
}

void
trace(struct world *world, enum happening what, uint8_t host, uint8_t pen, uint32_t a, uint32_t b, uint32_t c)
{
	struct trace_step *step = &world->trace[world->trace_count++ % TRACE_MAX];
	uint64_t hash = world->trace_hash;

	*step = (struct trace_step){ (uint32_t)world->now, (uint16_t)what, host, pen, a, b, c };
	hash = (hash ^ (world->now << 24 | (uint64_t)what << 16 | (uint64_t)host << 8 | pen)) * 0x9E3779B97F4A7C15u;
	hash = ((hash ^ hash >> 29) + ((uint64_t)a << 32 | b)) * 0xBF58476D1CE4E5B9u;
	world->trace_hash = (hash ^ hash >> 31) + c;
	if (world->loud)
		print_step(step);
}

void
world_breach(const struct world *world, const char *what, const char *file, int line)
{
	size_t from = world->trace_count > TRACE_MAX ? world->trace_count - TRACE_MAX : 0;

	fprintf(stderr, "# the last steps of seed %" PRIu64 ":\n", world->seed);
	for (size_t i = from; !world->loud && i < world->trace_count; i++)
		print_step(&world->trace[i % TRACE_MAX]);
	fprintf(stderr, "%s:%d: %s does not hold\nreplay: simulate --seed %" PRIu64 "%s --runs 1 --loud\n", file, line,
		what, world->seed, world->mood == WORLD_CALM ? " --calm" : "");
	exit(EXIT_FAILURE);
}

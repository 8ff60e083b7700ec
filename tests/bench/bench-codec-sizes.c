/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * How small the telemetry block gets on sessions of many kinds: by itself, chained, and against
 * packed protobuf columns of deltas.  The generator's constants are nobody's recordings: what
 * holds over all rows may hold for a pen.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "sample-check.h"
#include "telemetry-files.h"

#define SAMPLES 180000
#define BLOCK STP_BLOCK_SAMPLES_DEFAULT
#define LONG_BLOCK 4096
#define SEEDS 4
#define COLUMNS 7

enum twist {
	AS_GENERATED,
	COARSE,			/* of 10 um, 0.5 Hz, 4 mA */
	OTHER_CURRENT,		/* another session's: it tells nothing about the rate */
};

struct kind {
	const char *name;
	enum session_profile profile;
	struct session_noise noise;	/* 0: the profile's */
	uint16_t period_ms;		/* 0: 10 */
	double jitter, dropout, absent;	/* 0: the profile's */
	bool no_current;
	enum twist twist;
};

static const struct kind kinds[] = {
	{ .name = "white", .profile = SESSION_WHITE },
	{ .name = "correlated", .profile = SESSION_CORRELATED },
	{ .name = "quiet", .profile = SESSION_QUIET },
	{ .name = "very quiet: 1 um, 0.05 Hz, 0.5 mA", .noise = { 1, 0, 0.5, 0.5 } },
	{ .name = "hardly any noise: 0.2 um, 0.01 Hz", .noise = { 0.2, 0, 0.1, 0.1 } },
	{ .name = "4 um (carry 0.4), 0.2 Hz, 1.5 mA", .noise = { 4, 0.4, 2, 1.5 } },
	{ .name = "loud: 20 um, 0.8 Hz, 8 mA", .noise = { 20, 0, 8, 8 } },
	{ .name = "very loud: 100 um, 5 Hz, 50 mA", .noise = { 100, 0, 50, 50 } },
	{ .name = "depth noise carries 0.95", .noise = { 8, 0.95, 3, 2.5 } },
	{ .name = "coarse: 10 um, 0.5 Hz, 4 mA", .twist = COARSE },
	{ .name = "current unrelated to the rate", .twist = OTHER_CURRENT },
	{ .name = "no current", .no_current = true },
	{ .name = "every 5 ms", .period_ms = 5 },
	{ .name = "every 20 ms", .period_ms = 20 },
	{ .name = "every 100 ms", .period_ms = 100 },
	{ .name = "every 1000 ms", .period_ms = 1000 },
	{ .name = "a tenth early or late, 1 % drop-outs", .jitter = 0.1, .dropout = 0.01 },
	{ .name = "values come and go", .absent = 0.005 },
};

struct sizes {
	double independent, chained, longer, packed;	/* bytes per sample */
};

static struct stp_sample out[LONG_BLOCK];

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench-codec-sizes: %s\n", what);
	exit(EXIT_FAILURE);
}

/* Bytes per sample, once all samples have come back. */
static double
encoded(const struct stp_sample *samples, size_t count, uint16_t period_ms, size_t length, bool chained)
{
	static uint8_t bytes[STP_BLOCK_SIZE_MAX(LONG_BLOCK)];
	struct stp_block_encoder encoder;
	struct stp_block_decoder decoder;
	size_t total = 0;

	stp_block_encoder_init(&encoder);
	stp_block_decoder_init(&decoder);
	for (size_t at = 0; at < count; at += length) {
		size_t part = count - at < length ? count - at : length, taken, size;
		enum stp_status status;

		if (chained && at > 0)
			status = stp_block_encoder_begin_chained(&encoder, bytes, sizeof(bytes));
		else
			status = stp_block_encoder_begin(&encoder, period_ms, bytes, sizeof(bytes));
		must(status == STP_OK, "begin failed");
		must(stp_block_encoder_add_many(&encoder, samples + at, part, &taken) == STP_OK,
		     "add failed");
		must(stp_block_encoder_finish(&encoder, &size) == STP_OK, "finish failed");
		must(stp_block_decoder_next(&decoder, bytes, size, out, part, &taken) == STP_OK,
		     "decode failed");
		for (size_t i = 0; i < part; i++)
			must(samples_equal(&samples[at + i], &out[i]), "a sample came back changed");
		total += size;
	}
	return (double)total / (double)count;
}

static size_t
varint_size(uint32_t number)
{
	size_t size = 1;

	while (number >>= 7)
		size++;
	return size;
}

/* What packed.proto takes, without making it. */
static double
packed(const struct stp_sample *samples, size_t count)
{
	size_t total = 0;

	for (size_t at = 0; at < count; at += BLOCK) {
		size_t sizes[COLUMNS] = { 0 };
		struct stp_sample last = { 0 };

		for (size_t i = at; i < count && i < at + BLOCK; i++) {
			const struct stp_sample *sample = &samples[i];
			const int32_t deltas[COLUMNS] = {
				(int32_t)(sample->t_ms - last.t_ms), sample->depth_um - last.depth_um,
				sample->rate_dhz - last.rate_dhz, sample->current_ma - last.current_ma,
				sample->contact - last.contact, sample->pass - last.pass,
				sample->zone - last.zone,
			};

			for (unsigned column = 0; column < COLUMNS; column++)
				sizes[column] += varint_size((uint32_t)deltas[column] << 1
					^ (uint32_t)(deltas[column] >> 31));
			last = *sample;
		}
		for (unsigned column = 0; column < COLUMNS; column++)
			total += 1 + varint_size((uint32_t)sizes[column]) + sizes[column];
	}
	return (double)total / (double)count;
}

static struct sizes
measure(const struct stp_sample *samples, size_t count, uint16_t period_ms)
{
	return (struct sizes){
		.independent = encoded(samples, count, period_ms, BLOCK, false),
		.chained = encoded(samples, count, period_ms, BLOCK, true),
		.longer = encoded(samples, count, period_ms, LONG_BLOCK, true),
		.packed = packed(samples, count),
	};
}

static void
twist(const struct kind *kind, const struct session_plan *plan, struct stp_sample *samples)
{
	struct session_plan other = *plan;
	struct stp_sample *others;

	for (size_t i = 0; kind->twist == COARSE && i < plan->samples; i++) {
		samples[i].depth_um = (uint16_t)(samples[i].depth_um / 10 * 10);
		samples[i].rate_dhz = (uint16_t)(samples[i].rate_dhz / 5 * 5);
		samples[i].current_ma = (uint16_t)(samples[i].current_ma / 4 * 4);
	}
	if (kind->twist != OTHER_CURRENT)
		return;
	others = calloc(plan->samples, sizeof(*others));
	must(others != NULL, "there is not enough memory");
	other.seed += 1000;
	session_generate(&other, others, NULL);
	for (size_t i = 0; i < plan->samples; i++)
		samples[i].current_ma = others[i].current_ma;
	free(others);
}

/* The mean over some seeds. */
static struct sizes
measure_kind(const struct kind *kind)
{
	struct stp_sample *samples = calloc(SAMPLES, sizeof(*samples));
	struct sizes mean = { 0 };

	must(samples != NULL, "there is not enough memory");
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct session_plan plan = session_plan_default(kind->profile, seed, SAMPLES);
		struct sizes sizes;

		if (kind->noise.depth_um > 0)
			plan.noise = kind->noise;
		if (kind->period_ms > 0)
			plan.period_ms = kind->period_ms;
		if (kind->jitter > 0)
			plan.jitter = kind->jitter;
		if (kind->dropout > 0)
			plan.dropout = kind->dropout;
		plan.absent = kind->absent;
		plan.no_current = kind->no_current;
		session_generate(&plan, samples, NULL);
		twist(kind, &plan, samples);
		sizes = measure(samples, SAMPLES, plan.period_ms);
		mean.independent += sizes.independent / SEEDS;
		mean.chained += sizes.chained / SEEDS;
		mean.longer += sizes.longer / SEEDS;
		mean.packed += sizes.packed / SEEDS;
	}
	free(samples);
	return mean;
}

static void
print(const char *name, const struct sizes *sizes, double entropy)
{
	const double all[] = { sizes->independent, sizes->chained, sizes->longer };

	printf("%-37s", name);
	for (unsigned i = 0; i < 3; i++) {
		printf(" %6.3f", all[i]);
		if (entropy > 0)
			printf(" %5.3f", all[i] / entropy);
		else
			printf("     -");
	}
	printf(" %7.3f %6.2fx %6.2fx\n", sizes->packed, sizes->packed / sizes->independent,
	       sizes->packed / sizes->chained);
	fflush(stdout);
}

int
main(void)
{
	printf("bytes per sample of sessions of %d samples; generated ones: the mean of %d\n"
	       "                                      independent     chained      chained  packed      smaller\n"
	       "                                            %d        %d         %d    %d  indep. chained\n"
	       "session                                 size    /H   size    /H   size    /H    size\n",
	       SAMPLES, SEEDS, BLOCK, BLOCK, LONG_BLOCK, BLOCK);
	for (enum session_profile profile = SESSION_WHITE; profile < SESSION_PROFILES; profile++) {
		struct stp_sample *samples = NULL;
		size_t count = telemetry_file_read(profile, &samples);
		char name[64];

		if (count == 0)
			continue;
		struct sizes sizes = measure(samples, count, 10);

		snprintf(name, sizeof(name), "%s, the file", session_profile_name(profile));
		print(name, &sizes, telemetry_file_entropy(profile));
		free(samples);
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct sizes sizes = measure_kind(&kinds[i]);

		print(kinds[i].name, &sizes, 0);
	}
	printf("H: an ideal adaptive coder; known for the files only.\n");
	return EXIT_SUCCESS;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * The telemetry block against protobuf-c's packed columns of deltas: size, and
 * speed from samples in memory to bytes and back.  Both take turns within one run and
 * the median of the ratios counts, so that a busy machine does not decide.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stipple/telemetry.h>

#include "packed.pb-c.h"
#include "sample-check.h"
#include "telemetry-files.h"

#define BLOCK STP_BLOCK_SAMPLES_DEFAULT
#define SESSION_SAMPLES 180000
#define ROUNDS 41
#define COLUMNS 7

struct bench {
	const struct stp_sample *samples;
	struct stp_sample *out;
	size_t count, blocks;
	uint8_t *bytes;
	size_t capacity;
	size_t *ends;			/* of each block in bytes */
};

struct result {
	double ours_encode, ours_decode, packed_encode, packed_decode;	/* seconds, medians */
	double encode_ratio, decode_ratio;
	size_t ours_size, packed_size;
};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench-codec: %s\n", what);
	exit(EXIT_FAILURE);
}

static double
now(void)
{
	struct timespec time;

	/* Time on the processor: what else runs on the machine does not count. */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static size_t
block_length(const struct bench *bench, size_t block)
{
	size_t left = bench->count - block * BLOCK;

	return left < BLOCK ? left : BLOCK;
}

static void
encode_ours(struct bench *bench)
{
	struct stp_block_encoder encoder;
	size_t used = 0;

	stp_block_encoder_init(&encoder);
	for (size_t block = 0; block < bench->blocks; block++) {
		size_t count = block_length(bench, block), size, taken;

		must(stp_block_encoder_begin(&encoder, 10, bench->bytes + used,
					     bench->capacity - used) == STP_OK, "begin failed");
		must(stp_block_encoder_add_many(&encoder, bench->samples + block * BLOCK, count,
						&taken) == STP_OK, "add failed");
		must(stp_block_encoder_finish(&encoder, &size) == STP_OK, "finish failed");
		used += size;
		bench->ends[block] = used;
	}
}

static void
decode_ours(struct bench *bench)
{
	size_t used = 0, done = 0;

	for (size_t block = 0; block < bench->blocks; block++) {
		size_t count;

		must(stp_block_decode(bench->bytes + used, bench->ends[block] - used,
			bench->out + done, bench->count - done, &count) == STP_OK, "decode failed");
		used = bench->ends[block];
		done += count;
	}
	must(done == bench->count, "samples are missing");
}

static void
encode_packed(struct bench *bench)
{
	static int32_t columns[COLUMNS][BLOCK];
	size_t used = 0;

	for (size_t block = 0; block < bench->blocks; block++) {
		const struct stp_sample *samples = bench->samples + block * BLOCK;
		size_t count = block_length(bench, block);
		struct stp_sample last = { 0 };
		Bench__Packed message = BENCH__PACKED__INIT;

		for (size_t i = 0; i < count; i++) {
			const struct stp_sample *sample = &samples[i];

			columns[0][i] = (int32_t)(sample->t_ms - last.t_ms);
			columns[1][i] = sample->depth_um - last.depth_um;
			columns[2][i] = sample->rate_dhz - last.rate_dhz;
			columns[3][i] = sample->current_ma - last.current_ma;
			columns[4][i] = sample->contact - last.contact;
			columns[5][i] = sample->pass - last.pass;
			columns[6][i] = sample->zone - last.zone;
			last = *sample;
		}
		message.n_t_ms = message.n_depth_um = message.n_rate_dhz = count;
		message.n_current_ma = message.n_contact = message.n_pass = message.n_zone = count;
		message.t_ms = columns[0];
		message.depth_um = columns[1];
		message.rate_dhz = columns[2];
		message.current_ma = columns[3];
		message.contact = columns[4];
		message.pass = columns[5];
		message.zone = columns[6];
		used += bench__packed__pack(&message, bench->bytes + used);
		bench->ends[block] = used;
	}
}

static void
decode_packed(struct bench *bench)
{
	struct stp_sample *out = bench->out;
	size_t used = 0;

	for (size_t block = 0; block < bench->blocks; block++) {
		size_t size = bench->ends[block] - used;
		Bench__Packed *message = bench__packed__unpack(NULL, size, bench->bytes + used);
		struct stp_sample last = { 0 };

		must(message != NULL, "unpack failed");
		for (size_t i = 0; i < message->n_t_ms; i++) {
			last.t_ms += (uint32_t)message->t_ms[i];
			last.depth_um = (uint16_t)(last.depth_um + message->depth_um[i]);
			last.rate_dhz = (uint16_t)(last.rate_dhz + message->rate_dhz[i]);
			last.current_ma = (uint16_t)(last.current_ma + message->current_ma[i]);
			last.contact = (uint8_t)(last.contact + message->contact[i]);
			last.pass = (uint8_t)(last.pass + message->pass[i]);
			last.zone = (uint8_t)(last.zone + message->zone[i]);
			*out++ = last;
		}
		bench__packed__free_unpacked(message, NULL);
		used = bench->ends[block];
	}
}

static double
timed(void (*run)(struct bench *bench), struct bench *bench)
{
	double start = now();

	run(bench);
	return now() - start;
}

static void
check(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++)
		must(samples_equal(&bench->samples[i], &bench->out[i]), "a sample came back changed");
	memset(bench->out, 0, bench->count * sizeof(*bench->out));
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_size);
	return values[ROUNDS / 2];
}

/* Each of the two that make a ratio runs right after the other. */
static struct result
measure(struct bench *ours, struct bench *packed)
{
	double times[4][ROUNDS], encode_ratio[ROUNDS], decode_ratio[ROUNDS];
	struct result result = { 0 };

	for (unsigned round = 0; round < ROUNDS; round++) {
		times[0][round] = timed(encode_ours, ours);
		times[2][round] = timed(encode_packed, packed);
		times[1][round] = timed(decode_ours, ours);
		times[3][round] = timed(decode_packed, packed);
		check(ours);
		check(packed);
		encode_ratio[round] = times[2][round] / times[0][round];
		decode_ratio[round] = times[3][round] / times[1][round];
	}
	result.ours_size = ours->ends[ours->blocks - 1];
	result.packed_size = packed->ends[packed->blocks - 1];
	result.ours_encode = median(times[0]);
	result.ours_decode = median(times[1]);
	result.packed_encode = median(times[2]);
	result.packed_decode = median(times[3]);
	result.encode_ratio = median(encode_ratio);
	result.decode_ratio = median(decode_ratio);
	return result;
}

static struct bench
set_up(const struct stp_sample *samples, size_t count)
{
	struct bench bench = { .samples = samples, .count = count,
		.blocks = (count + BLOCK - 1) / BLOCK, .capacity = STP_BLOCK_SIZE_MAX(count) + 4096 };

	bench.out = calloc(count, sizeof(*bench.out));
	bench.bytes = calloc(bench.capacity, 1);
	bench.ends = calloc(bench.blocks, sizeof(*bench.ends));
	must(bench.out && bench.bytes && bench.ends, "there is not enough memory");
	return bench;
}

static void
tear_down(struct bench *bench)
{
	free(bench->out);
	free(bench->bytes);
	free(bench->ends);
}

static void
print_result(enum session_profile profile, const char *source, const struct bench *bench,
	     const struct result *result, double entropy)
{
	double count = (double)bench->count, ours = (double)result->ours_size / count;
	char over[16] = "     -";

	if (entropy > 0)
		snprintf(over, sizeof(over), "%6.3f", ours / entropy);
	printf("%-10s %-9s %7.3f %s %9.3f %8.2fx %7.1f %7.1f %6.2fx %7.1f %7.1f %6.2fx\n",
	       session_profile_name(profile), source, ours, over,
	       (double)result->packed_size / count,
	       (double)result->packed_size / (double)result->ours_size,
	       count / result->ours_encode / 1e6, count / result->packed_encode / 1e6,
	       result->encode_ratio,
	       count / result->ours_decode / 1e6, count / result->packed_decode / 1e6,
	       result->decode_ratio);
	fflush(stdout);
}

int
main(void)
{
	printf("telemetry block against protobuf-c packed sint32 deltas, blocks of %d, every block by itself\n"
	       "                      bytes/sample                       encode, Msamples/s      decode, Msamples/s\n"
	       "profile    source       ours   /H      packed  smaller    ours  packed  ratio    ours  packed  ratio\n",
	       BLOCK);
	for (enum session_profile profile = SESSION_WHITE; profile < SESSION_PROFILES; profile++) {
		struct session_plan plan = session_plan_default(profile, 2026, SESSION_SAMPLES);
		struct stp_sample *samples = NULL;
		size_t count = telemetry_file_read(profile, &samples);
		bool file = count > 0;
		struct result result;
		struct bench ours, packed;

		if (!file) {
			count = plan.samples;
			samples = calloc(count, sizeof(*samples));
			must(samples != NULL, "there is not enough memory");
			session_generate(&plan, samples, NULL);
		}
		ours = set_up(samples, count);
		packed = set_up(samples, count);
		result = measure(&ours, &packed);
		print_result(profile, file ? "file" : "generated", &ours, &result,
			     file ? telemetry_file_entropy(profile) : 0);
		tear_down(&ours);
		tear_down(&packed);
		free(samples);
	}
	printf("ratio: above 1 the block is faster. H: an ideal adaptive coder; known for the files only.\n"
	       "Decoding ours includes its CRC-32C and all range checks; protobuf's has neither.\n");
	return EXIT_SUCCESS;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "sample-csv.h"
#include "samples.h"
#include "session-generator.h"

/* What the writer makes of these, the caller's. */
static char *
written(enum samples_format format, const struct stp_sample *samples, size_t count, size_t chunk)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	struct samples_writer *writer = samples_writer_new(format, fd);

	samples_begin(writer, "SP-1/0000002a/7");
	for (size_t at = 0; at < count; at += chunk)
		samples_add(writer, samples + at, MIN(chunk, count - at));
	assert_int_equal(samples_flush(writer), 0);
	samples_writer_free(writer);

	off_t size = lseek(fd, 0, SEEK_END);
	char *text = g_malloc0((gsize)size + 1);

	assert_int_equal(pread(fd, text, (size_t)size, 0), size);
	close(fd);
	return text;
}

static const struct stp_sample edges[] = {
	{ 0, 0, 0, 0, 0, 0, 0 },
	{ 9, 5000, 5000, 10000, 1, 255, 255 },
	{ 10, STP_ABSENT, 1, 2, 1, 1, 1 },
	{ 99, 1, STP_ABSENT, 2, 0, 1, 1 },
	{ 100, 1, 2, STP_ABSENT, 0, 1, 1 },
	{ 999999999, STP_ABSENT, STP_ABSENT, STP_ABSENT, 0, 0, 0 },
	{ 1000000000, 10, 100, 1000, 1, 10, 100 },
	{ 4294967295u, 9, 99, 999, 1, 9, 99 },
};

static void
csv_is_exact(void **state)
{
	g_autofree char *text = written(SAMPLES_CSV, edges, G_N_ELEMENTS(edges), 3);

	assert_string_equal(text, "t_ms,depth_um,rate_dHz,current_mA,contact,pass,zone\n"
				  "0,0,0,0,0,0,0\n"
				  "9,5000,5000,10000,1,255,255\n"
				  "10,,1,2,1,1,1\n"
				  "99,1,,2,0,1,1\n"
				  "100,1,2,,0,1,1\n"
				  "999999999,,,,0,0,0\n"
				  "1000000000,10,100,1000,1,10,100\n"
				  "4294967295,9,99,999,1,9,99\n");
}

static void
ndjson_is_exact(void **state)
{
	g_autofree char *text = written(SAMPLES_NDJSON, edges + 1, 2, 1);

	assert_string_equal(text, "{\"schema\":1,\"session\":\"SP-1/0000002a/7\",\"t_ms\":9,\"depth_um\":5000,"
				  "\"rate_dHz\":5000,\"current_mA\":10000,\"contact\":1,\"pass\":255,"
				  "\"zone\":255}\n"
				  "{\"schema\":1,\"session\":\"SP-1/0000002a/7\",\"t_ms\":10,\"depth_um\":null,"
				  "\"rate_dHz\":1,\"current_mA\":2,\"contact\":1,\"pass\":1,\"zone\":1}\n");
}

static void
no_samples_are_a_header(void **state)
{
	g_autofree char *text = written(SAMPLES_CSV, NULL, 0, 1);

	assert_string_equal(text, "t_ms,depth_um,rate_dHz,current_mA,contact,pass,zone\n");
}

/* Against the plain formatter of the tests, over every value and over many clocks. */
static void
csv_is_as_from_printf(void **state)
{
	const char *given = getenv("STIPPLE_SEED");
	struct session_random random = { given ? strtoull(given, NULL, 0) : 20260131 };
	gsize count = 60000;
	g_autofree struct stp_sample *samples = g_new(struct stp_sample, count);
	uint32_t t = 0;

	print_message("STIPPLE_SEED=%llu\n", (unsigned long long)random.state);
	for (gsize i = 0; i < count; i++) {
		t += session_random_below(&random, 20) ? session_random_below(&random, 25) :
							 session_random_below(&random, 100000);
		samples[i] = (struct stp_sample){
			.t_ms = t,
			.depth_um = (uint16_t)(i % 5001),
			.rate_dhz = session_random_below(&random, 9) ? (uint16_t)((i * 7) % 5001) : STP_ABSENT,
			.current_ma = (uint16_t)((i * 3) % 10001),
			.contact = i & 1,
			.pass = (uint8_t)i,
			.zone = (uint8_t)(i / 3),
		};
	}
	g_autofree char *text = written(SAMPLES_CSV, samples, count, 1024);
	g_autoptr(GString) wanted = sample_csv_format(samples, count);

	assert_string_equal(text, wanted->str);
}

static void
failing_writes_are_told(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct samples_writer *writer = samples_writer_new(SAMPLES_CSV, full);

	samples_begin(writer, "x");
	samples_add(writer, edges, G_N_ELEMENTS(edges));
	assert_int_equal(samples_error(writer), 0);
	assert_int_equal(samples_flush(writer), ENOSPC);
	assert_int_equal(samples_error(writer), ENOSPC);
	samples_writer_free(writer);
	close(full);
}

/* ---- speed, against the same lines by printf in the same process ---- */

static gint64
time_writer(const struct stp_sample *samples, gsize count)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	gint64 begin = g_get_monotonic_time();
	struct samples_writer *writer = samples_writer_new(SAMPLES_CSV, fd);

	samples_begin(writer, "x");
	samples_add(writer, samples, count);
	assert_int_equal(samples_flush(writer), 0);
	samples_writer_free(writer);
	close(fd);
	return g_get_monotonic_time() - begin;
}

static gint64
time_printf(const struct stp_sample *samples, gsize count)
{
	FILE *out = fopen("/dev/null", "w");
	gint64 begin = g_get_monotonic_time();

	for (gsize i = 0; i < count; i++)
		fprintf(out, "%u,%u,%u,%u,%u,%u,%u\n", samples[i].t_ms, samples[i].depth_um,
			samples[i].rate_dhz, samples[i].current_ma, samples[i].contact, samples[i].pass,
			samples[i].zone);
	fclose(out);
	return g_get_monotonic_time() - begin;
}

static void
formatting_is_fast(void **state)
{
	struct session_plan plan = session_plan_default(SESSION_WHITE, 1, 180000);
	g_autofree struct stp_sample *samples = g_new(struct stp_sample, plan.samples);
	gint64 ours = G_MAXINT64, theirs = G_MAXINT64;

	session_generate(&plan, samples, NULL);
	for (int i = 0; i < 5; i++) {
		ours = MIN(ours, time_writer(samples, plan.samples));
		theirs = MIN(theirs, time_printf(samples, plan.samples));
	}
	print_message("180,000 lines: %.2f ms, by printf %.2f ms, %.1f times\n", (double)ours / 1e3,
		      (double)theirs / 1e3, (double)theirs / (double)MAX(ours, 1));
	/* 20 times in a plain build; with sanitizers and on a busy machine still a good deal. */
	assert_true(theirs > 2 * ours);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_is_exact),
		cmocka_unit_test(ndjson_is_exact),
		cmocka_unit_test(no_samples_are_a_header),
		cmocka_unit_test(csv_is_as_from_printf),
		cmocka_unit_test(failing_writes_are_told),
		cmocka_unit_test(formatting_is_fast),
	};

	return cmocka_run_group_tests_name("cli-samples", tests, NULL, NULL);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include "sample-csv.h"

#define HEADER SAMPLE_CSV_HEADER "\n"

static GArray *
parsed(const char *text)
{
	g_autoptr(GError) error = NULL;
	GArray *samples = sample_csv_parse(text, strlen(text), "x.csv", &error);

	assert_null(error);
	assert_non_null(samples);
	return samples;
}

static void
refused(const char *text, const char *message)
{
	g_autoptr(GError) error = NULL;

	assert_null(sample_csv_parse(text, strlen(text), "x.csv", &error));
	assert_true(g_error_matches(error, SAMPLE_CSV_ERROR, SAMPLE_CSV_ERROR_FORMAT));
	assert_string_equal(error->message, message);
}

static void
values_and_absent_ones_are_read(void **state)
{
	g_autoptr(GArray) samples =
		parsed(HEADER "0,1200,1167,215,1,2,9\n10,,,,0,0,0\n4294967295,5000,5000,10000,1,255,255");
	const struct stp_sample *sample = (const struct stp_sample *)(gconstpointer)samples->data;

	assert_int_equal(samples->len, 3);
	assert_int_equal(sample[0].depth_um, 1200);
	assert_int_equal(sample[0].rate_dhz, 1167);
	assert_int_equal(sample[0].current_ma, 215);
	assert_int_equal(sample[0].contact, 1);
	assert_int_equal(sample[0].pass, 2);
	assert_int_equal(sample[0].zone, 9);
	assert_int_equal(sample[1].t_ms, 10);
	assert_int_equal(sample[1].depth_um, STP_ABSENT);
	assert_int_equal(sample[1].rate_dhz, STP_ABSENT);
	assert_int_equal(sample[1].current_ma, STP_ABSENT);
	assert_int_equal(sample[2].t_ms, G_MAXUINT32);
}

static void
a_header_alone_is_no_samples(void **state)
{
	g_autoptr(GArray) samples = parsed(HEADER);

	assert_int_equal(samples->len, 0);
}

static void
errors_name_line_and_column(void **state)
{
	refused("", "x.csv:1: the file is empty; its first line must be \"" SAMPLE_CSV_HEADER "\"");
	refused("t,depth\n", "x.csv:1: the first line must be exactly \"" SAMPLE_CSV_HEADER "\"");
	refused(HEADER "0,1,1,1,0,0,0\n1,5001,1,1,0,0,0\n",
		"x.csv:3: depth_um is 5001, above its limit of 5000");
	refused(HEADER "0,1,1,1,2,0,0\n", "x.csv:2: contact is 2, above its limit of 1");
	refused(HEADER "0,1,1,1,,0,0\n",
		"x.csv:2: contact is empty; only depth, rate and current may be absent");
	refused(HEADER "0,-1,1,1,0,0,0\n", "x.csv:2: depth_um is \"-1\", expected a whole number up to 5000");
	refused(HEADER "0, 1,1,1,0,0,0\n", "x.csv:2: depth_um is \" 1\", expected a whole number up to 5000");
	refused(HEADER "99999999999,1,1,1,0,0,0\n",
		"x.csv:2: t_ms is \"99999999999\", expected a whole number up to 4294967295");
	refused(HEADER "0,1,1,1,0,0\n", "x.csv:2: fewer columns than the 7 of \"" SAMPLE_CSV_HEADER "\"");
	refused(HEADER "0,1,1,1,0,0,0,0\n", "x.csv:2: more columns than the 7 of \"" SAMPLE_CSV_HEADER "\"");
	refused(HEADER "5,1,1,1,0,0,0\n4,1,1,1,0,0,0\n", "x.csv:3: t_ms goes back from 5 to 4");
	refused(HEADER "5,1,1,1,0,0,0\r\n",
		"x.csv:2: the line ends in a carriage return; use plain newlines");
	refused(HEADER "\n", "x.csv:2: fewer columns than the 7 of \"" SAMPLE_CSV_HEADER "\"");
}

static void
what_is_written_reads_back_the_same(void **state)
{
	static const char text[] = HEADER "0,1200,1167,215,1,2,9\n10,,0,,0,0,0\n20,0,,10000,1,255,255\n";
	g_autoptr(GArray) samples = parsed(text);
	GString *again =
		sample_csv_format((const struct stp_sample *)(gconstpointer)samples->data, samples->len);

	assert_string_equal(again->str, text);
	g_string_free(again, TRUE);
}

static void
the_period_is_the_median_step(void **state)
{
	static const struct stp_sample samples[] = {
		{ .t_ms = 0 },  { .t_ms = 20 },   { .t_ms = 41 },
		{ .t_ms = 61 }, { .t_ms = 9000 }, { .t_ms = 9020 },
	};

	assert_int_equal(sample_csv_period_ms(samples, 6, 10), 20);
	assert_int_equal(sample_csv_period_ms(samples, 1, 10), 10);
	assert_int_equal(sample_csv_period_ms(samples + 3, 2, 10), STP_PERIOD_MAX_MS);
}

static void
files_are_read_plain_and_packed(void **state)
{
	g_autofree char *directory = g_dir_make_tmp("sample-csv-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "a.csv", NULL);
	g_autofree char *packed = g_strconcat(path, ".xz", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) plain = NULL, unpacked = NULL;

	assert_true(g_file_set_contents(path, HEADER "0,1,2,3,1,1,1\n", -1, NULL));
	plain = sample_csv_read(path, &error);
	assert_null(error);
	assert_int_equal(plain->len, 1);

	g_autoptr(GSubprocess) xz = g_subprocess_new(G_SUBPROCESS_FLAGS_NONE, NULL, "xz", path, NULL);

	if (xz && g_subprocess_wait_check(xz, NULL, NULL)) {
		unpacked = sample_csv_read(packed, &error);
		assert_null(error);
		assert_int_equal(unpacked->len, 1);
		assert_int_equal(g_array_index(unpacked, struct stp_sample, 0).current_ma, 3);
		assert_true(g_file_set_contents(packed, "no xz", -1, NULL));
		assert_null(sample_csv_read(packed, &error));
		assert_true(g_error_matches(error, SAMPLE_CSV_ERROR, SAMPLE_CSV_ERROR_IO));
		g_clear_error(&error);
	}
	g_unlink(packed);
	g_unlink(path);
	assert_null(sample_csv_read(path, &error));
	assert_true(g_error_matches(error, SAMPLE_CSV_ERROR, SAMPLE_CSV_ERROR_IO));
	assert_non_null(strstr(error->message, "Cannot read"));
	g_rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_and_absent_ones_are_read),
		cmocka_unit_test(a_header_alone_is_no_samples),
		cmocka_unit_test(errors_name_line_and_column),
		cmocka_unit_test(what_is_written_reads_back_the_same),
		cmocka_unit_test(the_period_is_the_median_step),
		cmocka_unit_test(files_are_read_plain_and_packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "fake-service.h"
#include "made-session.h"
#include "sample-csv.h"
#include "session-generator.h"

/* sessions export: exactly what the pen was given, or a word about why not. */

#define SAMPLES 30000
#define PARTS 3

typedef struct {
	Fake *fake;
	struct stp_sample *samples;
	GBytes *parts[PARTS];
	GString *csv;		/* what must come out */
} World;

static void
give(World *world)
{
	GByteArray *file = made_file(world->parts, PARTS);

	g_clear_pointer(&world->fake->records, g_bytes_unref);
	world->fake->records = g_byte_array_free_to_bytes(file);
}

static void
add_session(Fake *fake, const char *number)
{
	g_autofree char *text = g_strdup_printf("{'id': <'SP-0001/0000002a/%s'>, 'pen': <'SP-0001'>, "
						"'epoch': <uint32 42>, 'number': <uint32 7>}", number);

	fake_add(fake->sessions, text);
}

static int
setup(void **state)
{
	World *world = g_new0(World, 1);
	struct session_plan plan = session_plan_default(SESSION_WHITE, 3, SAMPLES);

	plan.absent = 0.001;
	world->samples = g_new(struct stp_sample, SAMPLES);
	session_generate(&plan, world->samples, NULL);
	for (guint16 i = 0; i < PARTS; i++)
		world->parts[i] = made_record(11 + i, i, i == PARTS - 1,
					      world->samples + i * (SAMPLES / PARTS), SAMPLES / PARTS);
	world->csv = sample_csv_format(world->samples, SAMPLES);
	world->fake = fake_new();
	fake_add_pen(world->fake, "SP-0001", "Room 1");
	add_session(world->fake, "7");
	give(world);
	*state = world;
	return 0;
}

static int
teardown(void **state)
{
	World *world = *state;

	fake_free(world->fake);
	for (int i = 0; i < PARTS; i++)
		g_bytes_unref(world->parts[i]);
	g_string_free(world->csv, TRUE);
	g_free(world->samples);
	g_free(world);
	return 0;
}

/* The part with one bit turned, or cut short. */
static void
damage(World *world, int part, gssize cut)
{
	gsize size;
	const guint8 *raw = g_bytes_get_data(world->parts[part], &size);
	guint8 *copy = g_memdup2(raw, size);

	if (cut)
		size -= (gsize)cut;
	else
		copy[size / 2] ^= 0x10;
	g_bytes_unref(world->parts[part]);
	world->parts[part] = g_bytes_new_take(copy, size);
	give(world);
}

static char *
path_in(World *world, const char *name)
{
	return g_build_filename(private_bus_directory(world->fake->bus), name, NULL);
}

static guint
count_files(World *world)
{
	g_autoptr(GDir) dir = g_dir_open(private_bus_directory(world->fake->bus), 0, NULL);
	guint count = 0;

	while (g_dir_read_name(dir))
		count++;
	return count;
}

static guint
count_lines(const char *text)
{
	const char *end = text + strlen(text);
	guint count = 0;

	for (; (text = memchr(text, '\n', (size_t)(end - text))); text++)
		count++;
	return count;
}

static void
csv_is_what_the_pen_was_given(void **state)
{
	World *world = *state;

	g_auto(Outcome) mapped = fake_run(world->fake, NULL, "sessions export SP-0001/0000002a/7");
	assert_int_equal(mapped.code, 0);
	assert_string_equal(mapped.out, world->csv->str);
	assert_string_equal(mapped.err, "");

	world->fake->unsealed = TRUE;
	g_auto(Outcome) copied = fake_run(world->fake, NULL, "sessions export --pen 'Room 1' -o -");
	assert_int_equal(copied.code, 0);
	assert_string_equal(copied.out, world->csv->str);
}

static void
ndjson_has_a_line_for_each(void **state)
{
	World *world = *state;
	g_auto(Outcome) outcome = fake_run(world->fake, NULL,
					   "sessions export --format=ndjson SP-0001/0000002a/7");

	assert_int_equal(outcome.code, 0);
	assert_int_equal(count_lines(outcome.out), SAMPLES);
	assert_true(g_str_has_prefix(outcome.out, "{\"schema\":1,\"session\":\"SP-0001/0000002a/7\",\"t_ms\":0,"));
}

static void
files_appear_whole(void **state)
{
	World *world = *state;
	g_autofree char *path = path_in(world, "out.csv");
	g_autofree char *words = g_strdup_printf("sessions export SP-0001/0000002a/7 -o %s", path);
	g_autofree char *text = NULL;
	g_auto(Outcome) outcome = fake_run(world->fake, NULL, words);

	assert_int_equal(outcome.code, 0);
	assert_string_equal(outcome.out, "");
	assert_string_equal(outcome.err, "Exported 1 session, 30000 samples.\n");
	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	assert_string_equal(text, world->csv->str);
	assert_int_equal(count_files(world), 1);
	/* A session that turns out damaged leaves the file of before alone. */
	damage(world, 2, 0);
	g_auto(Outcome) failed = fake_run(world->fake, NULL, words);
	g_autofree char *kept = NULL;

	assert_int_equal(failed.code, 6);
	assert_true(g_file_get_contents(path, &kept, NULL, NULL));
	assert_string_equal(kept, world->csv->str);
	assert_int_equal(count_files(world), 1);
}

static void
several_go_into_a_directory(void **state)
{
	World *world = *state;
	g_autofree char *directory = path_in(world, "all");
	g_autofree char *words = g_strdup_printf("sessions export --all --output-dir %s --json", directory);
	g_autofree char *file = g_build_filename(directory, "SP-0001-0000002a-7.csv", NULL);
	g_autofree char *text = NULL;

	add_session(world->fake, "8");
	g_auto(Outcome) refused = fake_run(world->fake, NULL, "sessions export --all");
	assert_int_equal(refused.code, 64);
	assert_non_null(strstr(refused.err, "--output-dir=DIR"));

	g_auto(Outcome) streamed = fake_run(world->fake, NULL, "sessions export --all --format=ndjson");
	assert_int_equal(streamed.code, 0);
	assert_non_null(strstr(streamed.out, "\"session\":\"SP-0001/0000002a/8\",\"t_ms\":0,"));

	g_auto(Outcome) outcome = fake_run(world->fake, NULL, words);
	assert_int_equal(outcome.code, 0);
	assert_string_equal(outcome.out, "{\"schema\":1,\"sessions\":2,\"samples\":60000,\"failed\":0,\"errors\":[]}\n");
	assert_true(g_file_get_contents(file, &text, NULL, NULL));
	assert_string_equal(text, world->csv->str);
}

static void
p28_a_flipped_bit_is_named_and_the_rest_comes_out(void **state)
{
	World *world = *state;

	damage(world, 1, 0);
	g_auto(Outcome) outcome = fake_run(world->fake, NULL, "sessions export SP-0001/0000002a/7");
	assert_int_equal(outcome.code, 6);
	assert_string_equal(outcome.out, "");
	assert_non_null(strstr(outcome.err, "stipplectl: Record 2 of session SP-0001/0000002a/7: "
					    "A checksum does not hold."));

	/* With --partial, the parts around it come out. */
	g_auto(Outcome) partial = fake_run(world->fake, NULL, "sessions export --partial SP-0001/0000002a/7");

	assert_int_equal(partial.code, 6);
	assert_int_equal(count_lines(partial.out), 1 + 2 * SAMPLES / PARTS);
}

/* A program that reads one JSON document gets one, whatever went wrong. */
static void
failures_are_in_the_one_document(void **state)
{
	World *world = *state;
	g_autofree char *path = path_in(world, "out.csv");
	g_autofree char *words = g_strdup_printf("sessions export SP-0001/0000002a/7 --json -o %s", path);
	g_autoptr(JsonParser) parser = json_parser_new();

	damage(world, 1, 0);
	g_auto(Outcome) outcome = fake_run(world->fake, NULL, words);

	assert_int_equal(outcome.code, 6);
	assert_string_equal(outcome.err, "");
	assert_true(json_parser_load_from_data(parser, outcome.out, -1, NULL));
	JsonObject *document = json_node_get_object(json_parser_get_root(parser));
	JsonArray *errors = json_object_get_array_member(document, "errors");

	assert_int_equal(json_object_get_int_member(document, "failed"), 1);
	assert_int_equal(json_array_get_length(errors), 1);
	JsonObject *error = json_array_get_object_element(errors, 0);

	assert_string_equal(json_object_get_string_member(error, "code"), "crc");
	assert_string_equal(json_object_get_string_member(error, "session"), "SP-0001/0000002a/7");
}

static void
a_session_without_a_part_is_not_passed_for_whole(void **state)
{
	World *world = *state;

	fake_add(world->fake->sessions, "{'id': <'SP-0001/0000002a/9'>, 'pen': <'SP-0001'>, "
					"'epoch': <uint32 42>, 'number': <uint32 7>, 'complete': <false>}");
	g_auto(Outcome) outcome = fake_run(world->fake, NULL, "sessions export --partial SP-0001/0000002a/9");

	assert_int_equal(outcome.code, 6);
	assert_string_equal(outcome.out, world->csv->str);
	assert_non_null(strstr(outcome.err, "Session SP-0001/0000002a/9 lacks parts; what there is of it is "
					    "written. 'stipplectl coverage' says which and why."));
}

/* Nothing but samples, also where they are sent there by name. */
static void
standard_output_is_for_samples(void **state)
{
	World *world = *state;

	g_auto(Outcome) outcome = fake_run(world->fake, NULL, "sessions export SP-0001/0000002a/7 --json -o -");
	assert_int_equal(outcome.code, 0);
	assert_string_equal(outcome.out, world->csv->str);

	g_auto(Outcome) wrong = fake_run(world->fake, NULL, "sessions export --json");
	assert_int_equal(wrong.code, 64);
	assert_string_equal(wrong.out, "");
	assert_non_null(strstr(wrong.err, "Say which sessions"));
}

static void
a_record_cut_short_is_named(void **state)
{
	World *world = *state;

	damage(world, 2, 5);
	g_auto(Outcome) outcome = fake_run(world->fake, NULL, "sessions export SP-0001/0000002a/7 --json");
	assert_int_equal(outcome.code, 6);
	assert_non_null(strstr(outcome.err, "Record 3 of session"));
}

static void
broken_framing_is_named(void **state)
{
	World *world = *state;
	gsize size;
	const guint8 *bytes = g_bytes_get_data(world->fake->records, &size);
	GBytes *cut = g_bytes_new(bytes, size - 7);

	g_bytes_unref(world->fake->records);
	world->fake->records = cut;
	g_auto(Outcome) outcome = fake_run(world->fake, NULL, "sessions export SP-0001/0000002a/7");
	assert_int_equal(outcome.code, 6);
	assert_non_null(strstr(outcome.err, "Record 3 of session SP-0001/0000002a/7: The data end too early."));
}

static void
a_stranger_is_refused(void **state)
{
	World *world = *state;

	/* Session 7's records under the name of another one. */
	fake_add(world->fake->sessions, "{'id': <'SP-0002/0000002a/7'>, 'pen': <'SP-0002'>, "
					"'epoch': <uint32 42>, 'number': <uint32 7>}");
	g_auto(Outcome) outcome = fake_run(world->fake, NULL, "sessions export SP-0002/0000002a/7");
	assert_int_equal(outcome.code, 6);
	assert_non_null(strstr(outcome.err, "Record 1 (number 11 in the pen's log) of session SP-0002/0000002a/7: "
					    "The record says it is another one"));
}

static void
an_empty_session_is_a_header(void **state)
{
	World *world = *state;

	g_bytes_unref(world->fake->records);
	world->fake->records = g_bytes_new_static("", 0);
	g_auto(Outcome) outcome = fake_run(world->fake, NULL, "sessions export SP-0001/0000002a/7");
	assert_int_equal(outcome.code, 0);
	assert_string_equal(outcome.out, SAMPLE_CSV_HEADER "\n");
}

static void
no_room_and_no_place(void **state)
{
	World *world = *state;

	g_auto(Outcome) full = fake_run(world->fake, NULL, "sessions export SP-0001/0000002a/7 -o /dev/full");
	assert_int_equal(full.code, 1);
	assert_string_equal(full.err, "stipplectl: Session SP-0001/0000002a/7 could not be written to /dev/full: "
				      "No space left on device. Make room or write elsewhere, then export it "
				      "again.\n");
	g_auto(Outcome) nowhere = fake_run(world->fake, NULL, "sessions export SP-0001/0000002a/7 -o /nonexistent/x");
	assert_int_equal(nowhere.code, 1);
	assert_non_null(strstr(nowhere.err, "could not be written to /nonexistent/x: No such file or directory."));
}

/* What the shell runs stands in for the program. */
static Outcome
run_shell(World *world, const char *script)
{
	g_autofree char *program = g_strdup(g_getenv("STIPPLECTL"));
	g_autofree char *with = g_strdup_printf("-c '%s'", script);

	g_setenv("CTL", program, TRUE);
	g_setenv("STIPPLECTL", "bash", TRUE);
	Outcome outcome = fake_run(world->fake, NULL, with);
	g_setenv("STIPPLECTL", program, TRUE);
	return outcome;
}

static void
a_reader_may_leave(void **state)
{
	World *world = *state;
	g_auto(Outcome) outcome = run_shell(world, "$CTL sessions export SP-0001/0000002a/7 | head -n 2; "
						   "exit ${PIPESTATUS[0]}");

	assert_int_equal(outcome.code, 0);
	assert_string_equal(outcome.err, "");
	assert_memory_equal(outcome.out, world->csv->str, strlen(outcome.out));
}

/* A file size limit stands in for a disk that fills up in the middle. */
static void
a_file_that_outgrows_the_disk_is_removed(void **state)
{
	World *world = *state;
	g_autofree char *path = path_in(world, "out.csv");
	g_autofree char *script = g_strdup_printf("trap \"\" XFSZ; ulimit -f 300; "
						  "$CTL sessions export SP-0001/0000002a/7 -o %s", path);
	g_auto(Outcome) outcome = run_shell(world, script);

	assert_int_equal(outcome.code, 1);
	assert_non_null(strstr(outcome.err, "File too large."));
	assert_int_equal(count_files(world), 0);
}

static void
what_to_export_must_be_clear(void **state)
{
	static const char *const wrong[] = {
		"sessions export", "sessions export --format=xml x", "sessions export --all x",
		"sessions export --since=today x", "sessions export x -o a --output-dir b",
	};
	World *world = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_auto(Outcome) outcome = fake_run(world->fake, NULL, wrong[i]);

		assert_int_equal(outcome.code, 64);
	}
	g_auto(Outcome) none = fake_run(world->fake, NULL, "sessions export x");
	assert_int_equal(none.code, 3);
	g_ptr_array_set_size(world->fake->sessions, 0);
	g_auto(Outcome) nothing = fake_run(world->fake, NULL, "sessions export --all");
	assert_int_equal(nothing.code, 2);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(csv_is_what_the_pen_was_given), TEST(ndjson_has_a_line_for_each), TEST(files_appear_whole),
		TEST(several_go_into_a_directory), TEST(p28_a_flipped_bit_is_named_and_the_rest_comes_out), TEST(a_record_cut_short_is_named),
		TEST(failures_are_in_the_one_document),
		TEST(a_session_without_a_part_is_not_passed_for_whole), TEST(standard_output_is_for_samples),
		TEST(broken_framing_is_named), TEST(a_stranger_is_refused), TEST(an_empty_session_is_a_header),
		TEST(no_room_and_no_place), TEST(a_reader_may_leave),
		TEST(a_file_that_outgrows_the_disk_is_removed), TEST(what_to_export_must_be_clear),
	};

	return cmocka_run_group_tests_name("cli-export", tests, NULL, NULL);
}

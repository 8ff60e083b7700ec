/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The simulated pen's flash, past, memory and flash faults.  STIPPLE_SEED replays a run. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include <stipple/record.h>

#include "sample-check.h"
#include "sample-csv.h"
#include "sim-faults.h"
#include "sim-story.h"
#include "test-seed.h"

static guint64 seed;

static char *
make_directory(void)
{
	char *directory = g_dir_make_tmp("sim-pen-XXXXXX", NULL);

	assert_non_null(directory);
	return directory;
}

static void
remove_directory(const char *path)
{
	g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
	const char *name;

	while (directory && (name = g_dir_read_name(directory))) {
		g_autofree char *below = g_build_filename(path, name, NULL);

		remove_directory(below);
	}
	g_remove(path);
}

static SimPen *
new_pen(const char *state_dir, gsize part_samples)
{
	const SimPenConfig config = {
		.seed = seed,
		.state_dir = state_dir,
		.part_samples = part_samples,
	};
	g_autoptr(GError) error = NULL;
	SimPen *pen = sim_pen_new(&config, &error);

	assert_null(error);
	return pen;
}

static SimStory
short_story(guint sessions)
{
	return (SimStory){
		.seed = seed,
		.sessions = sessions,
		.samples_min = 100,
		.samples_max = 2500,
		.period_ms = 100,
	};
}

static void
tell(const SimStory *story, SimPen *pen, SimTruth *truth)
{
	g_autoptr(GError) error = NULL;

	assert_true(sim_story_tell(story, pen, truth, &error));
	assert_null(error);
}

/* The samples of the records first..last, as a collector would decode them. */
static GArray *
decode(SimPen *pen, guint32 first, guint32 last)
{
	GArray *samples = g_array_new(FALSE, TRUE, sizeof(struct stp_sample));

	for (guint32 number = first; number <= last; number++) {
		const SimRecord *record = sim_flash_get(sim_pen_flash(pen), number);
		struct stp_block_decoder decoder;
		struct stp_record *decoded;

		stp_block_decoder_init(&decoder);
		assert_int_equal(stp_record_validate(record->raw->data, record->raw->len, NULL), STP_OK);
		assert_int_equal(stp_record_decode(record->raw->data, record->raw->len, &decoded), STP_OK);
		for (size_t i = 0; i < stp_record_block_count(decoded); i++) {
			size_t size, count;
			const guint8 *block = stp_record_block(decoded, i, &size);
			guint before = samples->len;

			g_array_set_size(samples, before + STP_BLOCK_SAMPLES_DEFAULT);
			assert_int_equal(stp_block_decoder_next(&decoder, block, size,
								&g_array_index(samples, struct stp_sample, before),
								STP_BLOCK_SAMPLES_DEFAULT, &count),
					 STP_OK);
			g_array_set_size(samples, before + (guint)count);
		}
		stp_record_free(decoded);
	}
	return samples;
}

static void
the_truth_is_what_the_records_hold(void **state)
{
	g_autofree char *directory = make_directory();
	g_autoptr(SimTruth) truth = sim_truth_new(directory);
	g_autoptr(SimPen) pen = new_pen(NULL, 0);
	g_autofree char *table_path = g_build_filename(directory, sim_pen_serial(pen), "sessions.tsv", NULL);
	g_autofree char *table = NULL;
	g_auto(GStrv) lines = NULL;
	SimStory story = short_story(12);

	tell(&story, pen, truth);
	assert_true(g_file_get_contents(table_path, &table, NULL, NULL));
	lines = g_strsplit(table, "\n", -1);
	assert_int_equal(g_strv_length(lines), 1 + 12 + 1);
	for (guint i = 1; i <= 12; i++) {
		g_auto(GStrv) field = g_strsplit(lines[i], "\t", -1);
		guint32 first = (guint32)g_ascii_strtoull(field[1], NULL, 10);
		guint32 last = (guint32)g_ascii_strtoull(field[2], NULL, 10);
		g_autofree char *name = g_strdup_printf("%s-%u.csv", field[0], first);
		g_autofree char *path = g_build_filename(directory, sim_pen_serial(pen), name, NULL);
		g_autoptr(GArray) given = sample_csv_read(path, NULL);
		g_autoptr(GArray) held = decode(pen, first, last);

		assert_non_null(given);
		assert_int_equal(given->len, held->len);
		for (guint j = 0; j < held->len; j++)
			assert_true(samples_equal(&g_array_index(given, struct stp_sample, j),
						  &g_array_index(held, struct stp_sample, j)));
	}
	remove_directory(directory);
}

static void
records_tell_who_they_are_and_come_in_order(void **state)
{
	g_autoptr(SimPen) pen = new_pen(NULL, 0);
	SimFlash *flash = sim_pen_flash(pen);
	SimStory story = short_story(20);
	guint64 last_tick = 0;
	guint32 last_boot = 0;
	guint events = 0, seals = 0;

	tell(&story, pen, NULL);
	for (guint32 number = 1; number <= sim_flash_newest(flash); number++) {
		const SimRecord *record = sim_flash_get(flash, number);
		struct stp_record_head head;
		guint32 crc32c;

		assert_int_equal(stp_record_check(record->raw->data, record->raw->len, &crc32c), STP_OK);
		assert_int_equal(stp_record_read_head(record->raw->data, record->raw->len, &head), STP_OK);
		assert_string_equal(head.serial, sim_pen_serial(pen));
		assert_int_equal(head.epoch, sim_flash_epoch(flash));
		assert_int_equal(head.number, number);
		assert_int_equal(record->entry.record, number);
		assert_int_equal(record->entry.boot_id, head.boot_id);
		assert_int_equal(record->entry.start_tick_ms, head.start_tick_ms);
		assert_int_equal(record->entry.type, head.type);
		assert_int_equal(record->entry.length, record->raw->len);
		assert_int_equal(record->entry.crc32c, crc32c);
		assert_true(head.boot_id > last_boot ||
			    (head.boot_id == last_boot && head.start_tick_ms >= last_tick));
		last_boot = head.boot_id;
		last_tick = head.start_tick_ms;
		events += head.type == STP_RECORD_EVENT;
		seals += head.type == STP_RECORD_SEAL;
	}
	assert_int_equal(sim_flash_sessions(flash), 20);
	assert_int_equal(seals, 20);
	assert_int_equal(sim_flash_newest(flash), 20 + seals + events);
	assert_int_equal(last_boot, sim_pen_boot_id(pen));
	assert_int_equal(sim_flash_get(flash, 1)->entry.boot_id, sim_pen_boot_id(pen) - 2);
	assert_true(sim_pen_tick_ms(pen) > last_tick);
}

static void
the_same_seed_makes_the_same_flash(void **state)
{
	g_autoptr(SimPen) one = new_pen(NULL, 0);
	g_autoptr(SimPen) two = new_pen(NULL, 0);
	SimStory story = short_story(5);

	tell(&story, one, NULL);
	tell(&story, two, NULL);
	assert_int_equal(sim_flash_newest(sim_pen_flash(one)), sim_flash_newest(sim_pen_flash(two)));
	for (guint32 number = 1; number <= sim_flash_newest(sim_pen_flash(one)); number++) {
		const SimRecord *a = sim_flash_get(sim_pen_flash(one), number);
		const SimRecord *b = sim_flash_get(sim_pen_flash(two), number);

		assert_int_equal(a->raw->len, b->raw->len);
		assert_memory_equal(a->raw->data, b->raw->data, a->raw->len);
	}
}

static void
a_long_session_is_split_into_parts(void **state)
{
	g_autoptr(SimPen) pen = new_pen(NULL, 1500);
	g_autoptr(GArray) samples = g_array_new(FALSE, TRUE, sizeof(struct stp_sample));
	g_autoptr(GArray) held = NULL;
	SimSession session = { .period_ms = 10,
			       .boot_id = 3,
			       .start_tick_ms = 5000,
			       .set_depth_min_um = STP_ABSENT,
			       .set_depth_max_um = STP_ABSENT,
			       .set_rate_dhz = STP_ABSENT };
	SimSpan span;

	for (guint i = 0; i < 4000; i++) {
		struct stp_sample sample = { .t_ms = 10 * i,
					     .depth_um = (guint16)(i % 5001),
					     .rate_dhz = 600,
					     .current_ma = STP_ABSENT };

		g_array_append_val(samples, sample);
	}
	session.samples = &g_array_index(samples, struct stp_sample, 0);
	session.count = samples->len;
	assert_true(sim_pen_add_session(pen, &session, &span, NULL));
	assert_int_equal(span.first, 1);
	assert_int_equal(span.last, 3);
	held = decode(pen, 1, 3);
	assert_int_equal(held->len, 4000);
	for (guint32 number = 1; number <= 3; number++) {
		static const guint counts[] = { 1500, 1500, 1000 };
		const SimRecord *record = sim_flash_get(sim_pen_flash(pen), number);
		const struct stp_session_part *part;
		struct stp_record *decoded;

		assert_int_equal(stp_record_decode(record->raw->data, record->raw->len, &decoded), STP_OK);
		part = stp_record_session(decoded);
		assert_int_equal(part->session_no, 1);
		assert_int_equal(part->part, number - 1);
		assert_int_equal(part->last, number == 3);
		assert_int_equal(part->sample_count, counts[number - 1]);
		assert_int_equal(part->duration_ms, 10 * counts[number - 1]);
		assert_int_equal(part->motor_on_ms, 10 * counts[number - 1]);
		assert_int_equal(part->strokes, 60 * counts[number - 1] / 100);
		assert_int_equal(stp_record_head(decoded)->start_tick_ms, 5000 + 15000 * (number - 1));
		stp_record_free(decoded);
	}
}

static void
a_session_without_samples_is_one_record(void **state)
{
	g_autoptr(SimPen) pen = new_pen(NULL, 0);
	const SimSession session = { .period_ms = 10, .boot_id = 3 };
	const SimRecord *record;
	SimSpan span;

	assert_true(sim_pen_add_session(pen, &session, &span, NULL));
	assert_int_equal(span.last, 1);
	record = sim_flash_get(sim_pen_flash(pen), 1);
	assert_int_equal(stp_record_validate(record->raw->data, record->raw->len, NULL), STP_OK);
}

static void
a_pen_comes_back_from_its_state(void **state)
{
	g_autofree char *directory = make_directory();
	g_autoptr(SimPen) before = new_pen(directory, 0);
	g_autoptr(SimPen) after = NULL;
	SimStory story = short_story(4);
	static const guint8 hello[] = { STP_OP_HELLO, 1, 'c', 'o', 'l', 'l', 'e', 'c', 't', 'r' };
	guint8 ack[STP_CONTROL_SIZE_MAX];
	struct stp_request request = { .op = STP_OP_ACK, .token = 2 };
	struct stp_pen_output output;
	size_t size;

	assert_false(sim_pen_is_restored(before));
	tell(&story, before, NULL);
	stp_pen_connected(sim_pen_engine(before), 247);
	stp_pen_control(sim_pen_engine(before), hello, sizeof hello);
	stp_pen_poll(sim_pen_engine(before), &output);
	request.u.ack.epoch = sim_flash_epoch(sim_pen_flash(before));
	request.u.ack.from = 1;
	request.u.ack.to = 2;
	assert_int_equal(stp_request_encode(&request, ack, &size), STP_OK);
	stp_pen_control(sim_pen_engine(before), ack, size);
	stp_pen_poll(sim_pen_engine(before), &output);

	after = new_pen(directory, 0);
	assert_true(sim_pen_is_restored(after));
	assert_int_equal(sim_pen_boot_id(after), sim_pen_boot_id(before) + 1);
	assert_true(sim_pen_tick_ms(after) < 60000);
	assert_int_equal(sim_flash_epoch(sim_pen_flash(after)), sim_flash_epoch(sim_pen_flash(before)));
	assert_int_equal(sim_flash_sessions(sim_pen_flash(after)), 4);
	assert_int_equal(sim_flash_newest(sim_pen_flash(after)), sim_flash_newest(sim_pen_flash(before)));
	for (guint32 number = 1; number <= sim_flash_newest(sim_pen_flash(after)); number++) {
		const SimRecord *a = sim_flash_get(sim_pen_flash(before), number);
		const SimRecord *b = sim_flash_get(sim_pen_flash(after), number);

		assert_int_equal(a->entry.start_tick_ms, b->entry.start_tick_ms);
		assert_int_equal(a->entry.boot_id, b->entry.boot_id);
		assert_int_equal(a->entry.crc32c, b->entry.crc32c);
		assert_int_equal(a->raw->len, b->raw->len);
		assert_memory_equal(a->raw->data, b->raw->data, a->raw->len);
	}
	assert_true(sim_pen_engine(after)->slots[0].used);
	assert_int_equal(sim_pen_engine(after)->slots[0].mark, 2);
	assert_memory_equal(sim_pen_engine(after)->slots[0].collector_id, hello + 2, STP_COLLECTOR_ID_SIZE);
	assert_int_equal(stp_pen_slots_with_news(sim_pen_engine(after)), 1);
	remove_directory(directory);
}

/* ---- faults ---- */

/* Commit one fault in record 1 of a fresh pen, which is a session; before: as it was. */
static SimPen *
damaged(SimRecordFault fault, GByteArray **before, struct stp_entry *entry)
{
	SimPen *pen = new_pen(NULL, 0);
	SimStory story = short_story(2);
	SimRecord *record;

	tell(&story, pen, NULL);
	record = sim_flash_get(sim_pen_flash(pen), 1);
	*before = g_byte_array_new();
	g_byte_array_append(*before, record->raw->data, record->raw->len);
	*entry = record->entry;
	assert_true(sim_fault_commit(fault, record, NULL));
	return pen;
}

static void
flip_turns_one_bit_and_nothing_else(void **state)
{
	g_autoptr(GByteArray) before = NULL;
	struct stp_entry entry;
	g_autoptr(SimPen) pen = damaged(SIM_FAULT_FLIP, &before, &entry);
	const SimRecord *record = sim_flash_get(sim_pen_flash(pen), 1);
	guint32 crc32c;
	guint bits = 0;

	assert_int_equal(record->raw->len, before->len);
	for (guint i = 0; i < before->len; i++)
		bits += (guint)__builtin_popcount(before->data[i] ^ record->raw->data[i]);
	assert_int_equal(bits, 1);
	assert_memory_equal(&record->entry, &entry, sizeof entry);
	assert_int_equal(stp_record_check(record->raw->data, record->raw->len, &crc32c), STP_ERR_CRC);
}

static void
truncate_cuts_the_record_and_its_length(void **state)
{
	g_autoptr(GByteArray) before = NULL;
	struct stp_entry entry;
	g_autoptr(SimPen) pen = damaged(SIM_FAULT_TRUNCATE, &before, &entry);
	const SimRecord *record = sim_flash_get(sim_pen_flash(pen), 1);

	assert_int_equal(record->raw->len, before->len / 2);
	assert_memory_equal(record->raw->data, before->data, record->raw->len);
	assert_int_equal(record->entry.length, before->len / 2);
	assert_int_equal(record->entry.crc32c, entry.crc32c);
}

static void
bad_depth_is_out_of_range_with_sound_checksums(void **state)
{
	g_autoptr(GByteArray) before = NULL;
	struct stp_entry entry;
	g_autoptr(SimPen) pen = damaged(SIM_FAULT_BAD_DEPTH, &before, &entry);
	const SimRecord *record = sim_flash_get(sim_pen_flash(pen), 1);
	struct stp_record_fault fault = { 0 };
	struct stp_record_head head;
	struct stp_record *decoded;
	guint32 crc32c;

	assert_int_equal(stp_record_check(record->raw->data, record->raw->len, &crc32c), STP_OK);
	assert_int_equal(record->entry.crc32c, crc32c);
	assert_int_equal(record->entry.length, record->raw->len);
	assert_int_equal(stp_record_read_head(record->raw->data, record->raw->len, &head), STP_OK);
	assert_int_equal(head.number, 1);
	assert_int_equal(stp_record_validate(record->raw->data, record->raw->len, &fault), STP_ERR_RANGE);
	assert_int_equal(stp_record_decode(record->raw->data, record->raw->len, &decoded), STP_OK);
	assert_int_equal(fault.block, stp_record_block_count(decoded) - 1);
	stp_record_free(decoded);
}

static void
unknown_type_is_whole_but_unknown(void **state)
{
	g_autoptr(GByteArray) before = NULL;
	struct stp_entry entry;
	g_autoptr(SimPen) pen = damaged(SIM_FAULT_UNKNOWN_TYPE, &before, &entry);
	const SimRecord *record = sim_flash_get(sim_pen_flash(pen), 1);
	struct stp_record_head head;
	struct stp_record *decoded;
	guint32 crc32c;

	assert_int_equal(stp_record_check(record->raw->data, record->raw->len, &crc32c), STP_OK);
	assert_int_equal(record->entry.crc32c, crc32c);
	assert_int_equal(record->entry.type, SIM_UNKNOWN_TYPE);
	assert_int_equal(stp_record_read_head(record->raw->data, record->raw->len, &head), STP_OK);
	assert_int_equal(head.type, SIM_UNKNOWN_TYPE);
	assert_int_equal(stp_record_decode(record->raw->data, record->raw->len, &decoded), STP_ERR_UNKNOWN);
}

static void
faults_strike_the_records_they_name(void **state)
{
	g_autoptr(SimPen) pen = new_pen(NULL, 0);
	g_autoptr(SimFaults) faults = sim_faults_new();
	SimStory story = short_story(3);
	guint damaged_records = 0;

	assert_true(sim_faults_parse(faults, "flip", "1:2", NULL));
	assert_true(sim_faults_parse(faults, "flip", "2:1", NULL));
	assert_true(sim_faults_parse(faults, "flip", "1:1000", NULL));
	assert_int_equal(sim_faults_highest_pen(faults), 2);
	tell(&story, pen, NULL);
	assert_true(sim_faults_strike(faults, 1, pen, NULL));
	assert_true(sim_faults_strike(faults, 1, pen, NULL));
	for (guint32 number = 1; number <= sim_flash_newest(sim_pen_flash(pen)); number++) {
		const SimRecord *record = sim_flash_get(sim_pen_flash(pen), number);
		guint32 crc32c;

		damaged_records += stp_record_check(record->raw->data, record->raw->len, &crc32c) != STP_OK;
	}
	assert_int_equal(damaged_records, 1);
	assert_true(sim_faults_waiting(faults, 1));
	assert_true(sim_faults_waiting(faults, 2));
	assert_false(sim_faults_waiting(faults, 3));
}

static void
misspelt_faults_are_refused_with_a_hint(void **state)
{
	static const char *const wrong[][2] = {
		{ "flip", "1" },
		{ "flip", "0:1" },
		{ "flip", "1:0" },
		{ "flip", "1:1:always" },
		{ "flip", "" },
		{ "drop-after", "1:x" },
		{ "drop-after", "1:5:ever" },
		{ "lose-segment", "1:1" },
		{ "stray-answer", "x" },
		{ "melt", "1:1" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(SimFaults) faults = sim_faults_new();
		g_autoptr(GError) error = NULL;

		assert_false(sim_faults_parse(faults, wrong[i][0], wrong[i][1], &error));
		assert_true(g_error_matches(error, SIM_ERROR, SIM_ERROR_USAGE));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_truth_is_what_the_records_hold),
		cmocka_unit_test(records_tell_who_they_are_and_come_in_order),
		cmocka_unit_test(the_same_seed_makes_the_same_flash),
		cmocka_unit_test(a_long_session_is_split_into_parts),
		cmocka_unit_test(a_session_without_samples_is_one_record),
		cmocka_unit_test(a_pen_comes_back_from_its_state),
		cmocka_unit_test(flip_turns_one_bit_and_nothing_else),
		cmocka_unit_test(truncate_cuts_the_record_and_its_length),
		cmocka_unit_test(bad_depth_is_out_of_range_with_sound_checksums),
		cmocka_unit_test(unknown_type_is_whole_but_unknown),
		cmocka_unit_test(faults_strike_the_records_they_name),
		cmocka_unit_test(misspelt_faults_are_refused_with_a_hint),
	};

	seed = test_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

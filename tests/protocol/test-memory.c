/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * Every allocation of the library fails in turn: nothing is leaked, nothing half done.  The
 * library this is linked with has malloc and its kin replaced by the functions here.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/errand.h>
#include <stipple/panel.h>
#include <stipple/record.h>

#include "host-bench.h"

#define NEVER (~0u)
#define LARGE 20000u	/* more than a fresh engine has room for */
#define SMALL 100u

void *failing_malloc(size_t size);
void *failing_calloc(size_t count, size_t size);
void *failing_realloc(void *memory, size_t size);
void failing_free(void *memory);

static unsigned until_failure = NEVER;	/* allocations that go well */
static unsigned alive, asked;

static bool
fails(void)
{
	asked++;
	if (until_failure == NEVER)
		return false;
	if (!until_failure)
		return true;
	until_failure--;
	return false;
}

static void *
counted(void *memory)
{
	alive += memory != NULL;
	return memory;
}

void *
failing_malloc(size_t size)
{
	return fails() ? NULL : counted(malloc(size));
}

void *
failing_calloc(size_t count, size_t size)
{
	return fails() ? NULL : counted(calloc(count, size));
}

void *
failing_realloc(void *memory, size_t size)
{
	void *moved;

	if (fails())
		return NULL;
	moved = realloc(memory, size);
	alive += moved && !memory;
	return moved;
}

void
failing_free(void *memory)
{
	alive -= memory != NULL;
	free(memory);
}

static int
tear_down(void **state)
{
	until_failure = NEVER;
	return alive == 0 ? 0 : -1;
}

/* ---- the engines ---- */

static void
an_engine_is_made_whole_or_not_at_all(void **state)
{
	const struct stp_host_config host_config = { 0 };
	const struct stp_errand_config errand_config = { 0 };
	const struct stp_panel_config panel_config = { 0 };

	until_failure = 0;
	assert_null(stp_host_new(&host_config));
	assert_null(stp_errand_new(&errand_config));
	assert_null(stp_panel_new(&panel_config));
	assert_int_equal(asked, 3);
	assert_int_equal(alive, 0);
	stp_host_free(NULL);
	stp_errand_free(NULL);
	stp_panel_free(NULL);
}

static void
a_wish_of_a_newer_program_is_not_half_granted(void **state)
{
	struct {
		struct stp_host_config known;
		uint8_t newer[8];
	} config = { .newer = { 1 } };

	assert_null(stp_host_new_sized(&config.known, sizeof(config)));
	assert_int_equal(alive, 0);
}

static void
a_list_without_memory_ends_the_dialogue(void **state)
{
	static const struct stp_range everything[] = { { 1, 2 } };
	static struct host_bench bench;

	host_bench_init(&bench, 0);
	open_dialogue(&bench, 1, 2, everything, 1);
	until_failure = 0;
	expect_failed(&bench, STP_ERR_MEMORY, STP_OP_GET_STATE, 0);
	host_bench_clear(&bench);
}

static void
a_record_without_memory_does_not_keep_the_others(void **state)
{
	static const struct stp_range everything[] = { { 1, 2 } };
	static struct host_bench bench;
	const uint32_t one[] = { 1 }, two[] = { 2 };
	struct stp_entry entry;
	uint32_t epoch;
	size_t size;

	host_bench_init(&bench, 0);
	open_dialogue(&bench, 1, 2, everything, 1);
	serve_list(&bench, 2, 2, two, 1, LARGE);
	until_failure = 0;
	expect_given_up(&bench, 2, STP_ERR_MEMORY, 0);
	assert_null(stp_host_arrived(bench.host, &entry, &epoch, &size));
	/* What fits into the room there is needs no more. */
	serve_list(&bench, 1, 1, one, 1, SMALL);
	serve_record(&bench, 1, SMALL);
	expect_done(&bench);
	host_bench_clear(&bench);
}

static void
an_engine_grows_with_what_it_reads(void **state)
{
	static const struct stp_range everything[] = { { 1, 1 } };
	static struct host_bench bench;
	const uint32_t one[] = { 1 };
	unsigned before = asked;

	host_bench_init(&bench, 0);
	assert_int_equal(asked - before, 1);
	open_dialogue(&bench, 1, 1, everything, 1);
	serve_list(&bench, 1, 1, one, 1, LARGE);
	assert_int_equal(asked - before, 2);
	expect(&bench, STP_HOST_BEGIN);
	assert_int_equal(asked - before, 3);
	assert_int_equal(alive, 2);
	host_bench_clear(&bench);
}

/* ---- records ---- */

static uint8_t raw[4096];

/* A session of three blocks, each longer than the one before: room for samples is asked for three times. */
static size_t
make_record(void)
{
	const struct stp_record_head head = { .serial = "S1", .epoch = 1, .number = 1,
		.type = STP_RECORD_SESSION, .schema_rev = 1 };
	const struct stp_session_part part = { .session_no = 1, .last = true, .period_ms = 10,
		.sample_count = 60, .cartridge_uid = { 1 }, .cartridge_uid_size = 1, .has_session_tag = true,
		.set_depth_min_um = STP_ABSENT, .set_depth_max_um = STP_ABSENT,
		.set_rate_dhz = STP_ABSENT };
	uint8_t block[STP_BLOCK_SIZE_MAX(30)];
	struct stp_block_encoder encoder;
	struct stp_record_writer writer;
	struct stp_sample sample = { .depth_um = 500, .rate_dhz = 1000, .current_ma = STP_ABSENT };
	size_t size;

	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_session(&writer, &part);
	stp_block_encoder_init(&encoder);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(stp_block_encoder_begin(&encoder, 10, block, sizeof(block)), STP_OK);
		for (unsigned k = 0; k < 10 * (i + 1); k++, sample.t_ms += 10)
			assert_int_equal(stp_block_encoder_add(&encoder, &sample), STP_OK);
		assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
		stp_record_put_block(&writer, block, size);
	}
	assert_int_equal(stp_record_finish(&writer, &size), STP_OK);
	return size;
}

static void
a_record_is_decoded_whole_or_not_at_all(void **state)
{
	size_t size = make_record();
	enum stp_status status = STP_ERR_MEMORY;
	unsigned allowed = 0;

	for (; status; allowed++) {
		struct stp_record *record = NULL;

		assert_true(allowed < 1000);
		until_failure = allowed;
		status = stp_record_decode(raw, size, &record);
		if (status) {
			assert_int_equal(status, STP_ERR_MEMORY);
			assert_null(record);
			assert_int_equal(alive, 0);
		}
		stp_record_free(record);
		assert_int_equal(alive, 0);
	}
	assert_true(allowed > 4);
}

static void
a_record_is_not_judged_without_memory(void **state)
{
	size_t size = make_record();
	enum stp_status status = STP_ERR_MEMORY;
	unsigned allowed = 0;

	for (; status; allowed++) {
		struct stp_record_fault fault = { STP_OK, 0, NULL };

		assert_true(allowed < 1000);
		until_failure = allowed;
		status = stp_record_validate(raw, size, &fault);
		if (status) {
			assert_int_equal(status, STP_ERR_MEMORY);
			assert_int_equal(fault.status, STP_ERR_MEMORY);
		}
		assert_int_equal(alive, 0);
	}
	assert_true(allowed > 10);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_engine_is_made_whole_or_not_at_all),
		TEST(a_wish_of_a_newer_program_is_not_half_granted),
		TEST(a_list_without_memory_ends_the_dialogue),
		TEST(a_record_without_memory_does_not_keep_the_others),
		TEST(an_engine_grows_with_what_it_reads),
		TEST(a_record_is_decoded_whole_or_not_at_all),
		TEST(a_record_is_not_judged_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/crc32c.h>
#include <stipple/record.h>

#include "sample-check.h"
#include "session-generator.h"
#include "test-seed.h"

#define SAMPLES 2000
#define BLOCK 512

static uint8_t raw[STP_RECORD_SIZE_MAX + 64];

static struct stp_record_head
a_head(uint8_t type)
{
	return (struct stp_record_head){ .serial = "DP-2044-0017", .epoch = 0xC0FFEE01, .number = 42,
		.boot_id = 7, .start_tick_ms = (UINT64_C(1) << 47) + 5, .type = type,
		.schema_rev = 1, .firmware = "2.4.1" };
}

static struct stp_session_part
a_part(uint32_t samples)
{
	return (struct stp_session_part){ .session_no = 3, .part = 1, .last = true, .period_ms = 10,
		.duration_ms = 20000, .motor_on_ms = 19000, .strokes = 2300, .sample_count = samples,
		.set_depth_min_um = 500, .set_depth_max_um = 1500, .set_rate_dhz = STP_ABSENT,
		.needles = 12, .cartridge_uid = { 4, 0, 255 }, .cartridge_uid_size = 3 };
}

static void
seal(uint8_t *bytes, size_t size)
{
	uint32_t crc = stp_crc32c(0, bytes, size - 4);

	for (unsigned i = 0; i < 4; i++)
		bytes[size - 4 + i] = (uint8_t)(crc >> 8 * i);
}

static void
put_blocks(struct stp_record_writer *writer, const struct stp_sample *samples, size_t count)
{
	uint8_t block[STP_BLOCK_SIZE_MAX(BLOCK)];
	struct stp_block_encoder encoder;

	stp_block_encoder_init(&encoder);
	for (size_t i = 0; i < count; ) {
		size_t size;

		assert_int_equal(stp_block_encoder_begin(&encoder, 10, block, sizeof(block)), STP_OK);
		for (size_t end = i + BLOCK; i < end && i < count; i++)
			assert_int_equal(stp_block_encoder_add(&encoder, &samples[i]), STP_OK);
		assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
		stp_record_put_block(writer, block, size);
	}
}

static void
make_samples(struct stp_sample *samples)
{
	struct session_plan plan = session_plan_default(SESSION_WHITE, 11, SAMPLES);

	session_generate(&plan, samples, NULL);
}

/* A session record in raw; what it claims of its samples may be wrong on purpose. */
static size_t
make_session(const struct stp_sample *samples, size_t count, uint32_t claimed)
{
	struct stp_record_head head = a_head(STP_RECORD_SESSION);
	struct stp_session_part part = a_part(claimed);
	struct stp_record_writer writer;
	size_t size;

	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_session(&writer, &part);
	put_blocks(&writer, samples, count);
	assert_int_equal(stp_record_finish(&writer, &size), STP_OK);
	return size;
}

static void
check_head(const struct stp_record_head *head, uint8_t type)
{
	struct stp_record_head wanted = a_head(type);

	assert_string_equal(head->serial, wanted.serial);
	assert_int_equal(head->epoch, wanted.epoch);
	assert_int_equal(head->number, wanted.number);
	assert_int_equal(head->boot_id, wanted.boot_id);
	assert_true(head->start_tick_ms == wanted.start_tick_ms);
	assert_int_equal(head->type, wanted.type);
	assert_int_equal(head->schema_rev, wanted.schema_rev);
	assert_string_equal(head->firmware, wanted.firmware);
}

static void
a_session_comes_back(void **state)
{
	static struct stp_sample samples[SAMPLES], out[SAMPLES];
	struct stp_session_part wanted = a_part(SAMPLES);
	struct stp_record *record = NULL;
	const struct stp_session_part *part;
	size_t size, total = 0;

	make_samples(samples);
	size = make_session(samples, SAMPLES, SAMPLES);
	assert_int_equal(stp_record_decode(raw, size, &record), STP_OK);
	check_head(stp_record_head(record), STP_RECORD_SESSION);
	assert_null(stp_record_event(record));
	part = stp_record_session(record);
	assert_non_null(part);
	assert_memory_equal(part->cartridge_uid, wanted.cartridge_uid, sizeof(wanted.cartridge_uid));
	assert_int_equal(part->cartridge_uid_size, 3);
	assert_int_equal(part->session_no, 3);
	assert_int_equal(part->part, 1);
	assert_true(part->last);
	assert_int_equal(part->period_ms, 10);
	assert_int_equal(part->duration_ms, 20000);
	assert_int_equal(part->motor_on_ms, 19000);
	assert_int_equal(part->strokes, 2300);
	assert_int_equal(part->sample_count, SAMPLES);
	assert_int_equal(part->set_depth_min_um, 500);
	assert_int_equal(part->set_depth_max_um, 1500);
	assert_int_equal(part->set_rate_dhz, STP_ABSENT);
	assert_int_equal(part->needles, 12);
	assert_int_equal(stp_record_block_count(record), (SAMPLES + BLOCK - 1) / BLOCK);
	for (size_t i = 0; i < stp_record_block_count(record); i++) {
		const uint8_t *block = stp_record_block(record, i, &size);
		size_t count;

		assert_int_equal(stp_block_decode(block, size, out + total, SAMPLES - total, &count),
				 STP_OK);
		total += count;
	}
	for (size_t i = 0; i < SAMPLES; i++)
		assert_true(samples_equal(&samples[i], &out[i]));
	assert_null(stp_record_block(record, stp_record_block_count(record), &size));
	stp_record_free(record);
	stp_record_free(NULL);
}

static void
an_event_comes_back(void **state)
{
	struct stp_record_head head = a_head(STP_RECORD_EVENT);
	struct stp_event event = { .event_no = 9, .code = 65535, .arg = UINT32_MAX, .severity = 3 };
	struct stp_record_writer writer;
	struct stp_record *record = NULL;
	size_t size;

	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_event(&writer, &event);
	assert_int_equal(stp_record_finish(&writer, &size), STP_OK);
	assert_int_equal(stp_record_validate(raw, size, NULL), STP_OK);
	assert_int_equal(stp_record_decode(raw, size, &record), STP_OK);
	check_head(stp_record_head(record), STP_RECORD_EVENT);
	assert_null(stp_record_session(record));
	assert_int_equal(stp_record_event(record)->event_no, 9);
	assert_int_equal(stp_record_event(record)->code, 65535);
	assert_true(stp_record_event(record)->arg == UINT32_MAX);
	assert_int_equal(stp_record_event(record)->severity, 3);
	assert_int_equal(stp_record_block_count(record), 0);
	stp_record_free(record);
}

static void
an_unknown_type_keeps_its_head(void **state)
{
	struct stp_record_head head = a_head(200), read;
	struct stp_record_writer writer;
	struct stp_record *record = NULL;
	struct stp_record_fault fault;
	size_t size;

	stp_record_begin(&writer, raw, sizeof(raw), &head);
	assert_int_equal(stp_record_finish(&writer, &size), STP_OK);
	assert_int_equal(stp_record_decode(raw, size, &record), STP_ERR_UNKNOWN);
	assert_null(record);
	assert_int_equal(stp_record_read_head(raw, size, &read), STP_OK);
	check_head(&read, 200);
	assert_int_equal(stp_record_validate(raw, size, &fault), STP_ERR_UNKNOWN);
	assert_int_equal(fault.status, STP_ERR_UNKNOWN);
	assert_int_equal(fault.block, -1);
}

static void
every_flipped_bit_is_refused(void **state)
{
	static struct stp_sample samples[SAMPLES];
	struct stp_record *record = NULL;
	size_t size;

	make_samples(samples);
	size = make_session(samples, 300, 300);
	for (size_t bit = 0; bit < size * 8; bit++) {
		raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(stp_record_decode(raw, size, &record), STP_ERR_CRC);
		raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_null(record);
}

static void
every_truncation_is_refused(void **state)
{
	static struct stp_sample samples[SAMPLES];
	struct stp_record_head head;
	size_t size;

	make_samples(samples);
	size = make_session(samples, 300, 300);
	for (size_t cut = 0; cut < size; cut++) {
		struct stp_record *record = NULL;
		uint8_t *copy = malloc(cut + 1);

		memcpy(copy, raw, cut);
		assert_int_equal(stp_record_decode(copy, cut, &record),
				 cut <= 4 ? STP_ERR_TRUNCATED : STP_ERR_CRC);
		assert_null(record);
		/* Cut by a pen that then sealed it: some cuts fall between two fields. */
		if (cut > 4) {
			seal(copy, cut);
			if (stp_record_decode(copy, cut, &record) == STP_OK)
				assert_int_not_equal(stp_record_validate(copy, cut, NULL), STP_OK);
			stp_record_free(record);
			if (stp_record_read_head(copy, cut, &head) == STP_OK)
				assert_string_equal(head.serial, "DP-2044-0017");
		}
		free(copy);
	}
}

static void
sealed_mutations_do_no_harm(void **state)
{
	static struct stp_sample samples[SAMPLES];
	struct session_random random = { test_seed() };
	size_t size, decoded = 0;
	uint8_t *whole;

	make_samples(samples);
	size = make_session(samples, 100, 100);
	whole = malloc(size);
	memcpy(whole, raw, size);
	for (unsigned round = 0; round < 50000; round++) {
		unsigned changes = 1 + session_random_below(&random, 3);
		size_t length = size, where = round % 2 ? size : 120;
		struct stp_record *record = NULL;
		uint8_t *copy;

		if (round % 5 == 0)
			length -= session_random_below(&random, (uint32_t)size - 5);
		if (where > length)
			where = length;
		copy = malloc(length);
		memcpy(copy, whole, length);
		while (changes-- > 0)
			copy[session_random_below(&random, (uint32_t)where)] ^=
				(uint8_t)(1 + session_random_below(&random, 255));
		seal(copy, length);
		if (stp_record_decode(copy, length, &record) == STP_OK) {
			decoded++;
			assert_true(strlen(stp_record_head(record)->serial) <= STP_SERIAL_MAX);
		}
		stp_record_free(record);
		if (stp_record_validate(copy, length, NULL) == STP_OK)
			assert_true(decoded > 0);
		free(copy);
	}
	print_message("%zu of 50000 sealed mutations decoded\n", decoded);
	free(whole);
}

static void
expect_head(struct stp_record_head head, enum stp_status status)
{
	struct stp_record_writer writer;
	size_t size = 1;

	stp_record_begin(&writer, raw, sizeof(raw), &head);
	assert_int_equal(stp_record_finish(&writer, &size), status);
	assert_int_equal(size, 1);
}

static void
the_writer_refuses_what_the_reader_would(void **state)
{
	struct stp_record_head head = a_head(STP_RECORD_SESSION);
	struct stp_session_part part = a_part(0);
	struct stp_record_writer writer;
	size_t size;

	head.epoch = 0;
	expect_head(head, STP_ERR_RANGE);
	head = a_head(STP_RECORD_SESSION), head.number = 0;
	expect_head(head, STP_ERR_RANGE);
	head = a_head(STP_RECORD_SESSION), head.serial[0] = '\0';
	expect_head(head, STP_ERR_MALFORMED);
	head = a_head(STP_RECORD_SESSION), head.serial[2] = '\n';
	expect_head(head, STP_ERR_MALFORMED);
	head = a_head(STP_RECORD_SESSION), memset(head.serial, 'x', sizeof(head.serial));
	expect_head(head, STP_ERR_MALFORMED);
	head = a_head(STP_RECORD_SESSION), head.start_tick_ms = UINT64_C(1) << 48;
	expect_head(head, STP_ERR_RANGE);
	head = a_head(STP_RECORD_SESSION);
	part.set_depth_max_um = STP_DEPTH_MAX_UM + 1;
	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_session(&writer, &part);
	assert_int_equal(stp_record_finish(&writer, &size), STP_ERR_RANGE);
	/* A day at the shortest period. */
	part = a_part(17280001);
	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_session(&writer, &part);
	assert_int_equal(stp_record_finish(&writer, &size), STP_ERR_RANGE);
	part.sample_count--;
	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_session(&writer, &part);
	assert_int_equal(stp_record_finish(&writer, &size), STP_OK);
}

static void
a_record_that_does_not_fit_is_refused(void **state)
{
	struct stp_record_head head = a_head(STP_RECORD_SESSION);
	static uint8_t block[400000];
	struct stp_record_writer writer;
	size_t whole, size;

	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_block(&writer, block, 100);
	assert_int_equal(stp_record_finish(&writer, &whole), STP_OK);
	for (size_t capacity = 0; capacity < whole; capacity++) {
		uint8_t *small = malloc(capacity + 1);

		stp_record_begin(&writer, small, capacity, &head);
		stp_record_put_block(&writer, block, 100);
		assert_int_equal(stp_record_finish(&writer, &size), STP_ERR_SPACE);
		free(small);
	}
	stp_record_begin(&writer, raw, sizeof(raw), &head);
	for (int i = 0; i < 2; i++)
		stp_record_put_block(&writer, block, sizeof(block));
	stp_record_put_block(&writer, block, STP_RECORD_SIZE_MAX - writer.size - 7);
	assert_int_equal(stp_record_finish(&writer, &size), STP_ERR_SPACE);
}

/* Hand-made messages: what follows a valid head. */
static size_t
head_and(const uint8_t *more, size_t size)
{
	struct stp_record_head head = a_head(STP_RECORD_SESSION);
	struct stp_record_writer writer;

	stp_record_begin(&writer, raw, sizeof(raw), &head);
	memcpy(raw + writer.size, more, size);
	seal(raw, writer.size + size + 4);
	return writer.size + size + 4;
}

static enum stp_status
decode_head_and(const void *more, size_t size)
{
	struct stp_record *record = NULL;
	enum stp_status status = stp_record_decode(raw, head_and(more, size), &record);

	stp_record_free(record);
	return status;
}

#define DECODE(...) decode_head_and((const uint8_t[]){ __VA_ARGS__ }, \
				    sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define PART 0x4A, 4, 0x08, 1, 0x20, 10	/* session { session_no 1, period_ms 10 } */

static void
odd_messages_are_named(void **state)
{
	assert_int_equal(DECODE(PART), STP_OK);
	/* fields and types of a later schema */
	assert_int_equal(DECODE(PART, 0xA0, 0x06, 1, 0xAA, 0x06, 2, 'h', 'i', 0xB1, 0x06, 1, 2, 3, 4,
				5, 6, 7, 8, 0xBD, 0x06, 1, 2, 3, 4), STP_OK);
	assert_int_equal(DECODE(PART, 0x38, 0x09), STP_OK);
	/* no session part in a session */
	assert_int_equal(DECODE(0xA0, 0x06, 1), STP_ERR_MALFORMED);
	/* epoch 0; number of 33 bits; serial with a zero byte, of 33 bytes, as a number */
	assert_int_equal(DECODE(PART, 0x10, 0), STP_ERR_RANGE);
	assert_int_equal(DECODE(PART, 0x18, 0x80, 0x80, 0x80, 0x80, 0x10), STP_ERR_RANGE);
	assert_int_equal(DECODE(PART, 0x0A, 3, 'a', 0, 'b'), STP_ERR_MALFORMED);
	assert_int_equal(DECODE(PART, 0x0A, 33, 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a',
		'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a',
		'a', 'a', 'a', 'a', 'a', 'a'), STP_ERR_RANGE);
	assert_int_equal(DECODE(PART, 0x08, 3), STP_ERR_MALFORMED);
	assert_int_equal(DECODE(PART, 0x0A, 1, 0xC3), STP_ERR_MALFORMED);
	/* type 256, type 0, schema 0 */
	assert_int_equal(DECODE(PART, 0x30, 0x80, 0x02), STP_ERR_RANGE);
	assert_int_equal(DECODE(PART, 0x30, 0), STP_ERR_RANGE);
	assert_int_equal(DECODE(PART, 0x38, 0), STP_ERR_RANGE);
	/* cut fields, an endless number, field 0, a group */
	assert_int_equal(DECODE(PART, 0x10), STP_ERR_TRUNCATED);
	assert_int_equal(DECODE(PART, 0x5A, 5, 1), STP_ERR_TRUNCATED);
	assert_int_equal(DECODE(PART, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
				0xFF, 0xFF, 1), STP_ERR_MALFORMED);
	assert_int_equal(DECODE(PART, 0x00, 1), STP_ERR_MALFORMED);
	assert_int_equal(DECODE(PART, 0xA3, 0x06), STP_ERR_MALFORMED);
	/* session { period 4 }, { depth 5001 }, { needles 256 }, { 17 bytes of cartridge }, { part 65536 } */
	assert_int_equal(DECODE(0x4A, 4, 0x08, 1, 0x20, 4), STP_ERR_RANGE);
	assert_int_equal(DECODE(PART, 0x4A, 3, 0x48, 0x89, 0x27), STP_ERR_RANGE);
	assert_int_equal(DECODE(PART, 0x4A, 3, 0x60, 0x80, 0x02), STP_ERR_RANGE);
	assert_int_equal(DECODE(PART, 0x4A, 19, 0x6A, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
				14, 15, 16, 17), STP_ERR_RANGE);
	assert_int_equal(DECODE(PART, 0x4A, 4, 0x10, 0x80, 0x80, 0x04), STP_ERR_RANGE);
}

/* A megabyte of nothing must not cost tens of megabytes of memory. */
static void
p39_a_greedy_record_hits_the_cap(void **state)
{
	size_t fields = 500000;
	uint8_t *more = malloc(fields * 2 + 6);
	static const uint8_t part[] = { PART };

	memcpy(more, part, 6);
	for (size_t i = 0; i < fields; i++) {
		more[6 + 2 * i] = 0x5A;
		more[7 + 2 * i] = 0;
	}
	assert_int_equal(decode_head_and(more, fields * 2 + 6), STP_ERR_MEMORY);
	free(more);
}

static void
expect_fault(size_t size, enum stp_status status, int32_t block, const char *words)
{
	struct stp_record_fault fault = { STP_OK, 99, NULL };

	assert_int_equal(stp_record_validate(raw, size, &fault), status);
	assert_int_equal(fault.status, status);
	assert_int_equal(fault.block, block);
	if (!strstr(fault.reason, words))
		fail_msg("\"%s\" does not say \"%s\"", fault.reason, words);
}

static size_t
put_one_block(const uint8_t *block, size_t size)
{
	struct stp_record_head head = a_head(STP_RECORD_SESSION);
	struct stp_session_part part = a_part(1);
	struct stp_record_writer writer;

	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_session(&writer, &part);
	stp_record_put_block(&writer, block, size);
	assert_int_equal(stp_record_finish(&writer, &size), STP_OK);
	return size;
}

static void
validation_names_the_first_fault(void **state)
{
	static struct stp_sample samples[SAMPLES];
	uint8_t block[STP_BLOCK_SIZE_MAX(1)];
	struct stp_record_fault fault = { STP_OK, 99, NULL };
	size_t size;

	make_samples(samples);
	size = make_session(samples, SAMPLES, SAMPLES);
	assert_int_equal(stp_record_validate(raw, size, &fault), STP_OK);
	assert_int_equal(fault.block, 99);
	size = make_session(samples, SAMPLES, SAMPLES + 1);
	expect_fault(size, STP_ERR_MALFORMED, -1, "number of samples");
	raw[size - 1] ^= 1;
	expect_fault(size, STP_ERR_CRC, -1, "checksum");
	/* More than the record says is not read to its end: the third block would be another fault. */
	samples[2 * BLOCK].t_ms = 3;
	for (size_t i = 2 * BLOCK + 1; i < SAMPLES; i++)
		samples[i].t_ms = samples[i - 1].t_ms + 10;
	expect_fault(make_session(samples, SAMPLES, SAMPLES), STP_ERR_MALFORMED, 2, "time goes back");
	expect_fault(make_session(samples, SAMPLES, BLOCK), STP_ERR_MALFORMED, -1, "number of samples");
	samples[BLOCK].t_ms = 3;
	for (size_t i = BLOCK + 1; i < SAMPLES; i++)
		samples[i].t_ms = samples[i - 1].t_ms + 10;
	expect_fault(make_session(samples, SAMPLES, SAMPLES), STP_ERR_MALFORMED, 1, "time goes back");

	samples[0] = (struct stp_sample){ 0 };
	assert_int_equal(stp_block_encode(samples, 1, 10, block, sizeof(block), &size), STP_OK);
	block[15] = 0x89, block[16] |= 0x13;
	seal(block, size);
	expect_fault(put_one_block(block, size), STP_ERR_RANGE, 0, "out of range");
	block[15] ^= 1;
	expect_fault(put_one_block(block, size), STP_ERR_CRC, 0, "checksum");
	expect_fault(put_one_block(block, 10), STP_ERR_TRUNCATED, 0, "too early");
	expect_fault(put_one_block(block, 0), STP_ERR_TRUNCATED, 0, "too early");
	block[0] = 9;
	seal(block, size);
	expect_fault(put_one_block(block, size), STP_ERR_UNKNOWN, 0, "unknown codec");
}

/* A chained block whose predecessor the record does not have. */
static void
validation_misses_the_block_before(void **state)
{
	static struct stp_sample samples[SAMPLES];
	uint8_t block[STP_BLOCK_SIZE_MAX(1)];
	struct stp_block_encoder encoder;
	size_t size;

	make_samples(samples);
	stp_block_encoder_init(&encoder);
	assert_int_equal(stp_block_encoder_begin(&encoder, 10, block, sizeof(block)), STP_OK);
	assert_int_equal(stp_block_encoder_add(&encoder, &samples[0]), STP_OK);
	assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
	assert_int_equal(stp_block_encoder_begin_chained(&encoder, block, sizeof(block)), STP_OK);
	assert_int_equal(stp_block_encoder_add(&encoder, &samples[1]), STP_OK);
	assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
	expect_fault(put_one_block(block, size), STP_ERR_ORPHAN, 0, "not there");
}

static void
a_record_above_a_megabyte_is_none(void **state)
{
	struct stp_record *record = NULL;
	struct stp_record_head head;

	assert_int_equal(stp_record_read_head(raw, STP_RECORD_SIZE_MAX + 1, &head), STP_ERR_RANGE);
	assert_int_equal(stp_record_decode(raw, STP_RECORD_SIZE_MAX + 1, &record), STP_ERR_RANGE);
	assert_null(record);
	expect_fault(STP_RECORD_SIZE_MAX + 1, STP_ERR_RANGE, -1, "out of range");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_comes_back),
		cmocka_unit_test(an_event_comes_back),
		cmocka_unit_test(an_unknown_type_keeps_its_head),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(sealed_mutations_do_no_harm),
		cmocka_unit_test(the_writer_refuses_what_the_reader_would),
		cmocka_unit_test(a_record_that_does_not_fit_is_refused),
		cmocka_unit_test(odd_messages_are_named),
		cmocka_unit_test(p39_a_greedy_record_hits_the_cap),
		cmocka_unit_test(validation_names_the_first_fault),
		cmocka_unit_test(validation_misses_the_block_before),
		cmocka_unit_test(a_record_above_a_megabyte_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/crc32c.h>
#include <stipple/record.h>

#include "vector-file.h"

/* What was found, in the words of the vector files. */
static char found[1 << 18];
static size_t found_size;

__attribute__((format(printf, 1, 2)))
static void
say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	found_size += (size_t)vsnprintf(found + found_size, sizeof(found) - found_size, format,
					arguments);
	va_end(arguments);
	assert_true(found_size < sizeof(found));
}

static void
say_value(uint16_t value, const char *end)
{
	if (value == STP_ABSENT)
		say("-%s", end);
	else
		say("%u%s", value, end);
}

static void
say_hex(const char *name, const uint8_t *bytes, size_t size)
{
	say("%s=", name);
	for (size_t i = 0; i < size; i++)
		say("%02x", bytes[i]);
}

static void
expect(const struct vector *vector)
{
	found_size = 0;
	if (strcmp(found, vector->expectation) != 0)
		fail_msg("%s: found \"%s\" where \"%s\" was expected", vector->name, found,
			 vector->expectation);
}

static void
use_crc(const struct vector *vector)
{
	say("%08" PRIx32, stp_crc32c(0, vector->bytes, vector->size));
	expect(vector);
}

static bool
is_named(const struct vector *vector, const char *prefix)
{
	return strncmp(vector->name, prefix, strlen(prefix)) == 0;
}

/* What our own encoder makes of the samples must be the same bytes, unless marked otherwise. */
static void
encode_again(const struct vector *vector, const struct stp_sample *samples, size_t count,
	     const struct stp_block_info *info)
{
	static struct stp_block_encoder encoder;
	size_t capacity = STP_BLOCK_SIZE_MAX(count), size, taken;
	uint8_t *bytes = malloc(capacity);

	if (info->codec == STP_CODEC_CHAINED) {
		assert_int_equal(stp_block_encoder_begin_chained(&encoder, bytes, capacity), STP_OK);
	} else {
		stp_block_encoder_init(&encoder);
		assert_int_equal(stp_block_encoder_begin(&encoder, info->period_ms, bytes, capacity), STP_OK);
	}
	assert_int_equal(stp_block_encoder_add_many(&encoder, samples, count, &taken), STP_OK);
	assert_int_equal(stp_block_encoder_finish(&encoder, &size), STP_OK);
	if (size != vector->size || memcmp(bytes, vector->bytes, size) != 0)
		fail_msg("%s: the encoder writes other bytes", vector->name);
	free(bytes);
}

static void
use_block(const struct vector *vector)
{
	static struct stp_sample samples[STP_BLOCK_SAMPLES_MAX];
	static struct stp_block_decoder decoder;
	static unsigned period_ms;
	struct stp_block_info info = { 0 };
	enum stp_status status;
	size_t count = 0;

	/* Blocks named after- go on after the line before them. */
	if (!is_named(vector, "after-"))
		stp_block_decoder_init(&decoder);
	status = stp_block_decoder_next(&decoder, vector->bytes, vector->size, samples,
					STP_BLOCK_SAMPLES_MAX, &count);
	say("%s", stp_status_name(status));
	if (status == STP_OK) {
		assert_int_equal(stp_block_peek(vector->bytes, vector->size, &info), STP_OK);
		if (info.codec != STP_CODEC_CHAINED)
			period_ms = info.period_ms;
		say(" period=%u", period_ms);
	}
	for (size_t i = 0; i < count; i++) {
		say("; %" PRIu32 ",", samples[i].t_ms);
		say_value(samples[i].depth_um, ",");
		say_value(samples[i].rate_dhz, ",");
		say_value(samples[i].current_ma, ",");
		say("%u,%u,%u", samples[i].contact, samples[i].pass, samples[i].zone);
	}
	expect(vector);
	if (status == STP_OK && !is_named(vector, "foreign-") && !is_named(vector, "after-foreign-"))
		encode_again(vector, samples, count, &info);
}

static void
say_session(const struct stp_session_part *part)
{
	say(" session_no=%" PRIu32 " part=%u last=%d period_ms=%u duration_ms=%" PRIu32
	    " motor_on_ms=%" PRIu32 " strokes=%" PRIu32 " sample_count=%" PRIu32, part->session_no,
	    part->part, part->last, part->period_ms, part->duration_ms, part->motor_on_ms,
	    part->strokes, part->sample_count);
	say(" set_depth_min_um=");
	say_value(part->set_depth_min_um, " set_depth_max_um=");
	say_value(part->set_depth_max_um, " set_rate_dhz=");
	say_value(part->set_rate_dhz, "");
	say(" needles=%u cartridge_uid=", part->needles);
	for (unsigned i = 0; i < part->cartridge_uid_size; i++)
		say("%02x", part->cartridge_uid[i]);
	if (part->has_session_tag)
		say_hex(" session_tag", part->session_tag, sizeof(part->session_tag));
}

static void
say_event(const struct stp_event *event)
{
	say(" event_no=%" PRIu32 " code=%u arg=%" PRIu32 " severity=%u", event->event_no, event->code,
	    event->arg, event->severity);
	if (event->utc_ms != 0)
		say(" utc_ms=%" PRIu64 " utc_uncertainty_ms=%" PRIu32, event->utc_ms, event->utc_uncertainty_ms);
}

static void
say_seal(const struct stp_seal *seal)
{
	struct stp_seal_statement statement;

	say_hex(" statement", seal->statement, seal->statement_size);
	say_hex(" signature", seal->signature, sizeof(seal->signature));
	say_hex(" key_id", seal->key_id, sizeof(seal->key_id));
	if (stp_seal_statement_decode(seal->statement, seal->statement_size, &statement) == STP_OK)
		say(" session_no=%" PRIu32 " first=%" PRIu32 " last=%" PRIu32 " records=%" PRIu32
		    " written=%" PRIu32 " counter=%" PRIu64, statement.session_no, statement.first,
		    statement.last, statement.records, statement.written, statement.counter);
}

static void
use_record(const struct vector *vector)
{
	const struct stp_record_head *head;
	const struct stp_session_part *part;
	const struct stp_event *event;
	const struct stp_seal *seal;
	struct stp_record *record = NULL;
	enum stp_status status;

	status = stp_record_validate(vector->bytes, vector->size, NULL);
	say("%s", stp_status_name(status));
	if (status != STP_OK) {
		expect(vector);
		return;
	}
	assert_int_equal(stp_record_decode(vector->bytes, vector->size, &record), STP_OK);
	head = stp_record_head(record);
	part = stp_record_session(record);
	event = stp_record_event(record);
	seal = stp_record_seal(record);
	say(" serial=%s epoch=%" PRIu32 " number=%" PRIu32 " boot_id=%" PRIu32 " start_tick_ms=%" PRIu64
	    " type=%u schema_rev=%u firmware=%s", head->serial, head->epoch, head->number,
	    head->boot_id, head->start_tick_ms, head->type, head->schema_rev, head->firmware);
	if (head->has_prev_hash)
		say_hex(" prev_hash", head->prev_hash, sizeof(head->prev_hash));
	if (part)
		say_session(part);
	if (event)
		say_event(event);
	if (seal)
		say_seal(seal);
	say(" blocks=%zu", stp_record_block_count(record));
	expect(vector);
	stp_record_free(record);
}

static void
checksums_are_as_published(void **state)
{
	assert_true(vector_file_each("crc32c", use_crc) > 0);
}

static void
blocks_are_as_published(void **state)
{
	assert_true(vector_file_each("telemetry-block", use_block) > 0);
}

static void
records_are_as_published(void **state)
{
	assert_true(vector_file_each("record", use_record) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums_are_as_published),
		cmocka_unit_test(blocks_are_as_published),
		cmocka_unit_test(records_are_as_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

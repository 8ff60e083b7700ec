/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/crc32c.h>

#include "chain-model.h"
#include "session-generator.h"

void
chain_log_begin(struct chain_log *log, const char *serial, const char *key, uint32_t epoch)
{
	uint64_t counter = log->counter;

	*log = (struct chain_log){ .epoch = epoch, .counter = counter, .chained = true };
	strcpy(log->serial, serial);
	sealing_key_from_text(&log->key, key);
}

static void
last_hash(const struct chain_log *log, uint8_t hash[STP_RECORD_HASH_SIZE])
{
	const struct chain_item *item = &log->items[log->count - 1];

	sealing_sha256(item->raw, item->size, hash);
}

static struct stp_record_head
next_head(struct chain_log *log, uint8_t type)
{
	struct stp_record_head head = { .epoch = log->epoch, .number = log->newest + 1, .boot_id = 3,
		.start_tick_ms = log->newest * UINT64_C(1000), .type = type, .schema_rev = 1,
		.firmware = "2.4.1" };

	strcpy(head.serial, log->serial);
	if (log->chained && log->count > 0) {
		head.has_prev_hash = true;
		last_hash(log, head.prev_hash);
	}
	return head;
}

static void
finish(struct chain_log *log, struct stp_record_writer *writer, const struct stp_record_head *head)
{
	struct chain_item *item = &log->items[log->count];

	assert_int_equal(stp_record_finish(writer, &item->size), STP_OK);
	item->number = log->newest = head->number;
	log->written++;
	log->count++;
	assert_true(log->count < CHAIN_LOG_MAX);
}

void
chain_log_event(struct chain_log *log)
{
	struct stp_record_head head = next_head(log, STP_RECORD_EVENT);
	struct stp_event event = { .event_no = head.number, .code = STP_EVENT_STALL };
	struct stp_record_writer writer;

	stp_record_begin(&writer, log->items[log->count].raw, CHAIN_RECORD_MAX, &head);
	stp_record_put_event(&writer, &event);
	finish(log, &writer, &head);
}

void
chain_log_part(struct chain_log *log, uint32_t session_no, uint16_t part, bool last)
{
	struct stp_record_head head = next_head(log, STP_RECORD_SESSION);
	struct stp_session_part about = { .session_no = session_no, .part = part, .last = last,
		.period_ms = 10, .set_depth_min_um = STP_ABSENT, .set_depth_max_um = STP_ABSENT,
		.set_rate_dhz = STP_ABSENT };
	struct stp_record_writer writer;

	stp_record_begin(&writer, log->items[log->count].raw, CHAIN_RECORD_MAX, &head);
	stp_record_put_session(&writer, &about);
	finish(log, &writer, &head);
}

struct stp_seal_statement
chain_log_state(struct chain_log *log, uint32_t first, uint32_t last)
{
	struct stp_seal_statement statement = { .epoch = log->epoch, .number = log->newest + 1,
		.first = first, .last = last, .written = log->written, .counter = log->counter + 1 };

	strcpy(statement.serial, log->serial);
	if (first != 0)
		statement.session_no = log->session_no;
	for (size_t i = 0; i < log->count; i++)
		statement.records += log->items[i].number >= first && log->items[i].number <= last;
	if (log->count > 0)
		last_hash(log, statement.prev_hash);
	return statement;
}

void
chain_log_seal(struct chain_log *log, const struct stp_seal_statement *statement)
{
	struct stp_record_head head = next_head(log, STP_RECORD_SEAL);
	struct stp_record_writer writer;
	struct stp_seal seal = { .statement_size = 0 };

	assert_int_equal(stp_seal_statement_encode(statement, &seal), STP_OK);
	sealing_sign(&log->key, &seal);
	log->counter = statement->counter;
	stp_record_begin(&writer, log->items[log->count].raw, CHAIN_RECORD_MAX, &head);
	stp_record_put_seal(&writer, &seal);
	finish(log, &writer, &head);
}

void
chain_log_session(struct chain_log *log, unsigned parts)
{
	struct stp_seal_statement statement;
	uint32_t first = log->newest + 1;

	log->session_no++;
	for (unsigned i = 0; i < parts; i++) {
		if (i > 0)
			chain_log_event(log);
		chain_log_part(log, log->session_no, (uint16_t)i, i + 1 == parts);
	}
	statement = chain_log_state(log, first, log->newest);
	chain_log_seal(log, &statement);
}

void
chain_log_fill(struct chain_log *log, unsigned sessions, uint64_t seed)
{
	struct session_random random = { seed };

	for (unsigned i = 0; i < sessions; i++) {
		for (unsigned events = session_random_below(&random, 3); events > 0; events--)
			chain_log_event(log);
		/* Power was lost while a record was begun. */
		if (session_random_below(&random, 6) == 0)
			log->newest += 1 + session_random_below(&random, 3);
		chain_log_session(log, 1 + session_random_below(&random, 4));
	}
}

void
chain_item_mend(struct chain_item *item)
{
	uint32_t crc = stp_crc32c(0, item->raw, item->size - STP_RECORD_TRAILER_SIZE);

	for (unsigned i = 0; i < STP_RECORD_TRAILER_SIZE; i++)
		item->raw[item->size - STP_RECORD_TRAILER_SIZE + i] = (uint8_t)(crc >> 8 * i);
}

void
chain_item_rewrite(struct chain_item *item, const struct stp_record_head *head)
{
	struct stp_record *record = NULL;
	struct stp_record_writer writer;
	struct chain_item old = *item;

	assert_int_equal(stp_record_decode(old.raw, old.size, &record), STP_OK);
	stp_record_begin(&writer, item->raw, CHAIN_RECORD_MAX, head);
	if (stp_record_session(record))
		stp_record_put_session(&writer, stp_record_session(record));
	if (stp_record_event(record))
		stp_record_put_event(&writer, stp_record_event(record));
	if (stp_record_seal(record))
		stp_record_put_seal(&writer, stp_record_seal(record));
	assert_int_equal(stp_record_finish(&writer, &item->size), STP_OK);
	item->number = head->number;
	stp_record_free(record);
}

void
chain_log_drop(struct chain_log *log, size_t index, size_t count)
{
	memmove(&log->items[index], &log->items[index + count],
		(log->count - index - count) * sizeof(log->items[0]));
	log->count -= count;
}

void
chain_log_insert(struct chain_log *log, size_t index, const struct chain_item *item)
{
	assert_true(log->count + 1 < CHAIN_LOG_MAX);
	memmove(&log->items[index + 1], &log->items[index], (log->count - index) * sizeof(log->items[0]));
	log->items[index] = *item;
	log->count++;
}

void
chain_log_verify(const struct chain_log *log, const uint8_t *key, uint64_t counter_before,
		 struct chain_findings *out)
{
	const struct stp_chain_config config = { .crypto = sealing_crypto(), .key = key,
		.counter_before = counter_before };
	struct stp_chain chain;

	assert_int_equal(stp_chain_init(&chain, &config), STP_OK);
	for (size_t i = 0; i < log->count; i++)
		assert_int_equal(stp_chain_add(&chain, log->items[i].raw, log->items[i].size,
					       &out->reports[i]), STP_OK);
	out->count = log->count;
	stp_chain_summary(&chain, &out->summary);
}

bool
chain_is_proven(const struct chain_findings *found, size_t index)
{
	uint32_t number = found->reports[index].number;

	if (number == 0 || found->reports[index].link == STP_CHAIN_FOREIGN
	    || found->reports[index].link == STP_CHAIN_ORDER)
		return false;
	for (size_t i = index; i < found->count; i++) {
		const struct stp_chain_report *report = &found->reports[i];

		if (report->proven_from != 0 && report->proven_from <= number && number <= report->proven_to)
			return true;
	}
	return false;
}

bool
chain_is_sound(const struct chain_findings *found)
{
	const struct stp_chain_summary *summary = &found->summary;

	/* Nothing vouches for the last seal's own record but its statement. */
	return summary->records == found->count && summary->gaps + summary->broken + summary->across
		+ summary->unchained == 0 && !summary->before_first && summary->seals_refused == 0
		&& summary->lacking == 0 && summary->proven + 1 + summary->tail == summary->records;
}

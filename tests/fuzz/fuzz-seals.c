/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/chain.h>
#include <stipple/crc32c.h>
#include <stipple/record.h>

#include "fuzz-target.h"

/*
 * The bytes tell a pen what to write, and what to do wrong while it does: 8 bytes for each record.  The
 * verifier must say of each what it is, and never prove more than it was given.  The same bytes are read
 * as a seal's statement, too.  The cryptography is a checksum: no fuzzer would find another.
 */

#define STEP 8
#define RECORD_MAX 512

struct fuzzed_pen {
	uint8_t last_hash[STP_RECORD_HASH_SIZE];
	uint32_t number, written, session_no, part, first, last;
	uint64_t counter;
};

static bool
fuzz_sha256(void *user, const uint8_t *bytes, size_t size, uint8_t out[STP_RECORD_HASH_SIZE])
{
	uint32_t crc = stp_crc32c(0, bytes, size) | 1;

	for (unsigned i = 0; i < STP_RECORD_HASH_SIZE; i++)
		out[i] = (uint8_t)(crc >> 8 * (i % 4));
	return true;
}

static bool
fuzz_verify(void *user, const uint8_t key[STP_PUBLIC_KEY_SIZE], const uint8_t *message, size_t size,
	    const uint8_t signature[STP_SIGNATURE_SIZE])
{
	return signature[0] == key[0];
}

static void
read_statement(const uint8_t *bytes, size_t size)
{
	struct stp_seal_statement statement;
	struct stp_seal seal = { .statement_size = 0 };

	if (stp_seal_statement_decode(bytes, size, &statement) != STP_OK)
		return;
	FUZZ_CHECK(stp_seal_statement_encode(&statement, &seal) == STP_OK);
	FUZZ_CHECK(seal.statement_size == size && memcmp(seal.statement, bytes, size) == 0);
}

static void
put_seal(struct fuzzed_pen *pen, struct stp_record_writer *writer, const struct stp_record_head *head,
	 const uint8_t *step)
{
	struct stp_seal_statement statement = { .epoch = head->epoch + (step[1] == 2), .number = head->number,
		.written = pen->written - (step[1] == 3), .counter = pen->counter + 1 - (step[1] == 4) };
	static const uint8_t key[STP_PUBLIC_KEY_SIZE] = { 1 };
	struct stp_seal seal = { .statement_size = 0 };
	uint8_t key_hash[STP_RECORD_HASH_SIZE];

	memcpy(statement.serial, head->serial, sizeof(statement.serial));
	memcpy(statement.prev_hash, head->prev_hash, sizeof(statement.prev_hash));
	if (pen->first != 0) {
		statement.session_no = pen->session_no + (step[2] == 1);
		statement.first = pen->first - (step[2] == 2);
		statement.last = pen->last - (step[2] == 3);
		statement.records = pen->last - pen->first + 1 - step[3] % 4;
	}
	seal.signature[0] = step[1] != 5;
	fuzz_sha256(NULL, key, sizeof(key), key_hash);
	memcpy(seal.key_id, key_hash, sizeof(seal.key_id));
	seal.key_id[0] ^= step[1] == 6;
	pen->counter = statement.counter;
	pen->first = 0;
	/* What an encoder refuses stays an empty statement, which the writer refuses. */
	if (stp_seal_statement_encode(&statement, &seal) == STP_OK)
		stp_record_put_seal(writer, &seal);
}

static void
put_part(struct fuzzed_pen *pen, struct stp_record_writer *writer, const uint8_t *step)
{
	struct stp_session_part part = { .period_ms = 10, .last = step[1] & 1 };

	if (pen->first == 0) {
		pen->session_no++;
		pen->part = 0;
		pen->first = pen->number;
	}
	part.session_no = pen->session_no;
	part.part = (uint16_t)(pen->part++ + (step[2] == 1));
	pen->last = pen->number;
	stp_record_put_session(writer, &part);
}

/* One record; 0: none came of it. */
static size_t
write_record(struct fuzzed_pen *pen, uint8_t raw[RECORD_MAX], const uint8_t *step)
{
	struct stp_record_head head = { .serial = "F", .epoch = 1 + (step[7] == 1), .schema_rev = 1,
		.type = (uint8_t)(1 + step[0] % 3), .has_prev_hash = pen->written > 0 && step[7] != 2 };
	struct stp_record_writer writer;
	size_t size;

	pen->number += 1 + (step[6] == 1) - (step[6] == 2 && pen->number > 1);
	head.number = pen->number;
	if (head.has_prev_hash)
		memcpy(head.prev_hash, pen->last_hash, sizeof(head.prev_hash));
	stp_record_begin(&writer, raw, RECORD_MAX, &head);
	if (head.type == STP_RECORD_SESSION)
		put_part(pen, &writer, step);
	else if (head.type == STP_RECORD_EVENT)
		stp_record_put_event(&writer, &(struct stp_event){ .code = step[1] });
	else
		put_seal(pen, &writer, &head, step);
	if (stp_record_finish(&writer, &size) != STP_OK)
		return 0;
	fuzz_sha256(NULL, raw, size, pen->last_hash);
	pen->written++;
	if (step[5] < 8)
		raw[step[4] % size] ^= (uint8_t)(1u << step[5]);
	return size;
}

static void
check(const struct stp_chain *chain, const struct stp_chain_report *report, uint32_t given)
{
	struct stp_chain_summary summary;

	stp_chain_summary(chain, &summary);
	FUZZ_CHECK(summary.records + summary.damaged + summary.foreign + summary.disordered == given);
	FUZZ_CHECK(summary.proven + summary.tail <= summary.records);
	FUZZ_CHECK(summary.sessions <= summary.seals_held && summary.sealed_to <= summary.last);
	FUZZ_CHECK(report->link <= STP_CHAIN_ORDER && report->seal <= STP_SEAL_UNKNOWN);
	FUZZ_CHECK(report->proven_from <= report->proven_to && report->proven_to <= report->number);
	FUZZ_CHECK(report->session_no == 0
		   || (report->seal == STP_SEAL_GOOD && report->proven_from <= report->session_first
		       && report->session_last <= report->proven_to));
	FUZZ_CHECK(report->seal == STP_SEAL_GOOD || report->seal == STP_SEAL_SHORT || report->proven_from == 0);
	FUZZ_CHECK((report->seal == STP_SEAL_NONE || report->seal == STP_SEAL_GOOD)
		   || report->reason != NULL);
	FUZZ_CHECK((report->missing_from == 0) == (report->missing_to == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const uint8_t key[STP_PUBLIC_KEY_SIZE] = { 1 };
	const struct stp_chain_config config = {
		.crypto = { .sha256 = fuzz_sha256, .verify = fuzz_verify },
		.key = size > 0 && bytes[0] == 0xFF ? NULL : key,
	};
	struct fuzzed_pen pen = { .number = 0 };
	struct stp_chain_report report;
	struct stp_chain chain;
	uint32_t given = 0;

	read_statement(bytes, size);
	FUZZ_CHECK(stp_chain_init(&chain, &config) == STP_OK);
	for (size_t i = 0; i + STEP <= size; i += STEP) {
		uint8_t raw[RECORD_MAX];
		size_t length = write_record(&pen, raw, bytes + i);

		FUZZ_CHECK(stp_chain_add(&chain, raw, length, &report) == STP_OK);
		check(&chain, &report, ++given);
	}
	/* As they are. */
	FUZZ_CHECK(stp_chain_add(&chain, bytes, size, &report) == STP_OK);
	check(&chain, &report, ++given);
	return 0;
}

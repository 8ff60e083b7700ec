/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/seal.h>

#include "record-format.h"
#include "../base/wire-bytes.h"

#define STATEMENT_HEAD_SIZE 2	/* version, length of the serial number */
#define STATEMENT_REST_SIZE (7 * 4 + 8 + STP_RECORD_HASH_SIZE)

static enum stp_status
check_statement(const struct stp_seal_statement *statement)
{
	bool ends_session = statement->session_no != 0, is_first = true;

	for (size_t i = 0; i < sizeof(statement->prev_hash); i++)
		is_first = is_first && statement->prev_hash[i] == 0;
	if (statement->epoch == 0 || statement->number == 0 || statement->counter == 0)
		return STP_ERR_RANGE;
	if (statement->written >= statement->number || (statement->written == 0) != is_first)
		return STP_ERR_MALFORMED;
	if (!ends_session)
		return statement->first == 0 && statement->last == 0 && statement->records == 0
			? STP_OK : STP_ERR_MALFORMED;
	if (statement->first == 0 || statement->records == 0)
		return STP_ERR_RANGE;
	if (statement->first > statement->last || statement->last >= statement->number
	    || statement->records > statement->last - statement->first + 1
	    || statement->records > statement->written)
		return STP_ERR_MALFORMED;
	return STP_OK;
}

/* The numbers stand in this order behind the serial number. */
#define STATEMENT_NUMBERS(statement) \
	{ &(statement)->epoch, &(statement)->number, &(statement)->session_no, &(statement)->first, \
	  &(statement)->last, &(statement)->records, &(statement)->written }

enum stp_status
stp_seal_statement_encode(const struct stp_seal_statement *statement, struct stp_seal *seal)
{
	const uint32_t *const numbers[] = STATEMENT_NUMBERS(statement);
	size_t serial = record_text_size(statement->serial, STP_SERIAL_MAX);
	uint8_t *next = seal->statement;
	enum stp_status status = check_statement(statement);

	if (status != STP_OK)
		return status;
	if (serial == 0 || serial > STP_SERIAL_MAX
	    || !record_is_printable((const uint8_t *)statement->serial, serial))
		return STP_ERR_MALFORMED;
	memset(seal->statement, 0, sizeof(seal->statement));
	*next++ = STP_SEAL_VERSION;
	*next++ = (uint8_t)serial;
	memcpy(next, statement->serial, serial);
	next += serial;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++, next += 4)
		put_le32(next, *numbers[i]);
	put_le32(next, (uint32_t)statement->counter);
	put_le32(next + 4, (uint32_t)(statement->counter >> 32));
	memcpy(next + 8, statement->prev_hash, sizeof(statement->prev_hash));
	seal->statement_size = (uint8_t)(STATEMENT_HEAD_SIZE + serial + STATEMENT_REST_SIZE);
	return STP_OK;
}

enum stp_status
stp_seal_statement_decode(const uint8_t *bytes, size_t size, struct stp_seal_statement *out)
{
	struct stp_seal_statement found = { .epoch = 0 };
	uint32_t *const numbers[] = STATEMENT_NUMBERS(&found);
	enum stp_status status;
	const uint8_t *next;
	size_t serial;

	if (size < STATEMENT_HEAD_SIZE)
		return STP_ERR_TRUNCATED;
	if (bytes[0] != STP_SEAL_VERSION)
		return STP_ERR_UNKNOWN;
	serial = bytes[1];
	if (serial == 0 || serial > STP_SERIAL_MAX)
		return STP_ERR_RANGE;
	if (size != STATEMENT_HEAD_SIZE + serial + STATEMENT_REST_SIZE)
		return size < STATEMENT_HEAD_SIZE + serial + STATEMENT_REST_SIZE ? STP_ERR_TRUNCATED
										: STP_ERR_MALFORMED;
	next = bytes + STATEMENT_HEAD_SIZE;
	if (!record_is_printable(next, serial))
		return STP_ERR_MALFORMED;
	memcpy(found.serial, next, serial);
	next += serial;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++, next += 4)
		*numbers[i] = get_le32(next);
	found.counter = get_le32(next) | (uint64_t)get_le32(next + 4) << 32;
	memcpy(found.prev_hash, next + 8, sizeof(found.prev_hash));
	status = check_statement(&found);
	if (status == STP_OK)
		*out = found;
	return status;
}

enum stp_status
stp_seal_message(const struct stp_seal *seal, uint8_t out[STP_SEAL_MESSAGE_MAX], size_t *size)
{
	enum stp_status status = stp_record_check_seal(seal);

	if (status != STP_OK)
		return status;
	memcpy(out, STP_SEAL_DOMAIN, sizeof(STP_SEAL_DOMAIN));
	memcpy(out + sizeof(STP_SEAL_DOMAIN), seal->statement, seal->statement_size);
	*size = sizeof(STP_SEAL_DOMAIN) + seal->statement_size;
	return STP_OK;
}

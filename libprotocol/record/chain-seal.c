/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "chain-internal.h"

static enum stp_seal_verdict
doubt(struct stp_chain_report *report, enum stp_seal_verdict verdict, const char *reason)
{
	report->reason = reason;
	return verdict;
}

static enum stp_seal_verdict
judge_signature(const struct stp_chain *chain, const struct stp_seal *seal, struct stp_chain_report *report)
{
	uint8_t message[STP_SEAL_MESSAGE_MAX];
	size_t size;

	if (!chain->has_key)
		return STP_SEAL_NO_KEY;
	if (memcmp(seal->key_id, chain->key_id, sizeof(chain->key_id)) != 0)
		return doubt(report, STP_SEAL_WRONG_KEY, "the seal was made with another key");
	if (stp_seal_message(seal, message, &size) != STP_OK
	    || !chain->crypto.verify(chain->crypto.user, chain->key, message, size, seal->signature))
		return doubt(report, STP_SEAL_BAD_SIGNATURE, "the seal's signature does not hold");
	return STP_SEAL_GOOD;
}

/* What the seal counts, against what was given. */
static const char *
find_miscount(const struct stp_chain *chain, const struct stp_seal_statement *statement)
{
	uint32_t linked = chain->run.records;

	if (statement->written < linked
	    || (chain->run.before_known && statement->written != chain->run.before + linked))
		return "the seal counts other records than were given";
	if (statement->written < chain->summary.records)
		return "there are more records than the pen says it wrote";
	return NULL;
}

/* The session that the seal ends, which begins within this run. */
static const char *
find_other_session(const struct stp_chain *chain, const struct stp_seal_statement *statement)
{
	if (chain->session.no != statement->session_no || !chain->session.whole)
		return "the session before the seal is not the one it speaks of, or not whole";
	if (chain->session.first != statement->first || chain->session.last != statement->last)
		return "the session before the seal has other record numbers than it says";
	if (chain->session.last_place - chain->session.first_place + 1 != statement->records)
		return "the session before the seal has another number of records than it says";
	return NULL;
}

static enum stp_seal_verdict
judge_statement(struct stp_chain *chain, const struct stp_seal *seal, const struct stp_record_head *head,
		const struct stp_seal_statement *statement, struct stp_chain_report *report)
{
	const char *reason;

	if (stp_record_check_statement(seal, head) != STP_OK)
		return doubt(report, STP_SEAL_MISMATCH, "the seal was made for another record");
	if (report->link == STP_CHAIN_BROKEN)
		return doubt(report, STP_SEAL_MISMATCH, "the seal was not written behind the record before it");
	if (statement->counter <= chain->counter)
		return doubt(report, STP_SEAL_COUNTER_BACK, "the pen's counter went back");
	reason = find_miscount(chain, statement);
	if (reason)
		return doubt(report, STP_SEAL_MISMATCH, reason);
	if (statement->session_no == 0)
		return STP_SEAL_GOOD;
	if (statement->first < chain->run.first)
		return doubt(report, STP_SEAL_SHORT, "the seal's session is not here from its beginning without a break");
	reason = find_other_session(chain, statement);
	return reason ? doubt(report, STP_SEAL_MISMATCH, reason) : STP_SEAL_GOOD;
}

static void
take_proof(struct stp_chain *chain, const struct stp_seal_statement *statement, struct stp_chain_report *report)
{
	struct stp_chain_summary *summary = &chain->summary;

	report->counter = statement->counter;
	report->proven_from = chain->run.records > 0 ? chain->run.first : 0;
	report->proven_to = chain->run.last;
	if (report->seal == STP_SEAL_GOOD && statement->session_no != 0) {
		report->session_no = statement->session_no;
		report->session_first = statement->first;
		report->session_last = statement->last;
		summary->sessions++;
	}
	chain->counter = summary->counter = statement->counter;
	chain->run.before = statement->written - chain->run.records;
	chain->run.before_known = true;
	summary->proven += chain->run.records - chain->run.proven;
	chain->run.proven = chain->run.records;
	summary->lacking = statement->written - summary->records;
	summary->sealed_to = statement->number;
	summary->tail = 0;
}

static enum stp_seal_verdict
weigh_seal(struct stp_chain *chain, const struct stp_seal *seal, const struct stp_record_head *head,
      struct stp_seal_statement *statement, struct stp_chain_report *report)
{
	enum stp_seal_verdict signature = judge_signature(chain, seal, report), content;
	enum stp_status status;

	if (signature != STP_SEAL_GOOD && signature != STP_SEAL_NO_KEY)
		return signature;
	status = stp_seal_statement_decode(seal->statement, seal->statement_size, statement);
	if (status == STP_ERR_UNKNOWN)
		return doubt(report, STP_SEAL_UNKNOWN, "the seal is of a later version");
	if (status != STP_OK)
		return doubt(report, STP_SEAL_MALFORMED, "the seal's statement is malformed");
	content = judge_statement(chain, seal, head, statement, report);
	if (signature == STP_SEAL_NO_KEY && (content == STP_SEAL_GOOD || content == STP_SEAL_SHORT))
		return doubt(report, STP_SEAL_NO_KEY, "there is no key to verify the seal with");
	return content;
}

void
stp_chain_judge_seal(struct stp_chain *chain, const struct stp_record_head *head, const uint8_t *raw, size_t size,
		 struct stp_chain_report *report)
{
	struct stp_seal_statement statement = { .epoch = 0 };
	struct stp_seal seal;

	if (stp_record_scan_seal(raw, size, &seal) != STP_OK)
		report->seal = doubt(report, STP_SEAL_MALFORMED, "the seal is malformed");
	else
		report->seal = weigh_seal(chain, &seal, head, &statement, report);
	if (report->seal == STP_SEAL_GOOD || report->seal == STP_SEAL_SHORT) {
		take_proof(chain, &statement, report);
		chain->summary.seals_held++;
	} else {
		chain->summary.seals_refused++;
	}
}

const char *
stp_seal_verdict_name(enum stp_seal_verdict verdict)
{
	switch (verdict) {
	case STP_SEAL_NONE:
		return "none";
	case STP_SEAL_GOOD:
		return "good";
	case STP_SEAL_SHORT:
		return "short";
	case STP_SEAL_NO_KEY:
		return "no-key";
	case STP_SEAL_WRONG_KEY:
		return "wrong-key";
	case STP_SEAL_BAD_SIGNATURE:
		return "bad-signature";
	case STP_SEAL_MISMATCH:
		return "mismatch";
	case STP_SEAL_COUNTER_BACK:
		return "counter-back";
	case STP_SEAL_MALFORMED:
		return "malformed";
	case STP_SEAL_UNKNOWN:
		return "unknown";
	}
	return "unknown";
}

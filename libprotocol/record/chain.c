/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "chain-internal.h"
#include "../base/struct-size.h"

static const char *const link_reasons[] = {
	[STP_CHAIN_START] = "the record written before it was not given",
	[STP_CHAIN_GAP] = "records between it and the one before are missing",
	[STP_CHAIN_BROKEN] = "it or the record before it is not what the pen wrote, or one between was taken out",
	[STP_CHAIN_ACROSS] = "the record before it is damaged, so that the link cannot be checked",
	[STP_CHAIN_UNCHAINED] = "it does not say which record was written before it",
	[STP_CHAIN_DAMAGED] = "the record is damaged",
	[STP_CHAIN_FOREIGN] = "the record is of another pen or another epoch",
	[STP_CHAIN_ORDER] = "the record was given twice, or out of order",
};

enum stp_status
stp_chain_init_sized(struct stp_chain *chain, const struct stp_chain_config *given, size_t given_size)
{
	struct stp_chain made = { .has_key = false };
	struct stp_chain_config config;
	uint8_t hash[STP_RECORD_HASH_SIZE];

	if (!struct_take(&config, sizeof(config), given, given_size) || !config.crypto.sha256
	    || (config.key && !config.crypto.verify))
		return STP_ERR_ARGUMENT;
	made.crypto = config.crypto;
	made.counter = config.counter_before;
	if (config.key) {
		if (!config.crypto.sha256(config.crypto.user, config.key, STP_PUBLIC_KEY_SIZE, hash))
			return STP_ERR_IO;
		made.has_key = true;
		memcpy(made.key, config.key, sizeof(made.key));
		memcpy(made.key_id, hash, sizeof(made.key_id));
	}
	*chain = made;
	return STP_OK;
}

/* What the record says of the one before it; missing numbers are noted. */
static enum stp_chain_link
judge_link(const struct stp_chain *chain, const struct stp_record_head *head, struct stp_chain_report *report)
{
	if (chain->summary.records == 0 && chain->after_damage)
		return STP_CHAIN_ACROSS;
	if (chain->summary.records == 0)
		return head->has_prev_hash ? STP_CHAIN_START : STP_CHAIN_FIRST;
	if (head->number - chain->summary.last > 1) {
		report->missing_from = chain->summary.last + 1;
		report->missing_to = head->number - 1;
	}
	if (!head->has_prev_hash)
		return STP_CHAIN_UNCHAINED;
	/* What the damaged record had before itself cannot be known, even where its hash holds. */
	if (chain->after_damage)
		return STP_CHAIN_ACROSS;
	if (memcmp(head->prev_hash, chain->last_hash, sizeof(chain->last_hash)) == 0)
		return STP_CHAIN_LINKED;
	return report->missing_from != 0 ? STP_CHAIN_GAP : STP_CHAIN_BROKEN;
}

static void
count_link(struct stp_chain_summary *summary, enum stp_chain_link link)
{
	summary->gaps += link == STP_CHAIN_GAP;
	summary->broken += link == STP_CHAIN_BROKEN;
	summary->across += link == STP_CHAIN_ACROSS;
	summary->unchained += link == STP_CHAIN_UNCHAINED;
	summary->before_first = summary->before_first || link == STP_CHAIN_START;
}

static void
follow_session(struct stp_chain *chain, uint32_t number, const uint8_t *raw, size_t size)
{
	struct record_place place;

	if (stp_record_scan_place(raw, size, &place) != STP_OK)
		place.session_no = 0;
	if (place.part == 0) {
		chain->session.no = place.session_no;
		chain->session.first = number;
		chain->session.first_place = chain->run.records;
		chain->session.next_part = 0;
		chain->session.whole = false;
	}
	if (place.session_no != chain->session.no || place.part != chain->session.next_part
	    || chain->session.whole) {
		chain->session.no = 0;
		return;
	}
	chain->session.last = number;
	chain->session.last_place = chain->run.records;
	chain->session.next_part = place.part + 1;
	chain->session.whole = place.last;
}

static void
follow(struct stp_chain *chain, const struct stp_record_head *head, const uint8_t *raw, size_t size,
       struct stp_chain_report *report)
{
	struct stp_chain_summary *summary = &chain->summary;

	report->number = head->number;
	report->link = judge_link(chain, head, report);
	count_link(summary, report->link);
	if (report->link != STP_CHAIN_LINKED) {
		memset(&chain->run, 0, sizeof(chain->run));
		memset(&chain->session, 0, sizeof(chain->session));
		chain->run.first = head->number;
	}
	if (summary->records == 0) {
		memcpy(chain->serial, head->serial, sizeof(chain->serial));
		chain->epoch = head->epoch;
		summary->first = head->number;
	}
	chain->after_damage = false;
	summary->tail++;
	/* A seal speaks of what is before it. */
	if (head->type == STP_RECORD_SEAL)
		stp_chain_judge_seal(chain, head, raw, size, report);
	chain->run.records++;
	chain->run.last = head->number;
	summary->records++;
	summary->last = head->number;
	if (head->type == STP_RECORD_SESSION)
		follow_session(chain, head->number, raw, size);
}

static enum stp_status
chain_next(struct stp_chain *chain, const uint8_t *raw, size_t size, struct stp_chain_report *report)
{
	uint8_t hash[STP_RECORD_HASH_SIZE];
	struct stp_record_head head;

	if (stp_record_read_head(raw, size, &head) != STP_OK) {
		report->link = STP_CHAIN_DAMAGED;
		chain->after_damage = true;
		chain->summary.damaged++;
		return STP_OK;
	}
	if (chain->summary.records > 0
	    && (head.epoch != chain->epoch || memcmp(head.serial, chain->serial, sizeof(head.serial)) != 0)) {
		report->link = STP_CHAIN_FOREIGN;
		report->number = head.number;
		chain->summary.foreign++;
		return STP_OK;
	}
	if (head.number <= chain->summary.last) {
		report->link = STP_CHAIN_ORDER;
		report->number = head.number;
		chain->summary.disordered++;
		return STP_OK;
	}
	if (!chain->crypto.sha256(chain->crypto.user, raw, size, hash))
		return STP_ERR_IO;
	follow(chain, &head, raw, size, report);
	memcpy(chain->last_hash, hash, sizeof(hash));
	return STP_OK;
}

enum stp_status
stp_chain_add_sized(struct stp_chain *chain, const uint8_t *raw, size_t size, struct stp_chain_report *report,
		    size_t report_size)
{
	struct stp_chain_report found = { .number = 0 };
	enum stp_status status = chain_next(chain, raw, size, &found);

	if (status != STP_OK)
		return status;
	if (!found.reason && found.link < sizeof(link_reasons) / sizeof(link_reasons[0]))
		found.reason = link_reasons[found.link];
	struct_give(report, report_size, &found, sizeof(found));
	return STP_OK;
}

void
stp_chain_summary_sized(const struct stp_chain *chain, struct stp_chain_summary *out, size_t out_size)
{
	struct_give(out, out_size, &chain->summary, sizeof(chain->summary));
}

const char *
stp_chain_link_name(enum stp_chain_link link)
{
	switch (link) {
	case STP_CHAIN_FIRST:
		return "first";
	case STP_CHAIN_START:
		return "start";
	case STP_CHAIN_LINKED:
		return "linked";
	case STP_CHAIN_GAP:
		return "gap";
	case STP_CHAIN_BROKEN:
		return "broken";
	case STP_CHAIN_ACROSS:
		return "across-damage";
	case STP_CHAIN_UNCHAINED:
		return "unchained";
	case STP_CHAIN_DAMAGED:
		return "damaged";
	case STP_CHAIN_FOREIGN:
		return "foreign";
	case STP_CHAIN_ORDER:
		return "out-of-order";
	}
	return "unknown";
}

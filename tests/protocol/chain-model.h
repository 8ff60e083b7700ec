/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef CHAIN_MODEL_H
#define CHAIN_MODEL_H

/* A pen that writes small records, chained and sealed, and a host that verifies what is left of them. */

#include <stdbool.h>

#include <stipple/chain.h>
#include <stipple/record.h>

#include "sealing.h"

#define CHAIN_LOG_MAX 1024
#define CHAIN_RECORD_MAX 512

struct chain_item {
	uint8_t raw[CHAIN_RECORD_MAX];
	size_t size;
	uint32_t number;
};

struct chain_log {
	struct chain_item items[CHAIN_LOG_MAX];
	size_t count;
	struct sealing_key key;
	char serial[STP_SERIAL_MAX + 1];
	uint32_t epoch, newest, written, session_no;
	uint64_t counter;
	bool chained;
};

/* A new epoch; the counter goes on from where it was. */
void chain_log_begin(struct chain_log *log, const char *serial, const char *key, uint32_t epoch);
void chain_log_event(struct chain_log *log);
void chain_log_part(struct chain_log *log, uint32_t session_no, uint16_t part, bool last);
/* What an honest pen would state next, of a session whose records have these numbers; 0, 0: of none. */
struct stp_seal_statement chain_log_state(struct chain_log *log, uint32_t first, uint32_t last);
/* Sign it, whatever it says, and write it behind the last record. */
void chain_log_seal(struct chain_log *log, const struct stp_seal_statement *statement);
/* A session of so many parts, with an event in between from the second on, and its seal. */
void chain_log_session(struct chain_log *log, unsigned parts);
/* As many sessions, of one to four parts, with events and skipped numbers in between. */
void chain_log_fill(struct chain_log *log, unsigned sessions, uint64_t seed);

/* Tampering.  Checksums are mended, as whoever tampers would. */
void chain_item_mend(struct chain_item *item);
/* The item with other values in its head, all else as it was. */
void chain_item_rewrite(struct chain_item *item, const struct stp_record_head *head);
void chain_log_drop(struct chain_log *log, size_t index, size_t count);
void chain_log_insert(struct chain_log *log, size_t index, const struct chain_item *item);

struct chain_findings {
	struct stp_chain_report reports[CHAIN_LOG_MAX];
	size_t count;
	struct stp_chain_summary summary;
};

void chain_log_verify(const struct chain_log *log, const uint8_t *key, uint64_t counter_before,
		      struct chain_findings *out);
/* Whether a seal vouches for the record given at index. */
bool chain_is_proven(const struct chain_findings *found, size_t index);
/* All that was given is proven, or waits for its seal. */
bool chain_is_sound(const struct chain_findings *found);

#endif

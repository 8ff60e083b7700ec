/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_CHAIN_H
#define STIPPLE_CHAIN_H

/*
 * Are these the records that the pen wrote, all of them, in this order?  The verifier takes the
 * raw records of one epoch of one pen, lowest number first, and says of each whether it follows the
 * one before, and of each seal what it proves.  What that is worth: proto/WIRE.md, "Chain and seals".
 * It allocates nothing, keeps no record, and has no cryptography of its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/seal.h>
#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's cryptography.  False: it failed, or, of verify, the signature does not hold. */
struct stp_chain_crypto {
	bool (*sha256)(void *user, const uint8_t *bytes, size_t size, uint8_t out[STP_RECORD_HASH_SIZE]);
	/* Ed25519 (RFC 8032), over the message itself. */
	bool (*verify)(void *user, const uint8_t key[STP_PUBLIC_KEY_SIZE], const uint8_t *message,
		       size_t size, const uint8_t signature[STP_SIGNATURE_SIZE]);
	void *user;
};

/* How a verifier begins. */
struct stp_chain_config {
	struct stp_chain_crypto crypto;
	const uint8_t *key;	/* the pen's public key, copied; NULL: no seal proves anything */
	uint64_t counter_before;	/* highest counter seen in the pen's earlier epochs; 0: none */
};

/* How a record goes with those given before it. */
enum stp_chain_link {
	STP_CHAIN_FIRST,	/* the first one given, and it names none before it */
	STP_CHAIN_START,	/* the first one given; it names one before it that was not given */
	STP_CHAIN_LINKED,	/* it was written right after the one before it */
	STP_CHAIN_GAP,		/* numbers between are missing, and what had them was written */
	STP_CHAIN_BROKEN,	/* it was not written after the one before: one of the two was altered */
	STP_CHAIN_ACROSS,	/* the one before is damaged: cannot be checked */
	STP_CHAIN_UNCHAINED,	/* it names none before it although there is one */
	STP_CHAIN_DAMAGED,	/* no sound record at all */
	STP_CHAIN_FOREIGN,	/* of another pen or epoch; left out */
	STP_CHAIN_ORDER,	/* its number is not above that of the one before; left out */
};

/* What a seal is worth. */
enum stp_seal_verdict {
	STP_SEAL_NONE,		/* the record is no seal */
	STP_SEAL_GOOD,		/* signed by the key, and true of the records given */
	STP_SEAL_SHORT,		/* signed by the key; its session is not here from the beginning without a break */
	STP_SEAL_NO_KEY,	/* true of the records given; there is no key to verify it with */
	STP_SEAL_WRONG_KEY,	/* made with another key */
	STP_SEAL_BAD_SIGNATURE,	/* the signature does not hold */
	STP_SEAL_MISMATCH,	/* signed by the key, but not true of these records */
	STP_SEAL_COUNTER_BACK,	/* signed by the key; its counter is not above that of an earlier one */
	STP_SEAL_MALFORMED,	/* its statement makes no sense */
	STP_SEAL_UNKNOWN,	/* of a version this library does not know */
};

/* What there is to say of one record. */
struct stp_chain_report {
	enum stp_chain_link link;
	uint32_t number;	/* 0: unknown, the record is damaged */
	/*
	 * Numbers between the record before and this one; 0, 0: none.  When it is LINKED the pen
	 * skipped them and nothing is lacking.
	 */
	uint32_t missing_from, missing_to;
	enum stp_seal_verdict seal;
	const char *reason;	/* a few words in English, static, when there is anything wrong; else NULL */
	/* What the seal proves, when it is GOOD or SHORT; otherwise 0. */
	/*
	 * All records from the first to the second number are as the pen wrote them, and it wrote no
	 * others between.  The seal's own record is not among them: what it says beside the
	 * statement, the next seal vouches for.
	 */
	uint32_t proven_from, proven_to;
	uint32_t session_no, session_first, session_last;	/* GOOD: this session is here as a whole */
	uint64_t counter;
};

/* All that was given so far. */
struct stp_chain_summary {
	uint32_t records;	/* sound ones of this pen and epoch */
	uint32_t damaged, foreign, disordered;
	uint32_t gaps, broken, across, unchained;	/* of the links */
	uint32_t seals_held, seals_refused;	/* GOOD and SHORT; all other seals */
	uint32_t sessions;	/* proven to be here as a whole */
	uint32_t proven;	/* records that a seal vouches for */
	uint32_t first, last;	/* numbers of the first and last sound record; 0: none */
	bool before_first;	/* the first one names one before it that was not given */
	uint32_t sealed_to;	/* number of the last seal that held; 0: none */
	uint32_t lacking;	/* written before that seal, says the pen, and not given */
	uint32_t tail;		/* records behind that seal: nothing vouches for them, yet */
	uint64_t counter;	/* highest of the seals that held; compare it with what was noted elsewhere */
};

/* The caller has the memory; the fields are the library's. */
struct stp_chain {
	struct stp_chain_crypto crypto;
	uint8_t key[STP_PUBLIC_KEY_SIZE], key_id[STP_KEY_ID_SIZE];
	bool has_key, after_damage;
	char serial[STP_SERIAL_MAX + 1];
	uint32_t epoch;
	uint64_t counter;
	uint8_t last_hash[STP_RECORD_HASH_SIZE];
	/* The records up to the last one that follow each other without a break. */
	struct {
		uint32_t first, last, records, proven;
		uint32_t before;	/* written before its first, as a seal has told */
		bool before_known;
	} run;
	/* The session whose parts came last in this run; places are counted within the run. */
	struct {
		uint32_t no, first, last, next_part, first_place, last_place;
		bool whole;
	} session;
	struct stp_chain_summary summary;	/* grows into later */
	uint64_t later[8];
};

/* stp_chain_init() for a struct of that size; see stipple.h. */
STP_API STP_MUST_CHECK enum stp_status
stp_chain_init_sized(struct stp_chain *chain, const struct stp_chain_config *config, size_t config_size);
/* stp_chain_add() for a struct of that size; see stipple.h. */
STP_API STP_MUST_CHECK enum stp_status
stp_chain_add_sized(struct stp_chain *chain, const uint8_t *raw, size_t size,
		    struct stp_chain_report *report, size_t report_size);
/* stp_chain_summary() for a struct of that size; see stipple.h. */
STP_API void stp_chain_summary_sized(const struct stp_chain *chain, struct stp_chain_summary *out,
				     size_t out_size);

/*
 * Begin an epoch.  Nothing is to be freed afterwards.  STP_ERR_ARGUMENT: a function is missing;
 * STP_ERR_IO: the caller's SHA-256 failed.
 */
STP_MUST_CHECK static inline enum stp_status
stp_chain_init(struct stp_chain *chain, const struct stp_chain_config *config)
{
	return stp_chain_init_sized(chain, config, sizeof(*config));
}

/*
 * The next record, as it was received, also if it is damaged.  STP_OK whatever is wrong with
 * the record: that is in *report.  STP_ERR_IO: the caller's SHA-256 failed; the record can be
 * given again.
 */
STP_MUST_CHECK static inline enum stp_status
stp_chain_add(struct stp_chain *chain, const uint8_t *raw, size_t size, struct stp_chain_report *report)
{
	return stp_chain_add_sized(chain, raw, size, report, sizeof(*report));
}

/* Where it stands; more records may follow. */
static inline void
stp_chain_summary(const struct stp_chain *chain, struct stp_chain_summary *out)
{
	stp_chain_summary_sized(chain, out, sizeof(*out));
}

/* A stable lower-case word for logs and JSON, e.g. "linked"; never NULL. */
STP_API const char *stp_chain_link_name(enum stp_chain_link link);
/* "bad-signature"; never NULL. */
STP_API const char *stp_seal_verdict_name(enum stp_seal_verdict verdict);

#ifdef __cplusplus
}
#endif

#endif

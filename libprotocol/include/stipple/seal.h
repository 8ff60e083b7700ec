/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_SEAL_H
#define STIPPLE_SEAL_H

/*
 * The signed statement that a pen writes behind each session (proto/WIRE.md, "Chain and
 * seals").  The library has no cryptography of its own: a pen calls its own signer, a host hands
 * its functions to the verifier (chain.h).  On the pen, behind the last part of a session:
 *
 *	struct stp_seal_statement statement = { ..., .prev_hash = hash of that part's record };
 *	uint8_t message[STP_SEAL_MESSAGE_MAX];
 *	struct stp_seal seal = { 0 };
 *	size_t size;
 *
 *	stp_seal_statement_encode(&statement, &seal);
 *	stp_seal_message(&seal, message, &size);
 *	my_ed25519_sign(seal.signature, message, size);
 *	memcpy(seal.key_id, my_key_id, sizeof(seal.key_id));
 *	stp_record_begin(&writer, bytes, capacity, &head);	its prev_hash is the statement's
 *	stp_record_put_seal(&writer, &seal);
 *	stp_record_finish(&writer, &size);
 *
 * The counter is noted in flash before the record is written: power may fail in between, and a
 * counter that skips is harmless, one that repeats is not.
 */

#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STP_SERIAL_MAX 32	/* bytes, without the terminating zero */
#define STP_RECORD_HASH_SIZE 32	/* SHA-256 */
#define STP_PUBLIC_KEY_SIZE 32	/* Ed25519 */
#define STP_SIGNATURE_SIZE 64	/* Ed25519 */
#define STP_KEY_ID_SIZE 8	/* the first bytes of the SHA-256 of the public key */
#define STP_SEAL_VERSION 1
#define STP_SEAL_STATEMENT_MAX 128	/* bytes; version 1 takes 70 and the serial number */
#define STP_SEAL_DOMAIN "Stipple seal 1"	/* its terminating zero is signed, too */
#define STP_SEAL_MESSAGE_MAX (sizeof(STP_SEAL_DOMAIN) + STP_SEAL_STATEMENT_MAX)

/* What a seal says of the records before it. */
struct stp_seal_statement {
	char serial[STP_SERIAL_MAX + 1];
	uint32_t epoch;		/* of the log, not 0 */
	uint32_t number;	/* of the record that carries the seal, not 0 */
	uint32_t session_no;	/* 0: this seal ends no session, and the next three are 0 */
	uint32_t first, last;	/* record numbers of the session's first and last part */
	uint32_t records;	/* how many records of any type were written from first to last */
	uint32_t written;	/* how many in this epoch before this one */
	uint64_t counter;	/* of the pen's seals, from 1; survives a reset of the log */
	uint8_t prev_hash[STP_RECORD_HASH_SIZE];	/* of the record before; zeros: there is none */
};

/* A seal as it travels. */
struct stp_seal {
	uint8_t statement[STP_SEAL_STATEMENT_MAX];	/* as signed */
	uint8_t statement_size;
	uint8_t signature[STP_SIGNATURE_SIZE];
	uint8_t key_id[STP_KEY_ID_SIZE];
};

/*
 * Put the statement's bytes into seal, whose other fields stay.  STP_ERR_MALFORMED: the serial
 * number is none, or the fields contradict each other; STP_ERR_RANGE: a 0 that must not be.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_seal_statement_encode(const struct stp_seal_statement *statement, struct stp_seal *seal);

/*
 * Read a statement.  STP_ERR_UNKNOWN: of a version this library does not know; its signature can be
 * verified all the same.  STP_ERR_TRUNCATED, STP_ERR_MALFORMED, STP_ERR_RANGE: not as WIRE.md has it.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_seal_statement_decode(const uint8_t *bytes, size_t size, struct stp_seal_statement *out);

/* The bytes to sign, or to verify the signature over; *size receives how many. */
STP_API STP_MUST_CHECK enum stp_status
stp_seal_message(const struct stp_seal *seal, uint8_t out[STP_SEAL_MESSAGE_MAX], size_t *size);

#ifdef __cplusplus
}
#endif

#endif

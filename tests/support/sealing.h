/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef SEALING_H
#define SEALING_H

/* libsodium for both ends: a pen's signer, and what a host hands to the verifier. */

#include <stipple/chain.h>
#include <stipple/seal.h>

#define SEALING_SEED_SIZE 32

struct sealing_key {
	uint8_t public_key[STP_PUBLIC_KEY_SIZE], secret_key[64];
	uint8_t key_id[STP_KEY_ID_SIZE];
};

/* The same seed makes the same key; what is secret in earnest is random. */
void sealing_key_make(struct sealing_key *key, const uint8_t seed[SEALING_SEED_SIZE]);
/* The key whose seed is the SHA-256 of a text; the golden vectors' is "stipple test key". */
void sealing_key_from_text(struct sealing_key *key, const char *text);
/* Sign the statement that is in the seal. */
void sealing_sign(const struct sealing_key *key, struct stp_seal *seal);
void sealing_sha256(const uint8_t *bytes, size_t size, uint8_t out[STP_RECORD_HASH_SIZE]);
struct stp_chain_crypto sealing_crypto(void);

#endif

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "sealing.h"

void
sealing_sha256(const uint8_t *bytes, size_t size, uint8_t out[STP_RECORD_HASH_SIZE])
{
	crypto_hash_sha256(out, bytes, size);
}

void
sealing_key_make(struct sealing_key *key, const uint8_t seed[SEALING_SEED_SIZE])
{
	uint8_t hash[STP_RECORD_HASH_SIZE];

	if (sodium_init() < 0)
		abort();
	crypto_sign_seed_keypair(key->public_key, key->secret_key, seed);
	sealing_sha256(key->public_key, sizeof(key->public_key), hash);
	memcpy(key->key_id, hash, sizeof(key->key_id));
}

void
sealing_key_from_text(struct sealing_key *key, const char *text)
{
	uint8_t seed[SEALING_SEED_SIZE];

	sealing_sha256((const uint8_t *)text, strlen(text), seed);
	sealing_key_make(key, seed);
}

void
sealing_sign(const struct sealing_key *key, struct stp_seal *seal)
{
	uint8_t message[STP_SEAL_MESSAGE_MAX];
	size_t size;

	if (stp_seal_message(seal, message, &size) != STP_OK)
		abort();
	crypto_sign_detached(seal->signature, NULL, message, size, key->secret_key);
	memcpy(seal->key_id, key->key_id, sizeof(seal->key_id));
}

static bool
sodium_sha256(void *user, const uint8_t *bytes, size_t size, uint8_t out[STP_RECORD_HASH_SIZE])
{
	return crypto_hash_sha256(out, bytes, size) == 0;
}

static bool
sodium_verify(void *user, const uint8_t key[STP_PUBLIC_KEY_SIZE], const uint8_t *message, size_t size,
	      const uint8_t signature[STP_SIGNATURE_SIZE])
{
	return crypto_sign_verify_detached(signature, message, size, key) == 0;
}

struct stp_chain_crypto
sealing_crypto(void)
{
	return (struct stp_chain_crypto){ .sha256 = sodium_sha256, .verify = sodium_verify };
}

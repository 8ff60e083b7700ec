/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT
 *
 * example-verifier KEY FILE...: are these the records that the pen wrote, all of them, in this order?  KEY is
 * the pen's public key in hex, FILEs the raw records of one epoch, named ...-NUMBER.record.  Needs libsodium.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <stipple/stipple.h>

static bool
sha256(void *user, const uint8_t *bytes, size_t size, uint8_t out[STP_RECORD_HASH_SIZE])
{
	(void)user;
	return crypto_hash_sha256(out, bytes, size) == 0;
}

static bool
verify(void *user, const uint8_t key[STP_PUBLIC_KEY_SIZE], const uint8_t *message, size_t size,
       const uint8_t signature[STP_SIGNATURE_SIZE])
{
	(void)user;
	return crypto_sign_verify_detached(signature, message, size, key) == 0;
}

/* By the name: a damaged record does not tell its number. */
static unsigned long
number_of(const char *name)
{
	const char *dash = strrchr(name, '-');

	return dash == NULL ? 0 : strtoul(dash + 1, NULL, 10);
}

static int
by_number(const void *a, const void *b)
{
	unsigned long one = number_of(*(char *const *)a), other = number_of(*(char *const *)b);

	return (one > other) - (one < other);
}

/* 0 when the file cannot be read: no record is empty. */
static size_t
read_file(const char *name, uint8_t *bytes)
{
	FILE *file = fopen(name, "rb");
	size_t size = file == NULL ? 0 : fread(bytes, 1, STP_RECORD_SIZE_MAX, file);

	if (file == NULL || fclose(file) != 0) {
		perror(name);
		return 0;
	}
	return size;
}

static void
print_record(const char *name, const struct stp_chain_report *report)
{
	printf("%s: %s", name, stp_chain_link_name(report->link));
	if (report->missing_from != 0 && report->link != STP_CHAIN_LINKED)
		printf(", %u to %u are missing", (unsigned)report->missing_from,
		       (unsigned)report->missing_to);
	if (report->seal != STP_SEAL_NONE)
		printf(", seal %s", stp_seal_verdict_name(report->seal));
	if (report->seal == STP_SEAL_GOOD && report->session_no != 0)
		printf(", session %u is whole", (unsigned)report->session_no);
	printf(report->reason == NULL ? "\n" : ": %s\n", report->reason);
}

/* Records behind the last seal, or before the first that is here, are no fault: nothing vouches for them. */
static bool
print_summary(const struct stp_chain_summary *sum)
{
	printf("%u records, %u of them vouched for by %u seals; ", (unsigned)sum->records,
	       (unsigned)sum->proven, (unsigned)sum->seals_held);
	printf("%u sessions are whole; %u records are lacking, %u follow the last seal\n",
	       (unsigned)sum->sessions, (unsigned)sum->lacking, (unsigned)sum->tail);
	/* Note this number elsewhere: it tells later whether the end was cut off. */
	printf("the highest counter of the seals is %llu\n", (unsigned long long)sum->counter);
	return sum->seals_held > 0
		&& sum->damaged + sum->foreign + sum->disordered + sum->seals_refused == 0
		&& sum->gaps + sum->broken + sum->across + sum->unchained == 0;
}

int
main(int argc, char **argv)
{
	static uint8_t raw[STP_RECORD_SIZE_MAX];
	uint8_t key[STP_PUBLIC_KEY_SIZE];
	struct stp_chain_config config = { .crypto = { .sha256 = sha256, .verify = verify }, .key = key };
	struct stp_chain_summary summary;
	struct stp_chain_report report;
	struct stp_chain chain;
	size_t size = 0;

	if (argc < 3 || sodium_init() < 0
	    || sodium_hex2bin(key, sizeof(key), argv[1], strlen(argv[1]), NULL, &size, NULL) != 0
	    || size != sizeof(key))
		return 64;
	qsort(argv + 2, (size_t)argc - 2, sizeof(*argv), by_number);
	if (stp_chain_init(&chain, &config) != STP_OK)
		return 1;
	for (int i = 2; i < argc; i++) {
		size = read_file(argv[i], raw);
		if (size == 0 || stp_chain_add(&chain, raw, size, &report) != STP_OK)
			return 1;
		print_record(argv[i], &report);
	}
	stp_chain_summary(&chain, &summary);
	return print_summary(&summary) ? 0 : 1;
}

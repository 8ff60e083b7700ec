/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * cortex-m-host PROFILE: writes samples.bin, which the small processor encodes, and host.bin,
 * what this machine makes of the same session.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cortex-m-session.h"
#include "session-generator.h"

_Static_assert(sizeof(struct stp_sample) == 16, "samples.bin holds what the other compiler lays out alike");

static struct stp_sample part[SESSION_PART], later[SESSION_PART];

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "cortex-m-host: %s\n", what);
	exit(EXIT_FAILURE);
}

static void
save(const char *name, const void *bytes, size_t size, const char *mode)
{
	FILE *file = fopen(name, mode);

	must(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0, name);
}

static void
encode(struct stp_block_encoder *encoder, unsigned block, const struct stp_sample *samples)
{
	static uint8_t page[SESSION_PAGE];
	enum stp_status status;
	size_t taken, size;

	if (block % SESSION_CHAIN == 0)
		status = stp_block_encoder_begin(encoder, SESSION_PERIOD_MS, page, sizeof(page));
	else
		status = stp_block_encoder_begin_chained(encoder, page, sizeof(page));
	if (status == STP_OK)
		status = stp_block_encoder_add_many(encoder, samples, SESSION_BLOCK, &taken);
	if (status == STP_OK)
		status = stp_block_encoder_finish(encoder, &size);
	must(status == STP_OK, "a block could not be encoded");
	save("host.bin", page, size, block == 0 ? "wb" : "ab");
}

int
main(int argc, char **argv)
{
	struct stp_block_encoder encoder;
	unsigned block = 0;
	int profile = 0;

	while (profile < SESSION_PROFILES
	       && (argc < 2 || strcmp(argv[1], session_profile_name((enum session_profile)profile)) != 0))
		profile++;
	must(profile < SESSION_PROFILES, "usage: cortex-m-host white|correlated|quiet");

	struct session_plan plan = session_plan_default((enum session_profile)profile, 2026, SESSION_PART);

	session_generate(&plan, part, NULL);
	save("samples.bin", part, sizeof(part), "wb");
	stp_block_encoder_init(&encoder);
	for (unsigned round = 0; round < SESSION_ROUNDS; round++) {
		for (size_t i = 0; i < SESSION_PART; i++) {
			later[i] = part[i];
			later[i].t_ms += round * (part[SESSION_PART - 1].t_ms + SESSION_PERIOD_MS);
		}
		for (size_t i = 0; i < SESSION_PART; i += SESSION_BLOCK, block++)
			encode(&encoder, block, later + i);
	}
	return EXIT_SUCCESS;
}

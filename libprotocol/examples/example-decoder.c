/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT
 *
 * example-decoder FILE...: prints the samples of raw records, as CSV.  What is absent stays empty.
 */
#include <stdio.h>
#include <stdlib.h>

#include <stipple/stipple.h>

static void
print_value(uint16_t value)
{
	if (value != STP_ABSENT)
		printf("%u", value);
	putchar(',');
}

static void
print_samples(const struct stp_record_head *head, const struct stp_sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		printf("%s,%u,%u,%u,", head->serial, (unsigned)head->epoch, (unsigned)head->number,
		       (unsigned)samples[i].t_ms);
		print_value(samples[i].depth_um);
		print_value(samples[i].rate_dhz);
		print_value(samples[i].current_ma);
		printf("%u,%u,%u\n", samples[i].contact, samples[i].pass, samples[i].zone);
	}
}

/* The blocks of a record are decoded one after the other: a chained one needs the one before. */
static enum stp_status
print_record(const struct stp_record *record, struct stp_sample *samples)
{
	struct stp_block_decoder decoder;

	stp_block_decoder_init(&decoder);
	for (size_t i = 0; i < stp_record_block_count(record); i++) {
		size_t size = 0, count = 0;
		const uint8_t *block = stp_record_block(record, i, &size);
		enum stp_status status = stp_block_decoder_next(&decoder, block, size, samples,
								STP_BLOCK_SAMPLES_MAX, &count);

		if (status != STP_OK)
			return status;
		print_samples(stp_record_head(record), samples, count);
	}
	return STP_OK;
}

static enum stp_status
print_file(const char *path, uint8_t *raw, struct stp_sample *samples)
{
	struct stp_record *record = NULL;
	FILE *file = fopen(path, "rb");
	enum stp_status status = STP_ERR_IO;

	if (file == NULL)
		return status;
	/* One byte more than a record may have: a longer file is refused, not cut. */
	status = stp_record_decode(raw, fread(raw, 1, STP_RECORD_SIZE_MAX + 1, file), &record);
	fclose(file);
	if (status == STP_OK)
		status = print_record(record, samples);
	stp_record_free(record);
	return status;
}

int
main(int argc, char **argv)
{
	uint8_t *raw = malloc(STP_RECORD_SIZE_MAX + 1);
	struct stp_sample *samples = malloc(STP_BLOCK_SAMPLES_MAX * sizeof(*samples));
	int failures = raw == NULL || samples == NULL;

	puts("serial,epoch,record,t_ms,depth_um,rate_dhz,current_ma,contact,pass,zone");
	for (int i = 1; i < argc && raw != NULL && samples != NULL; i++) {
		enum stp_status status = print_file(argv[i], raw, samples);

		if (status == STP_OK)
			continue;
		fprintf(stderr, "%s: %s %s\n", argv[i], stp_status_text(status), stp_status_hint(status));
		failures++;
	}
	free(samples);
	free(raw);
	return failures > 0;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "samples-writer.h"

static const char header[] = "t_ms,depth_um,rate_dHz,current_mA,contact,pass,zone\n";

void
samples_csv_begin(struct samples_writer *writer)
{
	if (writer->used + SAMPLES_LINE_MAX > SAMPLES_BUFFER_SIZE)
		samples_drain(writer);
	memcpy(writer->buffer + writer->used, header, sizeof(header) - 1);
	writer->used += sizeof(header) - 1;
}

/*
 * Times rise by a constant step most of the time; adding to the digits of the last line is
 * cheaper than dividing anew.
 */
struct clock {
	uint32_t value;
	char digits[16];	/* right-aligned, followed by the comma */
	unsigned first;		/* index of the first digit */
};

#define CLOCK_END 10

static void
clock_set(struct clock *clock, uint32_t value)
{
	char text[10];
	size_t size = (size_t)(samples_put_u32(text, value) - text);

	clock->value = value;
	clock->first = (unsigned)(CLOCK_END - size);
	memset(clock->digits, '0', CLOCK_END);
	memcpy(clock->digits + clock->first, text, size);
	clock->digits[CLOCK_END] = ',';
}

static void
clock_advance(struct clock *clock, uint32_t value)
{
	uint32_t step = value - clock->value;
	unsigned at = CLOCK_END - 1, carry;

	if (value < clock->value || step > 1000) {
		clock_set(clock, value);
		return;
	}
	clock->value = value;
	for (carry = step; carry; at--) {
		carry += (unsigned)(clock->digits[at] - '0');
		clock->digits[at] = (char)('0' + carry % 10);
		carry /= 10;
		if (at < clock->first)
			clock->first = at;
	}
}

void
samples_csv_add(struct samples_writer *writer, const struct stp_sample *samples, size_t count)
{
	const struct samples_digits *values = writer->values;
	struct clock clock;
	char *at = writer->buffer + writer->used;
	const char *full = writer->buffer + SAMPLES_BUFFER_SIZE - SAMPLES_LINE_MAX;

	clock_set(&clock, count ? samples[0].t_ms : 0);
	for (size_t i = 0; i < count; i++) {
		const struct stp_sample *sample = &samples[i];

		if (at >= full) {
			writer->used = (size_t)(at - writer->buffer);
			samples_drain(writer);
			at = writer->buffer;
		}
		clock_advance(&clock, sample->t_ms);
		memcpy(at, clock.digits + clock.first, CLOCK_END + 1);
		at += CLOCK_END + 1 - clock.first;
		at = samples_put_value(at, values, sample->depth_um);
		at = samples_put_value(at, values, sample->rate_dhz);
		at = samples_put_value(at, values, sample->current_ma);
		at = samples_put_value(at, values, sample->contact);
		at = samples_put_value(at, values, sample->pass);
		at = samples_put_value(at, values, sample->zone);
		/* The comma after the last value ends the line instead. */
		at[-1] = '\n';
	}
	writer->used = (size_t)(at - writer->buffer);
}

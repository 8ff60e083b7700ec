/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/crc32c.h>

/* Bit by bit, as the polynomial says. */
static uint32_t
slowly(const uint8_t *bytes, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
	}
	return ~crc;
}

static void
knows_the_published_values(void **state)
{
	uint8_t bytes[32];

	assert_int_equal(stp_crc32c(0, "123456789", 9), 0xE3069283u);
	assert_int_equal(stp_crc32c(0, "", 0), 0);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(stp_crc32c(0, bytes, sizeof(bytes)), 0x8A9136AAu);
	memset(bytes, 0xFF, sizeof(bytes));
	assert_int_equal(stp_crc32c(0, bytes, sizeof(bytes)), 0x62A8AB43u);
}

static void
agrees_with_the_definition_at_every_length_and_alignment(void **state)
{
	uint8_t bytes[300];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + (i >> 3));
	for (size_t start = 0; start < 9; start++)
		for (size_t size = 0; start + size <= sizeof(bytes); size++)
			assert_int_equal(stp_crc32c(0, bytes + start, size),
					 slowly(bytes + start, size));
}

static void
goes_on_from_piece_to_piece(void **state)
{
	const char text[] = "the checksum of the pieces is that of the whole";
	uint32_t whole = stp_crc32c(0, text, sizeof(text));

	for (size_t cut = 0; cut <= sizeof(text); cut++)
		assert_int_equal(stp_crc32c(stp_crc32c(0, text, cut), text + cut,
					    sizeof(text) - cut), whole);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_published_values),
		cmocka_unit_test(agrees_with_the_definition_at_every_length_and_alignment),
		cmocka_unit_test(goes_on_from_piece_to_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

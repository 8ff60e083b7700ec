/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/configuration.h>

#include "codec-vectors.h"

/* Reads with the walk, writes with put: what the two agree on is the format. */
static enum stp_status
turn_configuration(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again,
		   size_t *again_size)
{
	struct stp_config_item item;
	uint16_t revision;
	size_t said, at = 0;
	enum stp_status status = stp_config_check(bytes, size, &revision);

	if (status)
		return status;
	said = (size_t)snprintf(text, text_size, "revision=%u", revision);
	*again_size = stp_config_begin(again, revision);
	while (stp_config_next(bytes, size, &at, &item) == STP_OK) {
		said += (size_t)snprintf(text + said, text_size - said, " %u=", item.tag);
		for (size_t i = 0; i < item.size; i++)
			said += (size_t)snprintf(text + said, text_size - said, "%02x", item.value[i]);
		status = stp_config_put(again, again_size, item.tag, item.value, item.size);
		if (status == STP_ERR_UNKNOWN) {
			/* Kept when read, but a pen never writes what it does not know. */
			again[(*again_size)++] = item.tag;
			again[(*again_size)++] = item.size;
			memcpy(again + *again_size, item.value, item.size);
			*again_size += item.size;
		} else {
			assert_int_equal(status, STP_OK);
		}
	}
	assert_int_equal(stp_config_next(bytes, size, &at, &item), STP_ERR_NOT_FOUND);
	assert_int_equal(stp_config_find(bytes, size, 0, &item), STP_ERR_NOT_FOUND);
	return STP_OK;
}

static void
configurations_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "configurations.txt", turn_configuration });
}

static void
put(uint8_t *bytes, size_t *size, uint8_t tag, const char *value)
{
	assert_int_equal(stp_config_put(bytes, size, tag, (const uint8_t *)value, strlen(value)), STP_OK);
}

static void
items_go_where_they_belong_in_any_order(void **state)
{
	const uint8_t expected[] = { 7, 0, 0x01, 2, 'a', 'b', 0x02, 1, 1, 0x80, 0, 0x90, 3, 'x', 'y', 'z' };
	static const uint8_t orders[][4] = { { 1, 2, 3, 4 }, { 4, 3, 2, 1 }, { 3, 1, 4, 2 }, { 2, 4, 1, 3 } };
	uint8_t bytes[STP_CONFIG_SIZE_MAX];

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		size_t size = stp_config_begin(bytes, 7);

		for (size_t j = 0; j < 4; j++) {
			if (orders[i][j] == 1)
				put(bytes, &size, STP_CONFIG_LABEL, "ab");
			else if (orders[i][j] == 2)
				put(bytes, &size, STP_CONFIG_PRIVACY, "\x01");
			else
				put(bytes, &size, orders[i][j] == 3 ? 0x80 : 0x90, orders[i][j] == 3 ? "" : "xyz");
		}
		assert_int_equal(size, sizeof(expected));
		assert_memory_equal(bytes, expected, size);
	}
}

static void
an_item_is_replaced_by_a_longer_and_a_shorter_one(void **state)
{
	const uint8_t expected[] = { 1, 0, 0x01, 1, 'q', 0x02, 1, 1, 0x80, 1, 'm' };
	uint8_t bytes[STP_CONFIG_SIZE_MAX];
	size_t size = stp_config_begin(bytes, 0);
	struct stp_config_item item;
	uint16_t revision;

	put(bytes, &size, STP_CONFIG_LABEL, "room 12");
	put(bytes, &size, STP_CONFIG_PRIVACY, "\x01");
	put(bytes, &size, 0x80, "m");
	put(bytes, &size, STP_CONFIG_LABEL, "a longer label!");
	assert_int_equal(stp_config_check(bytes, size, &revision), STP_OK);
	assert_int_equal(stp_config_find(bytes, size, STP_CONFIG_LABEL, &item), STP_OK);
	assert_int_equal(item.size, STP_CONFIG_VALUE_MAX);
	put(bytes, &size, STP_CONFIG_LABEL, "q");
	stp_config_set_revision(bytes, 1);
	assert_int_equal(size, sizeof(expected));
	assert_memory_equal(bytes, expected, size);
	assert_int_equal(stp_config_find(bytes, size, STP_CONFIG_SAMPLE_PERIOD_MS, &item), STP_ERR_NOT_FOUND);
}

static void
a_full_configuration_takes_no_more(void **state)
{
	uint8_t bytes[STP_CONFIG_SIZE_MAX], before[STP_CONFIG_SIZE_MAX];
	size_t size = stp_config_begin(bytes, 0), full;
	uint8_t tag = STP_CONFIG_MAKER_MIN;
	uint16_t revision;

	/* Seven of 17 bytes, then what is left: 128 - 2 - 119 = 7. */
	for (; tag < STP_CONFIG_MAKER_MIN + 7; tag++)
		put(bytes, &size, tag, "fifteen letters");
	full = size;
	memcpy(before, bytes, size);
	assert_int_equal(stp_config_put(bytes, &size, tag, (const uint8_t *)"123456", 6), STP_ERR_SPACE);
	assert_int_equal(stp_config_put(bytes, &size, STP_CONFIG_LABEL, (const uint8_t *)"123456", 6),
			 STP_ERR_SPACE);
	assert_int_equal(size, full);
	assert_memory_equal(bytes, before, size);
	put(bytes, &size, tag, "12345");
	assert_int_equal(size, STP_CONFIG_SIZE_MAX);
	assert_int_equal(stp_config_check(bytes, size, &revision), STP_OK);
}

static void
values_are_what_their_tag_allows(void **state)
{
	static const struct {
		uint8_t tag;
		const char *value;
		size_t size;
		enum stp_status status;
	} cases[] = {
		{ STP_CONFIG_LABEL, "", 0, STP_OK },
		{ STP_CONFIG_LABEL, "fifteen letters", 15, STP_OK },
		{ STP_CONFIG_LABEL, "sixteen letters!", 16, STP_ERR_RANGE },
		{ STP_CONFIG_LABEL, "a\nb", 3, STP_ERR_MALFORMED },
		{ STP_CONFIG_PRIVACY, "\x03", 1, STP_OK },
		{ STP_CONFIG_PRIVACY, "", 0, STP_ERR_RANGE },
		{ STP_CONFIG_SAMPLE_PERIOD_MS, "\x05\x00", 2, STP_OK },
		{ STP_CONFIG_SAMPLE_PERIOD_MS, "\x04\x00", 2, STP_ERR_RANGE },
		{ STP_CONFIG_SAMPLE_PERIOD_MS, "\xe8\x03", 2, STP_OK },
		{ STP_CONFIG_SAMPLE_PERIOD_MS, "\xe9\x03", 2, STP_ERR_RANGE },
		{ STP_CONFIG_SAMPLE_PERIOD_MS, "\x05", 1, STP_ERR_RANGE },
		{ STP_CONFIG_OVERRUN_WARNING, "\x01", 1, STP_OK },
		{ STP_CONFIG_OVERRUN_WARNING, "\x00", 1, STP_ERR_RANGE },
		{ STP_CONFIG_OVERRUN_WARNING, "\x32", 1, STP_OK },
		{ STP_CONFIG_OVERRUN_WARNING, "\x33", 1, STP_ERR_RANGE },
		{ STP_CONFIG_LOG_WHILE_MOTOR, "\x00", 1, STP_OK },
		{ STP_CONFIG_LOG_WHILE_MOTOR, "\x00\x00", 2, STP_ERR_RANGE },
		{ STP_CONFIG_CONFIRMATION, "\x01", 1, STP_OK },
		{ STP_CONFIG_CONFIRMATION, "\x00\x00", 2, STP_ERR_RANGE },
		{ 0x00, "", 0, STP_ERR_MALFORMED },
		{ 0x07, "", 0, STP_ERR_UNKNOWN },
		{ 0x7F, "", 0, STP_ERR_UNKNOWN },
		{ 0x80, "sixteen letters!", 16, STP_ERR_RANGE },
		{ 0xFF, "fifteen letters", 15, STP_OK },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(stp_config_check_value(cases[i].tag, (const uint8_t *)cases[i].value,
							cases[i].size), cases[i].status);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations_are_as_the_vectors_say),
		cmocka_unit_test(items_go_where_they_belong_in_any_order),
		cmocka_unit_test(an_item_is_replaced_by_a_longer_and_a_shorter_one),
		cmocka_unit_test(a_full_configuration_takes_no_more),
		cmocka_unit_test(values_are_what_their_tag_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

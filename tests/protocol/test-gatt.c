/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/gatt.h>

#include "codec-vectors.h"

static enum stp_status
turn_features(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again,
	      size_t *again_size)
{
	struct stp_features f;
	enum stp_status status = stp_features_decode(bytes, size, &f);

	if (status)
		return status;
	snprintf(text, text_size,
		 "rev=%u features=%u window=%u period=%u capacity=%u slots=%u bond=%u flags=%u", f.schema_rev,
		 f.features, f.max_window, f.sample_period_ms, f.log_capacity_kb, f.collector_slots,
		 f.bond_state, f.flags);
	stp_features_encode(&f, again);
	*again_size = STP_FEATURES_SIZE;
	return STP_OK;
}

static enum stp_status
turn_advert(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again, size_t *again_size)
{
	struct stp_advert a;
	enum stp_status status = stp_advert_decode(bytes, size, &a);

	if (status)
		return status;
	snprintf(text, text_size, "flags=%u news=%u newest=%u boot=%u battery=%u epoch=%u", a.flags,
		 a.slots_with_news, a.newest_record, a.boot_counter, a.battery_percent, a.epoch_low);
	stp_advert_encode(&a, again);
	*again_size = STP_ADVERT_SIZE;
	return STP_OK;
}

static void
features_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "features.txt", turn_features });
}

static void
adverts_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "adverts.txt", turn_advert });
}

static void
an_advert_cannot_spoil_the_version(void **state)
{
	struct stp_advert advert = { .flags = 0xFF }, out;
	uint8_t bytes[STP_ADVERT_SIZE];

	stp_advert_encode(&advert, bytes);
	assert_int_equal(stp_advert_decode(bytes, sizeof(bytes), &out), STP_OK);
	assert_int_equal(out.flags, 0x0F);
}

static void
the_uuids_are_of_one_base(void **state)
{
	const char *const uuids[] = { STP_UUID_SERVICE, STP_UUID_FEATURES, STP_UUID_LOG_CONTROL,
		STP_UUID_LOG_DATA, STP_UUID_LIVE, STP_UUID_EVENT, STP_UUID_PEN_CONTROL, STP_UUID_CARTRIDGE,
		STP_UUID_CONFIGURATION, STP_UUID_DIAGNOSTICS };
	char number[5];

	for (size_t i = 0; i < sizeof(uuids) / sizeof(uuids[0]); i++) {
		assert_int_equal(strlen(uuids[i]), 36);
		assert_memory_equal(uuids[i], "0910", 4);
		assert_string_equal(uuids[i] + 8, "-bb54-4852-bc64-5a6d759c3f7d");
		/* The characteristics are numbered from 1. */
		snprintf(number, sizeof(number), "%04x", i ? (unsigned)i : 0x7970u);
		assert_memory_equal(uuids[i] + 4, number, 4);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features_are_as_the_vectors_say),
		cmocka_unit_test(adverts_are_as_the_vectors_say),
		cmocka_unit_test(an_advert_cannot_spoil_the_version),
		cmocka_unit_test(the_uuids_are_of_one_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

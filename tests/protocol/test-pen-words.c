/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/cartridge.h>
#include <stipple/configuration.h>
#include <stipple/diagnostics.h>
#include <stipple/pen-control.h>
#include <stipple/pen-event.h>
#include <stipple/record.h>

static void
assert_is_word(const char *word)
{
	assert_non_null(word);
	assert_true(*word);
	assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz-"), strlen(word));
}

static void
events_have_words(void **state)
{
	for (uint16_t code = STP_EVENT_SESSION_START; code <= STP_EVENT_POWER_UP; code++) {
		assert_is_word(stp_event_name(code));
		for (uint16_t other = STP_EVENT_SESSION_START; other < code; other++) {
			assert_string_not_equal(stp_event_name(other), stp_event_name(code));
			assert_string_not_equal(stp_event_text(other), stp_event_text(code));
		}
	}
	assert_string_equal(stp_event_name(STP_EVENT_SELF_TEST), "self-test");
	assert_string_equal(stp_event_name(STP_EVENT_POWER_UP), "power-up");
	for (uint8_t severity = STP_SEVERITY_INFO; severity <= STP_SEVERITY_FAULT; severity++)
		assert_is_word(stp_severity_name(severity));
}

static void
cartridges_counters_ops_and_settings_have_words(void **state)
{
	for (uint8_t i = STP_CARTRIDGE_NONE; i <= STP_CARTRIDGE_REFUSED; i++)
		assert_is_word(stp_cartridge_state_name(i));
	for (uint8_t i = STP_COUNTER_BOOTS; i <= STP_COUNTER_CLOCK_SETS; i++)
		assert_is_word(stp_counter_name(i));
	for (int i = STP_PANEL_IDENTIFY; i <= STP_PANEL_COUNTERS_RESET; i++)
		assert_is_word(stp_panel_op_name((enum stp_panel_op)i));
	for (uint8_t i = STP_CONFIG_LABEL; i <= STP_CONFIG_CONFIRMATION; i++)
		assert_is_word(stp_config_tag_name(i));
}

static void
strangers_have_a_text_and_no_name(void **state)
{
	assert_null(stp_event_name(0));
	assert_null(stp_event_name(STP_EVENT_MAKER_MIN));
	assert_string_not_equal(stp_event_text(STP_EVENT_MAKER_MIN), stp_event_text(STP_EVENT_MAKER_MIN - 1));
	assert_null(stp_severity_name(4));
	assert_null(stp_cartridge_state_name(6));
	assert_non_null(stp_cartridge_state_text(6));
	assert_null(stp_counter_name(0));
	assert_string_not_equal(stp_counter_text(0x7F), stp_counter_text(STP_COUNTER_MAKER_MIN));
	assert_null(stp_panel_op_name((enum stp_panel_op)0x2A));
	assert_null(stp_config_tag_name(STP_CONFIG_MAKER_MIN));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_have_words),
		cmocka_unit_test(cartridges_counters_ops_and_settings_have_words),
		cmocka_unit_test(strangers_have_a_text_and_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Whatever the library can say with a number it can say in words, each in its own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/stipple.h>

/* One sentence or two: something, ending in a full stop. */
static void
assert_sentence(const char *text)
{
	assert_non_null(text);
	assert_true(strlen(text) >= sizeof("No error.") - 1);
	assert_true(text[strlen(text) - 1] == '.');
}

/* Lower case with dashes, so that it can be a key in JSON and be looked for in a log. */
static void
assert_word(const char *name)
{
	assert_non_null(name);
	assert_true(strlen(name) > 0);
	assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name));
}

static void
every_status_has_its_words(void **state)
{
	(void)state;
	for (int a = 0; a < STP_STATUS_COUNT; a++) {
		enum stp_status status = (enum stp_status)a;

		assert_word(stp_status_name(status));
		assert_sentence(stp_status_text(status));
		assert_sentence(stp_status_hint(status));
		for (int b = 0; b < a; b++) {
			assert_string_not_equal(stp_status_name(status), stp_status_name((enum stp_status)b));
			assert_string_not_equal(stp_status_text(status), stp_status_text((enum stp_status)b));
		}
	}
}

static void
numbers_from_elsewhere_have_words_too(void **state)
{
	static const int others[] = { -1, STP_STATUS_COUNT, STP_STATUS_COUNT + 1, 1000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_non_null(stp_status_name((enum stp_status)others[i]));
		assert_sentence(stp_status_text((enum stp_status)others[i]));
		assert_sentence(stp_status_hint((enum stp_status)others[i]));
	}
}

static void
every_wire_status_has_its_words(void **state)
{
	unsigned named = 0;

	(void)state;
	for (unsigned status = 0; status <= UINT8_MAX; status++) {
		assert_sentence(stp_wire_status_text((uint8_t)status));
		assert_sentence(stp_wire_status_hint((uint8_t)status));
		if (stp_wire_status_name((uint8_t)status) == NULL)
			continue;
		assert_word(stp_wire_status_name((uint8_t)status));
		named++;
	}
	assert_true(named >= 18);
	for (unsigned status = STP_WIRE_WRONG_EPOCH; status <= STP_WIRE_WRONG_REVISION; status++)
		assert_word(stp_wire_status_name((uint8_t)status));
}

static void
every_note_and_operation_has_a_word(void **state)
{
	(void)state;
	for (int note = STP_NOTE_ANSWER_OUT_OF_TURN; note <= STP_NOTE_LOG_WENT_BACK; note++)
		assert_word(stp_note_name((enum stp_note)note));
	for (int op = STP_OP_HELLO; op <= STP_OP_DROP_SLOT; op++)
		assert_word(stp_op_name((enum stp_op)op));
	assert_null(stp_op_name((enum stp_op)0xFF));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_has_its_words),
		cmocka_unit_test(numbers_from_elsewhere_have_words_too),
		cmocka_unit_test(every_wire_status_has_its_words),
		cmocka_unit_test(every_note_and_operation_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

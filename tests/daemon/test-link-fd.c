/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* A link over a socket pair; the test plays the pen at the other end. */

#include "link-fd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "await.h"

#define PEN "00:11:22:33:44:55"

struct fixture {
	StpLink *link;
	int pen;
	GPtrArray *received;	/* GBytes: channel, value */
	GError *reason;
	guint closings;
};

static void
on_received(StpLink *link, int channel, GBytes *value, struct fixture *fixture)
{
	GByteArray *bytes = g_byte_array_new();
	guint8 head = (guint8)channel;

	g_byte_array_append(bytes, &head, 1);
	g_byte_array_append(bytes, g_bytes_get_data(value, NULL), (guint)g_bytes_get_size(value));
	g_ptr_array_add(fixture->received, g_byte_array_free_to_bytes(bytes));
}

static void
on_closed(StpLink *link, const GError *reason, struct fixture *fixture)
{
	fixture->closings++;
	g_clear_error(&fixture->reason);
	fixture->reason = g_error_copy(reason);
}

static int
setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	fixture->pen = ends[0];
	fixture->link = stp_link_fd_new(ends[1], PEN);
	fixture->received = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	g_signal_connect(fixture->link, "received", G_CALLBACK(on_received), fixture);
	g_signal_connect(fixture->link, "closed", G_CALLBACK(on_closed), fixture);
	*state = fixture;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fixture = *state;

	g_assert_finalize_object(fixture->link);
	if (fixture->pen >= 0)
		close(fixture->pen);
	g_ptr_array_unref(fixture->received);
	g_clear_error(&fixture->reason);
	g_free(fixture);
	return 0;
}

static void
pen_sends(struct fixture *fixture, StpFdKind kind, StpChannel channel, const char *payload, size_t size)
{
	guint8 message[STP_FD_MESSAGE_MAX + 8] = { (guint8)kind, (guint8)channel };

	memcpy(message + STP_FD_HEADER_SIZE, payload, size);
	assert_int_equal(send(fixture->pen, message, size + STP_FD_HEADER_SIZE, MSG_NOSIGNAL),
			 size + STP_FD_HEADER_SIZE);
}

static void
pen_expects(struct fixture *fixture, StpFdKind kind, StpChannel channel, const char *payload, size_t size)
{
	guint8 message[STP_FD_MESSAGE_MAX + 8];

	assert_int_equal(recv(fixture->pen, message, sizeof message, 0), size + STP_FD_HEADER_SIZE);
	assert_int_equal(message[0], kind);
	assert_int_equal(message[1], channel);
	if (size > 0)
		assert_memory_equal(message + STP_FD_HEADER_SIZE, payload, size);
}

static void
test_hello(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GAsyncResult) result = NULL;

	assert_int_equal(stp_link_get_mtu(fixture->link), 23);
	assert_false(stp_link_get_authenticated(fixture->link));
	assert_string_equal(stp_link_get_address(fixture->link), PEN);

	stp_link_subscribe_async(fixture->link, NULL, keep_result, &result);
	pen_sends(fixture, STP_FD_HELLO, 0, "\xf7\x00\x01", 3);
	WAIT_FOR(result != NULL);
	assert_true(stp_link_subscribe_finish(fixture->link, result, NULL));
	assert_int_equal(stp_link_get_mtu(fixture->link), 247);
	assert_true(stp_link_get_authenticated(fixture->link));
}

static void
test_read_and_write(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GAsyncResult) read = NULL;
	g_autoptr(GAsyncResult) written = NULL;
	g_autoptr(GAsyncResult) commanded = NULL;
	g_autoptr(GBytes) value = g_bytes_new_static("\x11", 1);
	g_autoptr(GBytes) answer = NULL;

	/* All three at once: answers come in order, a command needs none. */
	stp_link_read_async(fixture->link, STP_CHANNEL_SERIAL, NULL, keep_result, &read);
	stp_link_write_async(fixture->link, STP_CHANNEL_LOG_CONTROL, value, TRUE, NULL, keep_result, &written);
	stp_link_write_async(fixture->link, STP_CHANNEL_LOG_CONTROL, value, FALSE, NULL, keep_result,
			     &commanded);
	pen_expects(fixture, STP_FD_READ, STP_CHANNEL_SERIAL, NULL, 0);
	pen_expects(fixture, STP_FD_WRITE, STP_CHANNEL_LOG_CONTROL, "\x11", 1);
	pen_expects(fixture, STP_FD_COMMAND, STP_CHANNEL_LOG_CONTROL, "\x11", 1);
	WAIT_FOR(commanded != NULL);
	assert_true(stp_link_write_finish(fixture->link, commanded, NULL));

	pen_sends(fixture, STP_FD_VALUE, STP_CHANNEL_SERIAL, "SP-1", 4);
	pen_sends(fixture, STP_FD_DONE, STP_CHANNEL_LOG_CONTROL, "", 0);
	WAIT_FOR(read != NULL && written != NULL);
	answer = stp_link_read_finish(fixture->link, read, NULL);
	assert_non_null(answer);
	assert_int_equal(g_bytes_get_size(answer), 4);
	assert_memory_equal(g_bytes_get_data(answer, NULL), "SP-1", 4);
	assert_true(stp_link_write_finish(fixture->link, written, NULL));
}

static void
test_errors_from_the_pen(void **state)
{
	static const struct {
		const char *payload;
		size_t size;
		StpError code;
		const char *part;
	} cases[] = {
		{ "\x01", 1, STP_ERROR_NOT_FOUND, "battery" },
		{ "\x02", 1, STP_ERROR_BOND_TOO_WEAK, "stipplectl pens repair" },
		{ "\x03" "flash worn", 11, STP_ERROR_LINK_FAILED, "flash worn" },
		{ "", 0, STP_ERROR_LINK_FAILED, "Try again" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GAsyncResult) result = NULL;
		g_autoptr(GError) error = NULL;

		stp_link_read_async(fixture->link, STP_CHANNEL_BATTERY, NULL, keep_result, &result);
		pen_sends(fixture, STP_FD_ERROR, STP_CHANNEL_BATTERY, cases[i].payload, cases[i].size);
		WAIT_FOR(result != NULL);
		assert_null(stp_link_read_finish(fixture->link, result, &error));
		assert_error(error, cases[i].code, cases[i].part);
	}
	assert_int_equal(fixture->closings, 0);
}

static void
test_what_came_before_the_end_is_received(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	stp_link_read_async(fixture->link, STP_CHANNEL_SERIAL, NULL, keep_result, &result);
	for (int i = 0; i < 3; i++)
		pen_sends(fixture, STP_FD_NOTIFY, STP_CHANNEL_LOG_DATA, (char[]){ (char)i }, 1);
	close(fixture->pen);
	fixture->pen = -1;

	WAIT_FOR(fixture->closings > 0);
	assert_int_equal(fixture->received->len, 3);
	assert_memory_equal(g_bytes_get_data(fixture->received->pdata[2], NULL),
			    ((guint8[]){ STP_CHANNEL_LOG_DATA, 2 }), 2);
	assert_error(fixture->reason, STP_ERROR_LINK_FAILED, "closed");

	WAIT_FOR(result != NULL);
	assert_null(stp_link_read_finish(fixture->link, result, &error));
	assert_error(error, STP_ERROR_LINK_FAILED, "closed");

	g_clear_object(&result);
	g_clear_error(&error);
	stp_link_subscribe_async(fixture->link, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	assert_false(stp_link_subscribe_finish(fixture->link, result, &error));
	assert_error(error, STP_ERROR_LINK_FAILED, "Connect again");
	assert_int_equal(fixture->closings, 1);
}

static void
test_close(void **state)
{
	struct fixture *fixture = *state;
	char byte;

	for (int i = 0; i < 2; i++) {
		g_autoptr(GAsyncResult) result = NULL;

		stp_link_close_async(fixture->link, keep_result, &result);
		WAIT_FOR(result != NULL);
		assert_true(stp_link_close_finish(fixture->link, result, NULL));
	}
	assert_int_equal(fixture->closings, 1);
	assert_error(fixture->reason, STP_ERROR_CANCELLED, "This host");
	assert_int_equal(recv(fixture->pen, &byte, 1, 0), 0);
}

static void
test_nonsense_ends_the_link(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = {
		{ "\x07", 1 },			/* no channel */
		{ "\x07\x0b", 2 },		/* a channel there is not */
		{ "\x63\x00", 2 },		/* a kind there is not */
		{ "\x02\x00", 2 },		/* the pen does not ask */
		{ "\x03\x04x", 3 },		/* an answer without a question */
		{ "\x01\x00\xf7\x00", 4 },	/* short */
		{ "\x01\x00\x16\x00\x00", 5 },	/* an MTU of 22 */
		{ "\x01\x00\x06\x02\x00", 5 },	/* an MTU of 518 */
		{ NULL, STP_FD_MESSAGE_MAX + 1 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		char zeros[STP_FD_MESSAGE_MAX + 1] = { STP_FD_NOTIFY };
		struct fixture *fixture;

		setup((void **)&fixture);
		assert_int_equal(send(fixture->pen, cases[i].bytes != NULL ? cases[i].bytes : zeros,
				      cases[i].size, 0),
				 cases[i].size);
		WAIT_FOR(fixture->closings > 0);
		assert_error(fixture->reason, STP_ERROR_PROTOCOL_FAILED, "does not know");
		assert_int_equal(fixture->received->len, 0);
		teardown((void **)&fixture);
	}
}

static void
test_cancelling_keeps_the_answers_in_step(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GAsyncResult) first = NULL;
	g_autoptr(GAsyncResult) second = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) value = NULL;

	stp_link_read_async(fixture->link, STP_CHANNEL_MODEL, cancellable, keep_result, &first);
	stp_link_read_async(fixture->link, STP_CHANNEL_MODEL, NULL, keep_result, &second);
	g_cancellable_cancel(cancellable);
	WAIT_FOR(first != NULL);
	assert_null(stp_link_read_finish(fixture->link, first, &error));
	assert_error(error, STP_ERROR_CANCELLED, "cancelled");

	pen_sends(fixture, STP_FD_VALUE, STP_CHANNEL_MODEL, "late", 4);
	pen_sends(fixture, STP_FD_VALUE, STP_CHANNEL_MODEL, "mine", 4);
	WAIT_FOR(second != NULL);
	value = stp_link_read_finish(fixture->link, second, NULL);
	assert_memory_equal(g_bytes_get_data(value, NULL), "mine", 4);
}

static void
test_a_slow_pen_loses_nothing(void **state)
{
	struct fixture *fixture = *state;
	enum { COUNT = 5000 };
	guint seen = 0;

	/* Many times what the socket holds. */
	for (guint i = 0; i < COUNT; i++) {
		guint8 bytes[244] = { (guint8)i, (guint8)(i >> 8) };
		g_autoptr(GBytes) value = g_bytes_new(bytes, sizeof bytes);

		stp_link_write_async(fixture->link, STP_CHANNEL_LOG_CONTROL, value, FALSE, NULL, NULL, NULL);
	}
	while (seen < COUNT) {
		guint8 message[STP_FD_MESSAGE_MAX];
		ssize_t size = recv(fixture->pen, message, sizeof message, MSG_DONTWAIT);

		if (size < 0) {
			assert_int_equal(errno, EAGAIN);
			g_main_context_iteration(NULL, TRUE);
			continue;
		}
		assert_int_equal(size, 246);
		assert_int_equal(message[2] | message[3] << 8, seen);
		seen++;
	}
	/* The writes' tasks hold the link until the loop has run them. */
	run_pending();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hello, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_and_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors_from_the_pen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_came_before_the_end_is_received, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close, setup, teardown),
		cmocka_unit_test(test_nonsense_ends_the_link),
		cmocka_unit_test_setup_teardown(test_cancelling_keeps_the_answers_in_step, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_slow_pen_loses_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

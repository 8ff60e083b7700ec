/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* By which way a pen's data come, what happens when one fails, and what is told of a link. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "await.h"
#include "radio-world.h"

#include <stipple/control.h>
#include <sys/socket.h>
#include <unistd.h>

static void
write_read(struct world *world, GAsyncResult **result)
{
	const struct stp_request request = {
		.op = STP_OP_READ, .token = 3,
		.u.read = { .epoch = 7, .record = 1, .offset = 0, .length = 1000, .window = STP_WINDOW_DEFAULT },
	};
	guint8 bytes[STP_CONTROL_SIZE_MAX];
	g_autoptr(GBytes) value = NULL;
	size_t size;

	assert_int_equal(stp_request_encode(&request, bytes, &size), STP_OK);
	value = g_bytes_new(bytes, size);
	stp_link_write_async(world->link, STP_CHANNEL_LOG_CONTROL, value, TRUE, NULL, keep_result, result);
}

static void
ask_for_data(struct world *world)
{
	g_autoptr(GAsyncResult) result = NULL;

	write_read(world, &result);
	WAIT_FOR(result != NULL);
	assert_true(stp_link_write_finish(world->link, result, NULL));
}

static void
answer(struct world *world, guint32 sent)
{
	const struct stp_answer answer = {
		.op = STP_OP_READ, .token = 3, .status = STP_WIRE_SUCCESS, .u.sent = { .sent = sent },
	};
	guint8 bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	assert_int_equal(stp_answer_encode(&answer, bytes, &size), STP_OK);
	scripted_bluez_indicate(world->bluez, bytes, size);
}

/* ---- P3 ---- */

static void
assert_not_written(struct world *world)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	write_read(world, &result);
	WAIT_FOR(result != NULL);
	assert_false(stp_link_write_finish(world->link, result, &error));
	assert_error(error, STP_ERROR_INVALID_ARGUMENT, "Subscribe first");
	assert_int_equal(scripted_bluez_calls(world->bluez, "WriteValue"), 0);
}

static void
p3_nothing_is_asked_before_the_data_can_come(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) subscribed = NULL;

	world_connect(world);
	assert_not_written(world);
	scripted_bluez_fail(world->bluez, "AcquireNotify", NULL, NULL);
	stp_link_subscribe_async(world->link, NULL, keep_result, &subscribed);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "AcquireNotify") == 1);
	assert_not_written(world);
	scripted_bluez_drop_link(world->bluez);
	WAIT_FOR(subscribed != NULL);
	assert_false(stp_link_subscribe_finish(world->link, subscribed, NULL));
}

/* Another program listens, and BlueZ tells each value once for it and once for us. */
static void
p3_what_signals_tell_twice_is_taken_once(void **state)
{
	struct world *world = *state;

	scripted_bluez_fail(world->bluez, "AcquireNotify", "InProgress", "In Progress");
	world_subscribe(world);
	for (guint i = 0; i < 2; i++) {
		ask_for_data(world);
		for (guint once = 0; once < 2; once++)
			scripted_bluez_notify(world->bluez, "\x05", 1);
		for (guint once = 0; once < 2; once++)
			scripted_bluez_notify(world->bluez, "\x06", 1);
		/* The same request again brings the same values, the last of before first. */
		for (guint once = 0; once < 2; once++)
			scripted_bluez_notify(world->bluez, "\x05", 1);
		WAIT_FOR(world->received->len >= 3 * (i + 1));
		run_pending();
	}
	assert_int_equal(world->received->len, 6);
	for (guint i = 0; i < 6; i++)
		world_assert_received(world, i, i % 3 == 1 ? "log-data 06" : "log-data 05");
}

/* ---- P4 ---- */

/* What BlueZ makes for AcquireNotify, and fills when nobody reads. */
static guint
datagrams_that_fit(gsize size)
{
	static const guint8 bytes[STP_ATT_VALUE_MAX];
	guint count = 0;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	while (send(ends[0], bytes, size, MSG_NOSIGNAL) == (ssize_t)size)
		count++;
	close(ends[0]);
	close(ends[1]);
	return count;
}

static void
p4_a_window_fits_the_descriptor(void **state)
{
	static const guint mtus[] = { STP_ATT_MTU_MIN, 185, 247, STP_ATT_MTU_MAX };

	for (gsize i = 0; i < G_N_ELEMENTS(mtus); i++) {
		guint fit = datagrams_that_fit(MIN(mtus[i] - 3, STP_ATT_VALUE_MAX));

		print_message("MTU %u: %u notifications fit\n", mtus[i], fit);
		assert_true(fit >= STP_WINDOW_MAX);
	}
}

static gboolean
count_received(gpointer user_data)
{
	struct world *world = user_data;

	world->request = world->received->len;
	return G_SOURCE_REMOVE;
}

static void
p4_the_descriptor_is_emptied_before_all_else(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	run_pending();
	g_idle_add_full(G_PRIORITY_DEFAULT, count_received, world, NULL);
	for (guint i = 0; i < STP_WINDOW_MAX; i++)
		scripted_bluez_notify(world->bluez, "\x01", 1);
	WAIT_FOR(world->request != 0);
	assert_int_equal(world->request, STP_WINDOW_MAX);
}

/* ---- P5 ---- */

static void
p5_an_empty_notification_is_not_the_end(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	scripted_bluez_notify(world->bluez, "", 0);
	scripted_bluez_notify(world->bluez, "\x02", 1);
	world_assert_received(world, 1, "log-data 02");
	world_assert_received(world, 0, "log-data");
	/* Nor when the end comes just behind it. */
	scripted_bluez_notify(world->bluez, "", 0);
	scripted_bluez_notify(world->bluez, "\x03", 1);
	scripted_bluez_hang_up(world->bluez);
	world_assert_received(world, 3, "log-data 03");
	assert_int_equal(scripted_bluez_calls(world->bluez, "AcquireNotify"), 1);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "AcquireNotify") == 2);
	scripted_bluez_notify(world->bluez, "\x04", 1);
	world_assert_received(world, 4, "log-data 04");
}

static void
p5_writes_wait_for_the_new_descriptor(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) result = NULL;

	world_subscribe(world);
	scripted_bluez_hang_up(world->bluez);
	WAIT_FOR(world_figures(world).switches == 1);
	write_read(world, &result);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "WriteValue") == 1);
	assert_int_equal(scripted_bluez_calls(world->bluez, "AcquireNotify"), 2);
	WAIT_FOR(result != NULL);
}

static void
assert_by_signals(struct world *world)
{
	scripted_bluez_mute(world->bluez, FALSE);
	scripted_bluez_notify(world->bluez, "\x07", 1);
	WAIT_FOR(world->received->len > 0 &&
		 strcmp(world->received->pdata[world->received->len - 1], "log-data 07") == 0);
	/* The MTU is asked for at the end. */
	WAIT_FOR(stp_link_get_mtu(world->link) == 185);
	assert_int_equal(world_figures(world).path, STP_NOTIFY_SIGNALS);
	assert_int_equal(world_figures(world).switches, 1);
	assert_int_equal(world->closings, 0);
}

static void
p5_sent_data_that_do_not_arrive(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	scripted_bluez_mute(world->bluez, TRUE);
	ask_for_data(world);
	answer(world, 1000);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "StartNotify") == 2);
	assert_by_signals(world);

	/* The next link to this pen begins with what worked. */
	world_close(world);
	g_clear_object(&world->link);
	world_subscribe(world);
	assert_int_equal(scripted_bluez_calls(world->bluez, "AcquireNotify"), 1);
	assert_int_equal(world_figures(world).path, STP_NOTIFY_SIGNALS);
	assert_int_equal(world_figures(world).switches, 0);
}

static void
p5_a_pen_that_takes_requests_and_sends_nothing(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	scripted_bluez_mute(world->bluez, TRUE);
	ask_for_data(world);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "StartNotify") == 2);
	assert_by_signals(world);
}

static void
p5_late_data_are_no_silence(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	ask_for_data(world);
	answer(world, 1000);
	world_assert_received(world, 0, "log-control 93 03 01 e8 03 00 00 00 00 00");
	scripted_bluez_notify(world->bluez, "\x01", 1);
	world_assert_received(world, 1, "log-data 01");
	/* Nor is an answer without data. */
	ask_for_data(world);
	answer(world, 0);
	world_assert_received(world, 2, "log-control 93 03 01 00 00 00 00 00 00 00");
	run_for(400);
	assert_int_equal(world_figures(world).switches, 0);
	assert_int_equal(world_figures(world).values, 1);
}

static void
p5_a_descriptor_that_ends_again_and_again(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	/* Signals are refused, so that there is no other way. */
	for (guint i = 0; i < 8; i++)
		scripted_bluez_fail(world->bluez, "StartNotify", "NotSupported", "No");
	for (guint n = 2; world->closings == 0; n++) {
		scripted_bluez_hang_up(world->bluez);
		WAIT_FOR(world->closings > 0 || scripted_bluez_calls(world->bluez, "AcquireNotify") == n);
	}
	assert_error(world->reason, STP_ERROR_LINK_FAILED, "again and again");
	assert_int_equal(world_figures(world).end, STP_LINK_END_NOTIFY);
	WAIT_FOR(!scripted_bluez_is_connected(world->bluez));
}

/* ---- P17 ---- */

static void
p17_any_mtu_is_bounded(void **state)
{
	static const struct { guint16 told; guint taken; } mtus[] = {
		{ 0, 23 }, { 22, 23 }, { 23, 23 }, { 512, 512 }, { 517, 517 }, { 518, 517 }, { 65533, 517 },
	};

	for (gsize i = 0; i < 2 * G_N_ELEMENTS(mtus); i++) {
		struct world *world;

		world_setup_scanning((void **)&world);
		scripted_bluez_set_mtu(world->bluez, mtus[i / 2].told);
		if (i % 2 != 0)
			scripted_bluez_fail(world->bluez, "AcquireNotify", "NotSupported", "No");
		world_subscribe(world);
		assert_int_equal(stp_link_get_mtu(world->link), mtus[i / 2].taken);
		assert_int_equal(world_figures(world).switches, i % 2);
		world_teardown((void **)&world);
	}
}

/* ---- LD11: why it ended ---- */

static void
test_bluez_says_why_it_ended(void **state)
{
	static const struct { const char *name; StpLinkEnd end; } reasons[] = {
		{ "Timeout", STP_LINK_END_TIMEOUT },	{ "Remote", STP_LINK_END_REMOTE },
		{ "Local", STP_LINK_END_LOCAL },	{ "Authentication", STP_LINK_END_AUTHENTICATION },
		{ "Suspend", STP_LINK_END_SUSPEND },	{ "Unknown", STP_LINK_END_LOST },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
		g_autofree char *name = g_strconcat("org.bluez.Reason.", reasons[i].name, NULL);
		struct world *world;

		world_setup_scanning((void **)&world);
		world_subscribe(world);
		scripted_bluez_drop_link_with(world->bluez, name, "as told");
		WAIT_FOR(world->closings > 0);
		world_close(world);
		assert_int_equal(world_figures(world).end, reasons[i].end);
		assert_string_equal(world_figures(world).end_text, "as told");
		world_teardown((void **)&world);
	}
}

static void
test_without_a_reason_it_was_lost(void **state)
{
	struct world *world = *state;
	StpLinkFigures figures;

	world_subscribe(world);
	ask_for_data(world);
	scripted_bluez_notify(world->bluez, "\x01\x02", 2);
	world_assert_received(world, 0, "log-data 01 02");
	scripted_bluez_drop_link(world->bluez);
	WAIT_FOR(world->closings > 0);
	world_close(world);
	figures = world_figures(world);
	assert_int_equal(figures.end, STP_LINK_END_LOST);
	assert_string_equal(figures.end_text, "");
	assert_int_equal(figures.rssi, -50);
	assert_int_equal(figures.connect_tries, 1);
	assert_int_equal(figures.values, 1);
	assert_int_equal(figures.bytes, 2);
	assert_int_equal(figures.mtu, 247);
	assert_int_equal(figures.path, STP_NOTIFY_DESCRIPTOR);
}

/* BlueZ tells the end of the link before it takes the adapter away. */
static void
p13_a_pulled_adapter_is_the_reason(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	scripted_bluez_drop_link(world->bluez);
	scripted_bluez_remove_adapter(world->bluez);
	WAIT_FOR(world->closings > 0);
	world_close(world);
	assert_int_equal(world_figures(world).end, STP_LINK_END_ADAPTER);
}

static void
test_this_host_ended_it(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	world_close(world);
	assert_int_equal(world_figures(world).end, STP_LINK_END_LOCAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCANNING(p3_nothing_is_asked_before_the_data_can_come),
		SCANNING(p3_what_signals_tell_twice_is_taken_once),
		cmocka_unit_test(p4_a_window_fits_the_descriptor),
		SCANNING(p4_the_descriptor_is_emptied_before_all_else),
		SCANNING(p5_an_empty_notification_is_not_the_end),
		SCANNING(p5_writes_wait_for_the_new_descriptor),
		SCANNING(p5_sent_data_that_do_not_arrive),
		SCANNING(p5_a_pen_that_takes_requests_and_sends_nothing),
		SCANNING(p5_late_data_are_no_silence),
		SCANNING(p5_a_descriptor_that_ends_again_and_again),
		cmocka_unit_test(p17_any_mtu_is_bounded),
		cmocka_unit_test(test_bluez_says_why_it_ended),
		SCANNING(test_without_a_reason_it_was_lost),
		SCANNING(p13_a_pulled_adapter_is_the_reason),
		SCANNING(test_this_host_ended_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

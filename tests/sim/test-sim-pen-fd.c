/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The simulated pen behind a descriptor, met by the daemon's own descriptor link. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <glib.h>

#include <stipple/elapsed-time.h>
#include <stipple/segment.h>

#include "link-fd.h"
#include "sim-pen-fd.h"
#include "sim-story.h"

struct world {
	SimPen *pen;
	SimPenFd *server;
	SimLinkFaults faults;
	StpLink *link;
	guint answers, segments;
	GByteArray *data;
	guint8 answer[STP_CONTROL_SIZE_MAX];
	gboolean closed;
};

static gboolean
too_long(gpointer data)
{
	fail_msg("waited 20 s");
	return G_SOURCE_REMOVE;
}

#define WAIT_FOR(condition)                                                                                  \
	do {                                                                                                 \
		guint limit = g_timeout_add_seconds(20, too_long, NULL);                                     \
		while (!(condition))                                                                         \
			g_main_context_iteration(NULL, TRUE);                                                \
		g_source_remove(limit);                                                                      \
	} while (0)

static void
keep_result(GObject *source, GAsyncResult *result, gpointer data)
{
	*(GAsyncResult **)data = g_object_ref(result);
}

static void
on_received(StpLink *link, int channel, GBytes *value, struct world *world)
{
	gsize size;
	const guint8 *bytes = g_bytes_get_data(value, &size);
	struct stp_segment segment;

	if (channel == STP_CHANNEL_LOG_CONTROL) {
		world->answers++;
		memcpy(world->answer, bytes, size);
		return;
	}
	assert_int_equal(channel, STP_CHANNEL_LOG_DATA);
	assert_int_equal(stp_segment_decode(bytes, size, &segment), STP_OK);
	assert_int_equal(segment.offset, world->data->len);
	g_byte_array_append(world->data, segment.payload, (guint)segment.size);
	world->segments++;
}

static void
on_closed(StpLink *link, const GError *reason, struct world *world)
{
	world->closed = TRUE;
}

static int
set_up(void **state)
{
	struct world *world = g_new0(struct world, 1);
	const SimPenConfig config = { .seed = 5 };
	const SimStory story = {
		.seed = 5, .sessions = 2, .samples_min = 20000, .samples_max = 20000, .period_ms = 10
	};
	int pair[2];

	world->pen = sim_pen_new(&config, NULL);
	assert_true(sim_story_tell(&story, world->pen, NULL, NULL));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	world->data = g_byte_array_new();
	world->server = sim_pen_fd_new(world->pen, &world->faults, pair[0], 247);
	world->link = stp_link_fd_new(pair[1], "00:11:22:33:44:55");
	g_signal_connect(world->link, "received", G_CALLBACK(on_received), world);
	g_signal_connect(world->link, "closed", G_CALLBACK(on_closed), world);
	*state = world;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *world = *state;

	g_object_unref(world->link);
	sim_pen_fd_free(world->server);
	sim_pen_free(world->pen);
	g_byte_array_unref(world->data);
	g_free(world);
	return 0;
}

static GBytes *
read_channel(struct world *world, StpChannel channel)
{
	g_autoptr(GAsyncResult) result = NULL;

	stp_link_read_async(world->link, channel, NULL, keep_result, &result);
	WAIT_FOR(result);
	return stp_link_read_finish(world->link, result, NULL);
}

static void
write_request(struct world *world, const struct stp_request *request)
{
	guint8 bytes[STP_CONTROL_SIZE_MAX];
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GBytes) value = NULL;
	guint before = world->answers;
	size_t size;

	assert_int_equal(stp_request_encode(request, bytes, &size), STP_OK);
	value = g_bytes_new(bytes, size);
	stp_link_write_async(world->link, STP_CHANNEL_LOG_CONTROL, value, TRUE, NULL, keep_result, &result);
	WAIT_FOR(result);
	assert_true(stp_link_write_finish(world->link, result, NULL));
	WAIT_FOR(world->answers > before || world->closed || request->op == STP_OP_READ);
}

static void
values_are_read_and_the_mtu_is_told(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) result = NULL;
	struct stp_elapsed_time time;
	gsize size;

	stp_link_subscribe_async(world->link, NULL, keep_result, &result);
	WAIT_FOR(result);
	assert_true(stp_link_subscribe_finish(world->link, result, NULL));
	assert_int_equal(stp_link_get_mtu(world->link), 247);
	assert_true(stp_link_get_authenticated(world->link));
	for (int channel = 0; channel < STP_CHANNEL_COUNT; channel++) {
		g_autoptr(GBytes) value = read_channel(world, (StpChannel)channel);

		assert_int_equal(value != NULL,
				 channel != STP_CHANNEL_LOG_CONTROL && channel != STP_CHANNEL_LOG_DATA &&
					 channel != STP_CHANNEL_LIVE);
	}
	g_autoptr(GBytes) value = read_channel(world, STP_CHANNEL_ELAPSED_TIME);
	const guint8 *bytes = g_bytes_get_data(value, &size);

	assert_int_equal(stp_elapsed_time_decode(bytes, size, &time), STP_OK);
	assert_true(time.is_tick);
	assert_int_equal(time.unit_us, 1000);
	assert_in_range(time.value, 1, sim_pen_tick_ms(world->pen));
	sim_pen_fd_set_mtu(world->server, 100);
	WAIT_FOR(stp_link_get_mtu(world->link) == 100);
}

static void
a_window_of_a_record_comes_over(void **state)
{
	struct world *world = *state;
	const SimRecord *record = sim_flash_get(sim_pen_flash(world->pen), 1);
	struct stp_request request = { .op = STP_OP_HELLO, .token = 1 };
	guint most = 128 * (247 - 3 - STP_SEGMENT_HEADER_SIZE);

	write_request(world, &request);
	assert_int_equal(world->answer[0], STP_OP_HELLO | 0x80);
	assert_int_equal(world->answer[2], STP_WIRE_SUCCESS);
	request = (struct stp_request){ .op = STP_OP_READ, .token = 2 };
	request.u.read.epoch = sim_flash_epoch(sim_pen_flash(world->pen));
	request.u.read.record = 1;
	request.u.read.length = record->raw->len;
	request.u.read.window = 128;
	assert_true(record->raw->len > most);
	write_request(world, &request);
	WAIT_FOR(world->segments == 128);
	assert_int_equal(world->data->len, most);
	assert_memory_equal(world->data->data, record->raw->data, most);
}

static void
a_drop_closes_the_link(void **state)
{
	struct world *world = *state;
	struct stp_request request = { .op = STP_OP_READ, .token = 2 };

	world->faults.drop.bytes = 1000;
	request.u.read.epoch = sim_flash_epoch(sim_pen_flash(world->pen));
	request.u.read.record = 1;
	request.u.read.length = sim_flash_get(sim_pen_flash(world->pen), 1)->raw->len;
	request.u.read.window = 64;
	write_request(world, &request);
	WAIT_FOR(world->closed);
	assert_false(sim_pen_fd_is_connected(world->server));
	assert_true(world->segments <= 5);
}

static void
the_host_may_leave(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) result = NULL;

	stp_link_close_async(world->link, keep_result, &result);
	WAIT_FOR(!sim_pen_fd_is_connected(world->server));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_are_read_and_the_mtu_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_window_of_a_record_comes_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_drop_closes_the_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_host_may_leave, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

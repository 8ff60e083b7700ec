/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* An answer about the pen's clock that comes after the next question is not the answer to that one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sys/socket.h>

#include "clinic-hours.h"
#include "clock.h"
#include "link-fd.h"
#include "pen-sync.h"
#include "sim-story.h"
#include "virtual-clock.h"

/*
 * A link over which the first answer about the clock comes only when it is asked for again, and whose first request
 * for a list names another log: the pen refuses that, and the dialogue begins anew.
 */
#define TEST_TYPE_LATE_LINK (test_late_link_get_type())
G_DECLARE_FINAL_TYPE(TestLateLink, test_late_link, TEST, LATE_LINK, GObject)

struct _TestLateLink {
	GObject parent;
	StpLink *link;
	guint clocks, lists;
	GTask *late;
	GBytes *answer;		/* for it */
};

static void as_link(StpLinkInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE(TestLateLink, test_late_link, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE(STP_TYPE_LINK, as_link))

static void
give_late_answer(TestLateLink *self)
{
	g_autoptr(GTask) task = g_steal_pointer(&self->late);

	if (task != NULL && self->answer != NULL)
		g_task_return_pointer(task, g_steal_pointer(&self->answer), (GDestroyNotify)g_bytes_unref);
	else if (task != NULL)
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_LINK_FAILED, "It never came.");
}

static void
on_read(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	TestLateLink *self = g_task_get_source_object(task);
	GError *error = NULL;
	GBytes *value = stp_link_read_finish(STP_LINK(source), result, &error);

	if (value == NULL) {
		g_task_return_error(task, error);
	} else if (GPOINTER_TO_UINT(g_task_get_task_data(task)) == 1) {
		self->answer = value;
		self->late = g_steal_pointer(&task);
	} else {
		g_task_return_pointer(task, value, (GDestroyNotify)g_bytes_unref);
	}
}

static void
read_async(StpLink *link, StpChannel channel, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	TestLateLink *self = TEST_LATE_LINK(link);
	GTask *task = g_task_new(link, NULL, callback, user_data);

	if (channel == STP_CHANNEL_ELAPSED_TIME) {
		g_task_set_task_data(task, GUINT_TO_POINTER(++self->clocks), NULL);
		if (self->clocks == 2)
			give_late_answer(self);
	}
	stp_link_read_async(self->link, channel, cancellable, on_read, task);
}

static GBytes *
read_finish(StpLink *link, GAsyncResult *result, GError **error)
{
	return g_task_propagate_pointer(G_TASK(result), error);
}

typedef gboolean (*Finish)(StpLink *link, GAsyncResult *result, GError **error);

static void
on_done(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	const Finish *finish = g_task_get_task_data(task);
	GError *error = NULL;

	if ((*finish)(STP_LINK(source), result, &error))
		g_task_return_boolean(task, TRUE);
	else
		g_task_return_error(task, error);
}

static GTask *
forward(StpLink *link, Finish finish, GAsyncReadyCallback callback, gpointer user_data)
{
	GTask *task = g_task_new(link, NULL, callback, user_data);

	g_task_set_task_data(task, g_memdup2(&finish, sizeof(finish)), g_free);
	return task;
}

/* The same request, of another log. */
static GBytes *
of_another_log(GBytes *value)
{
	struct stp_request request;
	guint8 bytes[STP_CONTROL_SIZE_MAX];
	gsize size;

	assert_int_equal(stp_request_decode(g_bytes_get_data(value, NULL), g_bytes_get_size(value), &request), STP_OK);
	request.u.list.epoch++;
	assert_int_equal(stp_request_encode(&request, bytes, &size), STP_OK);
	return g_bytes_new(bytes, size);
}

static void
write_async(StpLink *link, StpChannel channel, GBytes *value, gboolean with_response, GCancellable *cancellable,
	    GAsyncReadyCallback callback, gpointer user_data)
{
	TestLateLink *self = TEST_LATE_LINK(link);
	g_autoptr(GBytes) sent = NULL;
	const guint8 *op = g_bytes_get_data(value, NULL);

	if (channel == STP_CHANNEL_LOG_CONTROL && *op == STP_OP_LIST && self->lists++ == 0)
		sent = of_another_log(value);
	else
		sent = g_bytes_ref(value);
	stp_link_write_async(self->link, channel, sent, with_response, cancellable, on_done,
			     forward(link, stp_link_write_finish, callback, user_data));
}

static void
subscribe_async(StpLink *link, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	stp_link_subscribe_async(TEST_LATE_LINK(link)->link, cancellable, on_done,
				 forward(link, stp_link_subscribe_finish, callback, user_data));
}

static void
close_async(StpLink *link, GAsyncReadyCallback callback, gpointer user_data)
{
	give_late_answer(TEST_LATE_LINK(link));
	stp_link_close_async(TEST_LATE_LINK(link)->link, on_done, forward(link, stp_link_close_finish, callback, user_data));
}

static gboolean
boolean_finish(StpLink *link, GAsyncResult *result, GError **error)
{
	return g_task_propagate_boolean(G_TASK(result), error);
}

static guint
get_mtu(StpLink *link)
{
	return stp_link_get_mtu(TEST_LATE_LINK(link)->link);
}

static gboolean
get_authenticated(StpLink *link)
{
	return stp_link_get_authenticated(TEST_LATE_LINK(link)->link);
}

static const char *
get_address(StpLink *link)
{
	return stp_link_get_address(TEST_LATE_LINK(link)->link);
}

static void
as_link(StpLinkInterface *interface)
{
	interface->read_async = read_async;
	interface->read_finish = read_finish;
	interface->write_async = write_async;
	interface->write_finish = boolean_finish;
	interface->subscribe_async = subscribe_async;
	interface->subscribe_finish = boolean_finish;
	interface->close_async = close_async;
	interface->close_finish = boolean_finish;
	interface->get_mtu = get_mtu;
	interface->get_authenticated = get_authenticated;
	interface->get_address = get_address;
}

static void
test_late_link_dispose(GObject *object)
{
	TestLateLink *self = TEST_LATE_LINK(object);

	if (self->link != NULL)
		g_signal_handlers_disconnect_by_data(self->link, self);
	g_clear_object(&self->link);
	g_clear_pointer(&self->answer, g_bytes_unref);
	G_OBJECT_CLASS(test_late_link_parent_class)->dispose(object);
}

static void
test_late_link_class_init(TestLateLinkClass *class)
{
	G_OBJECT_CLASS(class)->dispose = test_late_link_dispose;
}

static void
test_late_link_init(TestLateLink *self)
{
}

static TestLateLink *
late_link_new(int fd, const char *address)
{
	TestLateLink *self = g_object_new(TEST_TYPE_LATE_LINK, NULL);

	self->link = stp_link_fd_new(fd, address);
	g_signal_connect_swapped(self->link, "received", G_CALLBACK(stp_link_emit_received), self);
	g_signal_connect_swapped(self->link, "closed", G_CALLBACK(stp_link_emit_closed), self);
	return self;
}

/* ---- */

static void
read_host(StpClockReading *reading, gpointer data)
{
	reading->utc_us = stp_clock_wall();
	reading->trust = STP_CLOCK_SYNCHRONISED;
	reading->error_us = 1000;
}

static void
on_ran(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;

	stp_pen_sync_run_finish(STP_PEN_SYNC(source), result, &answer->error);
	answer->done = TRUE;
}

static void
a_late_answer_is_not_the_next_one(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 5, .samples_min = 50, .samples_max = 50, .period_ms = 10 };
	SimPen *pen = clinic->pens[0];
	const StpSessionFilter filter = { .serial = sim_pen_serial(pen), .complete = -1 };
	g_autoptr(StpPenSync) sync = NULL;
	g_autoptr(TestLateLink) link = NULL;
	g_autoptr(SimPenFd) server = NULL;
	g_autoptr(GPtrArray) sessions = NULL;
	Answer answer = { 0 };
	guint64 next;
	guint seen = 0;
	int ends[2];

	stp_store_set_clock(clinic->store, stp_host_clock_new_with(read_host, NULL));
	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	virtual_clock_run(later(60 * S));
	/* In a power-up of which nothing else is known. */
	sim_pen_restart(pen);
	assert_true(sim_story_add_session(&story, 9, pen, NULL, NULL));

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	server = sim_pen_fd_new(pen, NULL, ends[0], 247);
	link = late_link_new(ends[1], clinic->addresses[0]);
	sync = stp_pen_sync_new(sim_pen_serial(pen), STP_LINK(link), clinic->store);
	stp_pen_sync_run_async(sync, NULL, on_ran, &answer);
	assert_true(virtual_clock_run_until(&answer.done, later(HOUR)));
	assert_null(answer.error);
	assert_int_equal(link->clocks, 2);

	sessions = stp_store_list_sessions(clinic->store, &filter, 100, 0, &next, NULL);
	for (guint i = 0; i < sessions->len; i++) {
		const StpSession *session = g_ptr_array_index(sessions, i);
		gint64 since_ms = (gint64)sim_pen_tick_ms(pen) - (gint64)session->start_tick_ms;

		if (session->boot_id != sim_pen_boot_id(pen))
			continue;
		seen++;
		assert_int_equal(session->time_quality, STP_TIME_ANCHORED);
		assert_in_range(session->start_uncertainty_ms, 0, 1000);
		assert_true(ABS(stp_clock_wall() - since_ms * 1000 - session->start) <=
			    session->start_uncertainty_ms * G_GINT64_CONSTANT(1000));
	}
	assert_int_equal(seen, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_late_answer_is_not_the_next_one, open_hours, close_hours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

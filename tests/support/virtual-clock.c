/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "virtual-clock.h"

#include "clock.h"

/* An hour after the machine started: code that subtracts an interval stays above zero. */
#define FIRST_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define MAX_FDS 256

static gint64 now_us = FIRST_US;
static gint64 wall_offset_us;

typedef struct {
	GSource source;
	gint64 interval_us, due_us;
} Timer;

void
virtual_clock_reset(gint64 wall_us)
{
	now_us = FIRST_US;
	virtual_clock_set_wall(wall_us);
}

void
virtual_clock_set_wall(gint64 wall_us)
{
	wall_offset_us = wall_us - now_us;
}

gint64
stp_clock_monotonic(void)
{
	return now_us;
}

gint64
stp_clock_turn(void)
{
	return stp_clock_monotonic();
}

gint64
stp_clock_wall(void)
{
	return now_us + wall_offset_us;
}

static gboolean
prepare(GSource *source, gint *timeout_ms)
{
	gint64 left_us = ((Timer *)source)->due_us - now_us;

	*timeout_ms = left_us <= 0 ? 0 : (gint)MIN((left_us + 999) / 1000, G_MAXINT);
	return left_us <= 0;
}

static gboolean
check(GSource *source)
{
	return ((Timer *)source)->due_us <= now_us;
}

static gboolean
dispatch(GSource *source, GSourceFunc function, gpointer data)
{
	if (!function(data))
		return G_SOURCE_REMOVE;
	((Timer *)source)->due_us = now_us + ((Timer *)source)->interval_us;
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs functions = { prepare, check, dispatch, NULL, NULL, NULL };

GSource *
stp_clock_source_new(guint ms)
{
	GSource *source = g_source_new(&functions, sizeof(Timer));
	Timer *timer = (Timer *)source;

	timer->interval_us = (gint64)ms * 1000;
	timer->due_us = now_us + timer->interval_us;
	return source;
}

GSource *
stp_clock_source_new_seconds(guint s)
{
	return stp_clock_source_new(s * 1000);
}

guint
stp_clock_add(guint ms, GSourceFunc function, gpointer data)
{
	g_autoptr(GSource) source = stp_clock_source_new(ms);

	g_source_set_callback(source, function, data, NULL);
	return g_source_attach(source, NULL);
}

guint
stp_clock_add_seconds_full(guint s, GSourceFunc function, gpointer data, GDestroyNotify notify)
{
	g_autoptr(GSource) source = stp_clock_source_new_seconds(s);

	g_source_set_callback(source, function, data, notify);
	return g_source_attach(source, NULL);
}

guint
stp_clock_add_seconds(guint s, GSourceFunc function, gpointer data)
{
	return stp_clock_add_seconds_full(s, function, data, NULL);
}

gboolean
virtual_clock_step(gint64 until_us)
{
	GMainContext *context = g_main_context_default();
	GPollFD fds[MAX_FDS];
	gint priority, timeout_ms, count;
	gboolean ready;

	g_assert_true(g_main_context_acquire(context));
	g_main_context_prepare(context, &priority);
	count = g_main_context_query(context, priority, &timeout_ms, fds, MAX_FDS);
	g_assert_cmpint(count, <=, MAX_FDS);
	/* Nobody waits: what is not there now comes at a time, and that is ours to give. */
	if (g_poll(fds, (guint)count, 0) <= 0 && timeout_ms != 0) {
		gint64 left_us = until_us - now_us;

		if (left_us <= 0) {
			g_main_context_release(context);
			return FALSE;
		}
		now_us += timeout_ms < 0 ? left_us : MIN((gint64)timeout_ms * 1000, left_us);
	}
	ready = g_main_context_check(context, priority, fds, count);
	if (ready)
		g_main_context_dispatch(context);
	g_main_context_release(context);
	return TRUE;
}

void
virtual_clock_run(gint64 until_us)
{
	while (virtual_clock_step(until_us))
		;
}

gboolean
virtual_clock_run_until(const gboolean *wanted, gint64 until_us)
{
	while (!*wanted && virtual_clock_step(until_us))
		;
	return *wanted;
}

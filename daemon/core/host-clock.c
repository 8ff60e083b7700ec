/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "host-clock.h"

#include <sys/timex.h>
#include <time.h>

#include "clock.h"
#include "time-limits.h"

struct _StpHostClock {
	StpClockPolicy policy;
	char boot[STP_HOST_BOOT_MAX];
	void (*read)(StpClockReading *reading, gpointer data);
	gpointer data;
};

gboolean
stp_clock_policy_parse(const char *text, StpClockPolicy *policy)
{
	static const char *const words[] = { "auto", "trusted", "untrusted" };

	for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
		if (!g_str_equal(text, words[i]))
			continue;
		*policy = (StpClockPolicy)i;
		return TRUE;
	}
	return FALSE;
}

StpHostClock *
stp_host_clock_new(StpClockPolicy policy, const char *boot)
{
	StpHostClock *clock = g_new0(StpHostClock, 1);

	clock->policy = policy;
	g_strlcpy(clock->boot, boot != NULL ? boot : "", sizeof(clock->boot));
	return clock;
}

StpHostClock *
stp_host_clock_new_with(void (*read)(StpClockReading *reading, gpointer data), gpointer data)
{
	StpHostClock *clock = g_new0(StpHostClock, 1);

	clock->read = read;
	clock->data = data;
	return clock;
}

void
stp_host_clock_free(StpHostClock *clock)
{
	g_free(clock);
}

gboolean
stp_clock_is_possible(gint64 utc_us)
{
	return utc_us >= STP_CLOCK_EARLIEST_US && utc_us < STP_CLOCK_LATEST_US;
}

static void
ask_kernel(StpClockReading *reading)
{
	struct timex state = { .modes = 0 };
	int answer = adjtimex(&state);

	/* Where it may not be asked, nobody vouches. */
	if (answer < 0 || answer == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
		return;
	reading->trust = STP_CLOCK_SYNCHRONISED;
	reading->error_us = state.maxerror;
}

static gint64
running_us(void)
{
	struct timespec now;

	/* Unlike the monotonic clock this one counts while the machine sleeps. */
	if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return 0;
	return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

void
stp_host_clock_read(const StpHostClock *clock, StpClockReading *reading)
{
	*reading = (StpClockReading){ .utc_us = stp_clock_wall(), .trust = STP_CLOCK_UNSYNCHRONISED };
	if (clock != NULL && clock->read != NULL) {
		clock->read(reading, clock->data);
	} else if (clock != NULL) {
		g_strlcpy(reading->boot, clock->boot, sizeof(reading->boot));
		reading->running_us = reading->boot[0] != '\0' ? running_us() : 0;
		if (clock->policy == STP_CLOCK_ASK_KERNEL)
			ask_kernel(reading);
		else if (clock->policy == STP_CLOCK_ALWAYS)
			reading->trust = STP_CLOCK_SYNCHRONISED;
	}
	if (!stp_clock_is_possible(reading->utc_us)) {
		reading->trust = STP_CLOCK_IMPOSSIBLE;
		reading->error_us = 0;
	}
}

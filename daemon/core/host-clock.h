/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * This computer's clock, and whether it may be believed.  The pens' times are worked out from it, so
 * a clock that is wrong must be known to be: a small box without a battery begins in 1970 at each
 * power-up and is right as soon as the network is there.
 *
 * The kernel knows: whatever sets the clock by the network or by satellite tells it (adjtimex(2)), and by
 * how much it may be off; it takes that back 16 s of uncertainty later, or when somebody sets the
 * clock by hand.  timedated's NTPSynchronized is the same bit.
 */

typedef enum {
	STP_CLOCK_IMPOSSIBLE,		/* before this program was written, or after 2100 */
	STP_CLOCK_UNSYNCHRONISED,	/* it may be right; nobody says so */
	STP_CLOCK_SYNCHRONISED,
} StpClockTrust;

/* How to tell: by the kernel, or as the person who installed it says. */
typedef enum { STP_CLOCK_ASK_KERNEL, STP_CLOCK_ALWAYS, STP_CLOCK_NEVER } StpClockPolicy;

#define STP_HOST_BOOT_MAX 64

typedef struct {
	gint64 utc_us;			/* since 1970 */
	StpClockTrust trust;
	gint64 error_us;		/* by how much it may be off; 0 unless synchronised */
	gint64 running_us;		/* since this computer was switched on; no setting moves it; 0 unknown */
	char boot[STP_HOST_BOOT_MAX];	/* names this run of the computer; "": unknown */
} StpClockReading;

typedef struct _StpHostClock StpHostClock;

/* "auto", "trusted" or "untrusted"; FALSE: none of these. */
gboolean stp_clock_policy_parse(const char *text, StpClockPolicy *policy);

/* boot is the same in each process of one run of the computer, and in no other; NULL: not known. */
StpHostClock *stp_host_clock_new(StpClockPolicy policy, const char *boot);
/* For tests. */
StpHostClock *stp_host_clock_new_with(void (*read)(StpClockReading *reading, gpointer data), gpointer data);
void stp_host_clock_free(StpHostClock *clock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpHostClock, stp_host_clock_free)

/* clock NULL: one that nobody vouches for. */
void stp_host_clock_read(const StpHostClock *clock, StpClockReading *reading);

/* Whether a time can be at all. */
gboolean stp_clock_is_possible(gint64 utc_us);

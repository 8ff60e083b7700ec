/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "air.h"

/* org.stipple1.test.Air1 at /org/bluez/fake: what tests make go wrong. */
FakeFaults *fake_faults_new(FakeAir *air, FakeRestart restart, gpointer restart_data);
void fake_faults_free(FakeFaults *faults);

typedef enum { FAKE_FATE_ARRIVES, FAKE_FATE_LOST, FAKE_FATE_LAST } FakeFate;

/* What becomes of the pen's next notification; counts it.  LAST: it arrives, then the link ends. */
FakeFate fake_faults_notification(FakeFaults *faults, const char *pen);
/* Milliseconds. */
guint fake_faults_answer_delay(FakeFaults *faults, const char *pen);
guint16 fake_faults_mtu(FakeFaults *faults, const char *pen);
gboolean fake_faults_stale(FakeFaults *faults, const char *pen);
gboolean fake_faults_refuse_acquire(FakeFaults *faults);

/* For the signals. */
void fake_faults_link_up(FakeFaults *faults, const char *central, const char *pen);
void fake_faults_link_down(FakeFaults *faults, const char *central, const char *pen);

typedef enum {
	FAKE_MONITOR_WORKS,
	FAKE_MONITOR_REFUSED,	/* released at once */
	FAKE_MONITOR_IGNORED,	/* never activated */
} FakeMonitorFault;

/* What becomes of an advertisement monitor that is registered now. */
FakeMonitorFault fake_faults_monitor(FakeFaults *faults);

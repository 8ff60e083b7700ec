/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "collector.h"
#include "sim-pen-fd.h"
#include "socket-radio.h"

/* A collector, a store and simulated pens in one process: no bus, no BlueZ. */

#define PENS 5
#define ATTENDED 4	/* somebody presses its button whenever it asks */
#define WAIT_MS 30000

typedef struct {
	char *directory;
	SimPen *pens[PENS];
	SimLinkFaults faults[PENS];
	char *addresses[PENS];
	SocketRadio *radio;
	StpStore *store;
	StpCollector *collector;
	guint ended, failed;
	gint64 last_duration_us;
	guint stored;
	char *last_error;
} Clinic;

typedef struct {
	gboolean done;
	StpEnrolledPen *pen;
	StpRetiredFlags how;	/* of a removal */
	GError *error;
} Answer;

/* Set-up and teardown. */
int open_clinic(void **state);
int close_clinic(void **state);

/* The store and its collector, as a daemon that starts, and that ends. */
void open_store(Clinic *clinic);
void close_store(Clinic *clinic);

/* For a pen of a store that was opened again: count its syncs. */
void on_pen_added(StpCollector *collector, StpEnrolledPen *pen, Clinic *clinic);

/* Of a gboolean, for private_wait(). */
gboolean is_set(gpointer data);

/* Callbacks: user_data is a gboolean, and an Answer. */
void on_stopped(GObject *source, GAsyncResult *result, gpointer user_data);
void on_enrolled(GObject *source, GAsyncResult *result, gpointer user_data);
void on_synced(GObject *source, GAsyncResult *result, gpointer user_data);

/* Enrol, whatever comes of it; or a pen of the clinic, which must succeed. */
Answer try_enrol(Clinic *clinic, const char *which, guint timeout_s);
StpEnrolledPen *enrol(Clinic *clinic, guint number);

/* Until so many syncs have ended in all. */
void wait_ended(Clinic *clinic, guint ended);

/* Let everything that is due now happen. */
void settle(void);

/* The store has all of a pen, and the pen knows. */
void assert_complete(Clinic *clinic, guint number);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * So many at a time.  Who waits is served in the order of asking; when its wait is withdrawn
 * before its turn it never gets one.
 */
typedef struct StpBluezQueue StpBluezQueue;

StpBluezQueue *stp_bluez_queue_new(guint capacity);
/* Nobody may be in it. */
void stp_bluez_queue_free(StpBluezQueue *queue);

/* Call run when it is the caller's turn, perhaps at once; the turn ends with leave(). */
void stp_bluez_queue_enter(StpBluezQueue *queue, void (*run)(gpointer data), gpointer data);
/* FALSE: it was its turn already. */
gboolean stp_bluez_queue_withdraw(StpBluezQueue *queue, gpointer data);
void stp_bluez_queue_leave(StpBluezQueue *queue);

/* Who has a turn keeps it when there are fewer from now on. */
void stp_bluez_queue_set_capacity(StpBluezQueue *queue, guint capacity);
guint stp_bluez_queue_get_busy(const StpBluezQueue *queue);
guint stp_bluez_queue_get_waiting(const StpBluezQueue *queue);

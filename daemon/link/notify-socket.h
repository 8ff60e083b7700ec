/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * The reading end of what AcquireNotify gives: one datagram is one value.  It is emptied before
 * anything else is done, since BlueZ drops what does not fit.
 */
typedef struct StpNotifySocket StpNotifySocket;

/*
 * value is called for each datagram, be it empty; emptied after some, when no more is there for now;
 * ended once when the other end has closed it.  Each may free the socket.
 */
typedef struct {
	void (*value)(GBytes *value, gpointer data);
	void (*emptied)(gpointer data);
	void (*ended)(gpointer data);
} StpNotifySocketEvents;

/* Takes fd. */
StpNotifySocket *stp_notify_socket_new(int fd, const StpNotifySocketEvents *events, gpointer data);
void stp_notify_socket_free(StpNotifySocket *socket);

/* Read what is there now, without waiting for the main loop.  The socket may be gone afterwards. */
void stp_notify_socket_drain(StpNotifySocket *socket);

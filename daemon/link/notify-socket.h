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
 * Takes fd.  value is called for each datagram, be it empty, ended once when the other end has closed it;
 * either may free the socket.
 */
StpNotifySocket *stp_notify_socket_new(int fd, void (*value)(GBytes *value, gpointer data),
				       void (*ended)(gpointer data), gpointer data);
void stp_notify_socket_free(StpNotifySocket *socket);

/* Read what is there now, without waiting for the main loop.  The socket may be gone afterwards. */
void stp_notify_socket_drain(StpNotifySocket *socket);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "notify-socket.h"

#include <stipple/gatt.h>

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct StpNotifySocket {
	int fd;			/* -1: freed while it was being read */
	gboolean draining;
	GSource *source;
	void (*value)(GBytes *value, gpointer data);
	void (*ended)(gpointer data);
	gpointer data;
};

/*
 * Reading gives 0 for an empty datagram as well as for the end.  BlueZ passes on an empty
 * notification as it is (sendmsg() with no bytes, also in 5.87), so that a pen could end its own
 * stream by sending one.  Only the end has the other side hung up; and while bytes are queued it has
 * not been reached even then.  What is lost is an empty datagram just before the end.
 */
static gboolean
has_ended(int fd)
{
	struct pollfd other = { .fd = fd, .events = POLLRDHUP };
	int queued = 0;

	if (poll(&other, 1, 0) > 0 && (other.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0)
		return ioctl(fd, FIONREAD, &queued) != 0 || queued == 0;
	return FALSE;
}

/* FALSE: nothing is left to read, or nobody is left to read it for. */
static gboolean
read_one(StpNotifySocket *socket)
{
	guint8 bytes[STP_ATT_VALUE_MAX];
	ssize_t size = socket->fd >= 0 ? read(socket->fd, bytes, sizeof bytes) : -1;

	if (socket->fd < 0)
		return FALSE;
	if (size > 0 || (size == 0 && !has_ended(socket->fd))) {
		g_autoptr(GBytes) value = g_bytes_new(bytes, (gsize)size);

		socket->value(value, socket->data);
		return TRUE;
	}
	/* A peer that left with something unread gives ECONNRESET once; what it sent follows. */
	if (size < 0 && (errno == EINTR || errno == ECONNRESET))
		return TRUE;
	if (size < 0 && errno == EAGAIN)
		return FALSE;
	g_source_destroy(socket->source);
	socket->ended(socket->data);
	return FALSE;
}

void
stp_notify_socket_drain(StpNotifySocket *socket)
{
	/* From within one of its own callbacks: the outer call goes on with it. */
	if (socket->draining)
		return;
	socket->draining = TRUE;
	while (read_one(socket))
		;
	socket->draining = FALSE;
	if (socket->fd < 0)
		g_free(socket);
}

static gboolean
on_ready(int fd, GIOCondition condition, gpointer user_data)
{
	stp_notify_socket_drain(user_data);
	return G_SOURCE_CONTINUE;
}

StpNotifySocket *
stp_notify_socket_new(int fd, void (*value)(GBytes *value, gpointer data), void (*ended)(gpointer data),
		      gpointer data)
{
	StpNotifySocket *socket = g_new(StpNotifySocket, 1);

	*socket = (StpNotifySocket){ .fd = fd, .value = value, .ended = ended, .data = data };
	g_unix_set_fd_nonblocking(fd, TRUE, NULL);
	socket->source = g_unix_fd_source_new(fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
	g_source_set_priority(socket->source, G_PRIORITY_HIGH);
	g_source_set_callback(socket->source, G_SOURCE_FUNC(on_ready), socket, NULL);
	g_source_attach(socket->source, g_main_context_get_thread_default());
	return socket;
}

void
stp_notify_socket_free(StpNotifySocket *socket)
{
	g_source_destroy(socket->source);
	g_source_unref(socket->source);
	close(socket->fd);
	socket->fd = -1;
	if (!socket->draining)
		g_free(socket);
}

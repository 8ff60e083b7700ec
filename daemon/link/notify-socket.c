/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "notify-socket.h"

#include <stipple/gatt.h>

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What one system call takes. */
#define BATCH_SIZE 16

struct StpNotifySocket {
	int fd;			/* -1: freed while it was being read */
	gboolean draining;
	GSource *source;
	const StpNotifySocketEvents *events;
	gpointer data;
};

struct batch {
	struct mmsghdr heads[BATCH_SIZE];
	struct iovec places[BATCH_SIZE];
	guint8 bytes[BATCH_SIZE][STP_ATT_VALUE_MAX];
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

static int
receive(int fd, struct batch *batch)
{
	memset(batch->heads, 0, sizeof(batch->heads));
	for (guint i = 0; i < BATCH_SIZE; i++) {
		batch->places[i] = (struct iovec){ batch->bytes[i], sizeof(batch->bytes[i]) };
		batch->heads[i].msg_hdr.msg_iov = &batch->places[i];
		batch->heads[i].msg_hdr.msg_iovlen = 1;
	}
	return recvmmsg(fd, batch->heads, BATCH_SIZE, MSG_DONTWAIT, NULL);
}

/* Of what was read at once: behind the end each read gives 0 again. */
static int
count_values(int fd, const struct batch *batch, int count)
{
	int values = count;

	while (values > 0 && batch->heads[values - 1].msg_len == 0)
		values--;
	return values < count && has_ended(fd) ? values : count;
}

static void
tell_emptied(StpNotifySocket *socket, gboolean *any)
{
	if (*any && socket->fd >= 0)
		socket->events->emptied(socket->data);
	*any = FALSE;
}

/* FALSE: nothing is left to read, or nobody is left to read it for. */
static gboolean
read_some(StpNotifySocket *socket, gboolean *any)
{
	struct batch batch;
	int count = receive(socket->fd, &batch), values;

	/* A peer that left with something unread gives ECONNRESET once; what it sent follows. */
	if (count < 0 && (errno == EINTR || errno == ECONNRESET))
		return TRUE;
	if (count < 0 && errno == EAGAIN)
		return FALSE;
	values = count > 0 ? count_values(socket->fd, &batch, count) : 0;
	for (int i = 0; i < values && socket->fd >= 0; i++) {
		g_autoptr(GBytes) value = g_bytes_new(batch.bytes[i], batch.heads[i].msg_len);

		*any = TRUE;
		socket->events->value(value, socket->data);
	}
	/* Fewer than were asked for: there were no more. */
	if (socket->fd < 0 || values == BATCH_SIZE || (values == count && count > 0))
		return socket->fd >= 0 && values == BATCH_SIZE;
	g_source_destroy(socket->source);
	tell_emptied(socket, any);
	if (socket->fd >= 0)
		socket->events->ended(socket->data);
	return FALSE;
}

void
stp_notify_socket_drain(StpNotifySocket *socket)
{
	gboolean any = FALSE;

	/* From within one of its own callbacks: the outer call goes on with it. */
	if (socket->draining)
		return;
	socket->draining = TRUE;
	while (socket->fd >= 0 && read_some(socket, &any))
		;
	tell_emptied(socket, &any);
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
stp_notify_socket_new(int fd, const StpNotifySocketEvents *events, gpointer data)
{
	StpNotifySocket *socket = g_new(StpNotifySocket, 1);

	*socket = (StpNotifySocket){ .fd = fd, .events = events, .data = data };
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

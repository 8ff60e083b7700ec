/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link-fd.h"
#include "sim-pen-fd.h"
#include "sim-pump.h"

struct SimPenFd {
	SimPen *pen;
	const SimLinkFaults *faults;
	SimPump *pump;
	int fd; /* -1: closed */
	GSource *readable, *writable;
	GQueue replies;    /* GBytes: whole datagrams that did not fit yet */
	GSource *farewell; /* hangs up once nobody is in the middle of sending */
};

static void
drop_source(GSource **source)
{
	if (!*source)
		return;
	g_source_destroy(*source);
	g_clear_pointer(source, g_source_unref);
}

static GSource *
add_source(GSource *source, GSourceFunc function, SimPenFd *server)
{
	g_source_set_callback(source, function, server, NULL);
	g_source_attach(source, g_main_context_get_thread_default());
	return source;
}

static void
hang_up(SimPenFd *server)
{
	drop_source(&server->readable);
	drop_source(&server->writable);
	drop_source(&server->farewell);
	if (server->fd >= 0)
		close(server->fd);
	server->fd = -1;
	g_queue_clear_full(&server->replies, (GDestroyNotify)g_bytes_unref);
	sim_pump_disconnected(server->pump);
}

/* FALSE: the datagram does not fit now. */
static gboolean
send_datagram(SimPenFd *server, const void *bytes, gsize size)
{
	if (send(server->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return TRUE;
	/* A host that has left shows on the reading side. */
	return errno != EAGAIN && errno != ENOBUFS && errno != EINTR;
}

static gboolean
write_ready(int fd, GIOCondition condition, gpointer data)
{
	SimPenFd *server = data;
	GBytes *reply;

	while ((reply = g_queue_peek_head(&server->replies))) {
		gsize size;
		gconstpointer bytes = g_bytes_get_data(reply, &size);

		if (!send_datagram(server, bytes, size))
			return G_SOURCE_CONTINUE;
		g_bytes_unref(g_queue_pop_head(&server->replies));
	}
	g_clear_pointer(&server->writable, g_source_unref);
	sim_pump_writable(server->pump);
	return G_SOURCE_REMOVE;
}

static void
wait_writable(SimPenFd *server)
{
	if (!server->writable)
		server->writable = add_source(g_unix_fd_source_new(server->fd, G_IO_OUT),
					      G_SOURCE_FUNC(write_ready), server);
}

static gsize
make_message(guint8 message[STP_FD_MESSAGE_MAX], StpFdKind kind, guint channel, const void *payload,
	     gsize size)
{
	message[0] = (guint8)kind;
	message[1] = (guint8)channel;
	if (size > 0)
		memcpy(message + STP_FD_HEADER_SIZE, payload, size);
	return STP_FD_HEADER_SIZE + size;
}

static void
reply(SimPenFd *server, StpFdKind kind, guint channel, const void *payload, gsize size)
{
	guint8 message[STP_FD_MESSAGE_MAX];
	gsize length = make_message(message, kind, channel, payload, size);

	if (g_queue_is_empty(&server->replies) && send_datagram(server, message, length))
		return;
	g_queue_push_tail(&server->replies, g_bytes_new(message, length));
	wait_writable(server);
}

static void
reply_error(SimPenFd *server, guint channel, StpFdErrorCode code, const char *text)
{
	guint8 payload[64] = { (guint8)code };
	gsize size = MIN(strlen(text), sizeof payload - 1);

	memcpy(payload + 1, text, size);
	reply(server, STP_FD_ERROR, channel, payload, size + 1);
}

static SimSending
send_value(SimPenFd *server, StpChannel channel, const guint8 *bytes, gsize size)
{
	guint8 message[STP_FD_MESSAGE_MAX];
	gsize length = make_message(message, STP_FD_NOTIFY, channel, bytes, size);

	if (g_queue_is_empty(&server->replies) && send_datagram(server, message, length))
		return SIM_SENT;
	wait_writable(server);
	return SIM_WOULD_BLOCK;
}

static SimSending
port_indicate(const guint8 *bytes, gsize size, gpointer data)
{
	return send_value(data, STP_CHANNEL_LOG_CONTROL, bytes, size);
}

static SimSending
port_notify(const guint8 *bytes, gsize size, gpointer data)
{
	return send_value(data, STP_CHANNEL_LOG_DATA, bytes, size);
}

static gboolean
hang_up_now(gpointer data)
{
	SimPenFd *server = data;

	hang_up(server);
	return G_SOURCE_REMOVE;
}

static void
port_hang_up(gpointer data)
{
	SimPenFd *server = data;

	if (server->farewell)
		return;
	server->farewell = g_idle_source_new();
	g_source_set_priority(server->farewell, G_PRIORITY_HIGH);
	add_source(server->farewell, hang_up_now, server);
}

/* Beside the log's channels there is Live. */
static SimSending
port_send(enum stp_pen_channel channel, const guint8 *bytes, gsize size, gpointer data)
{
	return channel == STP_PEN_LIVE ? send_value(data, STP_CHANNEL_LIVE, bytes, size) : SIM_NOBODY;
}

static const SimPort port = { port_indicate, port_notify, port_hang_up, port_send };

static void
answer_read(SimPenFd *server, guint channel)
{
	g_autoptr(GBytes) value = sim_pen_read(server->pen, stp_channel_uuid((StpChannel)channel));
	gsize size;

	if (!value) {
		reply_error(server, channel, STP_FD_NOT_FOUND, "not readable");
		return;
	}
	gconstpointer bytes = g_bytes_get_data(value, &size);

	reply(server, STP_FD_VALUE, channel, bytes, size);
}

static void
set_clock(SimPenFd *server, const guint8 *bytes, gsize size)
{
	gboolean has_none = server->faults != NULL && server->faults->no_clock;
	guint8 error = has_none ? 0x03 : stp_pen_set_clock(sim_pen_engine(server->pen), bytes, size);
	g_autofree char *text = g_strdup_printf("ATT error 0x%02x", error);

	if (error != 0)
		reply_error(server, STP_CHANNEL_ELAPSED_TIME, STP_FD_FAILED, text);
	else
		reply(server, STP_FD_DONE, STP_CHANNEL_ELAPSED_TIME, NULL, 0);
	/* The event that it makes is a record before the host can be gone. */
	sim_pen_step(server->pen);
}

static void
take_write(SimPenFd *server, gboolean wants_answer, guint channel, const guint8 *bytes, gsize size)
{
	if (channel == STP_CHANNEL_ELAPSED_TIME && wants_answer) {
		set_clock(server, bytes, size);
		return;
	}
	if (channel != STP_CHANNEL_LOG_CONTROL) {
		if (wants_answer)
			reply_error(server, channel, STP_FD_FAILED, "not writable");
		return;
	}
	if (wants_answer)
		reply(server, STP_FD_DONE, channel, NULL, 0);
	sim_pump_control(server->pump, bytes, size);
}

/* FALSE: the host does not speak this protocol. */
static gboolean
take_message(SimPenFd *server, const guint8 *message, gsize size)
{
	const guint8 *payload = message + STP_FD_HEADER_SIZE;

	if (size < STP_FD_HEADER_SIZE || size > STP_FD_MESSAGE_MAX || message[1] >= STP_CHANNEL_COUNT)
		return FALSE;
	size -= STP_FD_HEADER_SIZE;
	switch (message[0]) {
	case STP_FD_READ:
		answer_read(server, message[1]);
		return TRUE;
	case STP_FD_WRITE:
	case STP_FD_COMMAND:
		take_write(server, message[0] == STP_FD_WRITE, message[1], payload, size);
		return TRUE;
	case STP_FD_LISTEN:
		if (server->faults != NULL && server->faults->no_live) {
			reply_error(server, message[1], STP_FD_NOT_FOUND, "no such characteristic");
			return TRUE;
		}
		reply(server, STP_FD_DONE, message[1], NULL, 0);
		sim_pump_subscribed(server->pump, STP_PEN_LIVE, TRUE);
		return TRUE;
	default:
		return FALSE;
	}
}

static gboolean
read_ready(int fd, GIOCondition condition, gpointer data)
{
	SimPenFd *server = data;
	guint8 message[STP_FD_MESSAGE_MAX + 1];

	while (server->fd >= 0) {
		gssize size = recv(server->fd, message, sizeof message, MSG_DONTWAIT);

		if (size < 0 && (errno == EINTR || errno == ECONNRESET))
			continue;
		if (size < 0 && errno == EAGAIN)
			return G_SOURCE_CONTINUE;
		if (size <= 0 || !take_message(server, message, (gsize)size))
			hang_up(server);
	}
	return G_SOURCE_REMOVE;
}

static void
say_hello(SimPenFd *server)
{
	guint16 mtu = sim_pump_mtu(server->pump);
	const guint8 hello[STP_FD_HELLO_SIZE] = { (guint8)mtu, (guint8)(mtu >> 8),
						   sim_pen_meets_stranger(server->pen) ? 0 : STP_FD_AUTHENTICATED };

	reply(server, STP_FD_HELLO, 0, hello, sizeof hello);
}

SimPenFd *
sim_pen_fd_new(SimPen *pen, SimLinkFaults *faults, int fd, guint16 mtu)
{
	SimPenFd *server = g_new0(SimPenFd, 1);

	server->pen = pen;
	server->fd = fd;
	server->faults = faults;
	server->pump = sim_pump_new(pen, faults, &port, server);
	server->readable = add_source(g_unix_fd_source_new(fd, G_IO_IN | G_IO_HUP | G_IO_ERR),
				      G_SOURCE_FUNC(read_ready), server);
	sim_pump_connected(server->pump, mtu);
	say_hello(server);
	return server;
}

void
sim_pen_fd_free(SimPenFd *server)
{
	if (!server)
		return;
	hang_up(server);
	sim_pump_free(server->pump);
	g_free(server);
}

gboolean
sim_pen_fd_is_connected(const SimPenFd *server)
{
	return server->fd >= 0;
}

void
sim_pen_fd_set_mtu(SimPenFd *server, guint16 mtu)
{
	if (server->fd < 0)
		return;
	sim_pump_set_mtu(server->pump, mtu);
	say_hello(server);
}

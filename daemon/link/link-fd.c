/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "link-fd.h"

#include "error.h"
#include "log.h"
#include "pending.h"

#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
	StpFdKind kind;
	StpChannel channel;
	StpPending *pending;
};

struct _StpLinkFd {
	GObject parent;
	int fd;			/* -1: closed */
	char *address;
	GSource *readable, *writable;
	GQueue outgoing;	/* GBytes: whole datagrams that did not fit yet */
	GQueue requests;	/* struct request: sent, not answered, oldest first */
	GQueue subscribers;	/* StpPending: wait for HELLO */
	guint mtu;
	gboolean greeted, authenticated;
	StpLinkEnd how;		/* it ended */
};

static void stp_link_fd_init_interface(StpLinkInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE(StpLinkFd, stp_link_fd, G_TYPE_OBJECT,
			      G_IMPLEMENT_INTERFACE(STP_TYPE_LINK, stp_link_fd_init_interface))

static void
drop_source(GSource **source)
{
	if (*source == NULL)
		return;
	g_source_destroy(*source);
	g_clear_pointer(source, g_source_unref);
}

static void
release(StpLinkFd *self, const GError *reason)
{
	struct request *request;
	StpPending *pending;

	drop_source(&self->readable);
	drop_source(&self->writable);
	close(self->fd);
	self->fd = -1;
	g_queue_clear_full(&self->outgoing, (GDestroyNotify)g_bytes_unref);
	while ((request = g_queue_pop_head(&self->requests)) != NULL) {
		stp_pending_return_error(request->pending, g_error_copy(reason));
		g_free(request);
	}
	while ((pending = g_queue_pop_head(&self->subscribers)) != NULL)
		stp_pending_return_error(pending, g_error_copy(reason));
}

static void
end(StpLinkFd *self, StpError code, const char *text)
{
	g_autoptr(GError) reason = g_error_new_literal(STP_ERROR, (int)code, text);

	if (self->fd < 0)
		return;
	self->how = code == STP_ERROR_CANCELLED ? STP_LINK_END_LOCAL : STP_LINK_END_LOST;
	release(self, reason);
	stp_debug("link", self->address, "closed: %s", text);
	stp_link_emit_closed(STP_LINK(self), reason);
}

static void
end_malformed(StpLinkFd *self)
{
	end(self, STP_ERROR_PROTOCOL_FAILED,
	    "The pen sent a message that the link does not know. Report it with the pen's firmware revision.");
}

static void
end_lost(StpLinkFd *self)
{
	end(self, STP_ERROR_LINK_FAILED, "The pen closed the link. Bring it closer and try again.");
}

/* FALSE: the datagram does not fit now. */
static gboolean
send_datagram(StpLinkFd *self, GBytes *datagram)
{
	gsize size;
	gconstpointer bytes = g_bytes_get_data(datagram, &size);

	if (send(self->fd, bytes, size, MSG_NOSIGNAL) >= 0)
		return TRUE;
	/* Any other failure comes back from the reading side, after what the pen has sent. */
	return errno != EAGAIN && errno != ENOBUFS && errno != EINTR;
}

/* TRUE: nothing is left to send. */
static gboolean
flush(StpLinkFd *self)
{
	GBytes *datagram;

	while ((datagram = g_queue_peek_head(&self->outgoing)) != NULL) {
		if (!send_datagram(self, datagram))
			return FALSE;
		g_bytes_unref(g_queue_pop_head(&self->outgoing));
	}
	return TRUE;
}

static gboolean
write_ready(int fd, GIOCondition condition, gpointer user_data)
{
	StpLinkFd *self = user_data;

	if (!flush(self))
		return G_SOURCE_CONTINUE;
	g_clear_pointer(&self->writable, g_source_unref);
	return G_SOURCE_REMOVE;
}

static void
send_message(StpLinkFd *self, StpFdKind kind, StpChannel channel, GBytes *value)
{
	GByteArray *message = g_byte_array_sized_new(STP_FD_MESSAGE_MAX);
	guint8 header[STP_FD_HEADER_SIZE] = { (guint8)kind, (guint8)channel };
	gsize size;

	g_byte_array_append(message, header, sizeof header);
	if (value != NULL) {
		const guint8 *bytes = g_bytes_get_data(value, &size);

		g_byte_array_append(message, bytes, (guint)size);
	}
	g_queue_push_tail(&self->outgoing, g_byte_array_free_to_bytes(message));

	if (self->writable != NULL || flush(self))
		return;
	self->writable = g_unix_fd_source_new(self->fd, G_IO_OUT);
	g_source_set_callback(self->writable, G_SOURCE_FUNC(write_ready), self, NULL);
	g_source_attach(self->writable, g_main_context_get_thread_default());
}

static GError *
error_from_pen(StpChannel channel, const guint8 *payload, gsize size)
{
	g_autofree char *text = NULL;

	if (size > 1)
		text = g_utf8_make_valid((const char *)payload + 1, (gssize)size - 1);
	switch (size > 0 ? payload[0] : STP_FD_FAILED) {
	case STP_FD_NOT_FOUND:
		return g_error_new(STP_ERROR, STP_ERROR_NOT_FOUND,
				   "The pen has no characteristic '%s'. Its firmware may need an update.",
				   stp_channel_name(channel));
	case STP_FD_DENIED:
		return g_error_new(STP_ERROR, STP_ERROR_BOND_TOO_WEAK,
				   "The pen refuses access to '%s' without a bond. Repair the pairing with "
				   "'stipplectl pens repair'.",
				   stp_channel_name(channel));
	default:
		return g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
				   "The pen could not serve '%s'%s%s. Try again.", stp_channel_name(channel),
				   text != NULL ? ": " : "", text != NULL ? text : "");
	}
}

/* FALSE: nobody asked for this. */
static gboolean
take_answer(StpLinkFd *self, StpFdKind kind, StpChannel channel, const guint8 *payload, gsize size)
{
	struct request *request = g_queue_peek_head(&self->requests);

	if (request == NULL || request->channel != channel ||
	    (kind != STP_FD_ERROR && kind != (request->kind == STP_FD_READ ? STP_FD_VALUE : STP_FD_DONE)))
		return FALSE;

	g_queue_pop_head(&self->requests);
	if (kind == STP_FD_ERROR)
		stp_pending_return_error(request->pending, error_from_pen(channel, payload, size));
	else if (kind == STP_FD_VALUE)
		stp_pending_return_pointer(request->pending, g_bytes_new(payload, size),
					   (GDestroyNotify)g_bytes_unref);
	else
		stp_pending_return_true(request->pending);
	g_free(request);
	return TRUE;
}

static gboolean
take_hello(StpLinkFd *self, const guint8 *payload, gsize size)
{
	StpPending *pending;
	guint mtu;

	if (size < STP_FD_HELLO_SIZE)
		return FALSE;
	mtu = (guint)payload[0] | (guint)payload[1] << 8;
	if (mtu < STP_ATT_MTU_MIN || mtu > STP_ATT_MTU_MAX)
		return FALSE;
	self->mtu = mtu;
	self->authenticated = (payload[2] & STP_FD_AUTHENTICATED) != 0;
	self->greeted = TRUE;
	while ((pending = g_queue_pop_head(&self->subscribers)) != NULL)
		stp_pending_return_true(pending);
	return TRUE;
}

static gboolean
take_message(StpLinkFd *self, const guint8 *message, gsize size)
{
	g_autoptr(GBytes) value = NULL;
	const guint8 *payload = message + STP_FD_HEADER_SIZE;

	if (size < STP_FD_HEADER_SIZE || size > STP_FD_MESSAGE_MAX || message[1] >= STP_CHANNEL_COUNT)
		return FALSE;
	size -= STP_FD_HEADER_SIZE;

	switch (message[0]) {
	case STP_FD_HELLO:
		return take_hello(self, payload, size);
	case STP_FD_VALUE:
	case STP_FD_DONE:
	case STP_FD_ERROR:
		return take_answer(self, (StpFdKind)message[0], (StpChannel)message[1], payload, size);
	case STP_FD_NOTIFY:
		value = g_bytes_new(payload, size);
		stp_link_emit_received(STP_LINK(self), (StpChannel)message[1], value);
		return TRUE;
	default:
		return FALSE;
	}
}

static gboolean
read_ready(int fd, GIOCondition condition, gpointer user_data)
{
	g_autoptr(StpLinkFd) self = g_object_ref(user_data);
	guint8 message[STP_FD_MESSAGE_MAX + 1];

	/* All that is there before anything else: a sender may drop what does not fit. */
	while (self->fd >= 0) {
		ssize_t size = recv(self->fd, message, sizeof message, 0);

		/* A peer that left without reading all gives ECONNRESET once; what it sent follows. */
		if (size < 0 && (errno == EINTR || errno == ECONNRESET))
			continue;
		if (size < 0 && errno == EAGAIN)
			break;
		if (size <= 0)
			end_lost(self);
		else if (!take_message(self, message, (gsize)size))
			end_malformed(self);
	}
	return self->fd >= 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

StpLink *
stp_link_fd_new(int fd, const char *address)
{
	StpLinkFd *self = g_object_new(STP_TYPE_LINK_FD, NULL);

	self->fd = fd;
	self->address = g_strdup(address);
	g_unix_set_fd_nonblocking(fd, TRUE, NULL);
	self->readable = g_unix_fd_source_new(fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
	g_source_set_priority(self->readable, G_PRIORITY_HIGH);
	g_source_set_callback(self->readable, G_SOURCE_FUNC(read_ready), self, NULL);
	g_source_attach(self->readable, g_main_context_get_thread_default());
	return STP_LINK(self);
}

static gboolean
refuse_when_closed(StpLinkFd *self, StpPending *pending)
{
	if (self->fd >= 0)
		return FALSE;
	stp_pending_return_error(pending, g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
						      "The link to the pen is closed. Connect again."));
	return TRUE;
}

static void
send_request(StpLinkFd *self, StpFdKind kind, StpChannel channel, GBytes *value, StpPending *pending)
{
	struct request *request = g_new(struct request, 1);

	*request = (struct request){ kind, channel, pending };
	g_queue_push_tail(&self->requests, request);
	send_message(self, kind, channel, value);
}

static void
stp_link_fd_read_async(StpLink *link, StpChannel channel, GCancellable *cancellable,
		       GAsyncReadyCallback callback, gpointer user_data)
{
	StpLinkFd *self = STP_LINK_FD(link);
	StpPending *pending = stp_pending_new(link, cancellable, "Reading from the pen", callback, user_data);

	if (!refuse_when_closed(self, pending))
		send_request(self, STP_FD_READ, channel, NULL, pending);
}

static GBytes *
stp_link_fd_read_finish(StpLink *link, GAsyncResult *result, GError **error)
{
	return g_task_propagate_pointer(G_TASK(result), error);
}

static void
stp_link_fd_write_async(StpLink *link, StpChannel channel, GBytes *value, gboolean with_response,
			GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	StpLinkFd *self = STP_LINK_FD(link);
	StpPending *pending = stp_pending_new(link, cancellable, "Writing to the pen", callback, user_data);

	if (refuse_when_closed(self, pending))
		return;
	if (g_bytes_get_size(value) > STP_ATT_VALUE_MAX) {
		stp_pending_return_error(pending,
					 g_error_new(STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
						     "A value has 512 bytes at most. Write less at once."));
		return;
	}
	if (with_response) {
		send_request(self, STP_FD_WRITE, channel, value, pending);
		return;
	}
	send_message(self, STP_FD_COMMAND, channel, value);
	stp_pending_return_true(pending);
}

static void
stp_link_fd_subscribe_async(StpLink *link, GCancellable *cancellable, GAsyncReadyCallback callback,
			    gpointer user_data)
{
	StpLinkFd *self = STP_LINK_FD(link);
	StpPending *pending = stp_pending_new(link, cancellable, "Subscribing", callback, user_data);

	if (refuse_when_closed(self, pending))
		return;
	if (self->greeted)
		stp_pending_return_true(pending);
	else
		g_queue_push_tail(&self->subscribers, pending);
}

static void
stp_link_fd_listen_async(StpLink *link, GCancellable *cancellable, GAsyncReadyCallback callback,
			 gpointer user_data)
{
	StpLinkFd *self = STP_LINK_FD(link);
	StpPending *pending = stp_pending_new(link, cancellable, "Listening to the pen", callback, user_data);

	if (!refuse_when_closed(self, pending))
		send_request(self, STP_FD_LISTEN, STP_CHANNEL_LIVE, NULL, pending);
}

static void
stp_link_fd_close_async(StpLink *link, GAsyncReadyCallback callback, gpointer user_data)
{
	end(STP_LINK_FD(link), STP_ERROR_CANCELLED,
	    "This host closed the link. Connect again when it is wanted.");
	stp_pending_return_true(stp_pending_new(link, NULL, "Closing", callback, user_data));
}

static gboolean
finish_boolean(StpLink *link, GAsyncResult *result, GError **error)
{
	return g_task_propagate_boolean(G_TASK(result), error);
}

static guint
stp_link_fd_get_mtu(StpLink *link)
{
	return STP_LINK_FD(link)->mtu;
}

static gboolean
stp_link_fd_get_authenticated(StpLink *link)
{
	return STP_LINK_FD(link)->authenticated;
}

static const char *
stp_link_fd_get_address(StpLink *link)
{
	return STP_LINK_FD(link)->address;
}

static void
stp_link_fd_get_figures(StpLink *link, StpLinkFigures *figures)
{
	figures->path = STP_NOTIFY_DIRECT;
	figures->end = STP_LINK_FD(link)->how;
}

static void
stp_link_fd_finalize(GObject *object)
{
	StpLinkFd *self = STP_LINK_FD(object);

	/* No operation is pending: each holds a reference. */
	drop_source(&self->readable);
	drop_source(&self->writable);
	g_queue_clear_full(&self->outgoing, (GDestroyNotify)g_bytes_unref);
	if (self->fd >= 0)
		close(self->fd);
	g_free(self->address);
	G_OBJECT_CLASS(stp_link_fd_parent_class)->finalize(object);
}

static void
stp_link_fd_class_init(StpLinkFdClass *class)
{
	G_OBJECT_CLASS(class)->finalize = stp_link_fd_finalize;
}

static void
stp_link_fd_init(StpLinkFd *self)
{
	self->fd = -1;
	self->mtu = STP_ATT_MTU_MIN;
	g_queue_init(&self->outgoing);
	g_queue_init(&self->requests);
	g_queue_init(&self->subscribers);
}

static void
stp_link_fd_init_interface(StpLinkInterface *interface)
{
	interface->read_async = stp_link_fd_read_async;
	interface->read_finish = stp_link_fd_read_finish;
	interface->write_async = stp_link_fd_write_async;
	interface->write_finish = finish_boolean;
	interface->subscribe_async = stp_link_fd_subscribe_async;
	interface->subscribe_finish = finish_boolean;
	interface->listen_async = stp_link_fd_listen_async;
	interface->close_async = stp_link_fd_close_async;
	interface->close_finish = finish_boolean;
	interface->get_mtu = stp_link_fd_get_mtu;
	interface->get_authenticated = stp_link_fd_get_authenticated;
	interface->get_address = stp_link_fd_get_address;
	interface->get_figures = stp_link_fd_get_figures;
}

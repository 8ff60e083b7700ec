/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * bare-reader DEVICE descriptor|signals: what the daemon's transfer is measured against.
 *
 * Connects to a bonded pen, whose Device1 is at DEVICE, asks for its list and for each record as
 * the daemon does, with the same window and credits, and counts the bytes; nothing is checked,
 * stored or acknowledged.  Prints one line of JSON; "ms" is from the first request to the last value.
 *
 * bare-reader DEVICE hold: has signals of Log Data turned on until it is ended, so that nobody gets
 * a descriptor: BlueZ answers InProgress to AcquireNotify then, and emits each signal twice.
 */

#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stipple/control.h>
#include <stipple/gatt.h>
#include <stipple/segment.h>

#define CHARACTERISTIC "org.bluez.GattCharacteristic1"
#define PATIENCE_MS 60000

struct reader {
	GDBusConnection *bus;
	const char *device;
	char *control, *data, *features;	/* object paths */
	guint8 token, window;
	struct stp_answer answer;	/* op 0: none yet */
	guint arrived, unpaid;		/* segments of this answer */
	GByteArray *list;		/* what LIST brought; NULL: only count */
	guint32 got;			/* payload of this answer */
	guint64 bytes;			/* of records */
	guint values;
	GBytes *last_signal;
	gint64 began, last;
};

static G_NORETURN void
die(const char *what, const GError *error)
{
	fprintf(stderr, "bare-reader: %s%s%s\n", what, error != NULL ? ": " : "", error != NULL ? error->message : "");
	exit(EXIT_FAILURE);
}

static GVariant *
call(struct reader *reader, const char *path, const char *interface, const char *method, GVariant *args,
     GUnixFDList **fds)
{
	g_autoptr(GError) error = NULL;
	GVariant *reply = g_dbus_connection_call_with_unix_fd_list_sync(
		reader->bus, "org.bluez", path, interface, method, args, NULL, G_DBUS_CALL_FLAGS_NONE, PATIENCE_MS,
		NULL, fds, NULL, &error);

	if (reply == NULL)
		die(method, error);
	return reply;
}

static GVariant *
no_options(void)
{
	return g_variant_new("a{sv}", NULL);
}

/* ---- the pen's objects ---- */

static gboolean
on_too_late(gpointer what)
{
	die(what, NULL);
}

static void
iterate_until(gboolean (*done)(struct reader *reader), struct reader *reader, const char *what)
{
	guint timer = g_timeout_add(PATIENCE_MS, on_too_late, (gpointer)what);

	while (!done(reader))
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(timer);
}

static gboolean
is_resolved(struct reader *reader)
{
	g_autoptr(GVariant) reply =
		call(reader, reader->device, "org.freedesktop.DBus.Properties", "Get",
		     g_variant_new("(ss)", "org.bluez.Device1", "ServicesResolved"), NULL);
	g_autoptr(GVariant) value = NULL;

	g_variant_get(reply, "(v)", &value);
	return g_variant_get_boolean(value);
}

static void
find_paths(struct reader *reader)
{
	g_autoptr(GVariant) reply =
		call(reader, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, NULL);
	g_autoptr(GVariant) objects = g_variant_get_child_value(reply, 0);
	GVariantIter iter;
	const char *path, *uuid;
	GVariant *interfaces;

	g_variant_iter_init(&iter, objects);
	while (g_variant_iter_loop(&iter, "{&o@a{sa{sv}}}", &path, &interfaces)) {
		g_autoptr(GVariant) properties =
			g_variant_lookup_value(interfaces, CHARACTERISTIC, G_VARIANT_TYPE_VARDICT);

		if (properties == NULL || !g_str_has_prefix(path, reader->device) ||
		    !g_variant_lookup(properties, "UUID", "&s", &uuid))
			continue;
		if (strcmp(uuid, STP_UUID_LOG_CONTROL) == 0)
			reader->control = g_strdup(path);
		else if (strcmp(uuid, STP_UUID_LOG_DATA) == 0)
			reader->data = g_strdup(path);
		else if (strcmp(uuid, STP_UUID_FEATURES) == 0)
			reader->features = g_strdup(path);
	}
	if (reader->control == NULL || reader->data == NULL || reader->features == NULL)
		die("the pen's characteristics are not there", NULL);
}

static void
on_device_changed(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
		  const char *signal, GVariant *parameters, gpointer user_data)
{
}

static void
connect_pen(struct reader *reader)
{
	/* Only so that the loop wakes when something has changed. */
	g_dbus_connection_signal_subscribe(reader->bus, "org.bluez", "org.freedesktop.DBus.Properties",
					   "PropertiesChanged", reader->device, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
					   on_device_changed, NULL, NULL);
	g_variant_unref(call(reader, reader->device, "org.bluez.Device1", "Connect", NULL, NULL));
	iterate_until(is_resolved, reader, "the services were not resolved");
	find_paths(reader);
}

/* ---- what arrives ---- */

static void
write_request(struct reader *reader, const struct stp_request *request, gboolean with_response)
{
	guint8 bytes[STP_CONTROL_SIZE_MAX];
	size_t size;
	GVariantBuilder options;
	GVariant *args;

	if (stp_request_encode(request, bytes, &size) != STP_OK)
		die("a request makes no sense", NULL);
	g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&options, "{sv}", "type",
			      g_variant_new_string(with_response ? "request" : "command"));
	args = g_variant_new("(@aya{sv})", g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, size, 1), &options);
	g_dbus_connection_call(reader->bus, "org.bluez", reader->control, CHARACTERISTIC, "WriteValue", args, NULL,
			       G_DBUS_CALL_FLAGS_NONE, PATIENCE_MS, NULL, NULL, NULL);
}

static void
take_value(struct reader *reader, const guint8 *bytes, gsize size)
{
	struct stp_segment segment;

	if (stp_segment_decode(bytes, size, &segment) != STP_OK || segment.token != reader->token)
		return;
	reader->last = g_get_monotonic_time();
	reader->values++;
	reader->arrived++;
	reader->got += (guint32)segment.size;
	if (reader->list != NULL)
		g_byte_array_append(reader->list, segment.payload, (guint)segment.size);
	/* As the daemon: what half a window took is given back. */
	if (++reader->unpaid >= reader->window / 2u && !segment.last) {
		const struct stp_request credit = { .op = STP_OP_CREDIT, .token = reader->token,
						    .u.credit = { .segments = (uint8_t)reader->unpaid } };

		reader->unpaid = 0;
		write_request(reader, &credit, FALSE);
	}
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer user_data)
{
	guint8 bytes[STP_ATT_VALUE_MAX];
	ssize_t size;

	while ((size = read(fd, bytes, sizeof bytes)) > 0)
		take_value(user_data, bytes, (gsize)size);
	if (size == 0)
		die("the descriptor ended", NULL);
	return G_SOURCE_CONTINUE;
}

static void
on_value_changed(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
		 const char *signal, GVariant *parameters, gpointer user_data)
{
	struct reader *reader = user_data;
	g_autoptr(GVariant) changed = g_variant_get_child_value(parameters, 1);
	g_autoptr(GVariant) value = g_variant_lookup_value(changed, "Value", G_VARIANT_TYPE_BYTESTRING);
	struct stp_answer answer;
	const guint8 *bytes;
	gsize size;

	if (value == NULL)
		return;
	bytes = g_variant_get_fixed_array(value, &size, 1);
	if (strcmp(path, reader->data) == 0) {
		g_autoptr(GBytes) now = g_bytes_new(bytes, size);

		/* As the daemon: for each program that listens BlueZ tells it once. */
		if (reader->last_signal != NULL && g_bytes_equal(reader->last_signal, now))
			return;
		g_clear_pointer(&reader->last_signal, g_bytes_unref);
		reader->last_signal = g_steal_pointer(&now);
		take_value(reader, bytes, size);
	} else if (stp_answer_decode(bytes, size, &answer) == STP_OK && answer.token == reader->token)
		reader->answer = answer;
}

static void
listen_to(struct reader *reader, const char *path)
{
	g_dbus_connection_signal_subscribe(reader->bus, "org.bluez", "org.freedesktop.DBus.Properties",
					   "PropertiesChanged", path, CHARACTERISTIC, G_DBUS_SIGNAL_FLAGS_NONE,
					   on_value_changed, reader, NULL);
	g_variant_unref(call(reader, path, CHARACTERISTIC, "StartNotify", NULL, NULL));
}

static void
acquire(struct reader *reader)
{
	g_autoptr(GUnixFDList) fds = NULL;
	g_autoptr(GVariant) reply = call(reader, reader->data, CHARACTERISTIC, "AcquireNotify",
					 g_variant_new("(@a{sv})", no_options()), &fds);
	gint32 index;
	guint16 mtu;
	int fd;

	g_variant_get(reply, "(hq)", &index, &mtu);
	fd = g_unix_fd_list_get(fds, index, NULL);
	g_unix_set_fd_nonblocking(fd, TRUE, NULL);
	g_unix_fd_add_full(G_PRIORITY_HIGH, fd, G_IO_IN | G_IO_HUP, on_readable, reader, NULL);
}

/* ---- the dialogue ---- */

static gboolean
is_answered(struct reader *reader)
{
	gboolean has_data = reader->answer.op == STP_OP_LIST || reader->answer.op == STP_OP_READ;

	return reader->answer.op != 0 && (!has_data || reader->got >= reader->answer.u.sent.sent);
}

static void
ask(struct reader *reader, struct stp_request *request)
{
	reader->token = (guint8)(reader->token % STP_TOKEN_MAX + 1);
	request->token = reader->token;
	reader->answer.op = 0;
	reader->arrived = reader->unpaid = 0;
	reader->got = 0;
	write_request(reader, request, TRUE);
	iterate_until(is_answered, reader, "the pen did not answer, or values were lost");
	if (reader->answer.status != STP_WIRE_SUCCESS)
		die(stp_wire_status_name(reader->answer.status), NULL);
}

static void
read_features(struct reader *reader)
{
	g_autoptr(GVariant) reply = call(reader, reader->features, CHARACTERISTIC, "ReadValue",
					 g_variant_new("(@a{sv})", no_options()), NULL);
	g_autoptr(GVariant) value = g_variant_get_child_value(reply, 0);
	struct stp_features features;
	gsize size;
	const guint8 *bytes = g_variant_get_fixed_array(value, &size, 1);

	if (stp_features_decode(bytes, size, &features) != STP_OK)
		die("the features make no sense", NULL);
	reader->window = (guint8)MIN(STP_WINDOW_DEFAULT, features.max_window);
}

static void
read_all(struct reader *reader)
{
	struct stp_request state = { .op = STP_OP_GET_STATE };
	struct stp_request list = { .op = STP_OP_LIST };
	guint32 epoch;

	ask(reader, &state);
	epoch = reader->answer.u.state.epoch;
	list.u.list.epoch = epoch;
	list.u.list.from = reader->answer.u.state.oldest;
	list.u.list.to = reader->answer.u.state.newest;
	list.u.list.window = reader->window;
	reader->list = g_byte_array_new();
	reader->began = g_get_monotonic_time();
	ask(reader, &list);

	g_autoptr(GByteArray) entries = g_steal_pointer(&reader->list);

	for (guint at = 0; at + STP_ENTRY_SIZE <= entries->len; at += STP_ENTRY_SIZE) {
		struct stp_entry entry;
		struct stp_request read = { .op = STP_OP_READ };

		if (stp_entry_decode(entries->data + at, STP_ENTRY_SIZE, &entry) != STP_OK)
			die("an entry of the list makes no sense", NULL);
		read.u.read.epoch = epoch;
		read.u.read.record = entry.record;
		read.u.read.length = entry.length;
		read.u.read.window = reader->window;
		ask(reader, &read);
		reader->bytes += reader->got;
	}
}

int
main(int count, char **words)
{
	struct reader reader = { 0 };
	g_autoptr(GError) error = NULL;

	if (count != 3)
		die("usage: bare-reader DEVICE descriptor|signals|hold", NULL);
	reader.device = words[1];
	reader.bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
	if (reader.bus == NULL)
		die("the bus", error);
	if (strcmp(words[2], "hold") == 0) {
		/* What BlueZ remembers may be the objects of a pen that has been started anew since. */
		connect_pen(&reader);
		g_variant_unref(call(&reader, reader.data, CHARACTERISTIC, "StartNotify", NULL, NULL));
		g_variant_unref(call(&reader, reader.device, "org.bluez.Device1", "Disconnect", NULL, NULL));
		puts("{\"event\":\"held\"}");
		fflush(stdout);
		g_main_loop_run(g_main_loop_new(NULL, FALSE));
	}
	connect_pen(&reader);
	read_features(&reader);
	listen_to(&reader, reader.control);
	if (strcmp(words[2], "signals") == 0)
		listen_to(&reader, reader.data);
	else
		acquire(&reader);
	read_all(&reader);
	g_variant_unref(call(&reader, reader.device, "org.bluez.Device1", "Disconnect", NULL, NULL));
	printf("{\"bytes\":%" G_GUINT64_FORMAT ",\"values\":%u,\"ms\":%.1f}\n", reader.bytes, reader.values,
	       (double)(reader.last - reader.began) / 1000.0);
	return EXIT_SUCCESS;
}

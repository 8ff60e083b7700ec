/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bus-sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bus-format.h"
#include "error.h"

#define LIMIT_MAX 1000

void
stp_bus_list_sessions(StpStore *store, GDBusMethodInvocation *invocation, GVariant *options,
		      guint limit, guint64 cursor)
{
	StpSessionFilter filter = { .complete = -1 };
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) sessions = NULL;
	GVariantBuilder builder;
	gboolean complete;
	guint64 next = 0;

	if (limit < 1 || limit > LIMIT_MAX) {
		g_dbus_method_invocation_return_error(invocation, STP_ERROR,
			STP_ERROR_INVALID_ARGUMENT,
			"Ask for 1 to %d sessions at a time, and go on with the cursor.", LIMIT_MAX);
		return;
	}
	g_variant_lookup(options, "pen", "&s", &filter.serial);
	g_variant_lookup(options, "since", "x", &filter.since);
	g_variant_lookup(options, "until", "x", &filter.until);
	if (g_variant_lookup(options, "complete", "b", &complete))
		filter.complete = complete;

	sessions = stp_store_list_sessions(store, &filter, limit, cursor, &next, &error);
	if (sessions == NULL) {
		g_dbus_method_invocation_return_gerror(invocation, error);
		return;
	}
	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < sessions->len; i++)
		g_variant_builder_add_value(&builder,
					    stp_bus_session(g_ptr_array_index(sessions, i)));
	g_dbus_method_invocation_return_value(invocation,
					      g_variant_new("(aa{sv}t)", &builder, next));
}

void
stp_bus_get_session(StpStore *store, GDBusMethodInvocation *invocation, const char *id)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StpSession) session = stp_store_get_session(store, id, &error);

	if (session == NULL)
		g_dbus_method_invocation_return_gerror(invocation, error);
	else
		g_dbus_method_invocation_return_value(
			invocation, g_variant_new("(@a{sv})", stp_bus_session(session)));
}

static gboolean
write_all(int fd, const void *bytes, gsize size)
{
	const guint8 *next = bytes;

	while (size > 0) {
		gssize n = write(fd, next, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return FALSE;
		next += n;
		size -= (gsize)n;
	}
	return TRUE;
}

static gboolean
write_records(int fd, GPtrArray *records)
{
	for (guint i = 0; i < records->len; i++) {
		gsize size;
		const void *bytes = g_bytes_get_data(g_ptr_array_index(records, i), &size);
		guint32 prefix = GUINT32_TO_LE((guint32)size);

		if (!write_all(fd, &prefix, sizeof(prefix)) || !write_all(fd, bytes, size))
			return FALSE;
	}
	return TRUE;
}

/* The records in a memory file nobody can change any more; -1 with error. */
static int
seal_records(GPtrArray *records, GError **error)
{
	int fd = memfd_create("stipple-session", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && write_records(fd, records) && lseek(fd, 0, SEEK_SET) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return fd;

	g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
		    "The session could not be handed over: %s. Free some memory and try again.",
		    g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

void
stp_bus_open_session(StpStore *store, GDBusMethodInvocation *invocation, const char *id,
		     GVariant *options)
{
	gboolean partial = FALSE, proof = FALSE;
	g_autoptr(GError) error = NULL;
	g_autoptr(StpSession) session = NULL;
	g_autoptr(GPtrArray) records = NULL;
	g_autoptr(GUnixFDList) fds = NULL;
	int fd;

	g_variant_lookup(options, "partial", "b", &partial);
	g_variant_lookup(options, "proof", "b", &proof);
	session = stp_store_get_session(store, id, &error);
	if (session != NULL && proof)
		records = stp_store_get_session_proof(store, session, &error);
	else if (session != NULL)
		records = stp_store_get_session_records(store, session, partial, &error);
	if (records == NULL) {
		g_dbus_method_invocation_return_gerror(invocation, error);
		return;
	}

	fd = seal_records(records, &error);
	if (fd < 0) {
		g_dbus_method_invocation_return_gerror(invocation, error);
		return;
	}
	fds = g_unix_fd_list_new_from_array(&fd, 1);	/* takes the descriptor */
	g_dbus_method_invocation_return_value_with_unix_fd_list(
		invocation, g_variant_new("(@a{sv}h)", stp_bus_session(session), 0), fds);
}

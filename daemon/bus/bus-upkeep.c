/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bus-upkeep.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

/* ---- BackUp ---- */

static void
on_backed_up(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GDBusMethodInvocation) invocation = user_data;
	g_autoptr(GError) error = NULL;
	guint64 bytes, records;
	GVariantDict dict;

	if (!stp_store_back_up_finish(STP_STORE(source), result, &bytes, &records, &error)) {
		g_dbus_method_invocation_return_gerror(g_steal_pointer(&invocation), error);
		return;
	}
	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "bytes", "t", bytes);
	g_variant_dict_insert(&dict, "records", "t", records);
	g_dbus_method_invocation_return_value(g_steal_pointer(&invocation),
					      g_variant_new("(@a{sv})", g_variant_dict_end(&dict)));
}

/* A pipe cannot be read again, and a directory or a device is nobody's backup. */
static gboolean
is_usable(int fd)
{
	struct stat info;
	int flags = fcntl(fd, F_GETFL);

	return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && flags >= 0 && (flags & O_ACCMODE) == O_RDWR &&
	       !(flags & O_APPEND);
}

static gboolean
on_back_up(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, GUnixFDList *fds, GVariant *handle,
	   StpStore *store)
{
	int fd = fds != NULL ? g_unix_fd_list_get(fds, g_variant_get_handle(handle), NULL) : -1;

	if (fd < 0 || !is_usable(fd)) {
		if (fd >= 0)
			close(fd);
		g_dbus_method_invocation_return_error(invocation, STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
						      "A backup needs a regular file that is open for reading and "
						      "writing.");
		return G_DBUS_METHOD_INVOCATION_HANDLED;
	}
	stp_store_back_up_async(store, fd, NULL, on_backed_up, invocation);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

/* ---- CheckStore ---- */

static GVariant *
damaged_of(const StpCheck *check)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < check->damaged->len; i++) {
		const StpDamage *damage = g_ptr_array_index(check->damaged, i);
		g_autofree char *serial = g_utf8_make_valid(damage->serial, -1);
		GVariantDict dict;

		g_variant_dict_init(&dict, NULL);
		g_variant_dict_insert(&dict, "pen", "s", serial);
		g_variant_dict_insert(&dict, "epoch", "u", damage->epoch);
		g_variant_dict_insert(&dict, "record", "u", damage->record);
		g_variant_dict_insert(&dict, "what", "s", damage->what);
		g_variant_builder_add_value(&builder, g_variant_dict_end(&dict));
	}
	return g_variant_builder_end(&builder);
}

static void
on_checked(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GDBusMethodInvocation) invocation = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(StpCheck) check = stp_store_check_finish(STP_STORE(source), result, &error);
	GVariantDict dict;

	if (check == NULL) {
		g_dbus_method_invocation_return_gerror(g_steal_pointer(&invocation), error);
		return;
	}
	for (guint i = 0; check->structure[i] != NULL; i++) {
		char *text = check->structure[i];

		check->structure[i] = g_utf8_make_valid(text, -1);
		g_free(text);
	}
	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "records", "t", check->records);
	g_variant_dict_insert(&dict, "structure", "^as", check->structure);
	g_variant_dict_insert(&dict, "derived", "u", check->derived);
	g_variant_dict_insert_value(&dict, "damaged", damaged_of(check));
	g_dbus_method_invocation_return_value(g_steal_pointer(&invocation),
					      g_variant_new("(@a{sv})", g_variant_dict_end(&dict)));
}

static gboolean
on_check(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, StpStore *store)
{
	stp_store_check_async(store, NULL, on_checked, invocation);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

/* ---- Reparse ---- */

static void
on_reparsed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GDBusMethodInvocation) invocation = user_data;
	g_autoptr(GError) error = NULL;

	if (stp_store_reparse_finish(STP_STORE(source), result, &error))
		g_dbus_method_invocation_return_value(g_steal_pointer(&invocation), NULL);
	else
		g_dbus_method_invocation_return_gerror(g_steal_pointer(&invocation), error);
}

static gboolean
on_reparse(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, StpStore *store)
{
	stp_store_reparse_async(store, NULL, on_reparsed, invocation);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

void
stp_bus_upkeep_attach(StpStore *store, StpDbusManager1 *skeleton)
{
	g_signal_connect_object(skeleton, "handle-back-up", G_CALLBACK(on_back_up), store, 0);
	g_signal_connect_object(skeleton, "handle-check-store", G_CALLBACK(on_check), store, 0);
	g_signal_connect_object(skeleton, "handle-reparse", G_CALLBACK(on_reparse), store, 0);
}

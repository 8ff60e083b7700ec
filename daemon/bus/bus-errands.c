/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bus-errands.h"

#include <string.h>

#include "error.h"

#define HANDLERS 4

struct StpBusErrands {
	StpCollector *collector;
	StpDbusManager1 *skeleton;
	gulong handlers[HANDLERS];
};

typedef struct {
	StpCollector *collector;
	StpDbusManager1 *skeleton;
	GDBusMethodInvocation *invocation;
	char *serial;
	GCancellable *cancellable;
	guint watch;
} Call;

static void
call_free(Call *call)
{
	if (call->watch != 0)
		g_bus_unwatch_name(call->watch);
	g_object_unref(call->collector);
	g_object_unref(call->skeleton);
	g_object_unref(call->cancellable);
	g_free(call->serial);
	g_free(call);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Call, call_free)

static void
on_caller_left(GDBusConnection *bus, const char *name, gpointer user_data)
{
	Call *call = user_data;

	/* Its own: the pen may be busy with what another caller asked. */
	g_cancellable_cancel(call->cancellable);
}

static Call *
call_new(StpBusErrands *self, GDBusMethodInvocation *invocation, const char *serial)
{
	Call *call = g_new0(Call, 1);

	call->collector = g_object_ref(self->collector);
	call->skeleton = g_object_ref(self->skeleton);
	call->invocation = invocation;
	call->serial = g_strdup(serial);
	call->cancellable = g_cancellable_new();
	return call;
}

static void
watch_caller(Call *call)
{
	call->watch = g_bus_watch_name_on_connection(g_dbus_method_invocation_get_connection(call->invocation),
						     g_dbus_method_invocation_get_sender(call->invocation),
						     G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, on_caller_left, call, NULL);
}

/* To the caller alone: it is the one that somebody looks at. */
static void
on_confirm(guint within_ms, gpointer user_data)
{
	Call *call = user_data;

	g_dbus_connection_emit_signal(g_dbus_method_invocation_get_connection(call->invocation),
				      g_dbus_method_invocation_get_sender(call->invocation),
				      g_dbus_method_invocation_get_object_path(call->invocation),
				      "org.stipple1.Manager1", "ButtonRequest",
				      g_variant_new("(su)", call->serial, within_ms / 1000), NULL);
}

/* ---- retiring ---- */

static void
on_retired(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(Call) call = user_data;
	g_autoptr(GError) error = NULL;
	StpRetiredFlags how;
	GVariantBuilder done;

	if (!stp_collector_remove_finish(STP_COLLECTOR(source), result, &how, &error)) {
		g_dbus_method_invocation_return_gerror(call->invocation, error);
		return;
	}
	g_variant_builder_init(&done, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&done, "{sv}", "forced", g_variant_new_boolean((how & STP_RETIRED_FORCED) != 0));
	g_variant_builder_add(&done, "{sv}", "erased", g_variant_new_boolean((how & STP_RETIRED_ERASED) != 0));
	g_variant_builder_add(&done, "{sv}", "slot_freed", g_variant_new_boolean((how & STP_RETIRED_SLOT) != 0));
	stp_dbus_manager1_complete_retire_pen(call->skeleton, call->invocation, g_variant_builder_end(&done));
}

static gboolean
on_handle_retire_pen(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, const char *serial,
		     GVariant *options, StpBusErrands *self)
{
	Call *call = call_new(self, invocation, serial);
	StpRemoval removal = { 0 };

	g_variant_lookup(options, "force", "b", &removal.force);
	g_variant_lookup(options, "erase", "b", &removal.erase);
	g_variant_lookup(options, "free_slot", "b", &removal.free_slot);
	watch_caller(call);
	stp_collector_remove_async(self->collector, serial, &removal, on_confirm, call, call->cancellable, on_retired,
				   call);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

/* ---- slots ---- */

static void
on_listed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(Call) call = user_data;
	const guint8 *id = stp_store_get_collector_id(stp_collector_get_store(call->collector));
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) slots = stp_collector_slots_finish(STP_COLLECTOR(source), result, &error);
	GVariantBuilder list;

	if (slots == NULL) {
		g_dbus_method_invocation_return_gerror(call->invocation, error);
		return;
	}
	g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < slots->len; i++) {
		const StpPenSlot *slot = &g_array_index(slots, StpPenSlot, i);
		g_autofree char *name = g_strdup_printf("%02x%02x%02x%02x", slot->name[0], slot->name[1],
							slot->name[2], slot->name[3]);

		g_variant_builder_open(&list, G_VARIANT_TYPE_VARDICT);
		g_variant_builder_add(&list, "{sv}", "index", g_variant_new_uint32(slot->index));
		g_variant_builder_add(&list, "{sv}", "name", g_variant_new_string(name));
		g_variant_builder_add(&list, "{sv}", "ours",
				      g_variant_new_boolean(memcmp(slot->name, id, sizeof(slot->name)) == 0));
		g_variant_builder_add(&list, "{sv}", "mark", g_variant_new_uint32(slot->mark));
		g_variant_builder_add(&list, "{sv}", "epoch", g_variant_new_uint32(slot->epoch));
		g_variant_builder_close(&list);
	}
	stp_dbus_manager1_complete_list_slots(call->skeleton, call->invocation, g_variant_builder_end(&list));
}

static gboolean
on_handle_list_slots(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, const char *serial,
		     StpBusErrands *self)
{
	const struct stp_errand_config config = { .kind = STP_ERRAND_LIST_SLOTS };

	stp_collector_slots_async(self->collector, serial, &config, NULL, NULL, NULL, on_listed,
				  call_new(self, invocation, serial));
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
on_dropped(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(Call) call = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) slots = stp_collector_slots_finish(STP_COLLECTOR(source), result, &error);

	if (slots == NULL)
		g_dbus_method_invocation_return_gerror(call->invocation, error);
	else
		stp_dbus_manager1_complete_drop_slot(call->skeleton, call->invocation);
}

static gboolean
on_handle_drop_slot(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, const char *serial,
		    guint index, const char *name, StpBusErrands *self)
{
	struct stp_errand_config config = { .kind = STP_ERRAND_DROP_SLOT, .index = (guint8)index };
	gboolean sound = index <= G_MAXUINT8 && strlen(name) == 2 * STP_COLLECTOR_NAME_SIZE;
	Call *call;

	for (guint i = 0; sound && i < STP_COLLECTOR_NAME_SIZE; i++) {
		int high = g_ascii_xdigit_value(name[2 * i]), low = g_ascii_xdigit_value(name[2 * i + 1]);

		sound = high >= 0 && low >= 0;
		config.collector_id[i] = (guint8)(high * 16 + low);
	}
	if (!sound) {
		g_dbus_method_invocation_return_error(invocation, STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
			"Name the slot by its number and its eight hexadecimal digits, as 'stipplectl pens slots' "
			"shows them.");
		return G_DBUS_METHOD_INVOCATION_HANDLED;
	}
	call = call_new(self, invocation, serial);
	watch_caller(call);
	stp_collector_slots_async(self->collector, serial, &config, on_confirm, call, call->cancellable, on_dropped,
				  call);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

/* ---- addresses ---- */

static gboolean
on_handle_list_addresses(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, const char *serial,
			 StpBusErrands *self)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) addresses =
		stp_store_list_addresses(stp_collector_get_store(self->collector), serial, &error);
	GVariantBuilder list;

	if (addresses == NULL) {
		g_dbus_method_invocation_return_gerror(invocation, error);
		return G_DBUS_METHOD_INVOCATION_HANDLED;
	}
	g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < addresses->len; i++) {
		const StpPenAddress *at = g_ptr_array_index(addresses, i);

		g_variant_builder_open(&list, G_VARIANT_TYPE_VARDICT);
		g_variant_builder_add(&list, "{sv}", "address", g_variant_new_string(at->address));
		if (*at->adapter != '\0')
			g_variant_builder_add(&list, "{sv}", "adapter", g_variant_new_string(at->adapter));
		g_variant_builder_add(&list, "{sv}", "first_seen", g_variant_new_int64(at->first_seen));
		g_variant_builder_add(&list, "{sv}", "last_seen", g_variant_new_int64(at->last_seen));
		g_variant_builder_close(&list);
	}
	stp_dbus_manager1_complete_list_addresses(skeleton, invocation, g_variant_builder_end(&list));
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

StpBusErrands *
stp_bus_errands_new(StpCollector *collector, StpDbusManager1 *skeleton)
{
	static const struct {
		const char *signal;
		GCallback handler;
	} methods[HANDLERS] = {
		{ "handle-retire-pen", G_CALLBACK(on_handle_retire_pen) },
		{ "handle-list-slots", G_CALLBACK(on_handle_list_slots) },
		{ "handle-drop-slot", G_CALLBACK(on_handle_drop_slot) },
		{ "handle-list-addresses", G_CALLBACK(on_handle_list_addresses) },
	};
	StpBusErrands *self = g_new0(StpBusErrands, 1);

	self->collector = g_object_ref(collector);
	self->skeleton = g_object_ref(skeleton);
	for (guint i = 0; i < HANDLERS; i++)
		self->handlers[i] = g_signal_connect(skeleton, methods[i].signal, methods[i].handler, self);
	return self;
}

void
stp_bus_errands_free(StpBusErrands *self)
{
	for (guint i = 0; i < HANDLERS; i++)
		g_signal_handler_disconnect(self->skeleton, self->handlers[i]);
	g_clear_object(&self->skeleton);
	g_clear_object(&self->collector);
	g_free(self);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "faults.h"

#include <fake-dbus.h>

#include "adapter.h"
#include "adv-monitor.h"
#include "device.h"
#include "fake-link.h"

#define AIR "org.stipple1.test.Air1"

/* What is wrong with one pen. */
typedef struct {
	guint drop_after;
	guint lose_every, counted;
	guint burst_after, burst;
	guint delay;
	guint16 mtu;
	gboolean stale;
} Pen;

/* A method that is to fail. */
typedef struct {
	char *method;
	char *error;
	char *message;
	guint count;
} Failure;

struct FakeFaults {
	FakeAir *air;
	FakeObject *object;
	GHashTable *pens;
	GPtrArray *failures;
	gboolean refuse_acquire;
	FakeMonitorFault monitor_fault;
	FakeRestart restart;
	gpointer restart_data;
};

static void
failure_free(gpointer data)
{
	Failure *failure = data;

	g_free(failure->method);
	g_free(failure->error);
	g_free(failure->message);
	g_free(failure);
}

static Pen *
pen(FakeFaults *faults, const char *address)
{
	g_autofree char *key = g_ascii_strup(address, -1);
	Pen *found = g_hash_table_lookup(faults->pens, key);

	if (!found) {
		found = g_new0(Pen, 1);
		g_hash_table_insert(faults->pens, g_steal_pointer(&key), found);
	}
	return found;
}

static gboolean
intercept(gpointer data, const char *method, GDBusMethodInvocation *invocation)
{
	FakeFaults *faults = data;

	for (guint i = 0; i < faults->failures->len; i++) {
		Failure *failure = g_ptr_array_index(faults->failures, i);

		if (!g_str_equal(failure->method, method))
			continue;
		g_dbus_method_invocation_return_dbus_error(invocation, failure->error, failure->message);
		if (--failure->count == 0)
			g_ptr_array_remove_index(faults->failures, i);
		return TRUE;
	}
	return FALSE;
}

static void
fail_next(FakeFaults *faults, GVariant *args)
{
	Failure *failure = g_new0(Failure, 1);

	g_variant_get(args, "(sssu)", &failure->method, &failure->error, &failure->message, &failure->count);
	if (failure->count && g_dbus_is_interface_name(failure->error))
		g_ptr_array_add(faults->failures, failure);
	else
		failure_free(failure);
}

static void
reset(FakeFaults *faults)
{
	g_hash_table_remove_all(faults->pens);
	g_ptr_array_set_size(faults->failures, 0);
	faults->refuse_acquire = FALSE;
	faults->monitor_fault = FAKE_MONITOR_WORKS;
}

static void
drop_links(FakeAdapter *adapter)
{
	GPtrArray *links = adapter->air->links;

	for (guint i = links->len; i-- > 0;) {
		FakeLink *link = i < links->len ? g_ptr_array_index(links, i) : NULL;

		if (link && (link->central == adapter || link->peripheral == adapter))
			fake_link_lose(link);
	}
}

static void
deafen(FakeAdapter *adapter, GVariant *args)
{
	const char *till;

	g_variant_get_child(args, 1, "&s", &till);
	adapter->deaf = g_str_equal(till, "scan")    ? FAKE_DEAF_TILL_SCAN
			: g_str_equal(till, "power") ? FAKE_DEAF_TILL_POWER
			: *till			     ? FAKE_DEAF
						     : FAKE_HEARS;
}

static void
fail_monitors(FakeFaults *faults, GVariant *args)
{
	const char *how;

	g_variant_get(args, "(&s)", &how);
	faults->monitor_fault = g_str_equal(how, "refused")   ? FAKE_MONITOR_REFUSED
				: g_str_equal(how, "ignored") ? FAKE_MONITOR_IGNORED
							      : FAKE_MONITOR_WORKS;
}

/* The methods that begin with an adapter. */
static void
call_on_adapter(FakeFaults *faults, FakeAdapter *adapter, const char *method, GVariant *args)
{
	if (g_str_equal(method, "DropLink")) {
		drop_links(adapter);
	} else if (g_str_equal(method, "PowerOff")) {
		fake_adapter_set_powered(adapter, FALSE);
	} else if (g_str_equal(method, "PowerOn")) {
		fake_adapter_set_powered(adapter, TRUE);
	} else if (g_str_equal(method, "RemoveAdapter")) {
		fake_air_remove_adapter(faults->air, adapter);
	} else if (g_str_equal(method, "ReleaseMonitors")) {
		fake_monitors_release(adapter->monitors);
	} else if (g_str_equal(method, "Deafen")) {
		deafen(adapter, args);
	} else {
		FakeDevice *device;
		const char *address;

		g_variant_get_child(args, 1, "&s", &address);
		device = fake_adapter_find(adapter, address);
		if (device)
			fake_device_forget_bond(device);
	}
}

/* The others begin with a pen. */
static void
call_on_pen(Pen *target, const char *method, GVariant *args)
{
	if (g_str_equal(method, "DropAfter")) {
		g_variant_get_child(args, 1, "u", &target->drop_after);
	} else if (g_str_equal(method, "LoseNotification")) {
		g_variant_get_child(args, 1, "u", &target->lose_every);
		target->counted = 0;
	} else if (g_str_equal(method, "NotifyBurstLoss")) {
		g_variant_get(args, "(&suu)", NULL, &target->burst_after, &target->burst);
	} else if (g_str_equal(method, "DelayAnswers")) {
		g_variant_get_child(args, 1, "u", &target->delay);
	} else if (g_str_equal(method, "SetMtu")) {
		g_variant_get_child(args, 1, "q", &target->mtu);
	} else if (g_str_equal(method, "StaleServices")) {
		g_variant_get_child(args, 1, "b", &target->stale);
	}
}

static void
on_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	static const char *const on_adapter[] = { "DropLink",	   "PowerOff",	 "PowerOn",
						  "RemoveAdapter", "ForgetBond", "Deafen",
						  "ReleaseMonitors", NULL };
	FakeFaults *faults = self;
	FakeAdapter *adapter = NULL;
	const char *name = NULL;

	if (g_strv_contains(on_adapter, method)) {
		g_variant_get_child(args, 0, "&s", &name);
		adapter = fake_air_adapter(faults->air, name);
		if (!adapter) {
			fake_refuse(invocation, "NoSuchAdapter", "No such adapter");
			return;
		}
		call_on_adapter(faults, adapter, method, args);
		fake_agree(invocation);
	} else if (g_str_equal(method, "AddAdapter")) {
		adapter = fake_air_add_adapter(faults->air);
		g_dbus_method_invocation_return_value(invocation, g_variant_new("(o)", adapter->path));
	} else if (g_str_equal(method, "FailNext")) {
		fail_next(faults, args);
		fake_agree(invocation);
	} else if (g_str_equal(method, "FailMonitors")) {
		fail_monitors(faults, args);
		fake_agree(invocation);
	} else if (g_str_equal(method, "RefuseAcquireNotify")) {
		g_variant_get(args, "(b)", &faults->refuse_acquire);
		fake_agree(invocation);
	} else if (g_str_equal(method, "Reset")) {
		reset(faults);
		fake_agree(invocation);
	} else if (g_str_equal(method, "Restart")) {
		guint after_ms;

		g_variant_get(args, "(u)", &after_ms);
		fake_agree(invocation);
		faults->restart(after_ms, faults->restart_data);
	} else {
		g_variant_get_child(args, 0, "&s", &name);
		call_on_pen(pen(faults, name), method, args);
		fake_agree(invocation);
	}
}

static const FakeMethods methods = { on_call, NULL };

FakeFaults *
fake_faults_new(FakeAir *air, FakeRestart restart, gpointer restart_data)
{
	FakeFaults *faults = g_new0(FakeFaults, 1);

	faults->air = air;
	faults->restart = restart;
	faults->restart_data = restart_data;
	faults->pens = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	faults->failures = g_ptr_array_new_with_free_func(failure_free);
	faults->object = fake_object_new(air->bus, "/org/bluez/fake");
	fake_object_add(faults->object, fake_test_air1_interface_info(), &methods, faults);
	fake_object_publish(faults->object);
	fake_bus_set_intercept(air->bus, intercept, faults);
	return faults;
}

void
fake_faults_free(FakeFaults *faults)
{
	fake_bus_set_intercept(faults->air->bus, NULL, NULL);
	fake_object_free(faults->object);
	g_hash_table_unref(faults->pens);
	g_ptr_array_free(faults->failures, TRUE);
	g_free(faults);
}

FakeFate
fake_faults_notification(FakeFaults *faults, const char *address)
{
	Pen *target = pen(faults, address);

	if (target->drop_after && --target->drop_after == 0)
		return FAKE_FATE_LAST;
	if (target->burst_after) {
		target->burst_after--;
	} else if (target->burst) {
		target->burst--;
		return FAKE_FATE_LOST;
	}
	if (target->lose_every && ++target->counted % target->lose_every == 0)
		return FAKE_FATE_LOST;
	return FAKE_FATE_ARRIVES;
}

guint
fake_faults_answer_delay(FakeFaults *faults, const char *address)
{
	return pen(faults, address)->delay;
}

guint16
fake_faults_mtu(FakeFaults *faults, const char *address)
{
	guint16 mtu = pen(faults, address)->mtu;

	return mtu ? mtu : (guint16)faults->air->options->mtu;
}

gboolean
fake_faults_stale(FakeFaults *faults, const char *address)
{
	return pen(faults, address)->stale;
}

FakeMonitorFault
fake_faults_monitor(FakeFaults *faults)
{
	return faults->monitor_fault;
}

gboolean
fake_faults_refuse_acquire(FakeFaults *faults)
{
	return faults->refuse_acquire;
}

static void
signal_link(FakeFaults *faults, const char *signal, const char *central, const char *address)
{
	g_dbus_connection_emit_signal(fake_bus_connection(faults->air->bus), NULL, "/org/bluez/fake", AIR,
				      signal, g_variant_new("(ss)", central, address), NULL);
}

void
fake_faults_link_up(FakeFaults *faults, const char *central, const char *address)
{
	signal_link(faults, "LinkUp", central, address);
}

void
fake_faults_link_down(FakeFaults *faults, const char *central, const char *address)
{
	signal_link(faults, "LinkDown", central, address);
}

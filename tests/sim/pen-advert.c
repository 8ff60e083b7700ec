/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <bluez-dbus.h>
#include <string.h>

#include <stipple/gatt.h>

#include "pen-advert.h"

#define INTERFACE "org.bluez.LEAdvertisement1"
#define MANAGER   "org.bluez.LEAdvertisingManager1"
#define CALL_MS   10000

/* One object of org.bluez.LEAdvertisement1. */
struct set {
	PenAdvert *advert;
	char *path;
	guint registration; /* on the bus */
	gboolean with_uuid, with_data;
	guint16 duration_s;
};

struct PenAdvert {
	GDBusConnection *bus;
	char *adapter, *root;
	SimPen *pen;
	PenAdvertForm asked, form;
	struct set sets[2];
	guint set_count, registered;
	GVariant *status; /* as told last */
	gboolean named;   /* as told last, or registered */
};

static const char *const form_names[] = {
	[PEN_ADVERT_AUTO] = "auto", [PEN_ADVERT_FULL] = "full", [PEN_ADVERT_ROTATE] = "rotate",
	[PEN_ADVERT_DATA] = "data", [PEN_ADVERT_UUID] = "uuid",
};

gboolean
pen_advert_form_parse(const char *name, PenAdvertForm *form)
{
	for (guint i = 0; i < G_N_ELEMENTS(form_names); i++) {
		if (strcmp(name, form_names[i]) == 0) {
			*form = (PenAdvertForm)i;
			return TRUE;
		}
	}
	return FALSE;
}

const char *
pen_advert_form_name(PenAdvertForm form)
{
	return form_names[form];
}

/* a{sv}: the vendor service's data. */
static GVariant *
service_data(PenAdvert *advert)
{
	g_autoptr(GBytes) status = sim_pen_advert(advert->pen);
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert_value(&dict, STP_UUID_SERVICE,
				    g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, status, TRUE));
	return g_variant_dict_end(&dict);
}

static gboolean
has_name(const struct set *set)
{
	return set->with_uuid || set->advert->form == PEN_ADVERT_DATA;
}

/*
 * NULL for what this set does not have.  GDBus then leaves the property out; an empty one would
 * not do, bluetoothd refuses for example an interval of zero.
 */
static GVariant *
get_property(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
	     const char *name, GError **error, gpointer data)
{
	static const char *const uuids[] = { STP_UUID_SERVICE, NULL };
	struct set *set = data;
	gboolean named = has_name(set) && sim_pen_shows_name(set->advert->pen);

	if (strcmp(name, "Type") == 0)
		return g_variant_new_string("peripheral");
	/* The flags a pen's advertisement begins with. */
	if (strcmp(name, "Discoverable") == 0)
		return g_variant_new_boolean(TRUE);
	if (strcmp(name, "ServiceUUIDs") == 0 && set->with_uuid)
		return g_variant_new_strv(uuids, -1);
	if (strcmp(name, "ServiceData") == 0 && set->with_data)
		return service_data(set->advert);
	if (strcmp(name, "LocalName") == 0 && named)
		return g_variant_new_string(sim_pen_name(set->advert->pen));
	if (strcmp(name, "Duration") == 0 && set->duration_s > 0)
		return g_variant_new_uint16(set->duration_s);
	g_set_error(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_PROPERTY, "Not set.");
	return NULL;
}

static void
call_method(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
	    const char *method, GVariant *arguments, GDBusMethodInvocation *invocation, gpointer data)
{
	/* Release, the only one: bluetoothd has dropped the advertisement by itself. */
	g_dbus_method_invocation_return_value(invocation, NULL);
}

static const GDBusInterfaceVTable vtable = { call_method, get_property, NULL, { NULL } };

static void
add_set(PenAdvert *advert, gboolean with_uuid, gboolean with_data, guint16 duration_s)
{
	struct set *set = &advert->sets[advert->set_count];

	*set = (struct set){
		.advert = advert,
		.path = g_strdup_printf("%s/advertisement%u", advert->root, advert->set_count),
		.with_uuid = with_uuid,
		.with_data = with_data,
		.duration_s = duration_s,
	};
	set->registration = g_dbus_connection_register_object(
		advert->bus, set->path, bluez_leadvertisement1_interface_info(), &vtable, set, NULL, NULL);
	advert->set_count++;
}

static void
drop_sets(PenAdvert *advert)
{
	for (guint i = 0; i < advert->set_count; i++) {
		g_dbus_connection_unregister_object(advert->bus, advert->sets[i].registration);
		g_free(advert->sets[i].path);
	}
	advert->set_count = advert->registered = 0;
}

static void
make_sets(PenAdvert *advert, PenAdvertForm form)
{
	drop_sets(advert);
	advert->form = form;
	switch (form) {
	case PEN_ADVERT_AUTO:
	case PEN_ADVERT_FULL:
		add_set(advert, TRUE, TRUE, 0);
		return;
	case PEN_ADVERT_ROTATE:
		add_set(advert, TRUE, FALSE, 1);
		add_set(advert, FALSE, TRUE, 1);
		return;
	case PEN_ADVERT_DATA:
		add_set(advert, FALSE, TRUE, 0);
		return;
	case PEN_ADVERT_UUID:
		add_set(advert, TRUE, FALSE, 0);
		return;
	}
}

PenAdvert *
pen_advert_new(GDBusConnection *bus, const char *adapter, const char *root, SimPen *pen, PenAdvertForm form)
{
	PenAdvert *advert = g_new0(PenAdvert, 1);

	advert->bus = g_object_ref(bus);
	advert->adapter = g_strdup(adapter);
	advert->root = g_strdup(root);
	advert->pen = pen;
	advert->asked = form;
	return advert;
}

void
pen_advert_free(PenAdvert *advert)
{
	if (!advert)
		return;
	drop_sets(advert);
	g_clear_pointer(&advert->status, g_variant_unref);
	g_object_unref(advert->bus);
	g_free(advert->adapter);
	g_free(advert->root);
	g_free(advert);
}

/* Go for the next best form after a set was refused; FALSE: there is none. */
static gboolean
fall_back(PenAdvert *advert)
{
	if (advert->asked != PEN_ADVERT_AUTO)
		return FALSE;
	/* Without extended advertising bluetoothd has 31 bytes: UUID and status do not fit. */
	if (advert->form == PEN_ADVERT_FULL) {
		make_sets(advert, PEN_ADVERT_ROTATE);
		return TRUE;
	}
	/* The adapter takes one set only: the first has the UUID, so that the pen is found. */
	if (advert->form == PEN_ADVERT_ROTATE && advert->registered == 1) {
		g_dbus_connection_unregister_object(advert->bus, advert->sets[1].registration);
		g_free(advert->sets[1].path);
		advert->set_count = 1;
		advert->form = PEN_ADVERT_UUID;
		return TRUE;
	}
	return FALSE;
}

static void register_next(PenAdvert *advert, GTask *task);

static void
registered(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GTask) task = data;
	PenAdvert *advert = g_task_get_task_data(task);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer = NULL;

	/* Another registration may be under way already. */
	if (g_task_return_error_if_cancelled(task))
		return;
	answer = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
	if (answer)
		advert->registered++;
	if ((answer || fall_back(advert)) && advert->registered < advert->set_count) {
		register_next(advert, task);
		return;
	}
	if (advert->registered > 0 && advert->registered == advert->set_count)
		g_task_return_boolean(task, TRUE);
	else
		g_task_return_error(task, g_steal_pointer(&error));
}

static void
register_next(PenAdvert *advert, GTask *task)
{
	GVariantDict options;

	g_variant_dict_init(&options, NULL);
	g_dbus_connection_call(advert->bus, "org.bluez", advert->adapter, MANAGER, "RegisterAdvertisement",
			       g_variant_new("(o@a{sv})", advert->sets[advert->registered].path,
					     g_variant_dict_end(&options)),
			       NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, CALL_MS, g_task_get_cancellable(task),
			       registered, g_object_ref(task));
}

void
pen_advert_register_async(PenAdvert *advert, GCancellable *cancellable, GAsyncReadyCallback callback,
			  gpointer data)
{
	g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, data);

	g_task_set_task_data(task, advert, NULL);
	advert->named = sim_pen_shows_name(advert->pen);
	make_sets(advert, advert->asked == PEN_ADVERT_AUTO ? PEN_ADVERT_FULL : advert->asked);
	register_next(advert, task);
}

gboolean
pen_advert_register_finish(PenAdvert *advert, GAsyncResult *result, GError **error)
{
	return g_task_propagate_boolean(G_TASK(result), error);
}

PenAdvertForm
pen_advert_form(const PenAdvert *advert)
{
	return advert->form;
}

void
pen_advert_unregister(PenAdvert *advert)
{
	for (guint i = 0; i < advert->registered; i++) {
		g_autoptr(GVariant) answer = g_dbus_connection_call_sync(
			advert->bus, "org.bluez", advert->adapter, MANAGER, "UnregisterAdvertisement",
			g_variant_new("(o)", advert->sets[i].path), NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START,
			2000, NULL, NULL);
	}
	drop_sets(advert);
}

static void
tell_change(const struct set *set, GVariantDict *changed, const char *const *gone)
{
	g_dbus_connection_emit_signal(
		set->advert->bus, NULL, set->path, "org.freedesktop.DBus.Properties", "PropertiesChanged",
		g_variant_new("(s@a{sv}^as)", INTERFACE, g_variant_dict_end(changed), gone), NULL);
}

/* Privacy hides the name, or no longer does. */
static void
refresh_name(PenAdvert *advert)
{
	static const char *const none[] = { NULL }, *const name[] = { "LocalName", NULL };

	if (advert->named == sim_pen_shows_name(advert->pen))
		return;
	advert->named = sim_pen_shows_name(advert->pen);
	for (guint i = 0; i < advert->registered; i++) {
		GVariantDict changed;

		if (!has_name(&advert->sets[i]))
			continue;
		g_variant_dict_init(&changed, NULL);
		if (advert->named)
			g_variant_dict_insert(&changed, "LocalName", "s", sim_pen_name(advert->pen));
		tell_change(&advert->sets[i], &changed, advert->named ? none : name);
	}
}

void
pen_advert_refresh(PenAdvert *advert)
{
	g_autoptr(GVariant) status = g_variant_ref_sink(service_data(advert));
	static const char *const none[] = { NULL };

	refresh_name(advert);
	if (advert->status && g_variant_equal(advert->status, status))
		return;
	g_clear_pointer(&advert->status, g_variant_unref);
	advert->status = g_variant_ref(status);
	for (guint i = 0; i < advert->registered; i++) {
		GVariantDict changed;

		if (!advert->sets[i].with_data)
			continue;
		g_variant_dict_init(&changed, NULL);
		g_variant_dict_insert_value(&changed, "ServiceData", status);
		tell_change(&advert->sets[i], &changed, none);
	}
}

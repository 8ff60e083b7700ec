/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "model.h"
#include "when.h"

static JsonNode *to_node(GVariant *value);

void
model_set_time(JsonObject *object, const char *name, gint64 us)
{
	g_autofree char *raw = g_strconcat(name, "_us", NULL);
	g_autofree char *text = us ? when_utc(us) : NULL;

	if (!text) {
		json_object_set_null_member(object, name);
		json_object_set_null_member(object, raw);
		return;
	}
	json_object_set_string_member(object, name, text);
	json_object_set_int_member(object, raw, us);
}

/* Of type x, only moments travel over this bus. */
static void
set_member(JsonObject *object, const char *name, GVariant *value)
{
	if (g_variant_is_of_type(value, G_VARIANT_TYPE_INT64))
		model_set_time(object, name, g_variant_get_int64(value));
	else
		json_object_set_member(object, name, to_node(value));
}

static JsonObject *
to_object(GVariant *dictionary)
{
	JsonObject *object = json_object_new();
	GVariantIter iter;
	const char *name;
	GVariant *value;

	g_variant_iter_init(&iter, dictionary);
	while (g_variant_iter_next(&iter, "{&sv}", &name, &value)) {
		set_member(object, name, value);
		g_variant_unref(value);
	}
	return object;
}

static JsonNode *
container_node(GVariant *value)
{
	JsonNode *node;

	if (g_variant_is_of_type(value, G_VARIANT_TYPE_VARDICT)) {
		node = json_node_new(JSON_NODE_OBJECT);
		json_node_take_object(node, to_object(value));
		return node;
	}
	JsonArray *array = json_array_new();

	for (gsize i = 0; i < g_variant_n_children(value); i++) {
		g_autoptr(GVariant) child = g_variant_get_child_value(value, i);

		json_array_add_element(array, to_node(child));
	}
	node = json_node_new(JSON_NODE_ARRAY);
	json_node_take_array(node, array);
	return node;
}

static gint64
integer(GVariant *value)
{
	switch ((int)g_variant_classify(value)) {
	case G_VARIANT_CLASS_BYTE:
		return g_variant_get_byte(value);
	case G_VARIANT_CLASS_INT16:
		return g_variant_get_int16(value);
	case G_VARIANT_CLASS_UINT16:
		return g_variant_get_uint16(value);
	case G_VARIANT_CLASS_INT32:
		return g_variant_get_int32(value);
	case G_VARIANT_CLASS_UINT32:
		return g_variant_get_uint32(value);
	case G_VARIANT_CLASS_UINT64:
		return (gint64)MIN(g_variant_get_uint64(value), (guint64)G_MAXINT64);
	default:
		return g_variant_get_int64(value);
	}
}

static JsonNode *
to_node(GVariant *value)
{
	if (g_variant_is_of_type(value, G_VARIANT_TYPE_VARIANT)) {
		g_autoptr(GVariant) inner = g_variant_get_variant(value);

		return to_node(inner);
	}
	if (g_variant_is_container(value))
		return container_node(value);

	JsonNode *node = json_node_new(JSON_NODE_VALUE);

	if (g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN))
		json_node_set_boolean(node, g_variant_get_boolean(value));
	else if (g_variant_is_of_type(value, G_VARIANT_TYPE_DOUBLE))
		json_node_set_double(node, g_variant_get_double(value));
	else if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING) ||
		 g_variant_is_of_type(value, G_VARIANT_TYPE_OBJECT_PATH))
		json_node_set_string(node, g_variant_get_string(value, NULL));
	else
		json_node_set_int(node, integer(value));
	return node;
}

/* The bus leaves out what is not known; a program wants the key all the same. */
static void
fill_in(JsonObject *object, const char *const *names)
{
	for (; *names; names++) {
		if (!json_object_has_member(object, *names))
			json_object_set_null_member(object, *names);
	}
}

JsonObject *
model_session(GVariant *session)
{
	static const char *const may_lack[] = {
		"start", "start_us", "start_uncertainty_ms", "offset_min", "set_depth_min_um", "set_depth_max_um",
		"set_rate_dhz", "depth_max_um", "depth_p50_um", "chain", "seal", "seal_record", NULL,
	};
	JsonObject *object = to_object(session);

	fill_in(object, may_lack);
	return object;
}

JsonObject *
model_finding(GVariant *finding)
{
	return to_object(finding);
}

JsonObject *
model_coverage(GVariant *coverage)
{
	static const char *const may_lack[] = { "chain_broken_at", "sessions_left", "warning", NULL };
	JsonObject *object = to_object(coverage);
	g_autoptr(GVariant) holes = g_variant_lookup_value(coverage, "holes", G_VARIANT_TYPE("a(uus)"));
	JsonArray *array = json_array_new();
	GVariantIter iter;
	guint32 from, to;
	const char *cause;

	if (holes) {
		g_variant_iter_init(&iter, holes);
		while (g_variant_iter_next(&iter, "(uu&s)", &from, &to, &cause)) {
			JsonObject *hole = json_object_new();

			json_object_set_int_member(hole, "from", from);
			json_object_set_int_member(hole, "to", to);
			json_object_set_string_member(hole, "cause", cause);
			json_array_add_object_element(array, hole);
		}
	}
	json_object_set_array_member(object, "holes", array);
	fill_in(object, may_lack);
	if (!json_object_has_member(object, "findings"))
		json_object_set_array_member(object, "findings", json_array_new());
	return object;
}

JsonObject *
model_alert(GVariant *alert)
{
	static const char *const may_lack[] = { "ended", "ended_us", "acknowledged", "acknowledged_us", NULL };
	JsonObject *object = to_object(alert);

	fill_in(object, may_lack);
	return object;
}

JsonObject *
model_sync(GVariant *sync)
{
	static const char *const may_lack[] = { "connect_tries", "connect_ms", "rssi", "mtu", "data_ms", "throughput",
						NULL };
	JsonObject *object = to_object(sync);

	fill_in(object, may_lack);
	return object;
}

JsonObject *
model_retired(GVariant *pen)
{
	static const char *const may_lack[] = { "retired", "retired_us", "forced", "missing_then", "never_synced",
						"had_news", "erased", "slot_freed", NULL };
	JsonObject *object = to_object(pen);

	fill_in(object, may_lack);
	return object;
}

JsonObject *
model_sighting(GVariant *sighting)
{
	static const char *const may_lack[] = { "serial", "pairing_open", "rssi", NULL };
	JsonObject *object = to_object(sighting);

	fill_in(object, may_lack);
	return object;
}

JsonObject *
model_sync_result(GVariant *result)
{
	static const char *const may_lack[] = { "oldest", "newest", NULL };
	JsonObject *object = to_object(result);

	fill_in(object, may_lack);
	return object;
}

/* ---- pens ---- */

static JsonNode *
progress_node(GVariant *progress)
{
	static const char *const names[] = { "wanted", "done", "bytes", "bytes_per_s" };
	JsonNode *node = json_node_new(JSON_NODE_OBJECT);
	JsonObject *object = json_object_new();

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GVariant) value = g_variant_get_child_value(progress, i);

		json_object_set_int_member(object, names[i], integer(value));
	}
	json_node_take_object(node, object);
	return node;
}

/* "LastErrorHint" to "last_error_hint" */
static char *
snake_case(const char *name)
{
	GString *out = g_string_new(NULL);

	for (const char *at = name; *at; at++) {
		if (g_ascii_isupper(*at) && at != name)
			g_string_append_c(out, '_');
		g_string_append_c(out, g_ascii_tolower(*at));
	}
	return g_string_free(out, FALSE);
}

static void
set_pen_property(JsonObject *object, const char *property, GVariant *value)
{
	g_autofree char *name = snake_case(property);

	if (!strcmp(property, "Progress") && g_variant_is_of_type(value, G_VARIANT_TYPE("(tttt)")))
		json_object_set_member(object, name, progress_node(value));
	else if ((!strcmp(property, "Battery") && integer(value) > 100) ||
		 (g_str_has_suffix(property, "Left") && integer(value) == G_MAXUINT32))
		json_object_set_null_member(object, name);
	else
		set_member(object, name, value);
}

JsonObject *
model_pen_changes(GVariant *changed)
{
	JsonObject *object = json_object_new();
	GVariantIter iter;
	const char *name;
	GVariant *value;

	g_variant_iter_init(&iter, changed);
	while (g_variant_iter_next(&iter, "{&sv}", &name, &value)) {
		set_pen_property(object, name, value);
		g_variant_unref(value);
	}
	return object;
}

JsonObject *
model_pen(StpDbusPen1 *pen)
{
	static const char *const properties[] = {
		"Serial", "Label", "Maker", "Model", "Firmware", "Hardware", "Address", "State",
		"Battery", "LastSeen", "LastSync", "Sessions", "Coverage", "Progress", "LastError",
		"LastErrorHint", "Warning", "SessionsLeft", "SecondsLeft",
	};
	JsonObject *object = json_object_new();

	for (size_t i = 0; i < G_N_ELEMENTS(properties); i++) {
		g_autoptr(GVariant) value = g_dbus_proxy_get_cached_property(G_DBUS_PROXY(pen), properties[i]);

		if (value) {
			set_pen_property(object, properties[i], value);
		} else {
			g_autofree char *name = snake_case(properties[i]);

			json_object_set_null_member(object, name);
		}
	}
	return object;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <json-glib/json-glib.h>
#include <stdarg.h>
#include <stdio.h>

#include "pensim-voice.h"

static void
add_string(JsonObject *object, const char *key, const char *value)
{
	if (value)
		json_object_set_string_member(object, key, value);
}

void
pensim_say(const char *event, const char *pen, ...)
{
	g_autoptr(JsonObject) object = json_object_new();
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
	g_autofree char *line = NULL;
	const char *key;
	va_list args;

	add_string(object, "event", event);
	add_string(object, "pen", pen);
	va_start(args, pen);
	while ((key = va_arg(args, const char *))) {
		g_autoptr(GVariant) value = g_variant_ref_sink(va_arg(args, GVariant *));

		json_object_set_member(object, key, json_gvariant_serialize(value));
	}
	va_end(args);
	json_node_set_object(node, object);
	line = json_to_string(node, FALSE);
	printf("%s\n", line);
	fflush(stdout);
}

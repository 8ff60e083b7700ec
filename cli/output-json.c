/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdio.h>

#include "output.h"

JsonObject *
output_new_document(void)
{
	JsonObject *document = json_object_new();

	json_object_set_int_member(document, "schema", JSON_SCHEMA);
	return document;
}

/*
 * One rule for all that is printed: what is not known, not there or not set is null, and no text is empty.
 * The bus says the one as the other, so it is done here, where everything passes.
 */
static void
tell_absence(JsonNode *node)
{
	g_autoptr(GList) children = NULL;

	if (JSON_NODE_HOLDS_OBJECT(node))
		children = json_object_get_values(json_node_get_object(node));
	else if (JSON_NODE_HOLDS_ARRAY(node))
		children = json_array_get_elements(json_node_get_array(node));
	else if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING &&
		 *json_node_get_string(node) == '\0')
		json_node_init_null(node);
	for (GList *child = children; child; child = child->next)
		tell_absence(child->data);
}

static void
print_document(JsonObject *document, gboolean pretty)
{
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);

	json_node_take_object(node, document);
	tell_absence(node);

	g_autofree char *text = json_to_string(node, pretty);

	puts(text);
}

void
output_json(const struct cli *cli, JsonObject *document)
{
	print_document(document, cli->json == JSON_PRETTY);
}

void
output_ndjson(JsonObject *document)
{
	print_document(document, FALSE);
	fflush(stdout);
}

static JsonNode *
member(JsonObject *row, const char *name)
{
	JsonNode *node = json_object_get_member(row, name);

	return node && JSON_NODE_HOLDS_VALUE(node) ? node : NULL;
}

const char *
row_text(JsonObject *row, const char *name)
{
	JsonNode *node = member(row, name);
	const char *text = node ? json_node_get_string(node) : NULL;

	return text ? text : "";
}

gint64
row_int(JsonObject *row, const char *name, gint64 fallback)
{
	JsonNode *node = member(row, name);

	return node ? json_node_get_int(node) : fallback;
}

double
row_double(JsonObject *row, const char *name)
{
	JsonNode *node = member(row, name);

	return node ? json_node_get_double(node) : 0.0;
}

gboolean
row_bool(JsonObject *row, const char *name)
{
	JsonNode *node = member(row, name);

	return node && json_node_get_boolean(node);
}

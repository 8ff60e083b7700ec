/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <glib.h>
#include <json-glib/json-glib.h>

#include "cli.h"
#include "samples-writer.h"

/* Every line stands for itself: the schema number, the session, the sample. */

#define ID_MAX 320
#define PUT(at, text) (memcpy(at, text, sizeof(text) - 1), (at) + sizeof(text) - 1)

void
samples_ndjson_begin(struct samples_writer *writer, const char *id)
{
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_VALUE);

	json_node_set_string(node, id);

	g_autofree char *quoted = json_to_string(node, FALSE);

	/* No id is that long; a line must not outgrow its room all the same. */
	if (strlen(quoted) > ID_MAX) {
		g_free(quoted);
		quoted = g_strdup("null");
	}
	g_free(writer->prefix);
	writer->prefix = g_strdup_printf("{\"schema\":%d,\"session\":%s,\"t_ms\":", JSON_SCHEMA, quoted);
	writer->prefix_size = strlen(writer->prefix);
}

void
samples_ndjson_add(struct samples_writer *writer, const struct stp_sample *samples, size_t count)
{
	const struct samples_digits *values = writer->values;
	char *at = writer->buffer + writer->used;
	const char *full = writer->buffer + SAMPLES_BUFFER_SIZE - SAMPLES_LINE_MAX;

	for (size_t i = 0; i < count; i++) {
		const struct stp_sample *sample = &samples[i];

		if (at >= full) {
			writer->used = (size_t)(at - writer->buffer);
			samples_drain(writer);
			at = writer->buffer;
		}
		memcpy(at, writer->prefix, writer->prefix_size);
		at = samples_put_u32(at + writer->prefix_size, sample->t_ms);
		at = PUT(at, ",\"depth_um\":");
		at = samples_put_value(at, values, sample->depth_um);
		at = PUT(at, ",\"rate_dHz\":");
		at = samples_put_value(at, values, sample->rate_dhz);
		at = PUT(at, ",\"current_mA\":");
		at = samples_put_value(at, values, sample->current_ma);
		at = PUT(at, ",\"contact\":");
		at = samples_put_value(at, values, sample->contact);
		at = PUT(at, ",\"pass\":");
		at = samples_put_value(at, values, sample->pass);
		at = PUT(at, ",\"zone\":");
		at = samples_put_value(at, values, sample->zone);
		at = PUT(at, "}\n");
	}
	writer->used = (size_t)(at - writer->buffer);
}

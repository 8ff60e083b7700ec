/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "radio-memory.h"

#include "log.h"

#define BONDS "bonds"

struct StpRadioMemory {
	char *path;
	GKeyFile *keys;
};

StpRadioMemory *
stp_radio_memory_new(const char *path)
{
	StpRadioMemory *memory = g_new0(StpRadioMemory, 1);
	g_autoptr(GError) error = NULL;

	memory->path = g_strdup(path);
	memory->keys = g_key_file_new();
	if (path != NULL && !g_key_file_load_from_file(memory->keys, path, G_KEY_FILE_KEEP_COMMENTS, &error) &&
	    !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
		stp_warning("link", NULL, "%s cannot be read: %s. What it held is learned again.", path,
			    error->message);
		g_key_file_unref(memory->keys);
		memory->keys = g_key_file_new();
	}
	return memory;
}

void
stp_radio_memory_free(StpRadioMemory *memory)
{
	g_key_file_unref(memory->keys);
	g_free(memory->path);
	g_free(memory);
}

static void
save(StpRadioMemory *memory)
{
	g_autoptr(GError) error = NULL;

	if (memory->path != NULL && !g_key_file_save_to_file(memory->keys, memory->path, &error))
		stp_warning("link", NULL, "%s cannot be written: %s. It is learned again after the next start.",
			    memory->path, error->message);
}

gboolean
stp_radio_memory_get_ceiling(StpRadioMemory *memory, const char *adapter, guint *value, guint *refusals)
{
	int kept = g_key_file_get_integer(memory->keys, adapter, "links", NULL);
	int refused = g_key_file_get_integer(memory->keys, adapter, "refusals", NULL);

	if (kept <= 0 || refused < 0)
		return FALSE;
	*value = (guint)kept;
	*refusals = (guint)refused;
	return TRUE;
}

void
stp_radio_memory_put_ceiling(StpRadioMemory *memory, const char *adapter, guint value, guint refusals)
{
	g_key_file_set_integer(memory->keys, adapter, "links", (int)value);
	g_key_file_set_integer(memory->keys, adapter, "refusals", (int)refusals);
	save(memory);
}

/* A key must not hold a colon. */
static char *
key_of(const char *pen)
{
	return g_strdelimit(g_ascii_strup(pen, -1), ":", '-');
}

char *
stp_radio_memory_get_bond(StpRadioMemory *memory, const char *pen)
{
	g_autofree char *key = key_of(pen);

	return g_key_file_get_string(memory->keys, BONDS, key, NULL);
}

void
stp_radio_memory_put_bond(StpRadioMemory *memory, const char *pen, const char *adapter)
{
	g_autofree char *key = key_of(pen);
	g_autofree char *known = g_key_file_get_string(memory->keys, BONDS, key, NULL);

	if (g_strcmp0(known, adapter) == 0)
		return;
	if (adapter != NULL)
		g_key_file_set_string(memory->keys, BONDS, key, adapter);
	else
		g_key_file_remove_key(memory->keys, BONDS, key, NULL);
	save(memory);
}

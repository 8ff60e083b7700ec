/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "store.h"

#include <stdio.h>
#include <string.h>

struct FakeStore {
	char *file;
	GHashTable *records;	/* "adapter peer" to FakeRecord */
};

static void
record_free(FakeRecord *record)
{
	g_free(record->name);
	g_strfreev(record->uuids);
	g_free(record);
}

static void
load(FakeStore *store)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_auto(GStrv) groups = NULL;

	if (!g_key_file_load_from_file(file, store->file, G_KEY_FILE_NONE, NULL))
		return;
	groups = g_key_file_get_groups(file, NULL);
	for (char **group = groups; *group; group++) {
		FakeRecord *record = g_new0(FakeRecord, 1);

		record->bonded = g_key_file_get_boolean(file, *group, "bonded", NULL);
		record->security = (FakeSecurity)g_key_file_get_integer(file, *group, "security", NULL);
		record->key = (guint32)g_key_file_get_uint64(file, *group, "key", NULL);
		record->trusted = g_key_file_get_boolean(file, *group, "trusted", NULL);
		record->name = g_key_file_get_string(file, *group, "name", NULL);
		record->uuids = g_key_file_get_string_list(file, *group, "uuids", NULL, NULL);
		g_hash_table_insert(store->records, g_strdup(*group), record);
	}
}

FakeStore *
fake_store_new(const char *file)
{
	FakeStore *store = g_new0(FakeStore, 1);

	store->file = g_strdup(file);
	store->records = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					       (GDestroyNotify)record_free);
	if (file)
		load(store);
	return store;
}

void
fake_store_free(FakeStore *store)
{
	g_hash_table_unref(store->records);
	g_free(store->file);
	g_free(store);
}

FakeRecord *
fake_store_find(FakeStore *store, const char *adapter, const char *peer)
{
	g_autofree char *key = g_strconcat(adapter, " ", peer, NULL);

	return g_hash_table_lookup(store->records, key);
}

FakeRecord *
fake_store_ensure(FakeStore *store, const char *adapter, const char *peer)
{
	FakeRecord *record = fake_store_find(store, adapter, peer);

	if (!record) {
		record = g_new0(FakeRecord, 1);
		g_hash_table_insert(store->records, g_strconcat(adapter, " ", peer, NULL), record);
	}
	return record;
}

void
fake_store_remove(FakeStore *store, const char *adapter, const char *peer)
{
	g_autofree char *key = g_strconcat(adapter, " ", peer, NULL);

	if (g_hash_table_remove(store->records, key))
		fake_store_save(store);
}

void
fake_store_save(FakeStore *store)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GError) error = NULL;
	GHashTableIter iter;
	gpointer key, value;

	if (!store->file)
		return;
	g_hash_table_iter_init(&iter, store->records);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		const FakeRecord *record = value;

		g_key_file_set_boolean(file, key, "bonded", record->bonded);
		g_key_file_set_integer(file, key, "security", (int)record->security);
		g_key_file_set_uint64(file, key, "key", record->key);
		g_key_file_set_boolean(file, key, "trusted", record->trusted);
		if (record->name)
			g_key_file_set_string(file, key, "name", record->name);
		if (record->uuids)
			g_key_file_set_string_list(file, key, "uuids", (const char *const *)record->uuids,
						   g_strv_length(record->uuids));
	}
	if (!g_key_file_save_to_file(file, store->file, &error))
		fprintf(stderr, "bonds are not kept: %s\n", error->message);
}

GPtrArray *
fake_store_peers(FakeStore *store, const char *adapter)
{
	GPtrArray *peers = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *prefix = g_strconcat(adapter, " ", NULL);
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, store->records);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		if (g_str_has_prefix(key, prefix))
			g_ptr_array_add(peers, g_strdup((char *)key + strlen(prefix)));
	return peers;
}

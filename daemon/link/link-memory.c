/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "link-memory.h"

struct StpLinkMemory {
	GHashTable *memos;	/* address -> StpLinkMemo; as many as there are enrolled pens */
};

StpLinkMemory *
stp_link_memory_new(void)
{
	StpLinkMemory *memory = g_rc_box_new0(StpLinkMemory);

	memory->memos = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return memory;
}

StpLinkMemory *
stp_link_memory_ref(StpLinkMemory *memory)
{
	return g_rc_box_acquire(memory);
}

static void
clear(gpointer data)
{
	StpLinkMemory *memory = data;

	g_hash_table_unref(memory->memos);
}

void
stp_link_memory_unref(StpLinkMemory *memory)
{
	g_rc_box_release_full(memory, clear);
}

StpLinkMemo *
stp_link_memory_of(StpLinkMemory *memory, const char *address)
{
	g_autofree char *key = g_ascii_strup(address, -1);
	StpLinkMemo *memo = g_hash_table_lookup(memory->memos, key);

	if (memo == NULL) {
		memo = g_new0(StpLinkMemo, 1);
		g_hash_table_insert(memory->memos, g_steal_pointer(&key), memo);
	}
	return memo;
}

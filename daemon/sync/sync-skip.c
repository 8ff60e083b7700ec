/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sync-skip.h"

struct StpSyncSkip {
	GArray *reread;	/* StpListed, by number */
	GArray *boots;	/* StpBootStart, by boot id */
	gint64 since;
};

/* This contact's own is not in the store yet. */
static void
add_contact(GArray *boots, const struct stp_host_state *state)
{
	const StpBootStart now = { state->boot_id,
				   state->anchor.utc_us - (gint64)state->anchor.tick_ms * 1000 };
	guint at = 0;

	if (!state->anchored)
		return;
	while (at < boots->len && g_array_index(boots, StpBootStart, at).boot_id < now.boot_id)
		at++;
	if (at == boots->len || g_array_index(boots, StpBootStart, at).boot_id != now.boot_id)
		g_array_insert_val(boots, at, now);
}

StpSyncSkip *
stp_sync_skip_new(StpStore *store, const char *serial, const struct stp_host_state *state, gboolean went_back,
		  gint64 since, GError **error)
{
	g_autoptr(StpSyncSkip) self = g_new0(StpSyncSkip, 1);

	self->since = since;
	if (went_back) {
		self->reread = stp_store_get_reread(store, serial, state->epoch, error);
		if (self->reread == NULL)
			return NULL;
	}
	if (since != 0) {
		self->boots = stp_store_get_boot_starts(store, serial, error);
		if (self->boots == NULL)
			return NULL;
		add_contact(self->boots, state);
	}
	return g_steal_pointer(&self);
}

void
stp_sync_skip_free(StpSyncSkip *self)
{
	g_clear_pointer(&self->reread, g_array_unref);
	g_clear_pointer(&self->boots, g_array_unref);
	g_free(self);
}

static gboolean
was_reread(const StpSyncSkip *self, const struct stp_entry *entry)
{
	guint low = 0, high = self->reread != NULL ? self->reread->len : 0;

	while (low < high) {
		guint middle = low + (high - low) / 2;
		const StpListed *listed = &g_array_index(self->reread, StpListed, middle);

		if (listed->number == entry->record)
			return listed->length == entry->length && listed->crc32c == entry->crc32c;
		if (listed->number < entry->record)
			low = middle + 1;
		else
			high = middle;
	}
	return FALSE;
}

/* By its own power-up's clock; else it began before the next one that is known.  G_MAXINT64: nobody knows. */
static gint64
began_at_latest(const StpSyncSkip *self, const struct stp_entry *entry)
{
	for (guint i = 0; i < self->boots->len; i++) {
		const StpBootStart *boot = &g_array_index(self->boots, StpBootStart, i);

		if (boot->boot_id == entry->boot_id)
			return boot->start + (gint64)entry->start_tick_ms * 1000;
		if (boot->boot_id > entry->boot_id)
			return boot->start;
	}
	return G_MAXINT64;
}

gboolean
stp_sync_skip_leaves_out(const StpSyncSkip *self, const struct stp_entry *entry, gboolean *durable)
{
	*durable = was_reread(self, entry);
	return *durable || (self->since != 0 && began_at_latest(self, entry) < self->since);
}

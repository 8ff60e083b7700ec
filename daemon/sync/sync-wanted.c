/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sync-wanted.h"

#include "sync-findings.h"

/* No pen has room for so many records at once: one that says so has lost its count. */
#define SPAN_MAX 65536
/* How far beyond what is held, and how far from the newest, such a pen is asked. */
#define SPAN_TRIED 1024

GArray *
stp_sync_get_wanted(StpStore *store, const char *serial, const struct stp_host_state *state,
		    const GArray *held, GError **error)
{
	guint32 oldest = MAX(state->oldest, 1), newest = state->newest, reached = oldest;
	g_autoptr(GArray) low = NULL;
	g_autoptr(GArray) high = NULL;

	if (newest < oldest || newest - oldest < SPAN_MAX)
		return stp_store_get_missing(store, serial, state->epoch, oldest, newest, error);

	/* Were it believed, each of billions of numbers would be listed, and noted as never written. */
	stp_sync_find_span(store, serial, state->epoch, oldest, newest);
	for (guint i = 0; i < held->len; i++) {
		guint32 to = g_array_index(held, struct stp_range, i).to;

		if (to < newest - 2 * SPAN_TRIED)
			reached = MAX(reached, to);
	}
	low = stp_store_get_missing(store, serial, state->epoch, oldest, reached + SPAN_TRIED, error);
	if (low == NULL)
		return NULL;
	high = stp_store_get_missing(store, serial, state->epoch, newest - SPAN_TRIED + 1, newest,
				     error);
	if (high == NULL)
		return NULL;
	g_array_append_vals(low, high->data, high->len);
	return g_steal_pointer(&low);
}

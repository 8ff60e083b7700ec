/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sync-wanted.h"

#include "sync-findings.h"

/* No pen has room for so many records at once: one that says so has lost its count. */
#define SPAN_MAX 65536
/* How far beyond what is held, and how far from the newest, such a pen is asked. */
#define SPAN_TRIED 1024

static gboolean
is_wide(const struct stp_host_state *state)
{
	guint32 oldest = MAX(state->oldest, 1);

	return state->newest >= oldest && state->newest - oldest >= SPAN_MAX;
}

/* Whether it was found earlier, in an epoch that is still the pen's. */
static gboolean
find_went_back(StpStore *store, const char *serial, guint32 epoch, gboolean *went_back, GError **error)
{
	g_autoptr(GPtrArray) coverage = stp_store_get_coverage(store, serial, error);

	*went_back = FALSE;
	if (coverage == NULL)
		return FALSE;
	for (guint i = 0; i < coverage->len; i++) {
		const StpCoverage *entry = g_ptr_array_index(coverage, i);

		for (guint j = 0; entry->epoch == epoch && j < entry->findings->len; j++) {
			const StpFinding *finding = g_ptr_array_index(entry->findings, j);

			*went_back |= g_str_equal(finding->kind, stp_note_name(STP_NOTE_LOG_WENT_BACK));
		}
	}
	return TRUE;
}

static GArray *
get_wanted(StpStore *store, const char *serial, const struct stp_host_state *state, const GArray *held, GError **error)
{
	guint32 oldest = MAX(state->oldest, 1), newest = state->newest, reached = oldest;
	g_autoptr(GArray) low = NULL;
	g_autoptr(GArray) high = NULL;

	if (!is_wide(state))
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

/* The log's oldest..newest, whatever the store has of it. */
static GArray *
get_all(const struct stp_host_state *state)
{
	struct stp_range all = { MAX(state->oldest, 1), state->newest };
	GArray *wanted = g_array_new(FALSE, FALSE, sizeof(struct stp_range));

	if (all.from <= all.to)
		g_array_append_val(wanted, all);
	return wanted;
}

/* Nothing is held, and the engine knows why: no pen comes to that number. */
static void
hold_nothing(GArray *held, guint32 newest)
{
	const struct stp_range beyond = { G_MAXUINT32, G_MAXUINT32 };

	g_array_set_size(held, 0);
	if (newest < beyond.to)
		g_array_append_val(held, beyond);
}

gboolean
stp_sync_choose(StpStore *store, const char *serial, const struct stp_host_state *state, GArray **held,
		GArray **wanted, gboolean *went_back, GError **error)
{
	g_autoptr(GArray) ours = stp_store_get_held(store, serial, state->epoch, 1, G_MAXUINT32, error);
	GArray *missing;
	guint32 highest;

	if (ours == NULL || !find_went_back(store, serial, state->epoch, went_back, error))
		return FALSE;
	highest = ours->len > 0 ? g_array_index(ours, struct stp_range, ours->len - 1).to : 0;
	if (highest > state->newest) {
		stp_sync_find_went_back(store, serial, state->epoch, highest, state->newest);
		*went_back = TRUE;
	} else if (*went_back) {
		/* The numbers have grown past those held since; nothing but the finding tells. */
		hold_nothing(ours, state->newest);
	}
	if (*went_back && !is_wide(state))
		missing = get_all(state);
	else
		missing = get_wanted(store, serial, state, ours, error);
	if (missing == NULL)
		return FALSE;
	*held = g_steal_pointer(&ours);
	*wanted = missing;
	return TRUE;
}

gboolean
stp_sync_choice_is_all(const StpSyncChoice *choice)
{
	return choice->from == 0 && choice->to == 0 && choice->since == 0;
}

void
stp_sync_choice_narrow(const StpSyncChoice *choice, GArray *wanted)
{
	guint32 to = choice->to != 0 ? choice->to : G_MAXUINT32;

	for (guint i = wanted->len; i-- > 0;) {
		struct stp_range *range = &g_array_index(wanted, struct stp_range, i);

		range->from = MAX(range->from, choice->from);
		range->to = MIN(range->to, to);
		if (range->from > range->to)
			g_array_remove_index(wanted, i);
	}
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sync-wanted.h"

#include "clock.h"
#include "sync-findings.h"
#include "sync-timing.h"

/* How far beyond what is held, and how far from the newest, such a pen is asked. */
#define SPAN_TRIED 1024

static gboolean
is_wide(const struct stp_host_state *state)
{
	guint32 oldest = MAX(state->oldest, 1);

	return state->newest >= oldest && state->newest - oldest >= STP_LOG_SPAN_MAX;
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

/* A part of the log, whatever the store has of it. */
static void
add_range(GArray *wanted, guint32 from, guint32 to)
{
	const struct stp_range range = { from, to };

	if (from <= to)
		g_array_append_val(wanted, range);
}

/* Near what is held, and near the newest: were it believed, each of billions of numbers would be listed. */
static GArray *
get_windows(const struct stp_host_state *state, const GArray *held)
{
	GArray *windows = g_array_new(FALSE, FALSE, sizeof(struct stp_range));
	guint32 oldest = MAX(state->oldest, 1), newest = state->newest, reached = oldest;

	for (guint i = 0; i < held->len; i++) {
		guint32 to = g_array_index(held, struct stp_range, i).to;

		if (to < newest - 2 * SPAN_TRIED)
			reached = MAX(reached, to);
	}
	add_range(windows, oldest, reached + SPAN_TRIED);
	add_range(windows, newest - SPAN_TRIED + 1, newest);
	return windows;
}

static GArray *
get_wanted(StpStore *store, const char *serial, const struct stp_host_state *state, const GArray *windows,
	   gint64 again_before, GError **error)
{
	g_autoptr(GArray) wanted = g_array_new(FALSE, FALSE, sizeof(struct stp_range));

	for (guint i = 0; i < windows->len; i++) {
		struct stp_range window = g_array_index(windows, struct stp_range, i);
		g_autoptr(GArray) missing = stp_store_get_missing_again(store, serial, state->epoch, window.from,
									window.to, again_before, error);

		if (missing == NULL)
			return NULL;
		g_array_append_vals(wanted, missing->data, missing->len);
	}
	return g_steal_pointer(&wanted);
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

gint64
stp_sync_again_before(StpStore *store, const char *serial, const char *firmware, const StpSyncChoice *choice)
{
	const gint64 now = stp_clock_wall();
	g_autoptr(StpPenRow) row = stp_store_get_pen(store, serial, NULL);

	if (!stp_sync_choice_is_all(choice))
		return G_MAXINT64;
	if (row != NULL && *row->firmware != '\0' && !g_str_equal(row->firmware, firmware))
		return G_MAXINT64;
	/* What lies ahead was noted by a clock that ran wrong. */
	return MAX(now - (gint64)STP_SYNC_GIVEN_UP_S * G_USEC_PER_SEC,
		   row != NULL && row->firmware_since <= now ? row->firmware_since : 0);
}

gboolean
stp_sync_choose(StpStore *store, const char *serial, const struct stp_host_state *state, gint64 again_before,
		GArray **held, GArray **wanted, gboolean *went_back, GError **error)
{
	g_autoptr(GArray) ours = stp_store_get_held(store, serial, state->epoch, 1, G_MAXUINT32, error);
	g_autoptr(GArray) windows = NULL;
	guint32 highest;

	if (ours == NULL || !find_went_back(store, serial, state->epoch, went_back, error))
		return FALSE;
	if (is_wide(state)) {
		stp_sync_find_span(store, serial, state->epoch, MAX(state->oldest, 1), state->newest);
		windows = get_windows(state, ours);
	} else {
		windows = g_array_new(FALSE, FALSE, sizeof(struct stp_range));
		add_range(windows, MAX(state->oldest, 1), state->newest);
	}
	highest = ours->len > 0 ? g_array_index(ours, struct stp_range, ours->len - 1).to : 0;
	if (highest > state->newest) {
		stp_sync_find_went_back(store, serial, state->epoch, highest, state->newest);
		*went_back = TRUE;
	} else if (*went_back) {
		/* The numbers have grown past those held since; nothing but the finding tells. */
		hold_nothing(ours, state->newest);
	}
	/* Where they went back, each number may stand for another record: what is held is asked for as well. */
	*wanted = *went_back ? g_steal_pointer(&windows)
			     : get_wanted(store, serial, state, windows, again_before, error);
	if (*wanted == NULL)
		return FALSE;
	*held = g_steal_pointer(&ours);
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

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sync-turns.h"

#include "clock.h"
#include "sync-order.h"
#include "sync-timing.h"

struct StpSyncTurns {
	StpRadio *radio;
	GPtrArray *queue;	/* (element-type StpPenKeeper), those that want a link, in the order they asked */
	GPtrArray *running;	/* (element-type StpPenKeeper), those that have one */
	guint others;	/* links that are no keeper's */
	guint quantum_timer;
	gboolean stopped;
};

StpSyncTurns *
stp_sync_turns_new(StpRadio *radio)
{
	StpSyncTurns *self = g_new0(StpSyncTurns, 1);

	self->radio = g_object_ref(radio);
	self->queue = g_ptr_array_new_with_free_func(g_object_unref);
	self->running = g_ptr_array_new_with_free_func(g_object_unref);
	return self;
}

void
stp_sync_turns_free(StpSyncTurns *self)
{
	g_clear_handle_id(&self->quantum_timer, g_source_remove);
	g_ptr_array_unref(self->queue);
	g_ptr_array_unref(self->running);
	g_object_unref(self->radio);
	g_free(self);
}

static const char *
address_of(StpPenKeeper *keeper)
{
	return stp_enrolled_pen_get_row(stp_pen_keeper_get_pen(keeper))->address;
}

/* Whether there would be a link for this one, if ended gave up its own. */
static gboolean
gains(StpSyncTurns *self, StpPenKeeper *keeper, StpPenKeeper *ended)
{
	return stp_radio_has_room(self->radio, address_of(keeper)) ||
	       (ended != NULL && stp_radio_makes_room(self->radio, address_of(ended), address_of(keeper)));
}

/* The most urgent of those that there is a link for, or would be if ended (nullable) gave up its own; NULL: none. */
static StpPenKeeper *
find_most_urgent(StpSyncTurns *self, StpPenKeeper *ended, StpSyncClaim *its_claim)
{
	g_autoptr(GArray) claims = g_array_new(FALSE, FALSE, sizeof(StpSyncClaim));
	g_autoptr(GPtrArray) keepers = g_ptr_array_new();
	guint best;

	for (guint i = 0; i < self->queue->len; i++) {
		StpPenKeeper *keeper = g_ptr_array_index(self->queue, i);
		StpSyncClaim claim;

		if (!gains(self, keeper, ended))
			continue;
		stp_pen_keeper_get_claim(keeper, &claim, NULL);
		g_array_append_val(claims, claim);
		g_ptr_array_add(keepers, keeper);
	}
	best = stp_sync_most_urgent((const StpSyncClaim *)(const void *)claims->data, claims->len,
				    stp_clock_monotonic(), stp_clock_wall());
	if (best == G_MAXUINT)
		return NULL;
	if (its_claim != NULL)
		*its_claim = g_array_index(claims, StpSyncClaim, best);
	return g_ptr_array_index(keepers, best);
}

/* Those that do not want one any more are left out. */
static void
tidy_queue(StpSyncTurns *self)
{
	for (guint i = self->queue->len; i-- > 0;) {
		if (!stp_pen_keeper_wants_link(g_ptr_array_index(self->queue, i)))
			g_ptr_array_remove_index(self->queue, i);
	}
}

/* Of the syncs whose time is over, the one that has run longest lets the most urgent that gains by it go first. */
static void
make_room(StpSyncTurns *self)
{
	gint64 now = stp_clock_monotonic(), earliest = G_MAXINT64;
	StpPenKeeper *longest = NULL;

	for (guint i = 0; i < self->running->len; i++) {
		StpPenKeeper *keeper = g_ptr_array_index(self->running, i);
		StpSyncClaim running, waiting;
		gint64 since;

		if (!stp_pen_keeper_is_syncing(keeper) || find_most_urgent(self, keeper, &waiting) == NULL)
			continue;
		/* It only listens: nothing is interrupted. */
		if (stp_pen_keeper_is_listening(keeper)) {
			longest = keeper;
			break;
		}
		stp_pen_keeper_get_claim(keeper, &running, &since);
		if (since < earliest && stp_sync_has_to_yield(&running, since, &waiting, now, stp_clock_wall())) {
			earliest = since;
			longest = keeper;
		}
	}
	if (longest != NULL)
		stp_pen_keeper_yield(longest);
}

static gboolean
on_quantum(gpointer user_data)
{
	StpSyncTurns *self = user_data;

	tidy_queue(self);
	if (self->queue->len == 0 || self->stopped) {
		self->quantum_timer = 0;
		return G_SOURCE_REMOVE;
	}
	make_room(self);
	return G_SOURCE_CONTINUE;
}

void
stp_sync_turns_share_out(StpSyncTurns *self)
{
	if (self->stopped)
		return;
	tidy_queue(self);
	while (stp_sync_turns_running(self) < stp_radio_get_links_at_once(self->radio)) {
		StpPenKeeper *next = find_most_urgent(self, NULL, NULL);
		g_autoptr(StpPenKeeper) keeper = NULL;

		if (next == NULL)
			break;
		keeper = g_object_ref(next);
		g_ptr_array_remove(self->queue, keeper);
		g_ptr_array_add(self->running, g_object_ref(keeper));
		if (!stp_pen_keeper_go(keeper))
			g_ptr_array_remove(self->running, keeper);
	}
	/* No wake-ups while nobody waits. */
	if (self->queue->len > 0 && self->quantum_timer == 0)
		self->quantum_timer = stp_clock_add_seconds(STP_SYNC_QUANTUM_CHECK_S, on_quantum, self);
}

void
stp_sync_turns_want(StpSyncTurns *self, StpPenKeeper *keeper)
{
	if (!g_ptr_array_find(self->queue, keeper, NULL))
		g_ptr_array_add(self->queue, g_object_ref(keeper));
	stp_sync_turns_share_out(self);
}

void
stp_sync_turns_take(StpSyncTurns *self, StpPenKeeper *keeper)
{
	if (keeper == NULL)
		self->others++;
	else
		g_ptr_array_add(self->running, g_object_ref(keeper));
}

void
stp_sync_turns_finished(StpSyncTurns *self, StpPenKeeper *keeper)
{
	if (keeper == NULL)
		self->others--;
	else
		g_ptr_array_remove(self->running, keeper);
}

void
stp_sync_turns_stop(StpSyncTurns *self)
{
	self->stopped = TRUE;
}

guint
stp_sync_turns_running(StpSyncTurns *self)
{
	return self->running->len + self->others;
}

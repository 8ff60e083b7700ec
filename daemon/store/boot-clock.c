/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "boot-clock.h"

#include <string.h>

#include "time-limits.h"

/* A pen that begins anew each time it is met tells nothing, however many contacts are told apart. */
#define TIMELINES_MAX 16

typedef struct {
	gint64 lo, hi;
} Span;

typedef struct {
	gint slow, fast;	/* what a tick's second may be too short or too long by, in ppb */
} Rates;

struct _StpBootClock {
	GArray *anchors;	/* (element-type StpAnchor), those that count, by tick */
	Rates rates;
	gboolean torn;		/* they contradict each other, and nothing tells which is right */
	gint64 *floors;		/* torn: the best guess at each anchor, below which no later one may be */
	gint64 doubt_us;
	StpTimeQuality quality;
	StpBootReport report;
	StpBootClock *other;	/* of the next timeline; NULL: there is none */
};

static const Rates assumed = { -STP_DRIFT_ASSUMED_PPB, STP_DRIFT_ASSUMED_PPB };

/* ---- one anchor, and another tick ---- */

/* Away from 0, so that a bound is never too tight. */
static gint64
drift_us(gint64 ms, gint ppb)
{
	/* In two steps, as 48 bits of ticks times a drift do not fit into 64. */
	gint64 rest = ms % 1000000 * ppb;

	return ms / 1000000 * ppb + (rest + (rest > 0 ? 999999 : rest < 0 ? -999999 : 0)) / 1000000;
}

static Span
reach(const StpAnchor *anchor, gint64 tick_ms, Rates rates)
{
	gint64 ms = tick_ms - anchor->tick_ms;
	gint64 there = anchor->utc_us + ms * 1000;

	if (ms >= 0)
		return (Span){ there - anchor->uncertainty_us + drift_us(ms, rates.slow),
			       there + anchor->uncertainty_us + drift_us(ms, rates.fast) };
	return (Span){ there - anchor->uncertainty_us + drift_us(ms, rates.fast),
		       there + anchor->uncertainty_us + drift_us(ms, rates.slow) };
}

/* By how much two anchors exclude each other; 0: both can be right. */
static gint64
gap(const StpAnchor *a, const StpAnchor *b, Rates rates)
{
	Span span = reach(a, b->tick_ms, rates);
	gint64 lo = b->utc_us - b->uncertainty_us, hi = b->utc_us + b->uncertainty_us;

	if (lo > span.hi)
		return lo - span.hi;
	return span.lo > hi ? span.lo - hi : 0;
}

static const StpAnchor *
at(const GArray *anchors, guint i)
{
	return &g_array_index(anchors, StpAnchor, i);
}

static gint
by_tick(gconstpointer left, gconstpointer right)
{
	const StpAnchor *a = left, *b = right;

	if (a->tick_ms != b->tick_ms)
		return a->tick_ms < b->tick_ms ? -1 : 1;
	if (a->utc_us != b->utc_us)
		return a->utc_us < b->utc_us ? -1 : 1;
	return (a->uncertainty_us > b->uncertainty_us) - (a->uncertainty_us < b->uncertainty_us);
}

/*
 * Whether all can be right together.  Bounds of a rate have it that this is so when each two of them can,
 * and as rates add up, neighbours do not suffice.
 */
static gboolean
agree(const GArray *anchors, Rates rates)
{
	for (guint i = 0; i < anchors->len; i++)
		for (guint j = i + 1; j < anchors->len; j++)
			if (gap(at(anchors, i), at(anchors, j), rates) > 0)
				return FALSE;
	return TRUE;
}

/* ---- which anchors count ---- */

static GArray *
best_class(const StpAnchor *anchors, guint count)
{
	GArray *best = g_array_sized_new(FALSE, FALSE, sizeof(StpAnchor), count);
	StpAnchorClass class = STP_ANCHOR_PEN_VAGUE;

	for (guint i = 0; i < count; i++)
		class = MAX(class, anchors[i].class);
	for (guint i = 0; i < count; i++)
		if (anchors[i].class == class)
			g_array_append_val(best, anchors[i]);
	g_array_sort(best, by_tick);
	return best;
}

/* Those that agree with this one and with each other, nearest first; flags tells which. */
static guint
companions(const GArray *anchors, guint seed, gboolean *flags)
{
	guint count = 1;

	for (guint i = 0; i < anchors->len; i++)
		flags[i] = i == seed;
	for (guint distance = 1; distance < anchors->len; distance++) {
		for (int side = -1; side <= 1; side += 2) {
			gint64 i = (gint64)seed + side * (gint64)distance;
			gboolean fits = i >= 0 && i < anchors->len;

			for (guint j = 0; fits && j < anchors->len; j++)
				fits = !flags[j] || gap(at(anchors, (guint)i), at(anchors, j), assumed) == 0;
			if (!fits)
				continue;
			flags[i] = TRUE;
			count++;
		}
	}
	return count;
}

/* The largest group; of two as large, the one that has the later anchor. */
static guint
largest_group(const GArray *anchors, gboolean *flags)
{
	g_autofree gboolean *some = g_new(gboolean, anchors->len);
	g_autofree gboolean *seen = g_new0(gboolean, anchors->len);
	guint best = 0;

	for (guint seed = anchors->len; seed-- > 0;) {
		guint count;

		if (seen[seed])
			continue;
		count = companions(anchors, seed, some);
		for (guint i = 0; i < anchors->len; i++)
			seen[i] = seen[i] || some[i];
		if (count <= best)
			continue;
		best = count;
		memcpy(flags, some, sizeof(gboolean) * anchors->len);
	}
	return best;
}

/* Drop those that are not of the group; within: only where it has anchors on both sides of them. */
static void
leave_out(StpBootClock *self, const gboolean *flags, gboolean within)
{
	GArray *kept = g_array_sized_new(FALSE, FALSE, sizeof(StpAnchor), self->anchors->len);
	guint first = self->anchors->len, last = 0;

	for (guint i = 0; i < self->anchors->len; i++) {
		if (!flags[i])
			continue;
		first = MIN(first, i);
		last = i;
	}
	for (guint i = 0; i < self->anchors->len; i++) {
		const StpAnchor *anchor = at(self->anchors, i);

		if (flags[i] || (within && (i < first || i > last))) {
			g_array_append_val(kept, *anchor);
			continue;
		}
		self->report.left_out++;
		for (guint j = 0; j < self->anchors->len; j++)
			if (flags[j])
				self->report.apart_us =
					MAX(self->report.apart_us, gap(anchor, at(self->anchors, j), assumed));
	}
	g_array_unref(self->anchors);
	self->anchors = kept;
}

/* ---- drift ---- */

/* How much longer than it says a second of the pen is between two anchors, as an interval; FALSE: too near. */
static gboolean
rate_between(const StpAnchor *a, const StpAnchor *b, Span *ppb)
{
	gint64 ms = b->tick_ms - a->tick_ms;
	gint64 more = b->utc_us - a->utc_us - ms * 1000;
	gint64 unsure = a->uncertainty_us + b->uncertainty_us;

	if (ms <= 0)
		return FALSE;
	*ppb = (Span){
		(gint64)CLAMP((double)(more - unsure) * 1e6 / (double)ms - 1, -G_MAXINT32, G_MAXINT32),
		(gint64)CLAMP((double)(more + unsure) * 1e6 / (double)ms + 1, -G_MAXINT32, G_MAXINT32),
	};
	return TRUE;
}

/* The rates that all pairs allow, if it was the same all the time. */
static gboolean
fit_rate(const GArray *anchors, Span *ppb)
{
	*ppb = (Span){ -STP_DRIFT_PLAUSIBLE_PPB, STP_DRIFT_PLAUSIBLE_PPB };
	for (guint i = 0; i < anchors->len; i++) {
		for (guint j = i + 1; j < anchors->len; j++) {
			Span pair;

			if (!rate_between(at(anchors, i), at(anchors, j), &pair))
				continue;
			ppb->lo = MAX(ppb->lo, pair.lo);
			ppb->hi = MIN(ppb->hi, pair.hi);
		}
	}
	return ppb->lo <= ppb->hi;
}

/* Spans one after the other that each show it: a clock that is set once shows in one of them only. */
static guint
spans_that_drift(const GArray *anchors)
{
	guint spans = 0, from = 0;

	for (guint to = 1; to < anchors->len; to++) {
		Span pair;

		if (!rate_between(at(anchors, from), at(anchors, to), &pair) ||
		    (pair.lo <= STP_DRIFT_ASSUMED_PPB && pair.hi >= -STP_DRIFT_ASSUMED_PPB))
			continue;
		spans++;
		from = to;
	}
	return spans;
}

static void
measure(StpBootClock *self)
{
	StpBootReport *report = &self->report;
	Span ppb;

	self->rates = assumed;
	report->has_drift = report->drifts = FALSE;
	if (self->anchors->len < 2 || !fit_rate(self->anchors, &ppb))
		return;
	report->drift_ppb = (gint)((ppb.lo + ppb.hi) / 2);
	report->drift_unsure_ppb = (gint)((ppb.hi - ppb.lo + 1) / 2);
	report->has_drift = report->drift_unsure_ppb < STP_DRIFT_ASSUMED_PPB;
	if (agree(self->anchors, assumed) || spans_that_drift(self->anchors) < 2)
		return;
	report->drifts = ppb.lo > STP_DRIFT_TOLD_PPB || ppb.hi < -STP_DRIFT_TOLD_PPB;
	self->rates = (Rates){ (gint)ppb.lo - STP_DRIFT_STABLE_PPB, (gint)ppb.hi + STP_DRIFT_STABLE_PPB };
}

/* ---- a clock that was torn ---- */

/*
 * Two anchors that exclude each other may still be an unusual drift, which would then hold beyond
 * the two as well.
 */
static void
allow_for_drift(StpBootClock *self)
{
	for (guint i = 0; i < self->anchors->len; i++) {
		for (guint j = i + 1; j < self->anchors->len; j++) {
			Span pair;

			if (gap(at(self->anchors, i), at(self->anchors, j), assumed) == 0 ||
			    !rate_between(at(self->anchors, i), at(self->anchors, j), &pair) ||
			    pair.lo > STP_DRIFT_PLAUSIBLE_PPB || pair.hi < -STP_DRIFT_PLAUSIBLE_PPB)
				continue;
			self->rates.slow = (gint)MIN(self->rates.slow, MAX(pair.lo, -STP_DRIFT_PLAUSIBLE_PPB));
			self->rates.fast = (gint)MAX(self->rates.fast, MIN(pair.hi, STP_DRIFT_PLAUSIBLE_PPB));
		}
	}
}

/* Between two anchors, of which the second comes after the tick. */
static Span
between(const StpBootClock *self, guint next, gint64 tick_ms)
{
	const StpAnchor *before = at(self->anchors, next - 1), *after = at(self->anchors, next);
	Span a = reach(before, tick_ms, self->rates), b = reach(after, tick_ms, self->rates);
	Span either = { MIN(a.lo, b.lo), MAX(a.hi, b.hi) };
	Span within = { before->utc_us - before->uncertainty_us, after->utc_us + after->uncertainty_us };

	if (gap(before, after, assumed) == 0)
		return (Span){ MAX(a.lo, b.lo), MIN(a.hi, b.hi) };
	/* Set back, so that nothing is within the two: it was by one of them, and nobody knows by which. */
	if (within.lo > within.hi)
		return either;
	/* It may have been before or after whatever happened, but within the two it was. */
	return (Span){ MAX(either.lo, within.lo), MIN(either.hi, within.hi) };
}

static Span
torn_span(const StpBootClock *self, gint64 tick_ms, guint *next)
{
	guint i = 0;

	while (i < self->anchors->len && at(self->anchors, i)->tick_ms <= tick_ms)
		i++;
	*next = i;
	if (i == 0)
		return reach(at(self->anchors, 0), tick_ms, self->rates);
	if (i == self->anchors->len)
		return reach(at(self->anchors, i - 1), tick_ms, self->rates);
	return between(self, i, tick_ms);
}

static gint64
middle(Span span)
{
	return span.lo + (span.hi - span.lo) / 2;
}

/* A guess must not go back where one anchor's reach gives way to the next one's. */
static void
lay_floors(StpBootClock *self)
{
	guint count = self->anchors->len;

	self->floors = g_new(gint64, count);
	for (guint i = 0; i < count; i++) {
		gint64 tick = at(self->anchors, i)->tick_ms;
		Span before = i == 0 ? reach(at(self->anchors, 0), tick, self->rates) : between(self, i, tick);

		self->floors[i] = MAX(middle(before), i > 0 ? self->floors[i - 1] : G_MININT64);
	}
}

/* ---- the whole ---- */

static StpTimeQuality
quality_of(StpAnchorClass class)
{
	switch (class) {
	case STP_ANCHOR_SYNCHRONISED:
		return STP_TIME_ANCHORED;
	case STP_ANCHOR_PEN:
		return STP_TIME_EXTRAPOLATED;
	case STP_ANCHOR_UNSYNCHRONISED:
	case STP_ANCHOR_PEN_VAGUE:
		break;
	}
	return STP_TIME_UNCONFIRMED;
}

static void
settle_dispute(StpBootClock *self)
{
	g_autofree gboolean *flags = g_new0(gboolean, self->anchors->len);
	guint all = self->anchors->len, size;
	gboolean vouched = self->quality != STP_TIME_UNCONFIRMED;

	size = largest_group(self->anchors, flags);
	if (vouched) {
		if (2 * size > all)
			leave_out(self, flags, TRUE);
	} else {
		leave_out(self, flags, FALSE);
		if (2 * size <= all)
			self->doubt_us = self->report.apart_us;
	}
}

static void
note_gaps(StpBootClock *self)
{
	for (guint i = 1; i < self->anchors->len; i++)
		self->report.apart_us = MAX(self->report.apart_us,
					    gap(at(self->anchors, i - 1), at(self->anchors, i), assumed));
}

static gint
by_contact(gconstpointer left, gconstpointer right)
{
	const StpAnchor *a = *(const StpAnchor *const *)left, *b = *(const StpAnchor *const *)right;

	return (a->contact > b->contact) - (a->contact < b->contact);
}

/* By UTC as well: else it is only the order that is wrong. */
static gboolean
is_later(const StpAnchor *anchor, const StpAnchor *last)
{
	return anchor->utc_us - anchor->uncertainty_us > last->utc_us + last->uncertainty_us;
}

void
stp_boot_clock_tell_timelines(StpAnchor *anchors, guint count)
{
	g_autoptr(GPtrArray) order = g_ptr_array_sized_new(count);
	const StpAnchor *last = NULL;
	guint timeline = 0;

	for (guint i = 0; i < count; i++)
		if (anchors[i].contact != 0)
			g_ptr_array_add(order, &anchors[i]);
	g_ptr_array_sort(order, by_contact);
	for (guint i = 0; i < order->len; i++) {
		StpAnchor *anchor = g_ptr_array_index(order, i);
		gboolean back = last != NULL && anchor->tick_ms < last->tick_ms;
		gboolean anew = back && is_later(anchor, last);

		timeline = MIN(timeline + anew, TIMELINES_MAX - 1);
		anchor->timeline = timeline;
		if (anew || !back)
			last = anchor;
	}
}

/* Takes the anchors, of one class and one timeline, by tick. */
static StpBootClock *
clock_of(GArray *anchors)
{
	StpBootClock *self = g_new0(StpBootClock, 1);

	self->anchors = anchors;
	self->quality = quality_of(at(self->anchors, 0)->class);
	measure(self);
	if (!agree(self->anchors, self->rates)) {
		settle_dispute(self);
		measure(self);
	}
	self->torn = !agree(self->anchors, self->rates);
	if (self->torn) {
		note_gaps(self);
		allow_for_drift(self);
		lay_floors(self);
		self->report.has_drift = FALSE;
	}
	self->report.used = self->anchors->len;
	self->report.timelines = 1;
	return self;
}

static GArray *
of_timeline(const StpAnchor *anchors, guint count, guint timeline)
{
	g_autoptr(GArray) some = g_array_new(FALSE, FALSE, sizeof(StpAnchor));

	for (guint i = 0; i < count; i++)
		if (anchors[i].timeline == timeline)
			g_array_append_val(some, anchors[i]);
	return some->len > 0 ? best_class((const StpAnchor *)(const void *)some->data, some->len) : NULL;
}

/* Another count of the same power-up: what each of them says is possible from now on, and nothing is sure. */
static void
add_timeline(StpBootClock *self, StpBootClock *other)
{
	const StpAnchor *last = at(self->anchors, self->anchors->len - 1), *first = at(other->anchors, 0);
	StpBootReport *report = &self->report;

	other->other = self->other;
	self->other = other;
	self->quality = STP_TIME_UNCONFIRMED;
	report->timelines++;
	report->used += other->report.used;
	report->left_out += other->report.left_out;
	report->apart_us = MAX(MAX(report->apart_us, other->report.apart_us), gap(first, last, assumed));
	report->has_drift = report->drifts = FALSE;
}

StpBootClock *
stp_boot_clock_new(const StpAnchor *anchors, guint count)
{
	StpBootClock *self = NULL;
	guint last = 0;

	for (guint i = 0; i < count; i++)
		last = MAX(last, anchors[i].timeline);
	for (guint timeline = 0; timeline <= last; timeline++) {
		GArray *some = of_timeline(anchors, count, timeline);

		if (some != NULL && self == NULL)
			self = clock_of(some);
		else if (some != NULL)
			add_timeline(self, clock_of(some));
	}
	return self;
}

void
stp_boot_clock_free(StpBootClock *self)
{
	while (self != NULL) {
		StpBootClock *other = self->other;

		g_array_unref(self->anchors);
		g_free(self->floors);
		g_free(self);
		self = other;
	}
}

static Span
whole_span(const StpBootClock *self, gint64 tick_ms)
{
	Span span = reach(at(self->anchors, 0), tick_ms, self->rates);

	for (guint i = 1; i < self->anchors->len; i++) {
		Span other = reach(at(self->anchors, i), tick_ms, self->rates);

		span.lo = MAX(span.lo, other.lo);
		span.hi = MIN(span.hi, other.hi);
	}
	return span;
}

static void
place_in_timeline(const StpBootClock *self, gint64 tick_ms, StpPlace *place)
{
	guint next = 0;
	Span span = self->torn ? torn_span(self, tick_ms, &next) : whole_span(self, tick_ms);

	place->utc_us = middle(span);
	if (self->torn && next > 0)
		place->utc_us = MAX(place->utc_us, self->floors[next - 1]);
	place->earliest_us = span.lo - self->doubt_us;
	place->latest_us = MAX(span.hi, place->utc_us) + self->doubt_us;
	place->quality = self->quality;
}

void
stp_boot_clock_place(const StpBootClock *self, gint64 tick_ms, StpPlace *place)
{
	place_in_timeline(self, tick_ms, place);
	if (self->other == NULL)
		return;
	for (const StpBootClock *other = self->other; other != NULL; other = other->other) {
		StpPlace there;

		place_in_timeline(other, tick_ms, &there);
		place->earliest_us = MIN(place->earliest_us, there.earliest_us);
		place->latest_us = MAX(place->latest_us, there.latest_us);
	}
	place->utc_us = middle((Span){ place->earliest_us, place->latest_us });
}

const StpBootReport *
stp_boot_clock_report(const StpBootClock *self)
{
	return &self->report;
}

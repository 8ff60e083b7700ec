/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-coverage.h"

#include <string.h>

#include "clock.h"
#include "store-chain.h"
#include "store-findings.h"

/* A number that is not held, and of which more is known than that. */
typedef struct {
	guint32 number;
	gboolean never_written;	/* else: corrupt */
	gboolean given_up;
} Special;

typedef struct {
	gint64 pen;
	guint32 epoch;
	guint32 oldest, newest;
	GArray *ranges;		/* struct stp_range: what is held */
	GArray *specials;
	gint64 again_before;	/* numbers that were tried last before that are not given up */
} Ledger;

static void
ledger_clear(Ledger *self)
{
	g_clear_pointer(&self->ranges, g_array_unref);
	g_clear_pointer(&self->specials, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ledger, ledger_clear)

void
stp_coverage_free(StpCoverage *coverage)
{
	if (coverage == NULL)
		return;
	g_free(coverage->serial);
	g_clear_pointer(&coverage->holes, g_array_unref);
	g_clear_pointer(&coverage->findings, g_ptr_array_unref);
	g_free(coverage);
}

/* ---- what is held ---- */

gboolean
stp_held_add(StpDatabase *db, gint64 pen, guint32 epoch, guint32 number, GError **error)
{
	static const char find_before[] =
		"SELECT first FROM (SELECT first, last FROM held WHERE pen = ? AND epoch = ? AND first <= ?3"
		"  ORDER BY first DESC LIMIT 1) WHERE last = ?3 - 1";
	static const char find_after[] = "SELECT last FROM held WHERE pen = ? AND epoch = ? AND first = ?";
	static const char drop[] = "DELETE FROM held WHERE pen = ? AND epoch = ? AND first = ?";
	static const char put[] = "INSERT OR REPLACE INTO held (pen, epoch, first, last) VALUES (?, ?, ?, ?)";
	gint64 first, last, next = (gint64)number + 1;

	if (!stp_database_get_int(db, find_before, STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(number)), number,
				  &first, error) ||
	    !stp_database_get_int(db, find_after, STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(next)), number,
				  &last, error))
		return FALSE;
	if (last != number &&
	    !stp_database_run(db, drop, STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(next)), error))
		return FALSE;
	return stp_database_run(
		db, put, STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(first), STP_INT(last)), error);
}

gboolean
stp_held_rebuild(StpDatabase *db, GError **error)
{
	/* In a run of numbers, number minus rank stays the same. */
	static const char rebuild[] =
		"INSERT INTO held (pen, epoch, first, last)"
		" SELECT pen, epoch, min(number), max(number) FROM"
		"  (SELECT pen, epoch, number, number - row_number() OVER"
		"    (PARTITION BY pen, epoch ORDER BY number) AS run FROM record)"
		" GROUP BY pen, epoch, run";

	return stp_database_run(db, "DELETE FROM held", NULL, error) && stp_database_run(db, rebuild, NULL, error);
}

gboolean
stp_epoch_ensure(StpDatabase *db, gint64 pen, guint32 epoch, GError **error)
{
	static const char sql[] = "INSERT OR IGNORE INTO epoch (pen, epoch, oldest, newest, first_seen, last_seen)"
				  " VALUES (?, ?, 0, 0, ?3, ?3)";

	return stp_database_run(db, sql, STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(stp_clock_wall())),
				error);
}

/* ---- reading ---- */

static gboolean
read_ranges(StpDatabase *db, Ledger *ledger, GError **error)
{
	static const char sql[] = "SELECT first, last FROM held WHERE pen = ? AND epoch = ? ORDER BY first";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows =
		stp_database_query(db, sql, STP_VALUES(STP_INT(ledger->pen), STP_INT(ledger->epoch)), error);

	ledger->ranges = g_array_new(FALSE, FALSE, sizeof(struct stp_range));
	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local)) {
		struct stp_range range = { (guint32)stp_rows_int(rows, 0), (guint32)stp_rows_int(rows, 1) };

		g_array_append_val(ledger->ranges, range);
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	return TRUE;
}

static gboolean
read_specials(StpDatabase *db, Ledger *ledger, GError **error)
{
	static const char sql[] =
		"SELECT number, min(never), sum(tries), max(tried) FROM ("
		"  SELECT number, 0 AS never, tries, last_at AS tried FROM specimen"
		"   WHERE pen = ?1 AND epoch = ?2 AND kind NOT IN ('conflict', 'partial')"
		"  UNION ALL"
		"  SELECT record, kind = 'never-written', count, last FROM finding"
		"   WHERE pen = ?1 AND epoch = ?2 AND record > 0 AND NOT closed"
		"    AND kind IN ('corrupt', 'never-written'))"
		" AS odd WHERE NOT EXISTS (SELECT 1 FROM record"
		"  WHERE record.pen = ?1 AND record.epoch = ?2 AND record.number = odd.number)"
		" GROUP BY number ORDER BY number";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows =
		stp_database_query(db, sql, STP_VALUES(STP_INT(ledger->pen), STP_INT(ledger->epoch)), error);

	ledger->specials = g_array_new(FALSE, FALSE, sizeof(Special));
	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local)) {
		Special special = {
			.number = (guint32)stp_rows_int(rows, 0),
			.never_written = stp_rows_int(rows, 1) != 0,
			.given_up = stp_rows_int(rows, 2) >= STP_TRIES_MAX &&
				    stp_rows_int(rows, 3) >= ledger->again_before,
		};

		g_array_append_val(ledger->specials, special);
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	return TRUE;
}

/* Call what for every gap between the ranges held, in from..to. */
static void
for_each_gap(const Ledger *ledger, guint32 from, guint32 to,
	     void (*what)(const Ledger *ledger, struct stp_range gap, gpointer data), gpointer data)
{
	guint64 next = from;

	for (guint i = 0; i < ledger->ranges->len && next <= to; i++) {
		struct stp_range held = g_array_index(ledger->ranges, struct stp_range, i);

		if (held.to < next)
			continue;
		if (held.from > to)
			break;
		if (held.from > next)
			what(ledger, (struct stp_range){ (guint32)next, held.from - 1 }, data);
		next = (guint64)held.to + 1;
	}
	if (next <= to)
		what(ledger, (struct stp_range){ (guint32)next, to }, data);
}

/* The first special number at or above one. */
static guint
find_special(const Ledger *ledger, guint32 number)
{
	guint low = 0, high = ledger->specials->len;

	while (low < high) {
		guint middle = (low + high) / 2;

		if (g_array_index(ledger->specials, Special, middle).number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- what to ask for ---- */

static void
want_gap(const Ledger *ledger, struct stp_range gap, gpointer wanted)
{
	guint64 next = gap.from;

	for (guint i = find_special(ledger, gap.from); i < ledger->specials->len; i++) {
		Special special = g_array_index(ledger->specials, Special, i);
		struct stp_range before = { (guint32)next, special.number - 1 };

		if (special.number > gap.to)
			break;
		if (!special.given_up)
			continue;
		if (special.number > next)
			g_array_append_val((GArray *)wanted, before);
		next = (guint64)special.number + 1;
	}
	if (next <= gap.to) {
		struct stp_range rest = { (guint32)next, gap.to };

		g_array_append_val((GArray *)wanted, rest);
	}
}

GArray *
stp_coverage_missing(StpDatabase *db, gint64 pen, guint32 epoch, guint32 oldest, guint32 newest,
		     gint64 again_before, GError **error)
{
	g_auto(Ledger) ledger = { .pen = pen, .epoch = epoch, .again_before = again_before };
	GArray *wanted;

	if (!read_ranges(db, &ledger, error) || !read_specials(db, &ledger, error))
		return NULL;
	wanted = g_array_new(FALSE, FALSE, sizeof(struct stp_range));
	if (oldest <= newest)
		for_each_gap(&ledger, MAX(oldest, 1), newest, want_gap, wanted);
	return wanted;
}

GArray *
stp_coverage_held(StpDatabase *db, gint64 pen, guint32 epoch, guint32 oldest, guint32 newest, GError **error)
{
	g_auto(Ledger) ledger = { .pen = pen, .epoch = epoch };
	GArray *held;

	if (!read_ranges(db, &ledger, error))
		return NULL;
	held = g_array_new(FALSE, FALSE, sizeof(struct stp_range));
	for (guint i = 0; i < ledger.ranges->len; i++) {
		struct stp_range range = g_array_index(ledger.ranges, struct stp_range, i);

		range.from = MAX(range.from, oldest);
		range.to = MIN(range.to, newest);
		if (range.from <= range.to)
			g_array_append_val(held, range);
	}
	return held;
}

/* ---- what became of all ---- */

static void
add_hole(StpCoverage *coverage, guint64 from, guint64 to, const char *cause)
{
	guint32 size = (guint32)(to - from + 1);
	StpHole hole = { .range = { (guint32)from, (guint32)to } };
	StpHole *last = NULL;

	if (from > to)
		return;
	if (g_str_equal(cause, "corrupt"))
		coverage->damaged += size;
	else if (!g_str_equal(cause, "never-written"))
		coverage->missing += size;
	if (coverage->holes->len > 0)
		last = &g_array_index(coverage->holes, StpHole, coverage->holes->len - 1);
	if (last != NULL && last->range.to + 1 == hole.range.from && g_str_equal(last->cause, cause)) {
		last->range.to = hole.range.to;
		return;
	}
	g_strlcpy(hole.cause, cause, sizeof(hole.cause));
	g_array_append_val(coverage->holes, hole);
}

/* What nothing is known of: gone when the pen has begun to count later, else still to come. */
static void
add_plain_hole(const Ledger *ledger, StpCoverage *coverage, guint64 from, guint64 to)
{
	guint64 oldest = ledger->oldest;

	if (oldest > 0)
		add_hole(coverage, from, MIN(to, oldest - 1), "overwritten");
	add_hole(coverage, MAX(from, oldest), to, "not-fetched");
}

static void
explain_gap(const Ledger *ledger, struct stp_range gap, gpointer data)
{
	StpCoverage *coverage = data;
	guint64 next = gap.from;

	for (guint i = find_special(ledger, gap.from); i < ledger->specials->len; i++) {
		Special special = g_array_index(ledger->specials, Special, i);

		if (special.number > gap.to)
			break;
		if (special.number > next)
			add_plain_hole(ledger, coverage, next, (guint64)special.number - 1);
		add_hole(coverage, special.number, special.number,
			 special.never_written ? "never-written" : "corrupt");
		next = (guint64)special.number + 1;
	}
	if (next <= gap.to)
		add_plain_hole(ledger, coverage, next, gap.to);
}

/* Whether a log whose records are known to go so far can be as long as is claimed. */
static gboolean
is_likely(const Ledger *ledger, guint32 known, guint32 claimed)
{
	return (gint64)claimed - MAX(known, ledger->oldest) < STP_LOG_SPAN_MAX;
}

/* Records count wherever they are; what was only claimed, or looked for in vain, not at any distance. */
static guint32
last_used(const Ledger *ledger)
{
	guint32 known = 0, last;

	if (ledger->ranges->len > 0)
		known = g_array_index(ledger->ranges, struct stp_range, ledger->ranges->len - 1).to;
	for (guint i = 0; i < ledger->specials->len; i++)
		if (!g_array_index(ledger->specials, Special, i).never_written)
			known = MAX(known, g_array_index(ledger->specials, Special, i).number);
	last = known;
	if (is_likely(ledger, known, ledger->newest))
		last = MAX(last, ledger->newest);
	for (guint i = 0; i < ledger->specials->len; i++)
		if (is_likely(ledger, known, g_array_index(ledger->specials, Special, i).number))
			last = MAX(last, g_array_index(ledger->specials, Special, i).number);
	return last;
}

static StpCoverage *
explain(StpDatabase *db, Ledger *ledger, GError **error)
{
	StpCoverage *coverage;
	guint64 used;

	if (!read_ranges(db, ledger, error) || !read_specials(db, ledger, error))
		return NULL;
	coverage = g_new0(StpCoverage, 1);
	coverage->epoch = ledger->epoch;
	coverage->holes = g_array_new(FALSE, TRUE, sizeof(StpHole));
	coverage->first = 1;
	coverage->last = last_used(ledger);
	for (guint i = 0; i < ledger->ranges->len; i++) {
		struct stp_range range = g_array_index(ledger->ranges, struct stp_range, i);

		coverage->held += range.to - range.from + 1;
	}
	if (coverage->last > 0)
		for_each_gap(ledger, 1, coverage->last, explain_gap, coverage);
	used = (guint64)coverage->held + coverage->damaged + coverage->missing;
	coverage->percent = used > 0 ? 100.0 * coverage->held / (double)used : 100.0;
	return coverage;
}

/* One that says only what was odd about a pen that never told what it has. */
static StpCoverage *
explain_nothing(StpDatabase *db, gint64 pen, const char *serial, GError **error)
{
	g_autoptr(StpCoverage) coverage = g_new0(StpCoverage, 1);

	coverage->serial = g_strdup(serial);
	coverage->first = 1;
	coverage->percent = 100.0;
	coverage->holes = g_array_new(FALSE, TRUE, sizeof(StpHole));
	coverage->findings = stp_findings_list(db, pen, serial, 0, TRUE, error);
	return coverage->findings != NULL ? g_steal_pointer(&coverage) : NULL;
}

GPtrArray *
stp_coverage_list(StpDatabase *db, const char *serial, GError **error)
{
	static const char sql[] =
		"SELECT pen.pen, pen.serial, epoch.epoch, oldest, newest, epoch.epoch IS current_epoch"
		" FROM pen LEFT JOIN epoch USING (pen) WHERE ?1 IS NULL OR serial = ?1"
		" ORDER BY serial, first_seen, epoch.epoch";
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)stp_coverage_free);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(
		db, sql, STP_VALUES(serial != NULL ? STP_TEXT(serial) : STP_NULL), error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local)) {
		g_auto(Ledger) ledger = {
			.pen = stp_rows_int(rows, 0),
			.epoch = (guint32)stp_rows_int(rows, 2),
			.oldest = (guint32)stp_rows_int(rows, 3),
			.newest = (guint32)stp_rows_int(rows, 4),
		};
		g_autofree char *name = g_strdup(stp_rows_text(rows, 1));
		g_autoptr(StpCoverage) coverage = NULL;

		if (stp_rows_is_null(rows, 2)) {
			coverage = explain_nothing(db, ledger.pen, name, error);
			if (coverage == NULL)
				return NULL;
			if (coverage->findings->len > 0)
				g_ptr_array_add(list, g_steal_pointer(&coverage));
			continue;
		}
		coverage = explain(db, &ledger, error);
		if (coverage == NULL)
			return NULL;
		coverage->serial = g_steal_pointer(&name);
		coverage->current = stp_rows_int(rows, 5) != 0;
		coverage->findings = stp_findings_list(db, ledger.pen, coverage->serial, ledger.epoch,
						       coverage->current, error);
		if (coverage->findings == NULL || !stp_chain_look(db, ledger.pen, ledger.epoch, coverage, error))
			return NULL;
		g_ptr_array_add(list, g_steal_pointer(&coverage));
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	return g_steal_pointer(&list);
}

gboolean
stp_coverage_of_pen(StpDatabase *db, gint64 pen, double *percent, GError **error)
{
	static const char sql[] = "SELECT epoch, oldest, newest FROM epoch WHERE pen = ?";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(pen)), error);
	guint64 held = 0, used = 0;

	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local)) {
		g_auto(Ledger) ledger = {
			.pen = pen,
			.epoch = (guint32)stp_rows_int(rows, 0),
			.oldest = (guint32)stp_rows_int(rows, 1),
			.newest = (guint32)stp_rows_int(rows, 2),
		};
		g_autoptr(StpCoverage) coverage = explain(db, &ledger, error);

		if (coverage == NULL)
			return FALSE;
		held += coverage->held;
		used += (guint64)coverage->held + coverage->damaged + coverage->missing;
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	*percent = used > 0 ? 100.0 * (double)held / (double)used : 100.0;
	return TRUE;
}

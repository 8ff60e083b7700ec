/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* One run by chance. */

#include "ward.h"

#include "clock.h"
#include "frail-disk.h"
#include "ward-trace.h"

#define PENS_MOST 3
/* Faults come so often at the most, and go on for so long. */
#define DEED_EVERY_S 40
#define DEEDS_FEWEST 5
#define DEEDS_SPREAD 30
/*
 * When all is well again, everything is here within so long: records that came damaged five times are asked
 * for every quarter of an hour, back-off reaches five minutes, and somebody enrols one pen at a time.
 */
#define COMPLETE_WITHIN_S (3 * 3600)
#define LOOK_EVERY_S 10
/* Then a pen without news is left alone: it may be asked for what was damaged, and that is all. */
#define REST_S 1500
#define REST_CONNECTS 3

static void
fill_pens(Ward *ward)
{
	for (guint i = 0; i < ward->pens->len; i++) {
		guint sessions = 1 + roll(&ward->chance, 4);

		while (sessions-- > 0)
			ward_add_session(g_ptr_array_index(ward->pens, i), 20 + roll(&ward->chance, 1500));
	}
}

static void
live_through_faults(Ward *ward)
{
	guint deeds = DEEDS_FEWEST + roll(&ward->chance, DEEDS_SPREAD);

	while (deeds-- > 0) {
		ward_enrol_one(ward);
		ward_pass(ward, (gint64)roll(&ward->chance, DEED_EVERY_S * 1000) * 1000);
		ward_do_something(ward);
	}
}

static void
await_complete(Ward *ward)
{
	gint64 until = stp_clock_monotonic() + COMPLETE_WITHIN_S * G_GINT64_CONSTANT(1000000);

	while (!ward_all_complete(ward)) {
		WARD_CHECK(ward, stp_clock_monotonic() < until);
		ward_enrol_one(ward);
		ward_pass(ward, LOOK_EVERY_S * WARD_SECOND);
	}
	/* The last acknowledgement is on its way. */
	ward_pass(ward, 2 * WARD_MINUTE);
}

static guint
connects(Ward *ward)
{
	guint sum = 0;

	for (guint i = 0; i < ward->pens->len; i++)
		sum += ((WardPen *)g_ptr_array_index(ward->pens, i))->air.connects;
	return sum;
}

static void
rest(Ward *ward)
{
	guint before = connects(ward);

	ward_trace(ward, "all is complete");
	ward_pass(ward, REST_S * WARD_SECOND);
	WARD_CHECK(ward, connects(ward) - before <= REST_CONNECTS * ward->pens->len);
}

void
ward_run(guint64 seed, gboolean loud, WardCount *count)
{
	struct chance chance = { seed };
	Ward *ward = ward_new(seed, 1 + roll(&chance, PENS_MOST), loud);
	gint64 began = stp_clock_monotonic();

	ward_listen(ward);
	fill_pens(ward);
	ward_start(ward);
	live_through_faults(ward);
	ward_calm(ward);
	await_complete(ward);
	rest(ward);
	ward_check_all(ward);
	ward_stop(ward);
	ward_start(ward);
	ward_check_all(ward);
	ward_stop(ward);

	count->runs++;
	count->records += ward->records_written;
	count->crashes += ward->crashes;
	count->restarts += ward->restarts;
	count->syncs += ward->syncs;
	count->connects += connects(ward);
	count->deeds += ward->deeds;
	count->hours += (gdouble)(stp_clock_monotonic() - began) / (60 * WARD_MINUTE);
	ward_listen(NULL);
	ward_free(ward);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What may happen in a ward at any time. */

#include "ward.h"

#include "clock.h"
#include "frail-disk.h"
#include "sim-faults.h"
#include "virtual-clock.h"

static WardPen *
any_pen(Ward *ward)
{
	return g_ptr_array_index(ward->pens, roll(&ward->chance, ward->pens->len));
}

/* ---- the air ---- */

static void
change_weather(Ward *ward)
{
	static const Weather fair, kinds[] = {
		{ .drop = 20, .swap = 5 },
		{ .twice = 30, .swap = 30, .flip = 10 },
		{ .control_drop = 60, .control_twice = 60 },
		{ .cut = 8, .connect_fails = 200 },
		{ .stall = 4, .read_fails = 60, .subscribe_fails = 100 },
		{ .connect_fails = 500, .connect_hangs = 100, .slow_ms = 5000 },
		{ .drop = 5, .twice = 5, .swap = 5, .flip = 5, .control_drop = 10, .control_twice = 10, .stall = 2,
		  .cut = 3, .connect_fails = 100, .connect_hangs = 30, .subscribe_fails = 30, .read_fails = 10,
		  .slow_ms = 1000 },
	};
	guint kind = roll(&ward->chance, G_N_ELEMENTS(kinds) + 2);

	ward->weather = kind < G_N_ELEMENTS(kinds) ? kinds[kind] : fair;
	ward_trace(ward, "the weather is of kind %u", kind);
}

static void
walk_about(Ward *ward)
{
	WardPen *pen = any_pen(ward);

	pen->air.in_range = !pen->air.in_range;
	ward_trace(ward, "%s is %s range", pen->serial, pen->air.in_range ? "in" : "out of");
	if (!pen->air.in_range && pen->air.link != NULL)
		frail_link_cut(pen->air.link, "The pen was carried away.");
}

static void
cut(Ward *ward)
{
	WardPen *pen = any_pen(ward);

	if (pen->air.link != NULL)
		frail_link_cut(pen->air.link, "The link was lost.");
}

static void
switch_radio(Ward *ward)
{
	gboolean on = stp_radio_get_state(STP_RADIO(ward->radio)) != STP_RADIO_SCANNING;

	ward_trace(ward, "the adapter is %s", on ? "back" : "gone");
	frail_radio_set_on(ward->radio, on);
}

/* ---- pens ---- */

static void
treat(Ward *ward)
{
	WardPen *pen = any_pen(ward);
	/* Now and then one that does not come in one piece. */
	guint samples = strikes(&ward->chance, 50) ? 45000 : 20 + roll(&ward->chance, 1500);

	ward_trace(ward, "%s has a new session of %u samples", pen->serial, samples);
	ward_add_session(pen, samples);
}

static void
turn_motor(Ward *ward)
{
	WardPen *pen = any_pen(ward);
	gboolean on = roll(&ward->chance, 2);

	ward_trace(ward, "%s: motor %s", pen->serial, on ? "on" : "off");
	sim_pen_set_motor(pen->air.pen, on);
}

static void
reboot(Ward *ward)
{
	WardPen *pen = any_pen(ward);

	ward_trace(ward, "%s begins anew", pen->serial);
	if (pen->air.link != NULL)
		frail_link_cut(pen->air.link, "The pen began anew.");
	sim_pen_restart(pen->air.pen);
	ward_look_at(pen);
}

static void
start_epoch(Ward *ward)
{
	WardPen *pen = any_pen(ward);

	ward_trace(ward, "%s has been repaired: its log is empty, of a new epoch", pen->serial);
	ward_make_pen(ward, pen);
	ward_add_session(pen, 20 + roll(&ward->chance, 300));
}

/* Radios were changed in the workshop. */
static void
swap_addresses(Ward *ward)
{
	WardPen *a = any_pen(ward), *b = any_pen(ward);
	char *address = a->address;

	if (a == b)
		return;
	ward_trace(ward, "%s and %s answer at each other's address", a->serial, b->serial);
	if (a->air.link != NULL)
		frail_link_cut(a->air.link, "The pen was switched off.");
	if (b->air.link != NULL)
		frail_link_cut(b->air.link, "The pen was switched off.");
	a->air.address = a->address = b->address;
	b->air.address = b->address = address;
	a->moved = b->moved = a->ever_moved = b->ever_moved = TRUE;
}

static void
jump_tick(Ward *ward)
{
	WardPen *pen = any_pen(ward);

	ward_trace(ward, "the tick of %s jumps", pen->serial);
	sim_pen_set_tick_ms(pen->air.pen, roll(&ward->chance, 100000000));
}

/* Of a record that is the store's already it changes nothing. */
static void
rot(Ward *ward)
{
	WardPen *pen = any_pen(ward);
	const SimFlash *flash = sim_pen_flash(pen->air.pen);
	guint32 oldest = MAX(sim_flash_oldest(flash), 1), newest = sim_flash_newest(flash);
	guint32 number = newest >= oldest ? oldest + roll(&ward->chance, newest - oldest + 1) : 0;
	SimRecord *record = number > 0 ? sim_flash_get(flash, number) : NULL;

	if (record == NULL)
		return;
	ward_trace(ward, "record %u of %s rots", number, pen->serial);
	ward_damage(pen, number);
	sim_fault_commit(strikes(&ward->chance, 500) ? SIM_FAULT_FLIP : SIM_FAULT_TRUNCATE, record, NULL);
}

/* ---- people ---- */

static void
on_sync_answered(GObject *source, GAsyncResult *result, gpointer data)
{
	StpSyncResult outcome;

	stp_collector_sync_finish(STP_COLLECTOR(source), result, &outcome, NULL);
}

static void
ask_for_sync(Ward *ward)
{
	ward_trace(ward, "somebody asks for a sync");
	stp_collector_sync_async(ward->collector, any_pen(ward)->serial, 1 + roll(&ward->chance, 60), on_sync_answered,
				 NULL);
}

static void
cancel(Ward *ward)
{
	ward_trace(ward, "somebody cancels");
	stp_collector_cancel(ward->collector, any_pen(ward)->serial);
}

static void
on_removed(GObject *source, GAsyncResult *result, gpointer data)
{
	stp_collector_remove_finish(STP_COLLECTOR(source), result, NULL, NULL);
}

static void
remove_pen(Ward *ward)
{
	WardPen *pen = any_pen(ward);
	const StpRemoval removal = { .force = roll(&ward->chance, 2) };

	ward_trace(ward, "somebody removes %s", pen->serial);
	stp_collector_remove_async(ward->collector, pen->serial, &removal, NULL, NULL, NULL, on_removed, NULL);
}

static void
set_clock(Ward *ward)
{
	/* 1970, next century, an hour off, or right. */
	static const gint64 places[] = { 0, G_GINT64_CONSTANT(4291747200), 3600, -3600, 20, 0 };
	guint place = roll(&ward->chance, G_N_ELEMENTS(places));
	gint64 at = places[place] * G_USEC_PER_SEC;

	ward_trace(ward, "somebody sets the clock, way %u", place);
	virtual_clock_set_wall(place < 2 ? at + stp_clock_monotonic() : stp_clock_wall() + at);
}

/* ---- the computer ---- */

static void
fill_disk(Ward *ward)
{
	ward->store_full = !ward->store_full;
	ward_trace(ward, "the disk %s", ward->store_full ? "is full" : "has room again");
	/* Once as the store sees it coming, once as it does not. */
	if (strikes(&ward->chance, 500) || !ward->store_full)
		stp_store_set_reserve(ward->store, ward->store_full ? G_GUINT64_CONSTANT(1) << 50 : 1 << 20);
	else
		frail_disk_set_full(TRUE);
	if (!ward->store_full)
		frail_disk_set_full(FALSE);
}

static void
fail_disk(Ward *ward)
{
	guint odds = roll(&ward->chance, 2) ? 1 + roll(&ward->chance, 300) : 0;

	ward_trace(ward, "of a thousand writes %u fail", odds);
	frail_disk_set_failing(odds, chance_bits(&ward->chance));
}

static void
slow_disk(Ward *ward)
{
	ward->reply_ms = roll(&ward->chance, 3) ? roll(&ward->chance, 30) : roll(&ward->chance, 5000);
	ward_trace(ward, "the disk takes %u ms", ward->reply_ms);
	stp_store_set_lockstep(ward->store, ward->reply_ms);
}

static void
die_soon(Ward *ward)
{
	guint after = 1 + roll(&ward->chance, 60);

	ward_trace(ward, "the end comes at the %uth write from here", after);
	frail_disk_die_after(after);
}

static void
die_now(Ward *ward)
{
	ward_crash(ward, strikes(&ward->chance, 300));
	ward_start(ward);
}

static void
restart(Ward *ward)
{
	ward_stop(ward);
	ward_start(ward);
}

static void
go_back(Ward *ward)
{
	g_autofree char *copy = g_build_filename(ward->backup, "stipple.db", NULL);

	if (!g_file_test(copy, G_FILE_TEST_EXISTS)) {
		ward_back_up(ward);
		return;
	}
	ward_stop(ward);
	ward_restore(ward);
	ward_start(ward);
}

void
ward_do_something(Ward *ward)
{
	static const struct {
		guint weight;
		void (*deed)(Ward *ward);
	} deeds[] = {
		{ 20, change_weather }, { 10, walk_about }, { 12, cut },       { 4, switch_radio }, { 20, treat },
		{ 4, turn_motor },      { 6, reboot },      { 2, start_epoch }, { 3, jump_tick },    { 3, rot },
		{ 6, ask_for_sync },    { 5, cancel },      { 2, remove_pen },  { 3, set_clock },    { 4, fill_disk },
		{ 4, fail_disk },       { 4, slow_disk },   { 8, die_soon },    { 4, die_now },      { 3, restart },
		{ 2, go_back },
		{ 2, swap_addresses },
	};
	guint sum = 0, at;

	for (guint i = 0; i < G_N_ELEMENTS(deeds); i++)
		sum += deeds[i].weight;
	at = roll(&ward->chance, sum);
	for (guint i = 0; i < G_N_ELEMENTS(deeds); i++) {
		if (at < deeds[i].weight) {
			deeds[i].deed(ward);
			break;
		}
		at -= deeds[i].weight;
	}
	ward->deeds++;
}

void
ward_calm(Ward *ward)
{
	ward_trace(ward, "calm");
	ward->weather = (Weather){ 0 };
	ward->reply_ms = 1;
	ward->store_full = 0;
	frail_disk_mend();
	stp_store_set_reserve(ward->store, 1 << 20);
	stp_store_set_lockstep(ward->store, ward->reply_ms);
	frail_radio_set_on(ward->radio, TRUE);
	for (guint i = 0; i < ward->pens->len; i++) {
		WardPen *pen = g_ptr_array_index(ward->pens, i);

		pen->air.in_range = TRUE;
		sim_pen_set_motor(pen->air.pen, FALSE);
	}
}

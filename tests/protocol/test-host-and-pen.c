/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The host's engines with the pen's behind them, on a link without faults. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/errand.h>
#include <stipple/host.h>

#include "flash-model.h"

#define EPOCH 77
#define LENGTH 600
#define MTU 100

static const uint8_t collector[STP_COLLECTOR_ID_SIZE] = "COLLECTS", other[STP_COLLECTOR_ID_SIZE] = "ANOTHER1";

static struct flash_model flash;
static struct stp_pen pen;
static uint64_t now;

static int
set_up(void **state)
{
	const struct stp_pen_config config = { .log = &flash_model_log,
		.user = &flash,
		.boot_id = 1,
		.slots = flash.slots,
		.random = flash_model_random };

	flash_model_init(&flash, EPOCH);
	for (uint32_t number = 1; number <= 6; number++)
		flash_model_add(&flash, number, LENGTH);
	now = 1000;
	if (stp_pen_init(&pen, &config))
		return -1;
	stp_pen_tick(&pen, (uint32_t)now);
	return 0;
}

static int
tear_down(void **state)
{
	flash_model_clear(&flash);
	return 0;
}

/* ---- a dialogue ---- */

struct collector {
	struct stp_host *host;
	const uint8_t *id;
	struct stp_ranges held;
	struct stp_range held_items[8], wanted_items[8];
	uint32_t kept;		/* bytes of each record that are here already */
	uint32_t stop_at;	/* the link is lost when this record begins; 0: never */
	unsigned notes[32], stored;
	uint64_t received;
};

static void
pass_on(struct stp_host *host)
{
	struct stp_pen_output output;

	for (stp_pen_poll(&pen, &output); output.kind != STP_PEN_IDLE; stp_pen_poll(&pen, &output)) {
		if (output.kind == STP_PEN_INDICATE)
			stp_host_control(host, output.bytes, output.size, now);
		else if (output.kind == STP_PEN_NOTIFY)
			stp_host_data(host, output.bytes, output.size, now);
	}
}

static void
tell_wishes(struct collector *self, const struct stp_host_state *state)
{
	struct stp_ranges wanted;

	stp_ranges_init(&wanted, self->wanted_items, 8);
	assert_int_equal(stp_ranges_missing(&self->held, state->oldest, state->newest, &wanted), STP_OK);
	stp_host_held(self->host, self->held.items, self->held.count, now);
	stp_host_want(self->host, wanted.items, wanted.count, now);
}

/* False: it is over, or the link is lost. */
static bool
act(struct collector *self)
{
	struct stp_host_action action;
	struct flash_record *record;

	stp_host_poll(self->host, &action);
	switch (action.kind) {
	case STP_HOST_IDLE:
		pass_on(self->host);
		break;
	case STP_HOST_WRITE:
	case STP_HOST_WRITE_COMMAND:
		stp_pen_control(&pen, action.u.write.bytes, action.u.write.size);
		break;
	case STP_HOST_READ_TIME:
		stp_host_time(self->host, NULL, 0, 0, 0, now);
		break;
	case STP_HOST_STATE:
		tell_wishes(self, &action.u.state);
		break;
	case STP_HOST_BEGIN:
		if (action.u.begin.entry.record == self->stop_at)
			return false;
		record = flash_model_find(&flash, action.u.begin.entry.record);
		stp_host_resume(self->host, record->raw, self->kept, now);
		break;
	case STP_HOST_RECORD:
		record = flash_model_find(&flash, action.u.record.entry.record);
		assert_int_equal(action.u.record.integrity, STP_OK);
		assert_memory_equal(action.u.record.raw, record->raw, LENGTH);
		self->stored++;
		stp_host_stored(self->host, true, now);
		break;
	case STP_HOST_NOTE:
		self->notes[action.u.note.note]++;
		break;
	case STP_HOST_LISTED:
	case STP_HOST_GIVEN_UP:
		break;
	case STP_HOST_DONE:
		return false;
	case STP_HOST_FAILED:
		fail_msg("%s", stp_status_name(action.u.failed.reason));
	}
	return true;
}

/* A dialogue of a collector that holds 1..held; the other fields of *self are the caller's. */
static void
collect(struct collector *self, const uint8_t *id, uint32_t held)
{
	const struct stp_features features = { .features = STP_FEATURE_HASH | STP_FEATURE_ACK_SLOTS };
	struct stp_host_config config = { 0 };
	struct stp_host_progress progress;

	memcpy(config.collector_id, id, STP_COLLECTOR_ID_SIZE);
	stp_ranges_init(&self->held, self->held_items, 8);
	if (held)
		assert_int_equal(stp_ranges_add(&self->held, 1, held), STP_OK);
	self->host = stp_host_new(&config);
	stp_pen_connected(&pen, MTU);
	stp_host_start(self->host, MTU, &features, now);
	/* Nothing is lost here, so nobody ever waits. */
	for (unsigned steps = 0; act(self); steps++)
		assert_true(steps < 10000);
	stp_host_get_progress(self->host, &progress);
	self->received = progress.bytes_received;
	stp_pen_disconnected(&pen);
	stp_host_free(self->host);
}

static const struct stp_pen_slot *
slot_of(const uint8_t *id)
{
	for (unsigned i = 0; i < STP_PEN_SLOTS; i++)
		if (flash.slots[i].used && !memcmp(flash.slots[i].collector_id, id, STP_COLLECTOR_ID_SIZE))
			return &flash.slots[i];
	return NULL;
}

static void
a_record_is_resumed(void **state)
{
	struct collector self = { .kept = 550 };

	collect(&self, collector, 0);
	assert_int_equal(self.stored, 6);
	assert_int_equal(self.received, 6 * STP_ENTRY_SIZE + 6 * 50);
	assert_int_equal(self.notes[STP_NOTE_PARTIAL_DIFFERS], 0);
	assert_int_equal(slot_of(collector)->mark, 6);
}

static void
a_whole_one_is_only_acknowledged(void **state)
{
	struct collector self = { .kept = LENGTH };

	collect(&self, collector, 0);
	assert_int_equal(self.stored, 6);
	assert_int_equal(self.received, 6 * STP_ENTRY_SIZE);
	assert_int_equal(slot_of(collector)->mark, 6);
}

static void
a_restored_store_is_not_believed_to_have_what_it_lost(void **state)
{
	struct collector before = { 0 }, restored = { .stop_at = 6 }, again = { 0 };
	const struct stp_pen_slot *slot;

	collect(&before, collector, 0);
	assert_int_equal(slot_of(collector)->mark, 6);
	/* A backup with 1 and 2; the link is lost as soon as the first record would be read. */
	collect(&restored, collector, 2);
	assert_int_equal(restored.notes[STP_NOTE_SLOT_AHEAD], 1);
	assert_int_equal(restored.stored, 0);
	slot = slot_of(collector);
	assert_non_null(slot);
	assert_int_equal(slot->mark, 2);
	assert_int_equal(slot->range_count, 0);

	collect(&again, collector, 2);
	assert_int_equal(again.notes[STP_NOTE_SLOT_AHEAD], 0);
	assert_int_equal(again.stored, 4);
	assert_int_equal(slot_of(collector)->mark, 6);
}

/* ---- errands ---- */

static struct stp_errand_action errand_end;
static unsigned slots_told, confirms;

/* The person presses the button when told to, if press. */
static void
run_errand(const struct stp_errand_config *config, bool press)
{
	struct stp_errand *errand = stp_errand_new(config);
	struct stp_errand_action action;
	struct stp_pen_output output;

	slots_told = confirms = 0;
	stp_pen_connected(&pen, MTU);
	stp_errand_start(errand, now);
	for (unsigned steps = 0;; steps++) {
		assert_true(steps < 10000);
		stp_errand_poll(errand, &action);
		if (action.kind == STP_ERRAND_DONE || action.kind == STP_ERRAND_FAILED)
			break;
		if (action.kind == STP_ERRAND_WRITE)
			stp_pen_control(&pen, action.u.write.bytes, action.u.write.size);
		slots_told += action.kind == STP_ERRAND_SLOT;
		if (action.kind == STP_ERRAND_CONFIRM) {
			confirms++;
			if (press)
				stp_pen_confirm(&pen);
		}
		if (action.kind != STP_ERRAND_IDLE)
			continue;
		stp_pen_poll(&pen, &output);
		if (output.kind == STP_PEN_INDICATE) {
			stp_errand_control(errand, output.bytes, output.size, now);
		} else if (output.kind == STP_PEN_IDLE) {
			now = stp_errand_deadline(errand);
			stp_pen_tick(&pen, (uint32_t)now);
			stp_errand_timeout(errand, now);
		}
	}
	errand_end = action;
	stp_pen_disconnected(&pen);
	stp_errand_free(errand);
}

static struct stp_range all_items[] = { { 1, 6 } };
static const struct stp_ranges all = { all_items, 1, 1 };

static void
what_every_collector_has_is_erased(void **state)
{
	struct stp_errand_config config = { .kind = STP_ERRAND_ERASE_LOG, .epoch = EPOCH, .up_to = 6, .held = &all };
	struct collector one = { 0 }, two = { 0 };

	memcpy(config.collector_id, collector, STP_COLLECTOR_ID_SIZE);
	collect(&one, collector, 0);
	collect(&two, other, 3);
	run_errand(&config, true);
	assert_int_equal(errand_end.kind, STP_ERRAND_DONE);
	assert_int_equal(confirms, 1);
	assert_int_equal(flash.erasures, 1);
	/* Once more: there is nothing left. */
	run_errand(&config, true);
	assert_int_equal(errand_end.kind, STP_ERRAND_DONE);
	assert_int_equal(flash.erasures, 1);
}

static void
what_another_lacks_or_nobody_confirms_stays(void **state)
{
	struct stp_errand_config config = { .kind = STP_ERRAND_ERASE_LOG, .epoch = EPOCH, .up_to = 6, .held = &all };
	struct collector one = { 0 }, two = { .stop_at = 6 };

	memcpy(config.collector_id, collector, STP_COLLECTOR_ID_SIZE);
	collect(&one, collector, 0);
	run_errand(&config, false);
	assert_int_equal(errand_end.kind, STP_ERRAND_FAILED);
	assert_true(errand_end.u.failed.wire_status == STP_WIRE_STALE ||
		    errand_end.u.failed.wire_status == STP_WIRE_NOT_CONFIRMED);
	collect(&two, other, 0);
	run_errand(&config, true);
	assert_int_equal(errand_end.kind, STP_ERRAND_FAILED);
	assert_int_equal(errand_end.u.failed.wire_status, STP_WIRE_NOT_ACKNOWLEDGED);
	assert_int_equal(flash.erasures, 0);
}

static void
slots_are_listed_and_dropped(void **state)
{
	struct stp_errand_config config = { .kind = STP_ERRAND_LIST_SLOTS };
	struct collector one = { 0 }, two = { 0 };

	collect(&one, collector, 0);
	collect(&two, other, 0);
	run_errand(&config, false);
	assert_int_equal(errand_end.kind, STP_ERRAND_DONE);
	assert_int_equal(slots_told, 2);

	config.kind = STP_ERRAND_DROP_SLOT;
	config.index = 1;
	memcpy(config.collector_id, other, STP_COLLECTOR_ID_SIZE);
	run_errand(&config, false);
	assert_int_equal(errand_end.kind, STP_ERRAND_FAILED);
	assert_non_null(slot_of(other));
	run_errand(&config, true);
	assert_int_equal(errand_end.kind, STP_ERRAND_DONE);
	assert_null(slot_of(other));
	assert_non_null(slot_of(collector));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_record_is_resumed),
		TEST(a_whole_one_is_only_acknowledged),
		TEST(a_restored_store_is_not_believed_to_have_what_it_lost),
		TEST(what_every_collector_has_is_erased),
		TEST(what_another_lacks_or_nobody_confirms_stays),
		TEST(slots_are_listed_and_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

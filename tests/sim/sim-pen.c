/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/configuration.h>
#include <stipple/elapsed-time.h>

#include "session-generator.h"
#include "clock.h"
#include "sim-pen-internal.h"

#define LOG_CAPACITY_KB 16384u
#define EVENT_ROOM      512u /* bytes that a full log keeps free for event 19 */
#define PART_SAMPLES    360000u
#define FIRST_TICK_MS   20000u

static void
log_state(void *user, struct stp_pen_log_state *out)
{
	const SimPen *pen = user;

	*out = (struct stp_pen_log_state){
		.epoch = sim_flash_epoch(pen->flash),
		.oldest = sim_flash_oldest(pen->flash),
		.newest = sim_flash_newest(pen->flash),
		.free_percent = sim_pen_free_percent(pen),
		.flags = (guint8)((pen->motor_on ? STP_STATE_MOTOR_ON : 0) |
				  (pen->kept.overrun ? STP_STATE_OVERRUN : 0)),
	};
}

static enum stp_status
log_entry(void *user, uint32_t number, struct stp_entry *out)
{
	const SimPen *pen = user;
	const SimRecord *record = sim_flash_get(pen->flash, number);

	if (!record)
		return STP_ERR_NOT_FOUND;
	*out = record->entry;
	return STP_OK;
}

static enum stp_status
log_read(void *user, uint32_t number, uint32_t offset, uint8_t *out, size_t size)
{
	const SimPen *pen = user;
	const SimRecord *record = sim_flash_get(pen->flash, number);

	if (!record)
		return STP_ERR_NOT_FOUND;
	if (offset > record->raw->len || size > record->raw->len - offset)
		return STP_ERR_IO;
	memcpy(out, record->raw->data + offset, size);
	return STP_OK;
}

gboolean
sim_pen_keep(SimPen *pen)
{
	g_autoptr(GError) error = NULL;

	if (!pen->state_dir)
		return TRUE;
	pen->kept.panel = *sim_panel_kept(pen->panel);
	if (sim_state_save(pen->state_dir, pen->serial, pen->flash, &pen->kept, &error))
		return TRUE;
	g_warning("%s", error->message);
	return FALSE;
}

static enum stp_status
log_save_slot(void *user, unsigned index, const struct stp_pen_slot *slot)
{
	SimPen *pen = user;
	struct stp_pen_slot before = pen->kept.slots[index];
	SimEvent event = {
		.kind = SIM_EVENT_ACKNOWLEDGED,
		.slot = index,
		.epoch = slot->epoch,
		.mark = slot->mark,
	};

	pen->kept.slots[index] = *slot;
	if (!sim_pen_keep(pen)) {
		pen->kept.slots[index] = before;
		return STP_ERR_IO;
	}
	if (!before.used || memcmp(before.collector_id, slot->collector_id, sizeof before.collector_id) != 0)
		event.kind = SIM_EVENT_COLLECTOR;
	sim_pen_emit(pen, &event);
	return STP_OK;
}

/* Records from first to last leave the list that is kept, then the flash. */
static gboolean
drop_records(SimPen *pen, guint32 first, guint32 last)
{
	g_autoptr(GError) error = NULL;

	if (pen->state_dir && !sim_state_drop(pen->state_dir, pen->serial, pen->flash, first, last, &error)) {
		g_warning("%s", error->message);
		return FALSE;
	}
	for (guint32 number = first; number <= last; number++)
		sim_flash_drop(pen->flash, number);
	return TRUE;
}

static enum stp_status
log_erase(void *user, uint32_t up_to)
{
	SimPen *pen = user;

	if (!drop_records(pen, sim_flash_oldest(pen->flash), up_to))
		return STP_ERR_IO;
	sim_pen_emit(pen, &(SimEvent){ .kind = SIM_EVENT_ERASED, .record = up_to });
	return STP_OK;
}

static const struct stp_pen_log log_of_pen = {
	.state = log_state,
	.entry = log_entry,
	.read = log_read,
	.save_slot = log_save_slot,
	.erase = log_erase,
};

static gint64
monotonic_us(gpointer data)
{
	return stp_clock_monotonic();
}

static void
take_config(SimPen *pen, const SimPenConfig *config, struct session_random *random)
{
	gsize length;

	pen->serial = g_strdup(config->serial ? config->serial : "DP26-1001");
	length = strlen(pen->serial);
	pen->name = g_strdup_printf("Stipple-%s", pen->serial + (length > 4 ? length - 4 : 0));
	pen->model = g_strdup(config->model ? config->model : "DP-26");
	pen->firmware = g_strdup(config->firmware ? config->firmware : "2.4.1");
	pen->state_dir = g_strdup(config->state_dir);
	pen->attended = config->attended;
	pen->kept.boot_id = config->boot_id ? config->boot_id : 5 + session_random_below(random, 60);
	pen->battery = (guint8)(35 + session_random_below(random, 66));
	pen->capacity_kb = config->capacity_kb ? config->capacity_kb : LOG_CAPACITY_KB;
	pen->period_ms = config->period_ms ? config->period_ms : 100;
	pen->mtu_max = config->mtu_max ? config->mtu_max : STP_ATT_MTU_MAX;
	pen->max_window = config->max_window ? config->max_window : STP_WINDOW_MAX;
	pen->part_samples = config->part_samples ? config->part_samples : PART_SAMPLES;
	pen->plain = config->plain;
	pen->clock_us = config->clock_us ? config->clock_us : monotonic_us;
	pen->clock_data = config->clock_data;
}

static gboolean
restore(SimPen *pen, GError **error)
{
	if (!pen->state_dir || !sim_state_exists(pen->state_dir, pen->serial))
		return TRUE;
	pen->flash = sim_state_load(pen->state_dir, pen->serial, pen->firmware, &pen->kept, error);
	if (!pen->flash)
		return FALSE;
	pen->restored = TRUE;
	pen->kept.boot_id = pen->kept.boot_id % STP_BOOT_ID_MAX + 1;
	return TRUE;
}

/* A key of this pen alone, and the same each time. */
static void
make_key(SimPen *pen, guint64 seed)
{
	g_autofree char *text =
		g_strdup_printf("simulated pen %s, seed %" G_GUINT64_FORMAT, pen->serial, seed);

	sealing_key_from_text(&pen->key, text);
	sim_flash_set_sealing(pen->flash, &pen->key, pen->kept.seals);
}

/* The engine and what is forgotten at power-off. */
static gboolean
switch_on(SimPen *pen, GError **error)
{
	struct stp_pen_config engine = {
		.log = &log_of_pen,
		.user = pen,
		.boot_id = pen->kept.boot_id,
		.max_window = pen->max_window,
		.slots = pen->kept.slots,
	};
	enum stp_status status;

	sim_pen_set_tick_ms(pen, FIRST_TICK_MS);
	sim_panel_restart(pen->panel, pen->kept.boot_id);
	sim_panel_configure(pen->panel, &engine);
	status = stp_pen_init(&pen->engine, &engine);
	if (status != STP_OK) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "The pen engine does not start: %s",
			    stp_status_text(status));
		return FALSE;
	}
	pen->kept.panel = *sim_panel_kept(pen->panel);
	return !pen->state_dir || sim_state_save(pen->state_dir, pen->serial, pen->flash, &pen->kept, error);
}

SimPen *
sim_pen_new(const SimPenConfig *config, GError **error)
{
	g_autoptr(SimPen) pen = g_new0(SimPen, 1);
	struct session_random random = { config->seed };
	guint32 epoch = config->epoch;

	take_config(pen, config, &random);
	if (strlen(pen->serial) > STP_SERIAL_MAX || !*pen->serial || strchr(pen->serial, '/')) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE,
			    "\"%s\" cannot be a serial number: 1 to %d characters without '/'.", pen->serial,
			    STP_SERIAL_MAX);
		return NULL;
	}
	if (epoch == 0)
		epoch = (guint32)session_random_next(&random) | 1;
	if (!restore(pen, error))
		return NULL;
	if (!pen->flash)
		pen->flash = sim_flash_new(pen->serial, pen->firmware, epoch);
	if (!pen->plain)
		make_key(pen, config->seed);
	pen->panel = sim_panel_new(pen->name, pen->period_ms, pen->restored ? &pen->kept.panel : NULL);
	return switch_on(pen, error) ? g_steal_pointer(&pen) : NULL;
}

void
sim_pen_free(SimPen *pen)
{
	if (!pen)
		return;
	sim_flash_free(pen->flash);
	sim_panel_free(pen->panel);
	g_free(pen->serial);
	g_free(pen->name);
	g_free(pen->model);
	g_free(pen->firmware);
	g_free(pen->state_dir);
	g_free(pen);
}

gboolean
sim_pen_is_restored(const SimPen *pen)
{
	return pen->restored;
}

void
sim_pen_set_listener(SimPen *pen, SimEventFunc function, gpointer data)
{
	pen->listener = function;
	pen->listener_data = data;
}

void
sim_pen_emit(SimPen *pen, const SimEvent *event)
{
	if (pen->listener)
		pen->listener(pen, event, pen->listener_data);
}

const char *
sim_pen_serial(const SimPen *pen)
{
	return pen->serial;
}

const struct sealing_key *
sim_pen_key(const SimPen *pen)
{
	return pen->plain ? NULL : &pen->key;
}

void
sim_pen_update(SimPen *pen, const char *firmware)
{
	g_free(pen->firmware);
	pen->firmware = g_strdup(firmware);
}

const char *
sim_pen_name(const SimPen *pen)
{
	return pen->name;
}

SimFlash *
sim_pen_flash(const SimPen *pen)
{
	return pen->flash;
}

SimPanel *
sim_pen_panel(const SimPen *pen)
{
	return pen->panel;
}

struct stp_pen *
sim_pen_engine(SimPen *pen)
{
	return &pen->engine;
}

guint16
sim_pen_mtu_max(const SimPen *pen)
{
	return pen->mtu_max;
}

guint32
sim_pen_boot_id(const SimPen *pen)
{
	return pen->kept.boot_id;
}

gint64
sim_pen_clock_us(const SimPen *pen)
{
	return pen->clock_us == monotonic_us ? stp_clock_wall() : pen->clock_us(pen->clock_data);
}

gboolean
sim_pen_shows_name(const SimPen *pen)
{
	return (sim_panel_privacy(pen->panel) & STP_PRIVACY_HIDE_NAME) == 0;
}

guint64
sim_pen_tick_ms(const SimPen *pen)
{
	gint64 passed_us = pen->clock_us(pen->clock_data) - pen->clock_start_us;

	return (pen->tick_start_ms + (guint64)passed_us / 1000) & STP_TICK_MAX;
}

void
sim_pen_set_tick_ms(SimPen *pen, guint64 tick_ms)
{
	pen->clock_start_us = pen->clock_us(pen->clock_data);
	pen->tick_start_ms = tick_ms;
}

void
sim_pen_set_motor(SimPen *pen, gboolean on)
{
	const SimEvent event = { .kind = SIM_EVENT_MOTOR, .on = on };

	if (on && !pen->motor_on)
		pen->motor_since_ms = sim_pen_tick_ms(pen);
	pen->motor_on = on;
	sim_pen_emit(pen, &event);
}

guint64
sim_pen_motor_since_ms(const SimPen *pen)
{
	return pen->motor_since_ms;
}

/* Overwrite what the engine says until the log is no longer full; *lacked: what somebody lacks of it. */
static gboolean
make_room(SimPen *pen, guint *lacked)
{
	guint64 limit = MAX(pen->capacity_kb * UINT64_C(1024), 2 * EVENT_ROOM) - EVENT_ROOM;
	enum stp_pen_victim victim;
	guint32 record;

	/* What was written last stays, however large: it is the treatment that filled the log. */
	while (sim_flash_bytes(pen->flash) > limit &&
	       sim_flash_oldest(pen->flash) < sim_flash_newest(pen->flash)) {
		do
			victim = stp_pen_overwrite_next(&pen->engine, &record);
		while (victim == STP_PEN_VICTIM_SEARCHING);
		if (victim == STP_PEN_VICTIM_NONE)
			return TRUE;
		if (victim == STP_PEN_VICTIM_OVERRUN) {
			(*lacked)++;
			pen->kept.overrun = TRUE;
			sim_panel_count_overwritten(pen->panel, 1);
			if (!sim_pen_keep(pen))
				return FALSE;
		}
		if (!drop_records(pen, record, record))
			return FALSE;
	}
	return TRUE;
}

/* After the flash has grown by the records from first on. */
static gboolean
keep_new(SimPen *pen, guint32 first, GError **error)
{
	guint32 newest = sim_flash_newest(pen->flash);
	guint lacked = 0;

	pen->kept.panel = *sim_panel_kept(pen->panel);
	if (pen->state_dir && !sim_state_append(pen->state_dir, pen->serial, pen->flash, first, error))
		return FALSE;
	if (pen->state_dir && !sim_state_save(pen->state_dir, pen->serial, pen->flash, &pen->kept, error))
		return FALSE;
	for (guint32 number = first; number <= newest; number++)
		sim_pen_emit(pen, &(SimEvent){ .kind = SIM_EVENT_NEW_RECORD, .record = number });
	if (!make_room(pen, &lacked)) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_STATE, "Pen %s cannot overwrite old records.",
			    pen->serial);
		return FALSE;
	}
	if (lacked == 0)
		return TRUE;
	sim_pen_emit(pen, &(SimEvent){ .kind = SIM_EVENT_OVERRUN, .count = lacked });
	return sim_pen_add_event(
		pen, pen->kept.boot_id, sim_pen_tick_ms(pen),
		&(struct stp_event){ .code = STP_EVENT_LOG_OVERRUN, .arg = lacked, .severity = 2 }, error);
}

gboolean
sim_pen_add_session(SimPen *pen, const SimSession *session, SimSpan *span, GError **error)
{
	SimSession tagged = *session;

	sim_panel_take_session_tag(pen->panel, tagged.tag);
	sim_panel_forget_zone(pen->panel);
	return sim_flash_add_session(pen->flash, &tagged, pen->part_samples, span, error) &&
	       keep_new(pen, span->first, error);
}

gboolean
sim_pen_add_event(SimPen *pen, guint32 boot_id, guint64 tick_ms, struct stp_event *event, GError **error)
{
	struct stp_event_hint hint;

	event->utc_ms = (guint64)sim_panel_utc_ms(pen->panel, sim_pen_clock_us(pen));
	if (!sim_flash_add_event(pen->flash, boot_id, tick_ms, event, error) ||
	    !keep_new(pen, sim_flash_newest(pen->flash), error))
		return FALSE;
	hint = (struct stp_event_hint){
		.event_no = event->event_no,
		.tick_low_ms = (guint32)tick_ms,
		.boot_id = boot_id,
		.code = event->code,
		.arg = event->arg,
		.severity = event->severity,
	};
	/* The record is what counts; a hint that cannot be sent is none. */
	if (stp_pen_event(&pen->engine, &hint) != STP_OK)
		g_warning("the event of pen %s cannot be told", pen->serial);
	return TRUE;
}

void
sim_pen_set_cartridge(SimPen *pen, guint8 state)
{
	sim_panel_set_cartridge_state(pen->panel, state);
	stp_pen_cartridge_changed(&pen->engine, state);
}

/*
 * A person presses because the host says so, and that says so because the pen has refused.  One who
 * pressed as soon as something is prepared would be faster than some hosts, and those would never ask.
 */
static void
press_button(SimPen *pen)
{
	if (pen->asked && stp_pen_confirm(&pen->engine))
		sim_pen_emit(pen, &(SimEvent){ .kind = SIM_EVENT_BUTTON });
	pen->asked = FALSE;
}

void
sim_pen_asked(SimPen *pen)
{
	pen->asked = pen->attended;
}

static void
tell_event(SimPen *pen, guint16 code, guint32 arg)
{
	struct stp_event event = { .code = code, .arg = arg };
	g_autoptr(GError) error = NULL;

	if (!sim_pen_add_event(pen, pen->kept.boot_id, sim_pen_tick_ms(pen), &event, &error))
		g_warning("%s", error->message);
}

/* What the panel's callbacks brought about: they must not call the engine, so it is told afterwards. */
static void
tell_events(SimPen *pen)
{
	guint32 seconds;

	if (sim_panel_take_self_test(pen->panel))
		tell_event(pen, STP_EVENT_SELF_TEST, 0);
	if (sim_panel_take_zone_change(pen->panel))
		tell_event(pen, STP_EVENT_ZONE_CHANGE, sim_panel_zone(pen->panel));
	if (sim_panel_take_clock_set(pen->panel, &seconds))
		tell_event(pen, STP_EVENT_CLOCK_SET, seconds);
}

void
sim_pen_restart(SimPen *pen)
{
	g_autoptr(GError) error = NULL;

	pen->kept.boot_id = pen->kept.boot_id % STP_BOOT_ID_MAX + 1;
	if (!switch_on(pen, &error)) {
		g_warning("%s", error->message);
		return;
	}
	tell_event(pen, STP_EVENT_POWER_UP, STP_POWER_UP_RESET);
	sim_pen_emit(pen, &(SimEvent){ .kind = SIM_EVENT_REBOOT });
}

static void
make_live_frame(SimPen *pen)
{
	guint64 now_ms = sim_pen_tick_ms(pen);
	guint period_ms = sim_panel_live_period_ms(pen->panel, pen->motor_on);
	struct stp_live frame;

	/* The tick may have been set back; a frame is never further off than a period. */
	if (period_ms == 0 || (now_ms < pen->live_due_ms && pen->live_due_ms - now_ms <= period_ms))
		return;
	pen->live_due_ms = now_ms + period_ms;
	frame = sim_panel_live(pen->panel, now_ms, pen->motor_on);
	frame.strokes_low = (guint16)((now_ms - pen->motor_since_ms) * SIM_LIVE_RATE_DHZ / 10000);
	if (stp_pen_live(&pen->engine, &frame) != STP_OK)
		g_warning("a live frame of pen %s cannot be told", pen->serial);
}

void
sim_pen_step(SimPen *pen)
{
	stp_pen_tick(&pen->engine, (guint32)(pen->clock_us(pen->clock_data) / 1000));
	press_button(pen);
	tell_events(pen);
	make_live_frame(pen);
}

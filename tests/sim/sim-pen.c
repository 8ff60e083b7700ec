/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/elapsed-time.h>

#include "session-generator.h"
#include "sim-pen.h"
#include "sim-state.h"

#define LOG_CAPACITY_KB 16384u
#define PART_SAMPLES    360000u
#define FIRST_TICK_MS   20000u

struct SimPen {
	char *serial, *name, *model, *firmware, *state_dir;
	guint32 boot_id;
	guint8 battery;
	guint16 period_ms, mtu_max;
	guint8 max_window;
	gsize part_samples;
	gint64 (*clock_us)(gpointer data);
	gpointer clock_data;
	gint64 clock_start_us;
	guint64 tick_start_ms;
	gboolean restored, motor_on, plain, attended;
	struct sealing_key key;
	guint64 seals; /* made before it was switched on */
	guint64 live_due_ms;
	SimFlash *flash;
	SimPanel *panel;
	struct stp_pen_slot slots[STP_PEN_SLOTS]; /* as last saved */
	struct stp_pen engine;
	SimEventFunc listener;
	gpointer listener_data;
};

static guint8
free_percent(const SimPen *pen)
{
	guint64 used = sim_flash_bytes(pen->flash) * 100 / (LOG_CAPACITY_KB * UINT64_C(1024));

	return (guint8)(100 - MIN(used, 100));
}

static void
log_state(void *user, struct stp_pen_log_state *out)
{
	const SimPen *pen = user;

	*out = (struct stp_pen_log_state){
		.epoch = sim_flash_epoch(pen->flash),
		.oldest = 1,
		.newest = sim_flash_newest(pen->flash),
		.free_percent = free_percent(pen),
		.flags = pen->motor_on ? STP_STATE_MOTOR_ON : 0,
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

static enum stp_status
log_save_slot(void *user, unsigned index, const struct stp_pen_slot *slot)
{
	SimPen *pen = user;
	struct stp_pen_slot before = pen->slots[index];
	g_autoptr(GError) error = NULL;
	SimEvent event = {
		.kind = SIM_EVENT_ACKNOWLEDGED,
		.slot = index,
		.epoch = slot->epoch,
		.mark = slot->mark,
	};

	pen->slots[index] = *slot;
	if (pen->state_dir &&
	    !sim_state_save(pen->state_dir, pen->serial, pen->boot_id, pen->flash, pen->slots, &error)) {
		pen->slots[index] = before;
		g_warning("%s", error->message);
		return STP_ERR_IO;
	}
	if (!before.used || memcmp(before.collector_id, slot->collector_id, sizeof before.collector_id) != 0)
		event.kind = SIM_EVENT_COLLECTOR;
	sim_pen_emit(pen, &event);
	return STP_OK;
}

static const struct stp_pen_log log_of_pen = {
	.state = log_state,
	.entry = log_entry,
	.read = log_read,
	.save_slot = log_save_slot,
};

static gint64
monotonic_us(gpointer data)
{
	return g_get_monotonic_time();
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
	pen->boot_id = config->boot_id ? config->boot_id : 5 + session_random_below(random, 60);
	pen->battery = (guint8)(35 + session_random_below(random, 66));
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
	pen->flash = sim_state_load(pen->state_dir, pen->serial, pen->firmware, &pen->boot_id, &pen->seals,
				    pen->slots, error);
	if (!pen->flash)
		return FALSE;
	pen->restored = TRUE;
	pen->boot_id = pen->boot_id % STP_BOOT_ID_MAX + 1;
	return TRUE;
}

/* A key of this pen alone, and the same each time. */
static void
make_key(SimPen *pen, guint64 seed)
{
	g_autofree char *text =
		g_strdup_printf("simulated pen %s, seed %" G_GUINT64_FORMAT, pen->serial, seed);

	sealing_key_from_text(&pen->key, text);
	sim_flash_set_sealing(pen->flash, &pen->key, pen->seals);
}

static gboolean
switch_on(SimPen *pen, GError **error)
{
	struct stp_pen_config engine = {
		.log = &log_of_pen,
		.user = pen,
		.boot_id = pen->boot_id,
		.max_window = pen->max_window,
		.slots = pen->slots,
	};
	enum stp_status status;

	pen->panel = sim_panel_new(pen->name, pen->period_ms, pen->boot_id);
	sim_panel_configure(pen->panel, &engine);
	status = stp_pen_init(&pen->engine, &engine);
	if (status != STP_OK) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "The pen engine does not start: %s",
			    stp_status_text(status));
		return FALSE;
	}
	return !pen->state_dir ||
	       sim_state_save(pen->state_dir, pen->serial, pen->boot_id, pen->flash, pen->slots, error);
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
	sim_pen_set_tick_ms(pen, FIRST_TICK_MS);
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
	return pen->boot_id;
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

	pen->motor_on = on;
	sim_pen_emit(pen, &event);
}

/* After the flash has grown by the records from first on. */
static gboolean
keep_new(SimPen *pen, guint32 first, GError **error)
{
	if (pen->state_dir && !sim_state_append(pen->state_dir, pen->serial, pen->flash, first, error))
		return FALSE;
	if (pen->state_dir &&
	    !sim_state_save(pen->state_dir, pen->serial, pen->boot_id, pen->flash, pen->slots, error))
		return FALSE;
	for (guint32 number = first; number <= sim_flash_newest(pen->flash); number++) {
		const SimEvent event = { .kind = SIM_EVENT_NEW_RECORD, .record = number };

		sim_pen_emit(pen, &event);
	}
	return TRUE;
}

gboolean
sim_pen_add_session(SimPen *pen, const SimSession *session, SimSpan *span, GError **error)
{
	SimSession tagged = *session;

	sim_panel_take_session_tag(pen->panel, tagged.tag);
	return sim_flash_add_session(pen->flash, &tagged, pen->part_samples, span, error) &&
	       keep_new(pen, span->first, error);
}

gboolean
sim_pen_add_event(SimPen *pen, guint32 boot_id, guint64 tick_ms, struct stp_event *event, GError **error)
{
	struct stp_event_hint hint;

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

static void
press_button(SimPen *pen)
{
	if (!stp_pen_confirm(&pen->engine))
		return;
	sim_pen_emit(pen, &(SimEvent){ .kind = SIM_EVENT_BUTTON });
}

static void
tell_self_test(SimPen *pen)
{
	struct stp_event passed = { .code = STP_EVENT_SELF_TEST };
	g_autoptr(GError) error = NULL;

	if (!sim_pen_add_event(pen, pen->boot_id, sim_pen_tick_ms(pen), &passed, &error))
		g_warning("%s", error->message);
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
	if (stp_pen_live(&pen->engine, &frame) != STP_OK)
		g_warning("a live frame of pen %s cannot be told", pen->serial);
}

void
sim_pen_step(SimPen *pen)
{
	stp_pen_tick(&pen->engine, (guint32)(pen->clock_us(pen->clock_data) / 1000));
	if (pen->attended)
		press_button(pen);
	if (sim_panel_take_self_test(pen->panel))
		tell_self_test(pen);
	make_live_frame(pen);
}

static GBytes *
text_value(const char *text)
{
	return g_bytes_new(text, strlen(text));
}

static GBytes *
features_value(const SimPen *pen)
{
	guint8 bytes[STP_FEATURES_SIZE];
	const struct stp_features features = {
		.schema_rev = STP_SCHEMA_REV,
		.features = STP_FEATURE_READ_RESUME | STP_FEATURE_ACK_SLOTS | STP_FEATURE_SAMPLE_BLOCKS |
			    STP_FEATURE_DELIVERED_DEPTH | STP_FEATURE_SPEED | STP_FEATURE_CONTACT |
			    STP_FEATURE_ZONE_INPUT | STP_FEATURE_CARTRIDGE_ID | STP_FEATURE_SELF_TEST |
			    STP_FEATURE_LIVE | STP_FEATURE_EVENTS | STP_FEATURE_PEN_CONTROL |
			    STP_FEATURE_CONFIGURATION | STP_FEATURE_DIAGNOSTICS |
			    (pen->plain ? 0 : STP_FEATURE_CHAIN_HASH | STP_FEATURE_SEALS),
		.max_window = pen->max_window,
		.sample_period_ms = pen->period_ms,
		.log_capacity_kb = LOG_CAPACITY_KB,
		.collector_slots = STP_PEN_SLOTS,
	};

	stp_features_encode(&features, bytes);
	return g_bytes_new(bytes, sizeof bytes);
}

static GBytes *
elapsed_time_value(const SimPen *pen)
{
	guint8 bytes[STP_ELAPSED_TIME_SIZE];
	const struct stp_elapsed_time time = {
		.is_tick = TRUE,
		.unit_us = 1000,
		.value = sim_pen_tick_ms(pen),
		.tz_dst_quarters = -128,
		.is_current_timeline = TRUE,
	};

	if (stp_elapsed_time_encode(&time, bytes) != STP_OK)
		g_error("the tick of pen %s cannot be told", pen->serial);
	return g_bytes_new(bytes, sizeof bytes);
}

/* The serial's checksum stands in for the maker-assigned part of the identifier. */
static GBytes *
system_id_value(const SimPen *pen)
{
	guint32 hash = g_str_hash(pen->serial);
	const guint8 bytes[8] = {
		(guint8)hash, (guint8)(hash >> 8), (guint8)(hash >> 16), 0xFE, 0xFF, 0x26, 0x5D, 0x02
	};

	return g_bytes_new(bytes, sizeof bytes);
}

static GBytes *
pnp_id_value(void)
{
	/* Vendor source Bluetooth SIG, company 0xFFFF (none assigned), product 0x0026, version 2.4.1. */
	static const guint8 bytes[7] = { 1, 0xFF, 0xFF, 0x26, 0x00, 0x41, 0x02 };

	return g_bytes_new_static(bytes, sizeof bytes);
}

GBytes *
sim_pen_read(SimPen *pen, const char *uuid)
{
	if (strcmp(uuid, STP_UUID_FEATURES) == 0)
		return features_value(pen);
	if (strcmp(uuid, STP_UUID_CURRENT_ELAPSED_TIME) == 0)
		return elapsed_time_value(pen);
	if (strcmp(uuid, STP_UUID_SERIAL_NUMBER) == 0)
		return text_value(pen->serial);
	if (strcmp(uuid, STP_UUID_MODEL_NUMBER) == 0)
		return text_value(pen->model);
	if (strcmp(uuid, STP_UUID_MANUFACTURER) == 0)
		return text_value("Stipple simulation");
	if (strcmp(uuid, STP_UUID_FIRMWARE_REV) == 0)
		return text_value(pen->firmware);
	if (strcmp(uuid, STP_UUID_HARDWARE_REV) == 0)
		return text_value("C");
	if (strcmp(uuid, STP_UUID_SOFTWARE_REV) == 0)
		return text_value("pensim");
	if (strcmp(uuid, STP_UUID_BATTERY_LEVEL) == 0)
		return g_bytes_new(&pen->battery, 1);
	if (strcmp(uuid, STP_UUID_SYSTEM_ID) == 0)
		return system_id_value(pen);
	if (strcmp(uuid, STP_UUID_PNP_ID) == 0)
		return pnp_id_value();
	return sim_panel_read(pen->panel, uuid);
}

GBytes *
sim_pen_advert(SimPen *pen)
{
	guint8 bytes[STP_ADVERT_SIZE];
	const struct stp_advert advert = {
		.flags = (guint8)(STP_ADVERT_PAIRING_OPEN | (pen->motor_on ? STP_ADVERT_MOTOR_ON : 0)),
		.slots_with_news = stp_pen_slots_with_news(&pen->engine),
		.newest_record = sim_flash_newest(pen->flash),
		.boot_counter = (guint16)pen->boot_id,
		.battery_percent = pen->battery,
		.epoch_low = (guint8)sim_flash_epoch(pen->flash),
	};

	stp_advert_encode(&advert, bytes);
	return g_bytes_new(bytes, sizeof bytes);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/cartridge.h>
#include <stipple/configuration.h>
#include <stipple/diagnostics.h>

#include "sim-panel.h"
#include "sim-pen.h"

#define LIVE_BUSY_HZ 10
#define LIVE_IDLE_MS 1000
#define BUILT_MS     INT64_C(1735689600000) /* 2025: no clock of this pen was ever before that */
#define UTC_MAX_MS   INT64_C(4102444800000) /* 2100: nor will it be behind that */

struct SimPanel {
	SimPanelKept kept; /* the engine works on the bytes of the settings */
	struct stp_cartridge cartridge;
	guint8 zone, live_hz, session_tag[STP_SESSION_TAG_SIZE];
	gboolean self_test_begun, zone_changed, clock_was_set, reboot_wanted;
	guint32 clock_step_s;
};

enum { COUNTED_BOOTS, COUNTED_OVERWRITTEN, COUNTED_DROPPED, COUNTED_MOTOR_MINUTES, COUNTED_CLOCK_SETS };

/* Their ids ascend. */
static const guint8 counter_ids[SIM_COUNTERS] = {
	[COUNTED_BOOTS] = STP_COUNTER_BOOTS,
	[COUNTED_OVERWRITTEN] = STP_COUNTER_OVERWRITTEN,
	[COUNTED_DROPPED] = STP_COUNTER_NOTIFICATIONS_DROPPED,
	[COUNTED_MOTOR_MINUTES] = STP_COUNTER_MOTOR_MINUTES,
	[COUNTED_CLOCK_SETS] = STP_COUNTER_CLOCK_SETS,
};

static SimPanel *
panel_of(void *user)
{
	return sim_pen_panel(user);
}

static void
put_setting(SimPanel *panel, guint8 tag, const void *value, gsize size)
{
	if (stp_config_put(panel->kept.settings, &panel->kept.settings_size, tag, value, size) != STP_OK)
		g_error("a simulated pen cannot be set so: tag %u", tag);
}

static void
set_as_from_the_factory(SimPanel *panel, const char *label, guint16 period_ms)
{
	const guint8 period[2] = { (guint8)period_ms, (guint8)(period_ms >> 8) };

	panel->kept.settings_size = stp_config_begin(panel->kept.settings, 1);
	put_setting(panel, STP_CONFIG_LABEL, label, MIN(strlen(label), STP_CONFIG_VALUE_MAX));
	put_setting(panel, STP_CONFIG_PRIVACY, "\0", 1);
	put_setting(panel, STP_CONFIG_SAMPLE_PERIOD_MS, period, sizeof period);
	put_setting(panel, STP_CONFIG_OVERRUN_WARNING, "\x0A", 1);
	put_setting(panel, STP_CONFIG_CONFIRMATION, "\0", 1);
	panel->kept.counters[COUNTED_DROPPED] = 31;
	panel->kept.counters[COUNTED_MOTOR_MINUTES] = 2210;
}

SimPanel *
sim_panel_new(const char *label, guint16 period_ms, const SimPanelKept *kept)
{
	SimPanel *panel = g_new0(SimPanel, 1);
	static const guint8 uid[] = { 0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6 };
	static const char udi[] = "(01)04012345678901(17)281130(10)L2207";

	if (kept)
		panel->kept = *kept;
	else
		set_as_from_the_factory(panel, label, period_ms);
	panel->cartridge = (struct stp_cartridge){
		.state = STP_CARTRIDGE_OK,
		.needles = 12,
		.gauge = 32,
		.length_um = 2500,
		.use_count = 1,
		.uid_size = sizeof uid,
		.udi_size = sizeof udi - 1,
	};
	memcpy(panel->cartridge.uid, uid, sizeof uid);
	memcpy(panel->cartridge.udi, udi, sizeof udi);
	return panel;
}

void
sim_panel_restart(SimPanel *panel, guint32 boot_id)
{
	panel->live_hz = LIVE_BUSY_HZ;
	panel->zone = 0;
	memset(panel->session_tag, 0, sizeof panel->session_tag);
	panel->self_test_begun = panel->zone_changed = panel->clock_was_set = panel->reboot_wanted = FALSE;
	panel->kept.counters[COUNTED_BOOTS] = boot_id;
}

const SimPanelKept *
sim_panel_kept(const SimPanel *panel)
{
	return &panel->kept;
}

void
sim_panel_free(SimPanel *panel)
{
	g_free(panel);
}

/* ---- what a host asks for ---- */

static enum stp_status
panel_identify(void *user, uint8_t seconds)
{
	sim_pen_emit(user, &(SimEvent){ .kind = SIM_EVENT_IDENTIFY, .seconds = seconds });
	return STP_OK;
}

static enum stp_status
panel_self_test(void *user)
{
	panel_of(user)->self_test_begun = TRUE;
	return STP_OK;
}

static enum stp_status
panel_set_zone(void *user, uint8_t zone)
{
	panel_of(user)->zone = zone;
	panel_of(user)->zone_changed = TRUE;
	return STP_OK;
}

static enum stp_status
panel_session_tag(void *user, const uint8_t tag[STP_SESSION_TAG_SIZE])
{
	memcpy(panel_of(user)->session_tag, tag, STP_SESSION_TAG_SIZE);
	return STP_OK;
}

static enum stp_status
panel_live_rate(void *user, uint8_t hz, uint8_t *granted)
{
	*granted = panel_of(user)->live_hz = hz;
	return STP_OK;
}

static enum stp_status
panel_reboot(void *user)
{
	panel_of(user)->reboot_wanted = TRUE;
	return STP_OK;
}

/* Change what is kept, and keep it; when that fails nothing is changed. */
static enum stp_status
change_kept(SimPen *pen, const SimPanelKept *changed)
{
	SimPanel *panel = sim_pen_panel(pen);
	const SimPanelKept before = panel->kept;

	panel->kept = *changed;
	if (sim_pen_keep(pen))
		return STP_OK;
	panel->kept = before;
	return STP_ERR_IO;
}

static enum stp_status
panel_reset_counters(void *user)
{
	SimPanelKept changed = panel_of(user)->kept;

	changed.counters[COUNTED_OVERWRITTEN] = 0;
	changed.counters[COUNTED_DROPPED] = 0;
	changed.counters[COUNTED_CLOCK_SETS] = 0;
	return change_kept(user, &changed);
}

static enum stp_status
panel_save_settings(void *user, const uint8_t *value, size_t size, uint8_t changed_tag)
{
	SimPanelKept changed = panel_of(user)->kept;
	enum stp_status status;

	memcpy(changed.settings, value, size);
	changed.settings_size = size;
	status = change_kept(user, &changed);
	if (status == STP_OK)
		sim_pen_emit(user, &(SimEvent){ .kind = SIM_EVENT_SETTINGS });
	return status;
}

static enum stp_status
panel_set_clock(void *user, int64_t utc_ms, uint8_t source)
{
	SimPanel *panel = panel_of(user);
	SimPanelKept changed = panel->kept;
	gint64 now_us = sim_pen_clock_us(user), before_ms = sim_panel_utc_ms(panel, now_us);
	enum stp_status status;

	if (utc_ms < BUILT_MS || utc_ms > UTC_MAX_MS)
		return STP_ERR_RANGE;
	changed.clock_is_set = TRUE;
	changed.clock_ahead_us = utc_ms * 1000 - now_us;
	changed.counters[COUNTED_CLOCK_SETS]++;
	status = change_kept(user, &changed);
	if (status != STP_OK)
		return status;
	panel->clock_was_set = TRUE;
	panel->clock_step_s = (guint32)MIN(ABS(utc_ms - before_ms) / 1000, G_MAXUINT32);
	return STP_OK;
}

static uint32_t
unforeseeable(void *user)
{
	return g_random_int();
}

void
sim_panel_configure(SimPanel *panel, struct stp_pen_config *config)
{
	static const struct stp_pen_panel callbacks = {
		.identify = panel_identify,
		.self_test = panel_self_test,
		.set_zone = panel_set_zone,
		.session_tag = panel_session_tag,
		.live_rate = panel_live_rate,
		.reboot = panel_reboot,
		.reset_counters = panel_reset_counters,
		.save_settings = panel_save_settings,
		.set_clock = panel_set_clock,
	};

	config->panel = &callbacks;
	config->random = unforeseeable;
	config->settings = panel->kept.settings;
	config->settings_size = panel->kept.settings_size;
}

/* ---- what a host sees ---- */

static GBytes *
cartridge_value(const SimPanel *panel)
{
	guint8 bytes[STP_CARTRIDGE_SIZE_MAX];
	size_t size;

	if (stp_cartridge_encode(&panel->cartridge, bytes, sizeof bytes, &size) != STP_OK)
		g_error("the cartridge cannot be told");
	return g_bytes_new(bytes, size);
}

static GBytes *
diagnostics_value(const SimPanel *panel)
{
	guint8 bytes[STP_DIAGNOSTICS_SIZE(SIM_COUNTERS)];
	struct stp_counter counters[SIM_COUNTERS];
	size_t size;

	for (guint i = 0; i < SIM_COUNTERS; i++)
		counters[i] = (struct stp_counter){ counter_ids[i], panel->kept.counters[i] };
	if (stp_diagnostics_encode(counters, SIM_COUNTERS, bytes, sizeof bytes, &size) != STP_OK)
		g_error("the counters cannot be told");
	return g_bytes_new(bytes, size);
}

GBytes *
sim_panel_read(const SimPanel *panel, const char *uuid)
{
	if (strcmp(uuid, STP_UUID_CARTRIDGE) == 0)
		return cartridge_value(panel);
	if (strcmp(uuid, STP_UUID_CONFIGURATION) == 0)
		return g_bytes_new(panel->kept.settings, panel->kept.settings_size);
	if (strcmp(uuid, STP_UUID_DIAGNOSTICS) == 0)
		return diagnostics_value(panel);
	return NULL;
}

struct stp_live
sim_panel_live(const SimPanel *panel, guint64 tick_ms, gboolean motor_on)
{
	/* A hand that wanders up and down once a second. */
	guint16 sway = (guint16)(tick_ms % 1000 < 500 ? tick_ms % 500 / 10 : 50 - tick_ms % 500 / 10);

	return (struct stp_live){
		.flags = (guint8)((motor_on ? STP_LIVE_MOTOR_ON | STP_LIVE_CONTACT : 0) |
				  (panel->cartridge.state == STP_CARTRIDGE_OK ? STP_LIVE_CARTRIDGE_OK : 0)),
		.tick_low_ms = (guint32)tick_ms,
		.set_depth_um = 1500,
		.depth_um = motor_on ? 1475u + sway : STP_ABSENT,
		.set_rate_dhz = SIM_LIVE_RATE_DHZ,
		.rate_dhz = motor_on ? 1150 + sway : 0,
		.zone = panel->zone,
		.pass = motor_on ? 1 : 0,
		.current_ma = motor_on ? 180 + sway : 0,
	};
}

guint
sim_panel_live_period_ms(const SimPanel *panel, gboolean motor_on)
{
	if (panel->live_hz == 0)
		return 0;
	return motor_on ? 1000u / panel->live_hz : LIVE_IDLE_MS;
}

void
sim_panel_forget_host(SimPanel *panel)
{
	panel->live_hz = LIVE_BUSY_HZ;
}

gboolean
sim_panel_take_self_test(SimPanel *panel)
{
	gboolean begun = panel->self_test_begun;

	panel->self_test_begun = FALSE;
	return begun;
}

guint8
sim_panel_zone(const SimPanel *panel)
{
	return panel->zone;
}

void
sim_panel_take_session_tag(SimPanel *panel, guint8 tag[STP_SESSION_TAG_SIZE])
{
	memcpy(tag, panel->session_tag, STP_SESSION_TAG_SIZE);
	memset(panel->session_tag, 0, STP_SESSION_TAG_SIZE);
}

void
sim_panel_set_cartridge_state(SimPanel *panel, guint8 state)
{
	panel->cartridge.state = state;
}

void
sim_panel_count_overwritten(SimPanel *panel, guint count)
{
	panel->kept.counters[COUNTED_OVERWRITTEN] += count;
}

/* A setting of one byte; without it, what it means to have none. */
static guint8
small_setting(const SimPanel *panel, guint8 tag, guint8 missing)
{
	struct stp_config_item item;

	if (stp_config_find(panel->kept.settings, panel->kept.settings_size, tag, &item) != STP_OK ||
	    item.size != 1)
		return missing;
	return *item.value;
}

guint8
sim_panel_privacy(const SimPanel *panel)
{
	return small_setting(panel, STP_CONFIG_PRIVACY, 0);
}

guint8
sim_panel_overrun_warning(const SimPanel *panel)
{
	return small_setting(panel, STP_CONFIG_OVERRUN_WARNING, 0);
}

gint64
sim_panel_utc_ms(const SimPanel *panel, gint64 clock_us)
{
	return panel->kept.clock_is_set ? (clock_us + panel->kept.clock_ahead_us) / 1000 : 0;
}

gboolean
sim_panel_take_clock_set(SimPanel *panel, guint32 *seconds)
{
	gboolean was_set = panel->clock_was_set;

	*seconds = panel->clock_step_s;
	panel->clock_was_set = FALSE;
	return was_set;
}

gboolean
sim_panel_take_zone_change(SimPanel *panel)
{
	gboolean changed = panel->zone_changed;

	panel->zone_changed = FALSE;
	return changed;
}

void
sim_panel_forget_zone(SimPanel *panel)
{
	panel->zone = 0;
}

gboolean
sim_panel_wants_reboot(const SimPanel *panel)
{
	return panel->reboot_wanted;
}

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

struct SimPanel {
	guint8 settings[STP_CONFIG_SIZE_MAX]; /* the engine works on these bytes */
	gsize settings_size;
	struct stp_cartridge cartridge;
	struct stp_counter counters[4];
	guint8 zone, live_hz, session_tag[STP_SESSION_TAG_SIZE];
	gboolean self_test_begun;
	gint64 utc_ms;
};

enum { COUNTED_BOOTS, COUNTED_DROPPED, COUNTED_MOTOR_MINUTES, COUNTED_CLOCK_SETS };

static SimPanel *
panel_of(void *user)
{
	return sim_pen_panel(user);
}

static void
put_setting(SimPanel *panel, guint8 tag, const void *value, gsize size)
{
	if (stp_config_put(panel->settings, &panel->settings_size, tag, value, size) != STP_OK)
		g_error("a simulated pen cannot be set so: tag %u", tag);
}

SimPanel *
sim_panel_new(const char *label, guint16 period_ms, guint32 boot_id)
{
	SimPanel *panel = g_new0(SimPanel, 1);
	const guint8 period[2] = { (guint8)period_ms, (guint8)(period_ms >> 8) };
	static const guint8 uid[] = { 0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6 };
	static const char udi[] = "(01)04012345678901(17)281130(10)L2207";

	panel->live_hz = LIVE_BUSY_HZ;
	panel->settings_size = stp_config_begin(panel->settings, 1);
	put_setting(panel, STP_CONFIG_LABEL, label, MIN(strlen(label), STP_CONFIG_VALUE_MAX));
	put_setting(panel, STP_CONFIG_PRIVACY, "\0", 1);
	put_setting(panel, STP_CONFIG_SAMPLE_PERIOD_MS, period, sizeof period);
	put_setting(panel, STP_CONFIG_OVERRUN_WARNING, "\x0A", 1);
	put_setting(panel, STP_CONFIG_CONFIRMATION, "\0", 1);
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
	panel->counters[COUNTED_BOOTS] = (struct stp_counter){ STP_COUNTER_BOOTS, boot_id };
	panel->counters[COUNTED_DROPPED] = (struct stp_counter){ STP_COUNTER_NOTIFICATIONS_DROPPED, 31 };
	panel->counters[COUNTED_MOTOR_MINUTES] = (struct stp_counter){ STP_COUNTER_MOTOR_MINUTES, 2210 };
	panel->counters[COUNTED_CLOCK_SETS] = (struct stp_counter){ STP_COUNTER_CLOCK_SETS, 0 };
	return panel;
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
panel_reset_counters(void *user)
{
	SimPanel *panel = panel_of(user);

	panel->counters[COUNTED_DROPPED].value = 0;
	panel->counters[COUNTED_CLOCK_SETS].value = 0;
	return STP_OK;
}

static enum stp_status
panel_save_settings(void *user, const uint8_t *value, size_t size, uint8_t changed_tag)
{
	panel_of(user)->settings_size = size;
	return STP_OK;
}

static enum stp_status
panel_set_clock(void *user, int64_t utc_ms, uint8_t source)
{
	SimPanel *panel = panel_of(user);

	panel->utc_ms = utc_ms;
	panel->counters[COUNTED_CLOCK_SETS].value++;
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
		.reset_counters = panel_reset_counters,
		.save_settings = panel_save_settings,
		.set_clock = panel_set_clock,
	};

	config->panel = &callbacks;
	config->random = unforeseeable;
	config->settings = panel->settings;
	config->settings_size = panel->settings_size;
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
	guint8 bytes[STP_DIAGNOSTICS_SIZE(G_N_ELEMENTS(panel->counters))];
	size_t size;

	if (stp_diagnostics_encode(panel->counters, G_N_ELEMENTS(panel->counters), bytes, sizeof bytes,
				   &size) != STP_OK)
		g_error("the counters cannot be told");
	return g_bytes_new(bytes, size);
}

GBytes *
sim_panel_read(const SimPanel *panel, const char *uuid)
{
	if (strcmp(uuid, STP_UUID_CARTRIDGE) == 0)
		return cartridge_value(panel);
	if (strcmp(uuid, STP_UUID_CONFIGURATION) == 0)
		return g_bytes_new(panel->settings, panel->settings_size);
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
		.set_rate_dhz = 1167,
		.rate_dhz = motor_on ? 1150 + sway : 0,
		.zone = panel->zone,
		.pass = motor_on ? 1 : 0,
		.current_ma = motor_on ? 180 + sway : 0,
		.strokes_low = motor_on ? (guint16)(tick_ms * 1167 / 10000) : 0,
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

gint64
sim_panel_utc_ms(const SimPanel *panel)
{
	return panel->utc_ms;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What a simulated pen shows: the values that are read, and its advertisement. */

#include <string.h>

#include <stipple/configuration.h>
#include <stipple/elapsed-time.h>

#include "sim-pen-internal.h"

guint8
sim_pen_free_percent(const SimPen *pen)
{
	guint64 used = sim_flash_bytes(pen->flash) * 100 / (pen->capacity_kb * UINT64_C(1024));

	return (guint8)(100 - MIN(used, 100));
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
		.features = STP_FEATURE_READ_RESUME | STP_FEATURE_HASH | STP_FEATURE_ACK_SLOTS |
			    STP_FEATURE_SAMPLE_BLOCKS | STP_FEATURE_DELIVERED_DEPTH | STP_FEATURE_SPEED |
			    STP_FEATURE_CONTACT | STP_FEATURE_ZONE_INPUT | STP_FEATURE_CARTRIDGE_ID |
			    STP_FEATURE_ERASE | STP_FEATURE_SELF_TEST | STP_FEATURE_UTC_KEPT |
			    (pen->lifeless ? 0 : STP_FEATURE_LIVE) | STP_FEATURE_EVENTS | STP_FEATURE_PEN_CONTROL |
			    STP_FEATURE_CONFIGURATION | STP_FEATURE_DIAGNOSTICS |
			    (pen->plain ? 0 : STP_FEATURE_CHAIN_HASH | STP_FEATURE_SEALS),
		.max_window = pen->max_window,
		.sample_period_ms = pen->period_ms,
		.log_capacity_kb = pen->capacity_kb,
		.collector_slots = STP_PEN_SLOTS,
		.bond_state = pen->bond_state,
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

/* Little room is left, and somebody, or everybody, lacks something. */
static gboolean
overrun_is_near(SimPen *pen, guint8 slots_with_news)
{
	gboolean lacked = slots_with_news != 0;

	if (sim_pen_free_percent(pen) > sim_panel_overrun_warning(pen->panel))
		return FALSE;
	for (guint i = 0; i < STP_PEN_SLOTS; i++)
		if (pen->kept.slots[i].used)
			return lacked;
	return TRUE;
}

GBytes *
sim_pen_advert(SimPen *pen)
{
	guint8 bytes[STP_ADVERT_SIZE], news = stp_pen_slots_with_news(&pen->engine);
	gboolean counts = (sim_panel_privacy(pen->panel) & STP_PRIVACY_HIDE_COUNTS) == 0;
	const struct stp_advert advert = {
		.flags = (guint8)((pen->pairing_closed ? 0 : STP_ADVERT_PAIRING_OPEN) | (pen->motor_on ? STP_ADVERT_MOTOR_ON : 0) |
				  (overrun_is_near(pen, news) ? STP_ADVERT_OVERRUN_NEAR : 0)),
		.slots_with_news = news,
		.newest_record = counts ? sim_flash_newest(pen->flash) : 0,
		.boot_counter = counts ? (guint16)pen->kept.boot_id : 0,
		.battery_percent = pen->battery,
		.epoch_low = (guint8)sim_flash_epoch(pen->flash),
	};

	stp_advert_encode(&advert, bytes);
	return g_bytes_new(bytes, sizeof bytes);
}

void
sim_pen_set_pairing_open(SimPen *pen, gboolean open)
{
	pen->pairing_closed = !open;
}

void
sim_pen_set_bond_state(SimPen *pen, guint8 state)
{
	pen->bond_state = state;
}

void
sim_pen_set_stranger(SimPen *pen, gboolean stranger)
{
	pen->stranger = stranger;
}

gboolean
sim_pen_meets_stranger(const SimPen *pen)
{
	return pen->stranger;
}

void
sim_pen_set_lifeless(SimPen *pen, gboolean lifeless)
{
	pen->lifeless = lifeless;
}

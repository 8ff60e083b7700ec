/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/cartridge.h>
#include <stipple/configuration.h>
#include <stipple/diagnostics.h>
#include <stipple/pen-control.h>
#include <stipple/pen-event.h>
#include <stipple/record.h>

/* Words for what a pen tells of itself: for a machine, and for people. */
struct pen_words {
	uint16_t value;
	const char *name, *text;
};

static const struct pen_words *
find_words(const struct pen_words *table, size_t count, uint16_t value)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].value == value)
			return &table[i];
	return NULL;
}

#define FIND_WORDS(table, value) find_words(table, sizeof(table) / sizeof((table)[0]), value)

static const struct pen_words event_words[] = {
	{ STP_EVENT_SESSION_START, "session-start", "A session began." },
	{ STP_EVENT_SESSION_END, "session-end", "A session ended." },
	{ STP_EVENT_PASS_START, "pass-start", "A pass began." },
	{ STP_EVENT_PASS_END, "pass-end", "A pass ended." },
	{ STP_EVENT_ZONE_CHANGE, "zone-change", "The operator named another zone." },
	{ STP_EVENT_CARTRIDGE_IN, "cartridge-in", "A cartridge was put in." },
	{ STP_EVENT_CARTRIDGE_OUT, "cartridge-out", "The cartridge was taken out." },
	{ STP_EVENT_CARTRIDGE_REFUSED, "cartridge-refused", "The pen refused a cartridge." },
	{ STP_EVENT_DEPTH_LIMIT, "depth-limit", "The depth reached its limit." },
	{ STP_EVENT_DEPTH_DEVIATION, "depth-deviation", "The delivered depth differs from the set one." },
	{ STP_EVENT_STALL, "stall", "The motor stalled." },
	{ STP_EVENT_SPEED_SAG, "speed-sag", "The motor ran slower than it was set to." },
	{ STP_EVENT_OVER_CURRENT, "over-current", "The motor took too much current." },
	{ STP_EVENT_OVER_TEMPERATURE, "over-temperature", "The pen became too hot." },
	{ STP_EVENT_BATTERY_LOW, "battery-low", "The battery became low." },
	{ STP_EVENT_POWER_LOSS, "power-loss", "Power was lost while the motor ran." },
	{ STP_EVENT_CLOCK_SET, "clock-set", "The pen's clock was set." },
	{ STP_EVENT_FLASH_ERROR, "flash-error", "The pen's memory failed." },
	{ STP_EVENT_LOG_OVERRUN, "log-overrun", "Records that nobody had fetched were overwritten." },
	{ STP_EVENT_SELF_TEST, "self-test", "A self-test ended." },
	{ STP_EVENT_POWER_UP, "power-up", "The pen was switched on, or began anew." },
};

const char *
stp_event_name(uint16_t code)
{
	const struct pen_words *words = FIND_WORDS(event_words, code);

	return words ? words->name : NULL;
}

const char *
stp_event_text(uint16_t code)
{
	const struct pen_words *words = FIND_WORDS(event_words, code);

	if (words)
		return words->text;
	return code >= STP_EVENT_MAKER_MIN ? "Something happened that only the pen's maker can name." :
					     "Something happened that this version does not know.";
}

const char *
stp_severity_name(uint8_t severity)
{
	static const struct pen_words severities[] = {
		{ STP_SEVERITY_INFO, "info", NULL },
		{ STP_SEVERITY_CAUTION, "caution", NULL },
		{ STP_SEVERITY_WARNING, "warning", NULL },
		{ STP_SEVERITY_FAULT, "fault", NULL },
	};
	const struct pen_words *words = FIND_WORDS(severities, severity);

	return words ? words->name : NULL;
}

static const struct pen_words cartridge_words[] = {
	{ STP_CARTRIDGE_NONE, "none", "There is no cartridge in the pen." },
	{ STP_CARTRIDGE_OK, "ok", "The pen accepts the cartridge." },
	{ STP_CARTRIDGE_UNREADABLE, "unreadable", "The cartridge does not say what it is." },
	{ STP_CARTRIDGE_EXPIRED, "expired", "The cartridge is past its date." },
	{ STP_CARTRIDGE_USED, "used", "The cartridge was used before; needles are used once." },
	{ STP_CARTRIDGE_REFUSED, "refused", "The pen refuses the cartridge." },
};

const char *
stp_cartridge_state_name(uint8_t state)
{
	const struct pen_words *words = FIND_WORDS(cartridge_words, state);

	return words ? words->name : NULL;
}

const char *
stp_cartridge_state_text(uint8_t state)
{
	const struct pen_words *words = FIND_WORDS(cartridge_words, state);

	return words ? words->text : "The pen says something of the cartridge that this version does not know.";
}

static const struct pen_words counter_words[] = {
	{ STP_COUNTER_BOOTS, "boots", "power-ups" },
	{ STP_COUNTER_WATCHDOG_RESETS, "watchdog-resets", "resets by the watchdog" },
	{ STP_COUNTER_BROWN_OUTS, "brown-outs", "resets by a voltage too low" },
	{ STP_COUNTER_FLASH_ERRORS, "flash-errors", "errors of the flash memory" },
	{ STP_COUNTER_DAMAGED_RECORDS, "damaged-records", "records found damaged" },
	{ STP_COUNTER_OVERWRITTEN, "overwritten", "records overwritten that a collector lacked" },
	{ STP_COUNTER_NOTIFICATIONS_DROPPED, "notifications-dropped", "notifications dropped by the radio" },
	{ STP_COUNTER_LINK_LOSSES, "link-losses", "connections lost" },
	{ STP_COUNTER_PAIRING_FAILURES, "pairing-failures", "pairings that failed" },
	{ STP_COUNTER_LAST_FAULT, "last-fault", "code of the last fault, the maker's" },
	{ STP_COUNTER_LAST_FAULT_TICK, "last-fault-tick", "tick of the last fault, low 32 bits, ms" },
	{ STP_COUNTER_MOTOR_MINUTES, "motor-minutes", "minutes that the motor ran" },
	{ STP_COUNTER_KILOSTROKES, "kilostrokes", "strokes, in thousands" },
	{ STP_COUNTER_BATTERY_CYCLES, "battery-cycles", "charging cycles of the battery" },
	{ STP_COUNTER_TEMPERATURE_MAX, "temperature-max", "highest temperature, 0.1 degrees Celsius" },
	{ STP_COUNTER_CLOCK_SETS, "clock-sets", "times the clock was set" },
};

const char *
stp_counter_name(uint8_t id)
{
	const struct pen_words *words = FIND_WORDS(counter_words, id);

	return words ? words->name : NULL;
}

const char *
stp_counter_text(uint8_t id)
{
	const struct pen_words *words = FIND_WORDS(counter_words, id);

	if (words)
		return words->text;
	return id >= STP_COUNTER_MAKER_MIN ? "a counter of the maker's" : "a counter this version does not know";
}

const char *
stp_panel_op_name(enum stp_panel_op op)
{
	static const struct pen_words ops[] = {
		{ STP_PANEL_IDENTIFY, "identify", NULL },
		{ STP_PANEL_SELF_TEST_PREPARE, "self-test-prepare", NULL },
		{ STP_PANEL_SELF_TEST_RUN, "self-test-run", NULL },
		{ STP_PANEL_CONFIG_SET, "config-set", NULL },
		{ STP_PANEL_CONFIG_GET, "config-get", NULL },
		{ STP_PANEL_SET_ZONE, "set-zone", NULL },
		{ STP_PANEL_SESSION_TAG, "session-tag", NULL },
		{ STP_PANEL_LIVE_RATE, "live-rate", NULL },
		{ STP_PANEL_REBOOT, "reboot", NULL },
		{ STP_PANEL_COUNTERS_RESET, "counters-reset", NULL },
	};
	const struct pen_words *words = FIND_WORDS(ops, (uint16_t)op);

	return words ? words->name : NULL;
}

const char *
stp_config_tag_name(uint8_t tag)
{
	static const struct pen_words tags[] = {
		{ STP_CONFIG_LABEL, "label", NULL },
		{ STP_CONFIG_PRIVACY, "privacy", NULL },
		{ STP_CONFIG_SAMPLE_PERIOD_MS, "sample-period", NULL },
		{ STP_CONFIG_OVERRUN_WARNING, "overrun-warning", NULL },
		{ STP_CONFIG_LOG_WHILE_MOTOR, "log-while-motor", NULL },
		{ STP_CONFIG_CONFIRMATION, "confirmation", NULL },
	};
	const struct pen_words *words = FIND_WORDS(tags, tag);

	return words ? words->name : NULL;
}

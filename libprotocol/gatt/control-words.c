/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stddef.h>

#include <stipple/control.h>

struct wire_words {
	uint8_t status;
	const char *name, *text, *hint;
};

static const struct wire_words statuses[] = {
	{ STP_WIRE_SUCCESS, "success", "The pen did as it was asked.", "Nothing to do." },
	{ STP_WIRE_OP_NOT_SUPPORTED, "op-not-supported", "The pen does not know this operation.",
		"Update the pen's firmware." },
	{ STP_WIRE_INVALID_OPERAND, "invalid-operand", "The pen does not take this request.",
		"Report it together with the pen's firmware revision." },
	{ STP_WIRE_NO_RECORDS, "no-records", "The pen has no such record.", "Nothing to do." },
	{ STP_WIRE_ABORT_FAILED, "abort-failed", "The pen could not stop what it was doing.",
		"Disconnect from the pen and try again." },
	{ STP_WIRE_NOT_COMPLETED, "not-completed", "The pen stopped before it was done.",
		"Try again; if it happens every time, the pen's memory may be damaged." },
	{ STP_WIRE_WRONG_EPOCH, "wrong-epoch", "The pen's log was reset since it was last asked.",
		"Sync again; what was stored before the reset stays." },
	{ STP_WIRE_BUSY, "busy", "The pen's motor is running.",
		"Wait until the treatment is over; the records are safe in the pen until then." },
	{ STP_WIRE_NOT_AUTHORISED, "not-authorised", "The pen does not allow this to this computer.",
		"Pair with the pen again." },
	{ STP_WIRE_RECORD_CORRUPT, "record-corrupt", "The record is damaged in the pen's memory.",
		"The bytes are kept as they are; if more records are affected, have the pen serviced." },
	{ STP_WIRE_WINDOW_TOO_LARGE, "window-too-large", "The pen cannot send that many segments at once.",
		"Report it together with the pen's firmware revision." },
	{ STP_WIRE_SLOTS_FULL, "slots-full", "The pen keeps account for as many collectors as it can.",
		"Records are still read; to free a place, make a retired collector's pen forget it." },
	{ STP_WIRE_BATTERY_LOW, "battery-low", "The pen's battery is too low for this.",
		"Charge the pen." },
	{ STP_WIRE_OVERWRITTEN, "overwritten", "The pen has overwritten the record with newer ones.",
		"Sync more often, or bring the collector closer to where the pen is used." },
	{ STP_WIRE_NOT_ACKNOWLEDGED, "not-acknowledged",
		"A collector has not got all of these records yet, so the pen keeps them.",
		"Sync with every collector the pen knows, or make the pen forget one that is retired." },
	{ STP_WIRE_NOT_CONFIRMED, "not-confirmed", "The pen waits for a person to agree.",
		"Press the pen's button within a minute." },
	{ STP_WIRE_STALE, "stale", "The permission was for something else, or too long ago.",
		"Begin anew." },
	{ STP_WIRE_WRONG_REVISION, "wrong-revision", "The pen's settings were changed meanwhile.",
		"Look at the settings again, then change them." },
};

static const struct wire_words *
find_status(uint8_t status)
{
	static const struct wire_words stranger = { 0, NULL,
		"The pen answered with a status this version does not know.", "Update the software." };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return &statuses[i];
	return &stranger;
}

const char *
stp_wire_status_name(uint8_t status)
{
	return find_status(status)->name;
}

const char *
stp_wire_status_text(uint8_t status)
{
	return find_status(status)->text;
}

const char *
stp_wire_status_hint(uint8_t status)
{
	return find_status(status)->hint;
}

const char *
stp_op_name(enum stp_op op)
{
	switch (op) {
	case STP_OP_HELLO:
		return "hello";
	case STP_OP_GET_STATE:
		return "get-state";
	case STP_OP_LIST:
		return "list";
	case STP_OP_READ:
		return "read";
	case STP_OP_CREDIT:
		return "credit";
	case STP_OP_HASH:
		return "hash";
	case STP_OP_ABORT:
		return "abort";
	case STP_OP_ACK:
		return "ack";
	case STP_OP_ERASE_PREPARE:
		return "erase-prepare";
	case STP_OP_ERASE:
		return "erase";
	case STP_OP_SLOTS:
		return "slots";
	case STP_OP_DROP_SLOT:
		return "drop-slot";
	}
	return NULL;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_CONFIGURATION_H
#define STIPPLE_CONFIGURATION_H

/*
 * Configuration: a revision and a list of settings, each with a tag.  The functions work on the
 * bytes themselves, in the caller's buffer.  None of the settings reaches the motor.
 * proto/WIRE.md, "Configuration".
 */

#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STP_CONFIG_SIZE_MIN 2	/* the revision alone */
#define STP_CONFIG_SIZE_MAX 128
#define STP_CONFIG_VALUE_MAX 15	/* so that CONFIG_SET and the answer to CONFIG_GET fit 20 bytes */

/* The settings; the type of each is named beside it. */
enum stp_config_tag {
	STP_CONFIG_LABEL = 0x01,		/* 0..15 printable ASCII; names the pen, never a person */
	STP_CONFIG_PRIVACY = 0x02,		/* u8, enum stp_privacy */
	STP_CONFIG_SAMPLE_PERIOD_MS = 0x03,	/* u16, 5..1000 */
	STP_CONFIG_OVERRUN_WARNING = 0x04,	/* u8, percent of the log still free, 1..50 */
	STP_CONFIG_LOG_WHILE_MOTOR = 0x05,	/* u8, segments a second; 0: busy */
	STP_CONFIG_CONFIRMATION = 0x06,		/* u8, enum stp_confirmation; not set over the link */
	STP_CONFIG_MAKER_MIN = 0x80,		/* from here: the maker's own, opaque */
};

/* Bits of STP_CONFIG_PRIVACY. */
enum stp_privacy {
	STP_PRIVACY_HIDE_COUNTS = 1u << 0,	/* adverts have 0 for newest record and boot counter */
	STP_PRIVACY_HIDE_NAME = 1u << 1,	/* no short name in the scan response */
};

/* Bits of STP_CONFIG_CONFIRMATION. */
enum stp_confirmation {
	STP_CONFIRM_ERASE_UNATTENDED = 1u << 0,	/* ERASE needs nobody at the pen's button */
};

/* One setting. */
struct stp_config_item {
	uint8_t tag;		/* enum stp_config_tag; unknown ones are kept */
	uint8_t size;		/* 0..STP_CONFIG_VALUE_MAX */
	const uint8_t *value;	/* into the bytes that were given */
};

/*
 * Is this a value of that tag?  STP_ERR_UNKNOWN: a tag below 0x80 that this library does not know;
 * STP_ERR_RANGE: wrong length, or outside its range; STP_ERR_MALFORMED: tag 0, or a label
 * that is not printable ASCII.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_config_check_value(uint8_t tag, const uint8_t *value, size_t size);

/*
 * Check the whole value that was read.  Tags that are unknown here are no fault.
 * STP_ERR_TRUNCATED: ends within the revision or an item; STP_ERR_MALFORMED: tags that do not
 * ascend, an item over 15 bytes, tag 0; STP_ERR_RANGE: over 128 bytes, or the value of a known tag.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_config_check(const uint8_t *bytes, size_t size, uint16_t *revision);

/*
 * Walk the items of bytes that stp_config_check() found good: begin with *at = 0.
 * STP_ERR_NOT_FOUND: there are no more.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_config_next(const uint8_t *bytes, size_t size, size_t *at, struct stp_config_item *item);

/* The item with that tag, in good bytes; STP_ERR_NOT_FOUND: there is none. */
STP_API STP_MUST_CHECK enum stp_status
stp_config_find(const uint8_t *bytes, size_t size, uint8_t tag, struct stp_config_item *item);

/* Empty but for the revision; bytes has room for STP_CONFIG_SIZE_MAX.  Returns the size. */
STP_API size_t stp_config_begin(uint8_t *bytes, uint16_t revision);

/*
 * Put an item in its place, or change the one that is there; the revision stays.  bytes has room
 * for STP_CONFIG_SIZE_MAX, of which *size are good; value does not point into them.
 * Errors of stp_config_check_value(); STP_ERR_SPACE: it would be more than STP_CONFIG_SIZE_MAX.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_config_put(uint8_t *bytes, size_t *size, uint8_t tag, const uint8_t *value, size_t value_size);

/* Change the revision alone, in good bytes. */
STP_API void stp_config_set_revision(uint8_t *bytes, uint16_t revision);

/* A word for logs and JSON, e.g. "label"; NULL when unknown. */
STP_API const char *stp_config_tag_name(uint8_t tag);

#ifdef __cplusplus
}
#endif

#endif

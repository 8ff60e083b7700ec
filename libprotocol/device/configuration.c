/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdbool.h>
#include <string.h>

#include <stipple/configuration.h>
#include <stipple/telemetry.h>

#include "../base/wire-bytes.h"

#define CONFIG_HEAD 2u		/* the revision */
#define CONFIG_ITEM_HEAD 2u	/* tag, length */
#define OVERRUN_WARNING_MIN 1
#define OVERRUN_WARNING_MAX 50

static enum stp_status
check_label(const uint8_t *value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (value[i] < 0x20 || value[i] > 0x7E)
			return STP_ERR_MALFORMED;
	return STP_OK;
}

static enum stp_status
within(bool condition)
{
	return condition ? STP_OK : STP_ERR_RANGE;
}

enum stp_status
stp_config_check_value(uint8_t tag, const uint8_t *value, size_t size)
{
	if (!tag)
		return STP_ERR_MALFORMED;
	if (size > STP_CONFIG_VALUE_MAX)
		return STP_ERR_RANGE;
	switch (tag) {
	case STP_CONFIG_LABEL:
		return check_label(value, size);
	case STP_CONFIG_PRIVACY:
	case STP_CONFIG_LOG_WHILE_MOTOR:
	case STP_CONFIG_CONFIRMATION:
		return within(size == 1);
	case STP_CONFIG_SAMPLE_PERIOD_MS:
		return within(size == 2 && get_le16(value) >= STP_PERIOD_MIN_MS &&
			      get_le16(value) <= STP_PERIOD_MAX_MS);
	case STP_CONFIG_OVERRUN_WARNING:
		return within(size == 1 && value[0] >= OVERRUN_WARNING_MIN &&
			      value[0] <= OVERRUN_WARNING_MAX);
	default:
		return tag >= STP_CONFIG_MAKER_MIN ? STP_OK : STP_ERR_UNKNOWN;
	}
}

/* The item at that place; what follows it begins at *next. */
static enum stp_status
config_item_at(const uint8_t *bytes, size_t size, size_t at, struct stp_config_item *item, size_t *next)
{
	if (size - at < CONFIG_ITEM_HEAD)
		return STP_ERR_TRUNCATED;
	item->tag = bytes[at];
	item->size = bytes[at + 1];
	item->value = bytes + at + CONFIG_ITEM_HEAD;
	if (item->size > STP_CONFIG_VALUE_MAX)
		return STP_ERR_MALFORMED;
	if (size - at - CONFIG_ITEM_HEAD < item->size)
		return STP_ERR_TRUNCATED;
	*next = at + CONFIG_ITEM_HEAD + item->size;
	return STP_OK;
}

enum stp_status
stp_config_check(const uint8_t *bytes, size_t size, uint16_t *revision)
{
	struct stp_config_item item;
	uint8_t before = 0;

	if (size < CONFIG_HEAD)
		return STP_ERR_TRUNCATED;
	if (size > STP_CONFIG_SIZE_MAX)
		return STP_ERR_RANGE;
	for (size_t at = CONFIG_HEAD; at < size;) {
		enum stp_status status = config_item_at(bytes, size, at, &item, &at);

		if (status)
			return status;
		if (item.tag <= before)
			return STP_ERR_MALFORMED;
		before = item.tag;
		status = stp_config_check_value(item.tag, item.value, item.size);
		if (status && status != STP_ERR_UNKNOWN)
			return status;
	}
	*revision = get_le16(bytes);
	return STP_OK;
}

enum stp_status
stp_config_next(const uint8_t *bytes, size_t size, size_t *at, struct stp_config_item *item)
{
	struct stp_config_item found;
	size_t from = *at < CONFIG_HEAD ? CONFIG_HEAD : *at, next;
	enum stp_status status;

	if (from >= size)
		return STP_ERR_NOT_FOUND;
	status = config_item_at(bytes, size, from, &found, &next);
	if (status)
		return status;
	*item = found;
	*at = next;
	return STP_OK;
}

enum stp_status
stp_config_find(const uint8_t *bytes, size_t size, uint8_t tag, struct stp_config_item *item)
{
	struct stp_config_item each;

	for (size_t at = 0; !stp_config_next(bytes, size, &at, &each);)
		if (each.tag == tag) {
			*item = each;
			return STP_OK;
		}
	return STP_ERR_NOT_FOUND;
}

size_t
stp_config_begin(uint8_t *bytes, uint16_t revision)
{
	put_le16(bytes, revision);
	return CONFIG_HEAD;
}

enum stp_status
stp_config_put(uint8_t *bytes, size_t *size, uint8_t tag, const uint8_t *value, size_t value_size)
{
	size_t from = CONFIG_HEAD, to, grown;
	struct stp_config_item each;
	enum stp_status status = stp_config_check_value(tag, value, value_size);

	if (status)
		return status;
	/* What is replaced, or nothing just before the first greater tag, is from..to. */
	for (size_t at = to = CONFIG_HEAD; !stp_config_next(bytes, *size, &at, &each) && each.tag <= tag;) {
		from = each.tag == tag ? to : at;
		to = at;
	}
	grown = *size - (to - from) + CONFIG_ITEM_HEAD + value_size;
	if (grown > STP_CONFIG_SIZE_MAX)
		return STP_ERR_SPACE;
	memmove(bytes + from + CONFIG_ITEM_HEAD + value_size, bytes + to, *size - to);
	bytes[from] = tag;
	bytes[from + 1] = (uint8_t)value_size;
	if (value_size)
		memcpy(bytes + from + CONFIG_ITEM_HEAD, value, value_size);
	*size = grown;
	return STP_OK;
}

void
stp_config_set_revision(uint8_t *bytes, uint16_t revision)
{
	put_le16(bytes, revision);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/control.h>
#include <stipple/gatt.h>
#include <stipple/telemetry.h>

#include "../base/struct-size.h"
#include "../base/wire-bytes.h"

#define ADVERT_VERSION 1u
#define ADVERT_FLAGS 0x0Fu
#define BATTERY_UNKNOWN 255

void
stp_features_encode_sized(const struct stp_features *given, size_t given_size,
			  uint8_t out[STP_FEATURES_SIZE])
{
	struct stp_features taken, *features = &taken;

	/* There is no wire yet for what a newer header may know. */
	(void)struct_take(&taken, sizeof(taken), given, given_size);
	memset(out, 0, STP_FEATURES_SIZE);
	put_le16(out, features->schema_rev);
	put_le32(out + 2, features->features);
	out[6] = features->max_window;
	put_le16(out + 7, features->sample_period_ms);
	put_le32(out + 9, features->log_capacity_kb);
	out[13] = features->collector_slots;
	out[14] = features->bond_state;
	out[15] = features->flags;
}

enum stp_status
stp_features_decode_sized(const uint8_t *bytes, size_t size, struct stp_features *out, size_t out_size)
{
	struct stp_features features;

	if (size < STP_FEATURES_SIZE)
		return STP_ERR_TRUNCATED;
	features = (struct stp_features){
		.schema_rev = get_le16(bytes),
		.features = get_le32(bytes + 2),
		.max_window = bytes[6],
		.sample_period_ms = get_le16(bytes + 7),
		.log_capacity_kb = get_le32(bytes + 9),
		.collector_slots = bytes[13],
		.bond_state = bytes[14],
		.flags = bytes[15],
	};
	if (!features.schema_rev || !features.max_window || features.max_window > STP_WINDOW_MAX ||
	    features.sample_period_ms < STP_PERIOD_MIN_MS || features.sample_period_ms > STP_PERIOD_MAX_MS)
		return STP_ERR_RANGE;
	struct_give(out, out_size, &features, sizeof(features));
	return STP_OK;
}

void
stp_advert_encode_sized(const struct stp_advert *given, size_t given_size, uint8_t out[STP_ADVERT_SIZE])
{
	struct stp_advert taken, *advert = &taken;

	(void)struct_take(&taken, sizeof(taken), given, given_size);
	out[0] = (uint8_t)(ADVERT_VERSION << 4 | (advert->flags & ADVERT_FLAGS));
	out[1] = advert->slots_with_news;
	put_le32(out + 2, advert->newest_record);
	put_le16(out + 6, advert->boot_counter);
	out[8] = advert->battery_percent;
	out[9] = advert->epoch_low;
}

enum stp_status
stp_advert_decode_sized(const uint8_t *bytes, size_t size, struct stp_advert *out, size_t out_size)
{
	struct stp_advert advert;

	if (size < 1)
		return STP_ERR_TRUNCATED;
	if (bytes[0] >> 4 != ADVERT_VERSION)
		return STP_ERR_UNKNOWN;
	if (size < STP_ADVERT_SIZE)
		return STP_ERR_TRUNCATED;
	advert = (struct stp_advert){
		.flags = bytes[0] & ADVERT_FLAGS,
		.slots_with_news = bytes[1],
		.newest_record = get_le32(bytes + 2),
		.boot_counter = get_le16(bytes + 6),
		/* A pen that measures nonsense shall still be found. */
		.battery_percent = bytes[8] <= 100 ? bytes[8] : BATTERY_UNKNOWN,
		.epoch_low = bytes[9],
	};
	struct_give(out, out_size, &advert, sizeof(advert));
	return STP_OK;
}

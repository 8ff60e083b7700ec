/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdbool.h>
#include <string.h>

#include <stipple/cartridge.h>
#include <stipple/telemetry.h>

#include "../base/wire-bytes.h"

#define CARTRIDGE_HEAD 8u	/* up to the length of the uid */

static bool
is_udi(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] < 0x20 || text[i] > 0x7E)
			return false;
	return true;
}

static enum stp_status
check_cartridge(const struct stp_cartridge *cartridge)
{
	if (cartridge->needles > STP_CARTRIDGE_NEEDLES_MAX || cartridge->uid_size > STP_CARTRIDGE_UID_MAX ||
	    cartridge->udi_size > STP_CARTRIDGE_UDI_MAX)
		return STP_ERR_RANGE;
	if (cartridge->gauge &&
	    (cartridge->gauge < STP_CARTRIDGE_GAUGE_MIN || cartridge->gauge > STP_CARTRIDGE_GAUGE_MAX))
		return STP_ERR_RANGE;
	if (cartridge->length_um > STP_DEPTH_MAX_UM && cartridge->length_um != STP_ABSENT)
		return STP_ERR_RANGE;
	return is_udi(cartridge->udi, cartridge->udi_size) ? STP_OK : STP_ERR_MALFORMED;
}

enum stp_status
stp_cartridge_encode(const struct stp_cartridge *cartridge, uint8_t *out, size_t capacity, size_t *size)
{
	enum stp_status status = check_cartridge(cartridge);
	size_t udi_at;

	if (status)
		return status;
	udi_at = CARTRIDGE_HEAD + 1 + cartridge->uid_size;
	if (capacity < udi_at + 1 + cartridge->udi_size)
		return STP_ERR_SPACE;
	out[0] = cartridge->state;
	out[1] = cartridge->flags;
	out[2] = cartridge->needles;
	out[3] = cartridge->gauge;
	put_le16(out + 4, cartridge->length_um);
	put_le16(out + 6, cartridge->use_count);
	out[CARTRIDGE_HEAD] = cartridge->uid_size;
	memcpy(out + CARTRIDGE_HEAD + 1, cartridge->uid, cartridge->uid_size);
	out[udi_at] = cartridge->udi_size;
	memcpy(out + udi_at + 1, cartridge->udi, cartridge->udi_size);
	*size = udi_at + 1 + cartridge->udi_size;
	return STP_OK;
}

/* Both lengths are looked at before anything is copied. */
static enum stp_status
get_cartridge_texts(const uint8_t *bytes, size_t size, struct stp_cartridge *cartridge)
{
	size_t udi_at;

	cartridge->uid_size = bytes[CARTRIDGE_HEAD];
	if (cartridge->uid_size > STP_CARTRIDGE_UID_MAX)
		return STP_ERR_RANGE;
	udi_at = CARTRIDGE_HEAD + 1 + cartridge->uid_size;
	if (size < udi_at + 1)
		return STP_ERR_TRUNCATED;
	cartridge->udi_size = bytes[udi_at];
	if (cartridge->udi_size > STP_CARTRIDGE_UDI_MAX)
		return STP_ERR_RANGE;
	if (size < udi_at + 1 + cartridge->udi_size)
		return STP_ERR_TRUNCATED;
	memcpy(cartridge->uid, bytes + CARTRIDGE_HEAD + 1, cartridge->uid_size);
	memcpy(cartridge->udi, bytes + udi_at + 1, cartridge->udi_size);
	return STP_OK;
}

enum stp_status
stp_cartridge_decode(const uint8_t *bytes, size_t size, struct stp_cartridge *out)
{
	struct stp_cartridge cartridge = { 0 };
	enum stp_status status;

	if (size < STP_CARTRIDGE_SIZE_MIN)
		return STP_ERR_TRUNCATED;
	if (size > STP_CARTRIDGE_SIZE_MAX)
		return STP_ERR_RANGE;
	cartridge.state = bytes[0];
	cartridge.flags = bytes[1];
	cartridge.needles = bytes[2];
	cartridge.gauge = bytes[3];
	cartridge.length_um = get_le16(bytes + 4);
	cartridge.use_count = get_le16(bytes + 6);
	status = get_cartridge_texts(bytes, size, &cartridge);
	if (!status)
		status = check_cartridge(&cartridge);
	if (status)
		return status;
	*out = cartridge;
	return STP_OK;
}

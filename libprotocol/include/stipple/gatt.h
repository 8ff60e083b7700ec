/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_GATT_H
#define STIPPLE_GATT_H

/*
 * The GATT profile: UUIDs, the Features value and the advertised status.
 * proto/WIRE.md, "GATT profile", is the binding text.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The vendor service and its characteristics (base generated for this project, frozen). */
#define STP_UUID_SERVICE	"09107970-bb54-4852-bc64-5a6d759c3f7d"
#define STP_UUID_FEATURES	"09100001-bb54-4852-bc64-5a6d759c3f7d"
#define STP_UUID_LOG_CONTROL	"09100002-bb54-4852-bc64-5a6d759c3f7d"
#define STP_UUID_LOG_DATA	"09100003-bb54-4852-bc64-5a6d759c3f7d"
#define STP_UUID_LIVE		"09100004-bb54-4852-bc64-5a6d759c3f7d"
#define STP_UUID_EVENT		"09100005-bb54-4852-bc64-5a6d759c3f7d"
#define STP_UUID_PEN_CONTROL	"09100006-bb54-4852-bc64-5a6d759c3f7d"
#define STP_UUID_CARTRIDGE	"09100007-bb54-4852-bc64-5a6d759c3f7d"
#define STP_UUID_CONFIGURATION	"09100008-bb54-4852-bc64-5a6d759c3f7d"
#define STP_UUID_DIAGNOSTICS	"09100009-bb54-4852-bc64-5a6d759c3f7d"

/* Bluetooth SIG services and characteristics a pen must have, in 128-bit form. */
#define STP_UUID_DEVICE_INFORMATION "0000180a-0000-1000-8000-00805f9b34fb"
#define STP_UUID_MODEL_NUMBER	"00002a24-0000-1000-8000-00805f9b34fb"
#define STP_UUID_SERIAL_NUMBER	"00002a25-0000-1000-8000-00805f9b34fb"
#define STP_UUID_FIRMWARE_REV	"00002a26-0000-1000-8000-00805f9b34fb"
#define STP_UUID_HARDWARE_REV	"00002a27-0000-1000-8000-00805f9b34fb"
#define STP_UUID_SOFTWARE_REV	"00002a28-0000-1000-8000-00805f9b34fb"
#define STP_UUID_MANUFACTURER	"00002a29-0000-1000-8000-00805f9b34fb"
#define STP_UUID_SYSTEM_ID	"00002a23-0000-1000-8000-00805f9b34fb"
#define STP_UUID_PNP_ID		"00002a50-0000-1000-8000-00805f9b34fb"
#define STP_UUID_BATTERY	"0000180f-0000-1000-8000-00805f9b34fb"
#define STP_UUID_BATTERY_LEVEL	"00002a19-0000-1000-8000-00805f9b34fb"
#define STP_UUID_ELAPSED_TIME	"0000183f-0000-1000-8000-00805f9b34fb"
#define STP_UUID_CURRENT_ELAPSED_TIME "00002bf2-0000-1000-8000-00805f9b34fb"

/* ATT MTU: 23 is the least a Bluetooth LE device may offer, 517 what BlueZ asks for. */
#define STP_ATT_MTU_MIN		23
#define STP_ATT_MTU_MAX		517
/* Bytes of one attribute value at an MTU: MTU - 3, never above 512. */
#define STP_ATT_VALUE_MAX	512

#define STP_SCHEMA_REV		1

/* What a pen can do. */
enum stp_feature {
	STP_FEATURE_READ_RESUME = 1u << 0,	/* READ takes an offset */
	STP_FEATURE_HASH = 1u << 1,	/* it has HASH */
	STP_FEATURE_ACK_SLOTS = 1u << 2,	/* collector slots and ACK */
	STP_FEATURE_CHAIN_HASH = 1u << 3,	/* records carry the hash of the one before */
	STP_FEATURE_SAMPLE_BLOCKS = 1u << 4,	/* samples come as telemetry blocks */
	STP_FEATURE_DELIVERED_DEPTH = 1u << 5,	/* delivered depth is measured */
	STP_FEATURE_SPEED = 1u << 6,	/* stroke rate is measured */
	STP_FEATURE_CONTACT = 1u << 7,	/* contact is sensed */
	STP_FEATURE_ZONE_INPUT = 1u << 8,	/* zones are told by the operator */
	STP_FEATURE_CARTRIDGE_ID = 1u << 9,	/* the Cartridge characteristic is there */
	STP_FEATURE_ERASE = 1u << 10,	/* it has ERASE_PREPARE and ERASE */
	STP_FEATURE_SELF_TEST = 1u << 11,	/* it can test itself */
	STP_FEATURE_LIVE = 1u << 12,	/* the Live characteristic is there */
	STP_FEATURE_UTC_KEPT = 1u << 13,	/* UTC is kept over power-off */
	STP_FEATURE_SMP = 1u << 14,		/* firmware update by the Simple Management Protocol */
	STP_FEATURE_EVENTS = 1u << 15,	/* the Event characteristic is there */
	STP_FEATURE_PEN_CONTROL = 1u << 16,	/* the Pen Control Point is there */
	STP_FEATURE_CONFIGURATION = 1u << 17,	/* the Configuration characteristic is there */
	STP_FEATURE_DIAGNOSTICS = 1u << 18,	/* the Diagnostics characteristic is there */
	STP_FEATURE_SEALS = 1u << 19,		/* sessions end with a signed seal */
};

/* How a pen does it. */
enum stp_features_flag {
	STP_FEATURES_ERASE_UNCONFIRMED = 1u << 0,	/* erases without a person at its button */
};

/* What the pen knows of the host that asks. */
enum stp_bond_state {
	STP_BOND_NONE = 0,	/* the pen holds no bond with this host */
	STP_BOND_KNOWN = 1,	/* there is a bond */
	STP_BOND_FULL = 2,	/* no bond, and no room for one */
};

/* The Features characteristic: readable before pairing, carries no identity. */
struct stp_features {
	uint16_t schema_rev;
	uint32_t features;		/* enum stp_feature */
	uint8_t max_window;		/* segments, 1..128 */
	uint16_t sample_period_ms;	/* 5..1000 */
	uint32_t log_capacity_kb;
	uint8_t collector_slots;
	uint8_t bond_state;		/* enum stp_bond_state */
	uint8_t flags;			/* enum stp_features_flag */
};
#define STP_FEATURES_SIZE 20

/* stp_features_encode() for a struct of that size; see stipple.h. */
STP_API void stp_features_encode_sized(const struct stp_features *features, size_t features_size,
				       uint8_t out[STP_FEATURES_SIZE]);
/* stp_features_decode() for a struct of that size; see stipple.h. */
STP_API STP_MUST_CHECK enum stp_status
stp_features_decode_sized(const uint8_t *bytes, size_t size, struct stp_features *out, size_t out_size);

/* The value of the characteristic, all 20 bytes of it.  The fields are not checked. */
static inline void
stp_features_encode(const struct stp_features *features, uint8_t out[STP_FEATURES_SIZE])
{
	stp_features_encode_sized(features, sizeof(*features), out);
}

/*
 * Read the characteristic.  Longer values are accepted (later revisions append).
 * STP_ERR_TRUNCATED: fewer than 20 bytes; STP_ERR_RANGE: a field is out of range.
 */
STP_MUST_CHECK static inline enum stp_status
stp_features_decode(const uint8_t *bytes, size_t size, struct stp_features *out)
{
	return stp_features_decode_sized(bytes, size, out, sizeof(*out));
}

/* Flags of the advertised status. */
enum stp_advert_flag {
	STP_ADVERT_PAIRING_OPEN = 1u << 0,	/* a person opened pairing at the pen */
	STP_ADVERT_OVERRUN_NEAR = 1u << 1,	/* soon records will be overwritten that nobody has */
	STP_ADVERT_MOTOR_ON = 1u << 2,	/* the motor runs */
	STP_ADVERT_FAULT = 1u << 3,	/* the pen has a fault */
};

/* The advertised status: service data of STP_UUID_SERVICE (AD type 0x21). */
struct stp_advert {
	uint8_t flags;			/* enum stp_advert_flag; the wire's upper four bits are the version */
	uint8_t slots_with_news;	/* bit n: collector slot n has unacknowledged records */
	uint32_t newest_record;		/* 0: the log is empty */
	uint16_t boot_counter;		/* low 16 bits of the boot id */
	uint8_t battery_percent;	/* 0..100, 255 unknown */
	uint8_t epoch_low;		/* low byte of the log epoch */
};
#define STP_ADVERT_SIZE 10

/* stp_advert_encode() for a struct of that size; see stipple.h. */
STP_API void stp_advert_encode_sized(const struct stp_advert *advert, size_t advert_size,
				     uint8_t out[STP_ADVERT_SIZE]);
/* stp_advert_decode() for a struct of that size; see stipple.h. */
STP_API STP_MUST_CHECK enum stp_status
stp_advert_decode_sized(const uint8_t *bytes, size_t size, struct stp_advert *out, size_t out_size);

/* The service data behind the UUID.  The fields are not checked. */
static inline void
stp_advert_encode(const struct stp_advert *advert, uint8_t out[STP_ADVERT_SIZE])
{
	stp_advert_encode_sized(advert, sizeof(*advert), out);
}

/*
 * Read the service data.  Longer values are accepted (later revisions append).
 * STP_ERR_TRUNCATED: fewer than 10 bytes; STP_ERR_UNKNOWN: a version this library does not know.
 */
STP_MUST_CHECK static inline enum stp_status
stp_advert_decode(const uint8_t *bytes, size_t size, struct stp_advert *out)
{
	return stp_advert_decode_sized(bytes, size, out, sizeof(*out));
}

#ifdef __cplusplus
}
#endif

#endif

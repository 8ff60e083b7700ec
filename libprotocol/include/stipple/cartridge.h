/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_CARTRIDGE_H
#define STIPPLE_CARTRIDGE_H

/*
 * Cartridge: the needle cartridge that is in the pen.  proto/WIRE.md, "Cartridge".
 */

#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STP_CARTRIDGE_SIZE_MIN 10
#define STP_CARTRIDGE_SIZE_MAX 128	/* a later revision's, too; this one writes at most 122 */
#define STP_CARTRIDGE_UID_MAX 16
#define STP_CARTRIDGE_UDI_MAX 96
#define STP_CARTRIDGE_NEEDLES_MAX 100
#define STP_CARTRIDGE_GAUGE_MIN 30	/* 0.31 mm */
#define STP_CARTRIDGE_GAUGE_MAX 34	/* 0.18 mm */

/* What the pen thinks of the cartridge. */
enum stp_cartridge_state {
	STP_CARTRIDGE_NONE = 0,	/* there is none in the pen */
	STP_CARTRIDGE_OK = 1,	/* fit for use */
	STP_CARTRIDGE_UNREADABLE = 2,	/* there is one, and it does not say what it is */
	STP_CARTRIDGE_EXPIRED = 3,	/* past the date that its maker gives */
	STP_CARTRIDGE_USED = 4,		/* used before; needles are for one person, once */
	STP_CARTRIDGE_REFUSED = 5,	/* for a reason of the maker's */
};

/* Flags of the cartridge. */
enum stp_cartridge_flag {
	STP_CARTRIDGE_AUTHENTIC = 1u << 0,	/* its identity was proven by cryptography */
};

/* The value of the characteristic. */
struct stp_cartridge {
	uint8_t state;		/* enum stp_cartridge_state; unknown values are kept */
	uint8_t flags;		/* enum stp_cartridge_flag; reserved bits are kept */
	uint8_t needles;	/* 1..100; 0 unknown */
	uint8_t gauge;		/* 30..34; 0 unknown */
	uint16_t length_um;	/* of the needles, 0..5000; STP_ABSENT unknown */
	uint16_t use_count;	/* sessions it was used in, this one included */
	uint8_t uid_size, uid[STP_CARTRIDGE_UID_MAX];		/* size 0: none */
	uint8_t udi_size;					/* 0: none */
	char udi[STP_CARTRIDGE_UDI_MAX + 1];	/* GS1 element string, printable ASCII, ends with a 0 */
};

/*
 * The value of the characteristic; *size receives its length, at most STP_CARTRIDGE_SIZE_MAX.
 * STP_ERR_RANGE: a field outside its range; STP_ERR_MALFORMED: a UDI that is not printable ASCII;
 * STP_ERR_SPACE: more than capacity.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_cartridge_encode(const struct stp_cartridge *cartridge, uint8_t *out, size_t capacity, size_t *size);

/*
 * What was read; longer values are accepted (later revisions append).  An indication is the first
 * byte alone, and is not decoded: it says that there is something to read.
 * STP_ERR_TRUNCATED: ends early; STP_ERR_RANGE, STP_ERR_MALFORMED as above, or over 128 bytes.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_cartridge_decode(const uint8_t *bytes, size_t size, struct stp_cartridge *out);

/* A word for logs and JSON, e.g. "expired"; NULL when unknown. */
STP_API const char *stp_cartridge_state_name(uint8_t state);
/* One sentence for people; never NULL. */
STP_API const char *stp_cartridge_state_text(uint8_t state);

#ifdef __cplusplus
}
#endif

#endif

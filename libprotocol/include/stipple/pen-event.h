/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_PEN_EVENT_H
#define STIPPLE_PEN_EVENT_H

/*
 * Event: indicated when something happens.  A hint and no more: what counts is the record that
 * the pen writes of the same event.  proto/WIRE.md, "Event".
 */

#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STP_EVENT_HINT_SIZE 20
#define STP_EVENT_MAKER_MIN 0x8000u	/* codes from here are the maker's own */

/* How bad it is. */
enum stp_severity {
	STP_SEVERITY_INFO = 0,	/* to know */
	STP_SEVERITY_CAUTION = 1,	/* to look at some time */
	STP_SEVERITY_WARNING = 2,	/* to look at now */
	STP_SEVERITY_FAULT = 3,	/* the pen does not work as it should */
};

/* Flags of an event. */
enum stp_event_hint_flag {
	STP_EVENT_HINT_UNRECORDED = 1u << 0,	/* there is no record of it: the flash failed */
};

/* What the characteristic tells of one event. */
struct stp_event_hint {
	uint32_t event_no;	/* that of the record */
	uint32_t tick_low_ms;	/* low 32 bits of the tick */
	uint32_t boot_id;	/* 24 bits */
	uint16_t code;		/* enum stp_event_code; unknown values are kept */
	uint32_t arg;		/* meaning depends on the code, see record.h */
	uint8_t severity;	/* enum stp_severity */
	uint8_t flags;		/* enum stp_event_hint_flag; reserved bits are kept */
};

/* STP_ERR_RANGE: a boot id of more than 24 bits, or a severity above 3. */
STP_API STP_MUST_CHECK enum stp_status
stp_event_hint_encode(const struct stp_event_hint *hint, uint8_t out[STP_EVENT_HINT_SIZE]);

/*
 * Longer values are accepted (later revisions append).  STP_ERR_TRUNCATED: fewer than 20 bytes;
 * STP_ERR_RANGE as above.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_event_hint_decode(const uint8_t *bytes, size_t size, struct stp_event_hint *out);

/* A word for logs and JSON, e.g. "power-up"; NULL for codes unknown here, the maker's among them. */
STP_API const char *stp_event_name(uint16_t code);
/* One sentence for people: what happened; never NULL. */
STP_API const char *stp_event_text(uint16_t code);
/* "info", "caution", "warning", "fault"; NULL when unknown. */
STP_API const char *stp_severity_name(uint8_t severity);

#ifdef __cplusplus
}
#endif

#endif

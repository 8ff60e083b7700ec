/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_PEN_CONTROL_H
#define STIPPLE_PEN_CONTROL_H

/*
 * Pen Control Point: requests (host to pen, written) and answers (pen to host, indicated) that
 * are not about the log.  Form, tokens and statuses are those of the Log Control Point
 * (control.h); the two have each their own turn.  proto/WIRE.md, "Pen Control Point".
 *
 * There is no operation, nor will there be, that starts the motor or changes a depth or a speed.
 * The maker's own operations, 0x60..0x7F, are bound by that as well.
 */

#include <stddef.h>
#include <stdint.h>

#include <stipple/configuration.h>
#include <stipple/control.h>
#include <stipple/live.h>
#include <stipple/record.h>	/* STP_SESSION_TAG_SIZE */
#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STP_IDENTIFY_MAX_S 30
#define STP_PANEL_MAKER_MIN 0x60u
#define STP_PANEL_MAKER_MAX 0x7Fu

/* The operations of Pen Control Point. */
enum stp_panel_op {
	STP_PANEL_IDENTIFY = 0x20,	/* blink, beep: which pen is it? */
	STP_PANEL_SELF_TEST_PREPARE = 0x21,	/* ask for a self test; get a nonce */
	STP_PANEL_SELF_TEST_RUN = 0x22,	/* run what was prepared */
	STP_PANEL_CONFIG_SET = 0x23,	/* change one setting, if the revision is still the same */
	STP_PANEL_CONFIG_GET = 0x24,	/* read one setting */
	STP_PANEL_SET_ZONE = 0x25,	/* the zone of what follows */
	STP_PANEL_SESSION_TAG = 0x26,	/* a token for the next session */
	STP_PANEL_LIVE_RATE = 0x27,	/* how often live frames come */
	STP_PANEL_REBOOT = 0x28,	/* start the firmware anew */
	STP_PANEL_COUNTERS_RESET = 0x29,	/* diagnostics begin at 0 */
};

/* A request; the union member is the one named like the operation, others have none. */
struct stp_panel_request {
	enum stp_panel_op op;
	uint8_t token;			/* 1..15 */
	union {
		struct { uint8_t seconds; } identify;	/* 1..30; 0 stops */
		struct { uint32_t nonce; } self_test_run;
		/* revision: what the host last saw; the value is as in configuration.h */
		struct {
			uint16_t revision;
			uint8_t tag, size, value[STP_CONFIG_VALUE_MAX];
		} config_set;
		struct { uint8_t tag; } config_get;
		struct { uint8_t zone; } set_zone;	/* 0: none */
		/* Opaque, never a name; all 0 clears it. */
		struct { uint8_t tag[STP_SESSION_TAG_SIZE]; } session_tag;
		struct { uint8_t hz; } live_rate;	/* 1..10; 0: off */
	} u;
};

/* An answer; the union member is the one named like the operation, others have none. */
struct stp_panel_answer {
	enum stp_panel_op op;		/* without the 0x80 */
	uint8_t token;			/* that of the request */
	uint8_t status;			/* enum stp_wire_status; unknown values are kept */
	union {
		struct { uint32_t nonce; } self_test_prepare;
		struct { uint16_t revision; } config_set; /* the new one; WRONG_REVISION: the present one */
		struct {
			uint16_t revision;
			uint8_t size, value[STP_CONFIG_VALUE_MAX];
		} config_get;
		struct { uint8_t hz; } live_rate;	/* granted: at most what was asked for */
	} u;
};

/*
 * Errors as those of stp_request_encode() and its kin.  STP_ERR_UNKNOWN: the maker's own
 * operations as well; a pen that has some looks at the first byte before it decodes.  Whether a
 * pen knows a tag, and takes the value, is not looked at: see stp_config_check_value().
 */
STP_API STP_MUST_CHECK enum stp_status
stp_panel_request_encode(const struct stp_panel_request *request, uint8_t out[STP_CONTROL_SIZE_MAX],
			 size_t *size);
/* As stp_panel_request_encode(), but reading. */
STP_API STP_MUST_CHECK enum stp_status
stp_panel_request_decode(const uint8_t *bytes, size_t size, struct stp_panel_request *out);
/* Errors as of stp_panel_request_encode(). */
STP_API STP_MUST_CHECK enum stp_status
stp_panel_answer_encode(const struct stp_panel_answer *answer, uint8_t out[STP_CONTROL_SIZE_MAX],
			size_t *size);
/* Longer answers are accepted (later revisions append).  Errors as of stp_panel_request_encode(). */
STP_API STP_MUST_CHECK enum stp_status
stp_panel_answer_decode(const uint8_t *bytes, size_t size, struct stp_panel_answer *out);

/* "identify"; NULL when unknown. */
STP_API const char *stp_panel_op_name(enum stp_panel_op op);

#ifdef __cplusplus
}
#endif

#endif

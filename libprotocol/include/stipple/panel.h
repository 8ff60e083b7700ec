/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_PANEL_H
#define STIPPLE_PANEL_H

/*
 * The host's side of Pen Control Point (pen-control.h), sans-IO: one request at a time, its
 * answer matched by operation and token, repeated where that cannot do harm.
 *
 * stp_panel_ask() takes a request; actions come out of stp_panel_poll(), which the caller carries
 * out in order until it yields STP_PANEL_IDLE.  Each request ends with STP_PANEL_ANSWER or
 * STP_PANEL_FAILED, and then the next one may be asked.  An engine serves one link.  It is independent
 * of engines on Log Control Point, which has its own turn.  Times are milliseconds of any monotonic
 * clock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/pen-control.h>
#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How long to wait.  Zero takes the default named beside it. */
struct stp_panel_config {
	uint32_t first_answer_ms;	/* 8000 */
	uint8_t retries;		/* 3 tries of what may be repeated */
	uint8_t last_token;		/* byte 1 of the last request to this point on this link, by whom ever; 0: none */
};

/* What is to be done next. */
enum stp_panel_action_kind {
	STP_PANEL_IDLE,		/* nothing to do before an answer or stp_panel_deadline() */
	STP_PANEL_WRITE,	/* write u.write to Pen Control Point, with response */
	/* Tell the person to press the pen's button within u.confirm.within_ms; told once a request. */
	STP_PANEL_CONFIRM,
	STP_PANEL_ANSWER,	/* u.answer: whatever the status, NOT_CONFIRMED aside */
	/*
	 * u.failed: TIMEOUT: no answer, and what was asked may have happened or not; with
	 * STP_WIRE_NOT_CONFIRMED, nobody pressed the button, and it has not.
	 */
	STP_PANEL_FAILED,
};

/* The next thing to do; the union member is the one that its kind names. */
struct stp_panel_action {
	enum stp_panel_action_kind kind;
	union {
		struct { uint8_t bytes[STP_CONTROL_SIZE_MAX]; size_t size; } write;
		struct { uint32_t within_ms; } confirm;
		struct {
			struct stp_panel_answer answer;
			/*
			 * An answer to this request was lost before.  WRONG_REVISION to a
			 * CONFIG_SET may then mean that it is set: CONFIG_GET tells.
			 */
			bool repeated;
		} answer;
		struct { enum stp_status reason; enum stp_panel_op op; uint8_t wire_status; } failed;
	} u;
};

/* The requests of one link; the library's own. */
struct stp_panel;

/* stp_panel_new() for a config of that size; see stipple.h. */
STP_API struct stp_panel *stp_panel_new_sized(const struct stp_panel_config *config, size_t config_size);

/* NULL when memory is short, or config asks for what this library does not know. */
static inline struct stp_panel *
stp_panel_new(const struct stp_panel_config *config)
{
	return stp_panel_new_sized(config, sizeof(*config));
}

/* Allowed at any time, and for NULL. */
STP_API void stp_panel_free(struct stp_panel *panel);

/*
 * Ask the pen; the engine chooses the token, and copies the request.  Repeated when the answer does not
 * come: IDENTIFY, CONFIG_SET (its revision keeps it from being done twice), CONFIG_GET, SET_ZONE,
 * SESSION_TAG and LIVE_RATE.  Never repeated: all others.
 * STP_ERR_TURN: the request before is not over; otherwise as stp_panel_request_encode().
 */
STP_API STP_MUST_CHECK enum stp_status
stp_panel_ask(struct stp_panel *panel, const struct stp_panel_request *request, uint64_t now_ms);
/* An indication of Pen Control Point.  What was not asked for is dropped. */
STP_API void stp_panel_control(struct stp_panel *panel, const uint8_t *bytes, size_t size, uint64_t now_ms);
/* Time went by.  Calls before the deadline do nothing. */
STP_API void stp_panel_timeout(struct stp_panel *panel, uint64_t now_ms);
/* When stp_panel_timeout() is due; UINT64_MAX: never. */
STP_API uint64_t stp_panel_deadline(const struct stp_panel *panel);

/* stp_panel_poll() for an action of that size; see stipple.h. */
STP_API void stp_panel_poll_sized(struct stp_panel *panel, struct stp_panel_action *action, size_t action_size);

/* The next thing to do. */
static inline void
stp_panel_poll(struct stp_panel *panel, struct stp_panel_action *action)
{
	stp_panel_poll_sized(panel, action, sizeof(*action));
}

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef REQUEST_TURN_H
#define REQUEST_TURN_H

/* One request after the other on a control point: what errand.c and panel.c share. */

#include <stdbool.h>
#include <stdint.h>

#include <stipple/control.h>

#define TURN_NEVER UINT64_MAX
#define TURN_FIRST_ANSWER_MS 8000u
#define TURN_RETRIES 3
/* A person walks to the pen and presses its button; the pen's nonce lives as long. */
#define TURN_PATIENCE_MS 60000u
#define TURN_ASK_AGAIN_MS 1000u

enum turn_state {
	TURN_OVER,	/* nothing is awaited */
	TURN_WRITE,	/* the request is to be written */
	TURN_ANSWER,	/* its answer is awaited */
	TURN_PERSON,	/* asked again when the deadline comes */
};

struct turn {
	enum turn_state state;
	uint64_t now, deadline;
	uint32_t first_answer_ms;
	uint8_t retries, tries;
	uint8_t token;
	bool unsure;		/* an answer to this very request was lost: it may have been carried out */
	bool told;		/* the person was asked to confirm */
	uint64_t patience;	/* until when to wait for the person; TURN_NEVER: not begun */
};

/* Zeros take the defaults. */
void stp_turn_init(struct turn *turn, uint32_t first_answer_ms, uint8_t retries, uint8_t last_token);
void stp_turn_set_now(struct turn *turn, uint64_t now_ms);
/* A new request; one that is sent again goes by stp_turn_again(). */
void stp_turn_begin(struct turn *turn);
void stp_turn_again(struct turn *turn);
void stp_turn_end(struct turn *turn);
/* Whether an answer with this token belongs to the request; it is taken as answered then. */
bool stp_turn_takes(struct turn *turn, uint8_t token);
/* The answer was "not confirmed".  False: nobody came. */
bool stp_turn_wait_for_person(struct turn *turn);

enum turn_expiry {
	TURN_NOT_DUE,
	TURN_DUE_AGAIN,	/* write it once more, it was not unanswered */
	TURN_UNANSWERED,	/* write it once more, if it may be */
	TURN_GIVEN_UP,
};
enum turn_expiry stp_turn_expire(struct turn *turn);

#endif

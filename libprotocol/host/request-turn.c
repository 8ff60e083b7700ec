/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "request-turn.h"

void
stp_turn_init(struct turn *turn, uint32_t first_answer_ms, uint8_t retries, uint8_t last_token)
{
	*turn = (struct turn){
		.state = TURN_OVER,
		.deadline = TURN_NEVER,
		.first_answer_ms = first_answer_ms ? first_answer_ms : TURN_FIRST_ANSWER_MS,
		.retries = retries ? retries : TURN_RETRIES,
		.token = last_token,
		.patience = TURN_NEVER,
	};
}

void
stp_turn_set_now(struct turn *turn, uint64_t now_ms)
{
	if (now_ms > turn->now)
		turn->now = now_ms;
}

void
stp_turn_begin(struct turn *turn)
{
	turn->tries = 0;
	turn->unsure = false;
	turn->told = false;
	turn->patience = TURN_NEVER;
	stp_turn_again(turn);
}

void
stp_turn_again(struct turn *turn)
{
	turn->token = (uint8_t)(turn->token % STP_TOKEN_MAX + 1);
	turn->state = TURN_WRITE;
	turn->deadline = turn->now + turn->first_answer_ms;
}

void
stp_turn_end(struct turn *turn)
{
	turn->state = TURN_OVER;
	turn->deadline = TURN_NEVER;
}

bool
stp_turn_takes(struct turn *turn, uint8_t token)
{
	if (turn->state != TURN_ANSWER || token != turn->token)
		return false;
	turn->tries = 0;
	stp_turn_end(turn);
	return true;
}

bool
stp_turn_wait_for_person(struct turn *turn)
{
	if (turn->patience == TURN_NEVER)
		turn->patience = turn->now + TURN_PATIENCE_MS;
	if (turn->now >= turn->patience)
		return false;
	turn->state = TURN_PERSON;
	turn->deadline = turn->now + TURN_ASK_AGAIN_MS;
	return true;
}

enum turn_expiry
stp_turn_expire(struct turn *turn)
{
	if (turn->now < turn->deadline)
		return TURN_NOT_DUE;
	if (turn->state == TURN_PERSON)
		return TURN_DUE_AGAIN;
	/* What was not even written cannot have been carried out. */
	turn->unsure |= turn->state == TURN_ANSWER;
	return ++turn->tries < turn->retries ? TURN_UNANSWERED : TURN_GIVEN_UP;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>

#include <stipple/errand.h>

#include "request-turn.h"
#include "../base/struct-size.h"

struct stp_errand {
	struct stp_errand_config config;
	struct turn turn;
	struct stp_request request;
	uint8_t refusal;		/* of an ERASE that may have happened before */
	bool ended;
	bool announce_due;
	struct stp_errand_action announce;
	size_t held_at, settled_at;	/* where in the sets it is */
};

/* ---- what the steps share ---- */

static void
errand_ask(struct stp_errand *errand, enum stp_op op)
{
	errand->request.op = op;
	stp_turn_begin(&errand->turn);
}

static void
errand_end(struct stp_errand *errand, enum stp_errand_action_kind kind)
{
	stp_turn_end(&errand->turn);
	errand->ended = true;
	errand->announce.kind = kind;
	errand->announce_due = true;
}

static void
errand_fail(struct stp_errand *errand, enum stp_status reason, uint8_t wire_status, uint32_t record)
{
	errand->announce.u.failed.reason = reason;
	errand->announce.u.failed.op = errand->request.op;
	errand->announce.u.failed.wire_status = wire_status;
	errand->announce.u.failed.record = record;
	errand_end(errand, STP_ERRAND_FAILED);
}

static void
errand_ask_person(struct stp_errand *errand)
{
	bool told = errand->turn.told;

	/* So it has not happened, whatever was lost before. */
	errand->turn.unsure = false;
	if (!stp_turn_wait_for_person(&errand->turn)) {
		errand_fail(errand, STP_ERR_TIMEOUT, STP_WIRE_NOT_CONFIRMED, 0);
		return;
	}
	if (told)
		return;
	errand->turn.told = true;
	errand->announce.kind = STP_ERRAND_CONFIRM;
	errand->announce.u.confirm.within_ms = STP_CONFIRM_WITHIN_MS;
	errand->announce_due = true;
}

/* ---- slots ---- */

static void
ask_slot(struct stp_errand *errand, uint8_t index)
{
	errand->request.u.slots.index = index;
	errand_ask(errand, STP_OP_SLOTS);
}

static void
errand_on_slots(struct stp_errand *errand, const struct stp_answer *answer)
{
	uint8_t index = errand->request.u.slots.index;

	if (answer->status == STP_WIRE_SUCCESS) {
		errand->announce.kind = STP_ERRAND_SLOT;
		errand->announce.u.slot.index = index;
		memcpy(errand->announce.u.slot.name, answer->u.slots.name, STP_COLLECTOR_NAME_SIZE);
		errand->announce.u.slot.mark = answer->u.slots.mark;
		errand->announce.u.slot.epoch = answer->u.slots.epoch;
		errand->announce_due = true;
	} else if (answer->status == STP_WIRE_INVALID_OPERAND) {
		/* One behind the last; a pen without any would not know the operation. */
		errand_end(errand, STP_ERRAND_DONE);
		return;
	} else if (answer->status != STP_WIRE_NO_RECORDS) {
		errand_fail(errand, STP_ERR_REFUSED, answer->status, 0);
		return;
	}
	if (index == UINT8_MAX)
		errand_fail(errand, STP_ERR_MALFORMED, 0, 0);
	else
		ask_slot(errand, (uint8_t)(index + 1));
}

static void
errand_on_drop_slot(struct stp_errand *errand, const struct stp_answer *answer)
{
	/* No longer that collector's: it was done, and the answer that said so was lost. */
	bool gone = errand->turn.unsure && answer->status == STP_WIRE_NO_RECORDS;

	if (answer->status == STP_WIRE_SUCCESS || gone)
		errand_end(errand, STP_ERRAND_DONE);
	else if (answer->status == STP_WIRE_NOT_CONFIRMED)
		errand_ask_person(errand);
	else
		errand_fail(errand, STP_ERR_REFUSED, answer->status, 0);
}

/* ---- erasing ---- */

/* The end of the range that has the number; number - 1: none has it.  Numbers are asked for in order. */
static uint32_t
covered_to(const struct stp_ranges *set, size_t *at, uint32_t number)
{
	while (set && *at < set->count && set->items[*at].to < number)
		++*at;
	if (!set || *at == set->count || set->items[*at].from > number)
		return number - 1;
	return set->items[*at].to;
}

/* The first number from..to in neither set; 0: all are in one. */
static uint32_t
first_lacking(struct stp_errand *errand, uint32_t from, uint32_t to)
{
	for (uint64_t number = from ? from : 1; number <= to;) {
		uint32_t held = covered_to(errand->config.held, &errand->held_at, (uint32_t)number);
		uint32_t settled = covered_to(errand->config.settled, &errand->settled_at, (uint32_t)number);
		uint32_t end = held > settled ? held : settled;

		if (end < number)
			return (uint32_t)number;
		number = (uint64_t)end + 1;
	}
	return 0;
}

static void
errand_on_state_before(struct stp_errand *errand, const struct stp_answer *answer)
{
	const struct stp_errand_config *config = &errand->config;
	const struct stp_ranges *held = config->held;
	uint32_t lacking;

	if (answer->u.state.epoch != config->epoch) {
		errand_fail(errand, STP_ERR_REFUSED, STP_WIRE_WRONG_EPOCH, 0);
		return;
	}
	if (config->up_to > answer->u.state.newest) {
		errand_fail(errand, STP_ERR_ARGUMENT, 0, 0);
		return;
	}
	if (answer->u.state.oldest > config->up_to) {
		errand_end(errand, STP_ERRAND_DONE);
		return;
	}
	/* Numbers that went back stand for other records now: nothing here is evidence for erasing those. */
	if (held && held->count && held->items[held->count - 1].to > answer->u.state.newest)
		errand->config.held = NULL;
	lacking = first_lacking(errand, answer->u.state.oldest, config->up_to);
	if (lacking) {
		errand_fail(errand, STP_ERR_NOT_FOUND, 0, lacking);
		return;
	}
	errand->request.u.erase_prepare.epoch = config->epoch;
	errand->request.u.erase_prepare.up_to = config->up_to;
	errand_ask(errand, STP_OP_ERASE_PREPARE);
}

/* An ERASE was refused, after one whose answer was lost: did that one do it? */
static void
errand_on_state_after(struct stp_errand *errand, const struct stp_answer *answer)
{
	if (answer->u.state.epoch == errand->config.epoch && answer->u.state.oldest > errand->config.up_to) {
		errand_end(errand, STP_ERRAND_DONE);
		return;
	}
	errand->request.op = STP_OP_ERASE;
	errand_fail(errand, STP_ERR_REFUSED, errand->refusal, 0);
}

static void
errand_on_get_state(struct stp_errand *errand, const struct stp_answer *answer)
{
	if (answer->status != STP_WIRE_SUCCESS)
		errand_fail(errand, STP_ERR_REFUSED, answer->status, 0);
	else if (errand->refusal)
		errand_on_state_after(errand, answer);
	else
		errand_on_state_before(errand, answer);
}

static void
errand_on_hello(struct stp_errand *errand, const struct stp_answer *answer)
{
	if (answer->status == STP_WIRE_SUCCESS)
		errand_ask(errand, STP_OP_GET_STATE);
	else
		errand_fail(errand, STP_ERR_REFUSED, answer->status, 0);
}

static void
errand_on_erase_prepare(struct stp_errand *errand, const struct stp_answer *answer)
{
	if (answer->status != STP_WIRE_SUCCESS) {
		errand_fail(errand, STP_ERR_REFUSED, answer->status, 0);
		return;
	}
	errand->request.u.erase.epoch = errand->config.epoch;
	errand->request.u.erase.up_to = errand->config.up_to;
	errand->request.u.erase.nonce = answer->u.erase_prepare.nonce;
	errand_ask(errand, STP_OP_ERASE);
}

static void
errand_on_erase(struct stp_errand *errand, const struct stp_answer *answer)
{
	if (answer->status == STP_WIRE_SUCCESS) {
		errand_end(errand, STP_ERRAND_DONE);
	} else if (answer->status == STP_WIRE_NOT_CONFIRMED) {
		errand_ask_person(errand);
	} else if (errand->turn.unsure) {
		errand->refusal = answer->status;
		errand_ask(errand, STP_OP_GET_STATE);
	} else {
		errand_fail(errand, STP_ERR_REFUSED, answer->status, 0);
	}
}

/* ---- the public calls ---- */

struct stp_errand *
stp_errand_new_sized(const struct stp_errand_config *config, size_t config_size)
{
	struct stp_errand *errand = calloc(1, sizeof(*errand));

	if (!errand)
		return NULL;
	if (!struct_take(&errand->config, sizeof(errand->config), config, config_size)) {
		free(errand);
		return NULL;
	}
	stp_turn_init(&errand->turn, errand->config.first_answer_ms, errand->config.retries,
		      errand->config.last_token);
	return errand;
}

void
stp_errand_free(struct stp_errand *errand)
{
	free(errand);
}

void
stp_errand_start(struct stp_errand *errand, uint64_t now_ms)
{
	const struct stp_errand_config *config = &errand->config;

	stp_turn_set_now(&errand->turn, now_ms);
	if (errand->ended || errand->turn.state != TURN_OVER)
		return;
	switch (config->kind) {
	case STP_ERRAND_LIST_SLOTS:
		ask_slot(errand, 0);
		return;
	case STP_ERRAND_DROP_SLOT:
		errand->request.u.drop_slot.index = config->index;
		memcpy(errand->request.u.drop_slot.name, config->collector_id, STP_COLLECTOR_NAME_SIZE);
		errand_ask(errand, STP_OP_DROP_SLOT);
		return;
	case STP_ERRAND_ERASE_LOG:
		memcpy(errand->request.u.hello.collector_id, config->collector_id, STP_COLLECTOR_ID_SIZE);
		errand_ask(errand, STP_OP_HELLO);
		return;
	}
	errand_fail(errand, STP_ERR_ARGUMENT, 0, 0);
}

void
stp_errand_control(struct stp_errand *errand, const uint8_t *bytes, size_t size, uint64_t now_ms)
{
	struct stp_answer answer;

	stp_turn_set_now(&errand->turn, now_ms);
	if (stp_answer_decode(bytes, size, &answer) || answer.op != errand->request.op ||
	    !stp_turn_takes(&errand->turn, answer.token))
		return;
	switch ((int)answer.op) {
	case STP_OP_SLOTS:
		errand_on_slots(errand, &answer);
		break;
	case STP_OP_DROP_SLOT:
		errand_on_drop_slot(errand, &answer);
		break;
	case STP_OP_HELLO:
		errand_on_hello(errand, &answer);
		break;
	case STP_OP_GET_STATE:
		errand_on_get_state(errand, &answer);
		break;
	case STP_OP_ERASE_PREPARE:
		errand_on_erase_prepare(errand, &answer);
		break;
	case STP_OP_ERASE:
		errand_on_erase(errand, &answer);
		break;
	}
}

void
stp_errand_timeout(struct stp_errand *errand, uint64_t now_ms)
{
	stp_turn_set_now(&errand->turn, now_ms);
	switch (stp_turn_expire(&errand->turn)) {
	case TURN_NOT_DUE:
		break;
	case TURN_DUE_AGAIN:
	case TURN_UNANSWERED:
		stp_turn_again(&errand->turn);
		break;
	case TURN_GIVEN_UP:
		errand_fail(errand, STP_ERR_TIMEOUT, 0, 0);
		break;
	}
}

uint64_t
stp_errand_deadline(const struct stp_errand *errand)
{
	return errand->turn.deadline;
}

static void
errand_next(struct stp_errand *errand, struct stp_errand_action *action)
{
	if (errand->announce_due) {
		*action = errand->announce;
		errand->announce_due = false;
		return;
	}
	action->kind = STP_ERRAND_IDLE;
	if (errand->turn.state != TURN_WRITE)
		return;
	errand->request.token = errand->turn.token;
	errand->turn.state = TURN_ANSWER;
	action->kind = STP_ERRAND_WRITE;
	if (!stp_request_encode(&errand->request, action->u.write.bytes, &action->u.write.size))
		return;
	errand_fail(errand, STP_ERR_ARGUMENT, 0, 0);
	*action = errand->announce;
	errand->announce_due = false;
}

void
stp_errand_poll_sized(struct stp_errand *errand, struct stp_errand_action *action, size_t action_size)
{
	struct stp_errand_action next;

	memset(&next, 0, sizeof(next));
	errand_next(errand, &next);
	struct_give(action, action_size, &next, sizeof(next));
}

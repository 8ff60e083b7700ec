/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>

#include "host-internal.h"
#include "../base/struct-size.h"

#define NEVER UINT64_MAX

#define FIRST_ANSWER_MS 8000
#define SEGMENT_GAP_MS 3000
#define DRAIN_MS 300
#define RETRIES 3
#define ACK_RUN 1

/* ---- what the parts share ---- */

void
stp_host_note(struct stp_host *host, enum stp_note note, uint32_t record, uint32_t detail)
{
	/* A babbling pen must not fill a log: each kind once for an operation. */
	if (host->noted & 1u << note || host->notes_count == NOTES_MAX)
		return;
	host->noted |= (uint16_t)(1u << note);
	host->notes[(host->notes_first + host->notes_count) % NOTES_MAX] =
		(struct queued_note){ note, record, detail };
	host->notes_count++;
}

void
stp_host_send(struct stp_host *host, enum stage stage)
{
	/* A new token for each operation: what is left of the last one can be told from it. */
	host->request.token = (uint8_t)(host->request.token % STP_TOKEN_MAX + 1);
	host->stage = stage;
	host->write_due = true;
	host->answered = false;
	host->noted = 0;
	host->deadline = host->now + host->config.first_answer_ms;
}

void
stp_host_rest(struct stp_host *host, enum stage stage)
{
	host->stage = stage;
	host->write_due = false;
	host->deadline = NEVER;
}

void
stp_host_announce(struct stp_host *host, enum stp_host_action_kind kind)
{
	host->announce.kind = kind;
	host->announce_due = true;
}

void
stp_host_finish(struct stp_host *host)
{
	stp_host_rest(host, STAGE_ENDED);
	stp_host_announce(host, STP_HOST_DONE);
}

void
stp_host_fail(struct stp_host *host, enum stp_status reason, uint8_t wire_status)
{
	host->announce.u.failed.reason = reason;
	host->announce.u.failed.op = host->request.op;
	host->announce.u.failed.wire_status = wire_status;
	/* The pen refuses to go on, but it is there. */
	if (wire_status && host->unacked_count) {
		host->failing = true;
		host->failed = host->announce;
		stp_host_rest(host, STAGE_WALK);
		return;
	}
	stp_host_rest(host, STAGE_ENDED);
	stp_host_announce(host, STP_HOST_FAILED);
}

/* End in between: what is stored is acknowledged first. */
static void
close_early(struct stp_host *host)
{
	host->cancelled = true;
	host->announce_due = false;
	stp_host_rest(host, STAGE_WALK);
}

/* ---- silence ---- */

static void
repeat(struct stp_host *host)
{
	if (++host->tries >= host->config.retries)
		stp_host_fail(host, STP_ERR_TIMEOUT, 0);
	else
		stp_host_send(host, host->stage);
}

/* LIST and READ: the answer may have overtaken the last segments. */
static void
on_sent(struct stp_host *host)
{
	host->answered = true;
	if (!stp_host_is_drained(host)) {
		host->deadline = host->now + host->config.drain_ms;
		return;
	}
	if (host->stage == STAGE_LIST)
		stp_host_list_over(host);
	else
		stp_host_read_over(host);
}

/* What an answer and what silence mean, stage by stage.  op 0: no answer is awaited. */
static const struct {
	enum stp_op op;
	void (*answered)(struct stp_host *host);
	void (*expired)(struct stp_host *host);
} stages[STAGE_COUNT] = {
	[STAGE_HELLO] = { STP_OP_HELLO, stp_host_on_hello, repeat },
	[STAGE_STATE] = { STP_OP_GET_STATE, stp_host_on_state, repeat },
	[STAGE_TIME] = { 0, NULL, stp_host_ask_wishes },
	[STAGE_HASH] = { STP_OP_HASH, stp_host_on_hash, stp_host_hash_unanswered },
	[STAGE_LIST] = { STP_OP_LIST, on_sent, stp_host_list_over },
	[STAGE_READ] = { STP_OP_READ, on_sent, stp_host_read_over },
	[STAGE_ACK] = { STP_OP_ACK, stp_host_on_ack, stp_host_ack_unanswered },
	[STAGE_DROP] = { STP_OP_DROP_SLOT, stp_host_on_drop, stp_host_drop_unanswered },
	[STAGE_ABORT] = { STP_OP_ABORT, stp_host_finish, stp_host_finish },
};

/* ---- the public calls ---- */

static uint32_t
or_default(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

struct stp_host *
stp_host_new_sized(const struct stp_host_config *config, size_t config_size)
{
	struct stp_host *host = calloc(1, sizeof(*host));
	struct stp_host_config *own;

	if (!host)
		return NULL;
	own = &host->config;
	if (!struct_take(own, sizeof(*own), config, config_size)) {
		stp_host_free(host);
		return NULL;
	}
	own->first_answer_ms = or_default(own->first_answer_ms, FIRST_ANSWER_MS);
	own->segment_gap_ms = or_default(own->segment_gap_ms, SEGMENT_GAP_MS);
	own->drain_ms = or_default(own->drain_ms, DRAIN_MS);
	own->retries = (uint8_t)or_default(own->retries, RETRIES);
	own->ack_run = or_default(own->ack_run, ACK_RUN);
	host->request.token = own->last_token;
	own->window = (uint8_t)or_default(own->window, STP_WINDOW_DEFAULT);
	host->deadline = NEVER;
	return host;
}

void
stp_host_free(struct stp_host *host)
{
	if (!host)
		return;
	stp_transfer_free(&host->transfer);
	free(host);
}

void
stp_host_set_now(struct stp_host *host, uint64_t now_ms)
{
	if (now_ms > host->now)
		host->now = now_ms;
}

void
stp_host_start_sized(struct stp_host *host, uint16_t att_mtu, const struct stp_features *given, size_t given_size,
		     uint64_t now_ms)
{
	struct stp_features features = { 0 };
	uint32_t payload;

	if (host->stage != STAGE_NEW)
		return;
	stp_host_set_now(host, now_ms);
	if (att_mtu < STP_ATT_MTU_MIN)
		att_mtu = STP_ATT_MTU_MIN;

	/* A newer program's knowledge of the pen is no wish: what we do not know of is left alone. */
	if (given)
		(void)struct_take(&features, sizeof(features), given, given_size);
	host->can_hash = (features.features & STP_FEATURE_HASH) != 0;
	host->window = host->config.window > STP_WINDOW_MAX ? STP_WINDOW_MAX : host->config.window;
	if (features.max_window && host->window > features.max_window)
		host->window = features.max_window;

	/* About two windows of entries: a LIST that fails costs little to repeat. */
	payload = att_mtu - 3u - STP_SEGMENT_HEADER_SIZE;
	host->page_most = 2 * host->window * payload / STP_ENTRY_SIZE;
	host->segment_entries = payload / STP_ENTRY_SIZE;
	if (host->page_most < 1)
		host->page_most = 1;
	if (host->page_most > PAGE_MAX)
		host->page_most = PAGE_MAX;
	host->page = host->page_most;
	stp_host_send_hello(host);
}

void
stp_host_control(struct stp_host *host, const uint8_t *bytes, size_t size, uint64_t now_ms)
{
	struct stp_answer answer;
	enum stp_status status;

	stp_host_set_now(host, now_ms);
	if (host->stage == STAGE_NEW || host->stage == STAGE_ENDED)
		return;
	status = stp_answer_decode(bytes, size, &answer);
	if (status) {
		stp_host_note(host, STP_NOTE_ANSWER_MALFORMED, 0, (uint32_t)status);
		return;
	}
	if (answer.op != stages[host->stage].op || answer.token != host->request.token || host->answered ||
	    host->write_due) {
		stp_host_note(host, STP_NOTE_ANSWER_OUT_OF_TURN, 0, (uint32_t)answer.op << 8 | answer.token);
		return;
	}
	host->heard = true;
	host->answer = answer;
	stages[host->stage].answered(host);
}

static void
note_arrival(struct stp_host *host, enum arrival arrival, uint32_t offset)
{
	uint32_t record = host->stage == STAGE_READ ? host->reading.entry.record : 0;

	host->progress.segments++;
	if (arrival == ARRIVED_BEYOND || stp_transfer_overdrawn(&host->transfer))
		stp_host_note(host, STP_NOTE_SEGMENT_BEYOND, record, offset);
	if (arrival == ARRIVED_DIFFERING)
		stp_host_note(host, STP_NOTE_SEGMENT_CONFLICT, record, offset);
	if (arrival == ARRIVED_AGAIN || arrival == ARRIVED_DIFFERING)
		host->progress.segments_repeated++;
}

void
stp_host_data(struct stp_host *host, const uint8_t *bytes, size_t size, uint64_t now_ms)
{
	struct stp_segment segment;
	enum stp_status status;
	enum arrival arrival;
	uint32_t fresh;

	stp_host_set_now(host, now_ms);
	if (host->stage == STAGE_NEW || host->stage == STAGE_ENDED)
		return;
	status = stp_segment_decode(bytes, size, &segment);
	if (status) {
		stp_host_note(host, STP_NOTE_SEGMENT_MALFORMED, 0, (uint32_t)status);
		return;
	}
	if ((host->stage != STAGE_LIST && host->stage != STAGE_READ) || host->write_due ||
	    segment.token != host->request.token) {
		stp_host_note(host, STP_NOTE_SEGMENT_STALE, 0, segment.token);
		return;
	}

	host->heard = true;
	fresh = host->transfer.fresh;
	arrival = stp_transfer_accept(&host->transfer, &segment);
	fresh = host->transfer.fresh - fresh;
	note_arrival(host, arrival, segment.offset);
	/* Only what is new buys time: a pen that repeats itself for ever is not waited for. */
	if (!fresh)
		return;
	host->progress.bytes_received += fresh;
	host->deadline = host->now + (host->answered ? host->config.drain_ms : host->config.segment_gap_ms);
	if (host->answered)
		on_sent(host);
}

void
stp_host_stored(struct stp_host *host, bool durable, uint64_t now_ms)
{
	uint32_t record = host->reading.entry.record;
	bool acknowledge;

	stp_host_set_now(host, now_ms);
	if (host->stage != STAGE_STORE || host->announce_due)
		return;
	acknowledge = durable && host->announce.u.record.integrity == STP_OK && host->state.slot != HOST_NO_SLOT;
	host->progress.record = 0;
	host->progress.records_done++;
	host->reading.entry.record = 0;
	if (acknowledge) {
		stp_host_remember(host, record);
	} else {
		stp_host_rest(host, STAGE_WALK);
	}
}

void
stp_host_cancel(struct stp_host *host, uint64_t now_ms)
{
	stp_host_set_now(host, now_ms);
	host->cancelled = true;
	switch (host->stage) {
	case STAGE_LIST:
	case STAGE_READ:
		/* An ACK ends what is under way as well as ABORT does, and the caller may not wait for a second answer. */
		if (host->write_due || host->unacked_count) {
			close_early(host);
			break;
		}
		host->request.op = STP_OP_ABORT;
		stp_host_send(host, STAGE_ABORT);
		break;
	case STAGE_NEW:
	case STAGE_HELLO:
	case STAGE_STATE:
	case STAGE_TIME:
	case STAGE_WANT:
	case STAGE_DROP:
		stp_host_finish(host);
		break;
	case STAGE_BEGIN:
	case STAGE_HASH:
		close_early(host);
		break;
	case STAGE_WALK:
	case STAGE_STORE:
	case STAGE_ACK:
		/* The record in hand is stored and acknowledged first; the walk then ends. */
	case STAGE_ABORT:
	case STAGE_ENDED:
	case STAGE_COUNT:
		break;
	}
}

void
stp_host_timeout(struct stp_host *host, uint64_t now_ms)
{
	stp_host_set_now(host, now_ms);
	if (host->now < host->deadline || !stages[host->stage].expired)
		return;
	stages[host->stage].expired(host);
}

static void
take_note(struct stp_host *host, struct stp_host_action *action)
{
	const struct queued_note *note = &host->notes[host->notes_first];

	action->kind = STP_HOST_NOTE;
	action->u.note.note = note->note;
	action->u.note.record = note->record;
	action->u.note.detail = note->detail;
	host->notes_first = (uint8_t)((host->notes_first + 1) % NOTES_MAX);
	host->notes_count--;
}

static bool
take_credit(struct stp_host *host, struct stp_host_action *action)
{
	struct stp_request credit = { .op = STP_OP_CREDIT, .token = host->request.token };

	if ((host->stage != STAGE_LIST && host->stage != STAGE_READ) || host->answered)
		return false;
	credit.u.credit.segments = stp_transfer_credit(&host->transfer);
	if (!credit.u.credit.segments)
		return false;
	action->kind = STP_HOST_WRITE_COMMAND;
	return stp_request_encode(&credit, action->u.write.bytes, &action->u.write.size) == STP_OK;
}

static void
poll_next(struct stp_host *host, struct stp_host_action *action)
{
	if (host->notes_count) {
		take_note(host, action);
		return;
	}
	if (host->stage == STAGE_BEGIN && !host->announce_due)
		stp_host_read_record(host);
	if (host->stage == STAGE_WALK && stp_host_walk(host, action))
		return;
	if (host->notes_count) {
		take_note(host, action);
		return;
	}
	if (host->announce_due) {
		*action = host->announce;
		host->announce_due = false;
		return;
	}
	if (host->write_due) {
		host->write_due = false;
		action->kind = STP_HOST_WRITE;
		if (!stp_request_encode(&host->request, action->u.write.bytes, &action->u.write.size))
			return;
		stp_host_fail(host, STP_ERR_ARGUMENT, 0);
		poll_next(host, action);
		return;
	}
	if (take_credit(host, action))
		return;
	action->kind = STP_HOST_IDLE;
}

void
stp_host_poll_sized(struct stp_host *host, struct stp_host_action *action, size_t action_size)
{
	struct stp_host_action next;

	memset(&next, 0, sizeof(next));
	poll_next(host, &next);
	struct_give(action, action_size, &next, sizeof(next));
}

uint64_t
stp_host_deadline(const struct stp_host *host)
{
	return host->deadline;
}

const uint8_t *
stp_host_arrived(const struct stp_host *host, struct stp_entry *entry, uint32_t *epoch, size_t *size)
{
	if (!host->reading.entry.record || !host->transfer.prefix)
		return NULL;
	*entry = host->reading.entry;
	*epoch = host->state.epoch;
	*size = host->transfer.prefix;
	return host->transfer.bytes;
}

void
stp_host_get_progress_sized(const struct stp_host *host, struct stp_host_progress *out, size_t out_size)
{
	struct stp_host_progress progress = host->progress;

	progress.record_received = progress.record ? host->transfer.kept : 0;
	struct_give(out, out_size, &progress, sizeof(progress));
}

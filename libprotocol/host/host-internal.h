/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef HOST_INTERNAL_H
#define HOST_INTERNAL_H

/* What the parts of the host engine share. */

#include <stipple/host.h>
#include <stipple/segment.h>

/* ---- reassembly (host-transfer.c) ---- */

/* Bytes on their way, and which of them have come; an operation asks for one range of them. */
struct transfer {
	uint8_t *bytes;		/* capacity of them, or NULL */
	uint8_t *map;		/* one bit for each of bytes, behind them */
	uint32_t capacity;
	uint32_t size;		/* of what is on its way */
	uint32_t kept;		/* bits set */
	uint32_t prefix;	/* bits set before the first that is not */

	/* the operation under way */
	uint32_t base, length;	/* the range asked for; for LIST the most that can come */
	uint32_t fresh;		/* bytes it brought that were not there */
	uint32_t end;		/* behind the farthest payload, from base */
	uint32_t payload;	/* the largest so far */
	uint32_t seen, granted;	/* segments the pen has sent, lost ones included; allowed to send */
	uint8_t counter;	/* of the farthest segment */
	uint8_t window;
};

enum arrival {
	ARRIVED,
	ARRIVED_AGAIN,		/* every byte was there already */
	ARRIVED_DIFFERING,	/* bytes that were there already had another value; the first ones stay */
	ARRIVED_BEYOND,		/* past the range; dropped */
};

/*
 * Forget everything, and have room for size bytes.  Room is taken when it is first needed: most
 * records are a tenth of the largest.  False: there is no memory; what there was is kept.
 */
bool stp_transfer_reserve(struct transfer *transfer, uint32_t size);
void stp_transfer_free(struct transfer *transfer);
/* Forget everything that came. */
void stp_transfer_clear(struct transfer *transfer, uint32_t size);
void stp_transfer_forget(struct transfer *transfer, uint32_t from, uint32_t size);
/* Bytes 0..size-1 came by another way. */
void stp_transfer_put(struct transfer *transfer, const uint8_t *bytes, uint32_t size);
/* Begin an operation. */
void stp_transfer_ask(struct transfer *transfer, uint32_t base, uint32_t length, uint8_t window);
enum arrival stp_transfer_accept(struct transfer *transfer, const struct stp_segment *segment);
bool stp_transfer_overdrawn(const struct transfer *transfer);
/* Segments to grant now; 0: none.  They count as granted. */
uint8_t stp_transfer_credit(struct transfer *transfer);
bool stp_transfer_has(const struct transfer *transfer, uint32_t from, uint32_t size);
/* The first hole below size; false: there is none. */
bool stp_transfer_hole(const struct transfer *transfer, uint32_t size, uint32_t *from, uint32_t *length);

/* ---- the dialogue ---- */

enum stage {
	STAGE_NEW,	/* not started */
	STAGE_HELLO,	/* waiting for the answer, as all that have an operation */
	STAGE_STATE,
	STAGE_TIME,	/* waiting for the caller */
	STAGE_WANT,	/* waiting for the caller */
	STAGE_WALK,	/* between operations: poll decides what is next */
	STAGE_LIST,
	STAGE_BEGIN,	/* the caller may resume; the next poll goes on */
	STAGE_HASH,
	STAGE_READ,
	STAGE_STORE,	/* waiting for the caller */
	STAGE_ACK,
	STAGE_DROP,	/* of the own slot, which believes too much */
	STAGE_ABORT,
	STAGE_ENDED,
	STAGE_COUNT,
};

#define NOTES_MAX 16
#define PAGE_MAX 256u
/* A slot keeps a mark and eight ranges; more would be told in vain. */
#define HELD_MAX 9

struct queued_note {
	enum stp_note note;
	uint32_t record, detail;
};

/* The record being read. */
struct reading {
	struct stp_entry entry;		/* record 0: there is none */
	uint32_t whole_crc;		/* over the whole record, as a READ of all of it was answered */
	uint8_t tries;			/* READs that brought nothing, or nothing good */
	bool asked;			/* a READ was sent */
	bool has_whole_crc;
	bool unproven;			/* some bytes came by a READ whose checksum could not be checked */
	bool doubted;			/* read a second time, as the record's own checksum failed */
	bool damaged;			/* the pen says so itself */
	enum stp_status reason;		/* of the last failure */
	uint8_t wire_status;
};

struct stp_host {
	struct stp_host_config config;
	enum stage stage;
	uint64_t now, deadline;

	/* what poll yields next */
	struct queued_note notes[NOTES_MAX];
	uint8_t notes_first, notes_count;
	bool announce_due;
	struct stp_host_action announce;
	bool write_due;

	/* the operation under way */
	struct stp_request request;
	struct stp_answer answer;
	bool answered;			/* LIST, READ: the answer is here, waiting for segments it overtook */
	bool cancelled;
	bool heard;			/* the pen gave any sign since this record or page was begun */
	uint16_t noted;			/* notes made for this operation, one bit each */
	uint8_t tries;
	uint8_t window;
	uint8_t epochs;			/* how often the epoch changed under us */

	struct stp_host_state state;

	/* what is wanted */
	const struct stp_range *wanted;	/* the caller's, ascending */
	size_t wanted_count;
	const struct stp_range *held;	/* to be acknowledged first; the caller's, ascending */
	size_t held_count, held_next;
	uint8_t held_told;
	struct stp_range stored[HELD_MAX];	/* what this dialogue stored, for a slot that starts over */
	size_t stored_count;
	struct stp_range retold[HELD_MAX];	/* of that, what is to be acknowledged once more */
	size_t retold_count;
	struct stp_range unacked[HELD_MAX];	/* of that, what no ACK was sent for yet */
	size_t unacked_count;
	uint32_t unacked_records;	/* how many they are, at least */
	uint64_t unacked_since;
	bool failing;			/* failed has to be announced when they are told */
	struct stp_host_action failed;
	uint32_t ahead;			/* a record that the slot should not have; 0: none */
	bool renewed;			/* the slot was dropped, which is done once */
	bool went_back;			/* records are held above the state's newest: nothing is taken for held */
	bool can_hash;
	uint32_t mark;			/* up to it the pen knows */
	uint64_t cursor;		/* numbers below were dealt with */
	uint32_t top;			/* the newest one wanted, read first */
	bool top_done;
	bool top_due;			/* the page has it and all others, and it is not dealt with yet */

	/* the page of LIST being worked off */
	bool page_ready;
	uint32_t segment_entries;	/* that one segment takes */
	uint32_t page, page_most;	/* numbers to ask for at once; the most this MTU is good for */
	uint32_t page_from, page_to;
	uint64_t walk;			/* the next number of it to deal with */
	uint32_t entries_count, entries_told, entries_done;
	uint32_t page_oldest;		/* numbers below are gone, says its answer */
	enum stp_status page_reason;	/* why numbers without an entry are given up */
	uint8_t page_wire_status;
	struct stp_entry entries[PAGE_MAX];

	struct reading reading;
	struct transfer transfer;
	struct stp_host_progress progress;
};

#define HOST_NO_SLOT 0xFF

/* host.c */
void stp_host_note(struct stp_host *host, enum stp_note note, uint32_t record, uint32_t detail);
/* Send host->request in a stage that waits for its answer. */
void stp_host_send(struct stp_host *host, enum stage stage);
/* Wait in a stage without a deadline. */
void stp_host_rest(struct stp_host *host, enum stage stage);
void stp_host_set_now(struct stp_host *host, uint64_t now_ms);
void stp_host_announce(struct stp_host *host, enum stp_host_action_kind kind);
void stp_host_finish(struct stp_host *host);
void stp_host_fail(struct stp_host *host, enum stp_status reason, uint8_t wire_status);

/* host-opening.c */
void stp_host_send_hello(struct stp_host *host);
void stp_host_on_hello(struct stp_host *host);
void stp_host_on_state(struct stp_host *host);
/* The time was read, or cannot be. */
void stp_host_ask_wishes(struct stp_host *host);
/* The pen's epoch is not what it was: ask for the state again, and the caller for its wishes. */
void stp_host_restate(struct stp_host *host);
void stp_host_on_ack(struct stp_host *host);
void stp_host_ack_unanswered(struct stp_host *host);
/* Tell the pen of the next range that it should know; false: there is none. */
bool stp_host_tell_held(struct stp_host *host);
/* The record is durable: it is acknowledged soon, and a slot that starts over is told of it again. */
void stp_host_remember(struct stp_host *host, uint32_t record);
/* Acknowledge what has waited long enough, or all before something ends; false: nothing to do. */
bool stp_host_tell_stored(struct stp_host *host, bool all);
/* Drop the slot when it believes too much; false: nothing to do. */
bool stp_host_renew_slot(struct stp_host *host);
void stp_host_on_drop(struct stp_host *host);
void stp_host_drop_unanswered(struct stp_host *host);

/* host-list.c */
/* Start on what is wanted in the state's oldest..newest. */
void stp_host_begin_walk(struct stp_host *host);
/* Whether one of the ranges, which ascend, has the number. */
bool stp_host_is_among(const struct stp_range *ranges, size_t count, uint32_t number);
/* Deal with the next number; true: *action is to be carried out. */
bool stp_host_walk(struct stp_host *host, struct stp_host_action *action);
/* The LIST under way is over, answered or not. */
void stp_host_list_over(struct stp_host *host);

/* host-read.c */
void stp_host_begin_record(struct stp_host *host, const struct stp_entry *entry);
/* The caller had its say. */
void stp_host_read_record(struct stp_host *host);
void stp_host_on_hash(struct stp_host *host);
void stp_host_hash_unanswered(struct stp_host *host);
/* The READ under way is over, answered or not. */
void stp_host_read_over(struct stp_host *host);
/* Count a record as done and fill host->announce; announcing it is the caller's. */
void stp_host_give_up(struct stp_host *host, uint32_t record, enum stp_status reason, uint8_t wire_status);
/* Refusals that LIST and READ share; true: dealt with. */
bool stp_host_refused(struct stp_host *host);
/* Whether everything that the answer says was sent is here. */
bool stp_host_is_drained(const struct stp_host *host);
/* Whether it is as it was sent. */
bool stp_host_range_holds(const struct stp_host *host);

#endif

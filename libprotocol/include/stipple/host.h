/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_HOST_H
#define STIPPLE_HOST_H

/*
 * The host engine: the collector's side of the log dialogue, sans-IO.
 *
 * Bytes, answers and time go in; actions come out of stp_host_poll(), which the
 * caller carries out in order until it yields STP_HOST_IDLE.  The dialogue:
 *
 *   HELLO -> GET_STATE -> time -> [caller says what it wants] -> LIST and READ:
 *   newest record first, then from the oldest up -> for each record: [caller
 *   hands over what it kept of it] -> HASH -> READ -> [caller stores it durably] -> ACK ->
 *   ... -> DONE
 *
 * The engine sends an ACK only after stp_host_stored() or stp_host_held() said that
 * the record is durable; nothing else can make it do so.  Records that cannot be had do not
 * stop the others.  Nothing here erases anything in the pen: errand.h is for that.
 * The engine bounds silence, not slowness: a pen that sends a byte now and then is waited for as long as it
 * does, which for the longest record can be months.  Who serves other pens as well sets a limit and calls
 * stp_host_cancel(); what came is kept and resumed.
 * All times are milliseconds of any monotonic clock of the caller's.  An engine serves one
 * link; a new link takes a new engine.  Not thread-safe; separate engines are independent.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/control.h>
#include <stipple/elapsed-time.h>
#include <stipple/gatt.h>
#include <stipple/ranges.h>
#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero takes the default named beside it. */
struct stp_host_config {
	uint8_t collector_id[STP_COLLECTOR_ID_SIZE];
	uint8_t window;			/* 64; clamped to 128 and to the pen's max_window */
	uint32_t first_answer_ms;	/* 8000: 5.6 s was seen in the field */
	uint32_t segment_gap_ms;	/* 3000 */
	uint32_t drain_ms;		/* 300: an answer may overtake the last segments on the way */
	uint8_t retries;		/* 3 READs of a record, then it is given up for this dialogue */
	uint8_t last_token;		/* byte 1 of the last request on this link, by whichever engine; 0: none */
	/*
	 * Stored records that may wait for an ACK together while others are read: 1, each has its own at once.  They
	 * wait for 2 s at most, but for the READ under way, and DONE comes after their ACK.
	 */
	uint32_t ack_run;
};

/* What the caller has to do. */
enum stp_host_action_kind {
	STP_HOST_IDLE,		/* nothing to do before new input or stp_host_deadline() */
	STP_HOST_WRITE,		/* write u.write to Log Control Point, with response */
	STP_HOST_WRITE_COMMAND,	/* write u.write to Log Control Point, without response */
	STP_HOST_READ_TIME,	/* read Current Elapsed Time; answer with stp_host_time() */
	STP_HOST_STATE,		/* u.state is known; answer with stp_host_want() */
	STP_HOST_LISTED,	/* u.entry: the pen has this record; informational */
	/*
	 * u.begin is read next.  A caller that kept bytes of it from an earlier link or process
	 * hands them over with stp_host_resume() before it polls again, one that does not want it
	 * after all calls stp_host_skip(); any other just polls on.
	 */
	STP_HOST_BEGIN,
	STP_HOST_RECORD,	/* u.record is complete; store it, then stp_host_stored() */
	STP_HOST_GIVEN_UP,	/* u.given_up could not be had in this dialogue; it goes on */
	STP_HOST_NOTE,		/* u.note: the pen did something odd that was survived; for the log */
	STP_HOST_DONE,		/* everything wanted was read, stored, acknowledged or given up */
	/*
	 * u.failed: the dialogue cannot go on; close the link.  REFUSED with STP_WIRE_BUSY comes at
	 * the first such answer: the motor runs, come back later.  TIMEOUT: the pen gave no sign
	 * through all tries.  ARGUMENT: the caller broke a contract.  MEMORY: none was left for a list.
	 */
	STP_HOST_FAILED,
};

/* What was odd, and survived. */
enum stp_note {
	STP_NOTE_ANSWER_OUT_OF_TURN,	/* an answer nobody asked for, or with a stale token */
	STP_NOTE_ANSWER_MALFORMED,	/* an answer made no sense */
	STP_NOTE_SEGMENT_STALE,		/* a segment of another operation */
	STP_NOTE_SEGMENT_MALFORMED,	/* a segment made no sense */
	STP_NOTE_SEGMENT_BEYOND,	/* past the end of what was asked for, or beyond the credits */
	STP_NOTE_SEGMENT_CONFLICT,	/* a byte sent twice, differing */
	STP_NOTE_HOLE,			/* segments were lost; the hole is read again */
	STP_NOTE_RANGE_CRC,		/* bytes arrived, but not as sent; read again */
	STP_NOTE_ENTRY_MALFORMED,	/* a line of LIST made no sense and was left out */
	STP_NOTE_ACK_REFUSED,		/* the pen keeps the record as unacknowledged; harmless */
	STP_NOTE_SLOTS_FULL,		/* the pen has no collector slot left; reading goes on without ACK */
	/*
	 * The bytes that stp_host_resume() gave, detail of them, are not those of the pen's record.
	 * It is read from 0; keep the old bytes as evidence, as a record number is never used twice.
	 */
	STP_NOTE_PARTIAL_DIFFERS,
	/*
	 * The pen's slot has a record acknowledged that the caller wants and does not hold: its
	 * store is older than the slot (a backup was restored).  The slot is dropped, taken anew,
	 * and told what is held.
	 */
	STP_NOTE_SLOT_AHEAD,
	/*
	 * stp_host_held() named record, the highest, and the pen says that its newest is detail: numbers went
	 * back within the epoch, and another record may lie under each.  The pen breaks a MUST of WIRE.md (memory
	 * replaced or reset without a new epoch).  Nothing held is acknowledged in this dialogue; a slot that has
	 * more than this dialogue stored is dropped and taken anew, without STP_NOTE_SLOT_AHEAD.  Want all of
	 * oldest..newest, now and ever after in this epoch: equal bytes change nothing, others are kept as a conflict.
	 * What was read since, and is listed as it was then, can be left out with stp_host_skip().
	 */
	STP_NOTE_LOG_WENT_BACK,
};
/* A word for logs and JSON, e.g. "hole"; NULL when unknown. */
STP_API const char *stp_note_name(enum stp_note note);

/* What the pen says of its log, and the clocks. */
struct stp_host_state {
	uint32_t epoch, oldest, newest;	/* oldest > newest: the log is empty */
	uint32_t boot_id;
	uint8_t free_percent, flags;	/* enum stp_state_flag */
	uint8_t slot;			/* 0xFF: none */
	bool anchored;			/* anchor is valid */
	struct stp_time_anchor anchor;
};

/* The next thing to do; of the union the member that the kind names. */
struct stp_host_action {
	enum stp_host_action_kind kind;
	union {
		struct { uint8_t bytes[STP_CONTROL_SIZE_MAX]; size_t size; } write;
		struct stp_host_state state;
		struct stp_entry entry;
		struct { struct stp_entry entry; uint32_t epoch; } begin;
		struct {
			struct stp_entry entry;
			uint32_t epoch;
			const uint8_t *raw;	/* the engine's; valid until stp_host_stored() */
			size_t size;
			/*
			 * STP_OK: the checksum holds.  STP_ERR_CRC: the bytes are as the pen
			 * sent them, but the record's own checksum fails, or LIST named
			 * another one.  STP_ERR_IDENTITY: the record says that it has another
			 * number or epoch.  After either keep the bytes as evidence; they are never
			 * acknowledged.  The serial number is the caller's to compare, with
			 * stp_record_read_head(): the engine does not know whose link it serves.
			 */
			enum stp_status integrity;
		} record;
		struct {
			uint32_t epoch, record;
			/*
			 * TIMEOUT, CRC (never arrived as sent), REFUSED, NOT_FOUND (the pen does
			 * not list it: never written, or acknowledged by all and overwritten),
			 * MALFORMED (a line of the list made no sense), MEMORY (none for a record
			 * of that length).  REFUSED with STP_WIRE_OVERWRITTEN: it is older than
			 * all that the pen still has, and gone.
			 */
			enum stp_status reason;
			uint8_t wire_status;	/* when REFUSED */
		} given_up;
		struct { enum stp_note note; uint32_t record; uint32_t detail; } note;
		struct { enum stp_status reason; enum stp_op op; uint8_t wire_status; } failed;
	} u;
};

/*
 * Made by stp_host_new(): 12 KiB at first.  It grows with the longest record it meets, to
 * 1.2 MiB at most: the record, one bit for each of its bytes, and the rounding up of both.
 */
struct stp_host;

/* stp_host_new() for a config of that size; see stipple.h. */
STP_API struct stp_host *stp_host_new_sized(const struct stp_host_config *config, size_t config_size);

/* NULL when memory is short, or config asks for what this library does not know.  The config is copied. */
static inline struct stp_host *
stp_host_new(const struct stp_host_config *config)
{
	return stp_host_new_sized(config, sizeof(*config));
}

/* Allowed at any time, and for NULL. */
STP_API void stp_host_free(struct stp_host *host);

/* stp_host_start() for features of that size; see stipple.h. */
STP_API void stp_host_start_sized(struct stp_host *host, uint16_t att_mtu, const struct stp_features *features,
				  size_t features_size, uint64_t now_ms);

/*
 * The link is up, notifications and indications are on: begin.  features are the pen's, as read
 * on this link: of them the largest window counts, and whether there is HASH.  NULL: unknown.
 */
static inline void
stp_host_start(struct stp_host *host, uint16_t att_mtu, const struct stp_features *features, uint64_t now_ms)
{
	stp_host_start_sized(host, att_mtu, features, features ? sizeof(*features) : 0, now_ms);
}

/* An indication of Log Control Point. */
STP_API void stp_host_control(struct stp_host *host, const uint8_t *bytes, size_t size, uint64_t now_ms);
/* A notification of Log Data. */
STP_API void stp_host_data(struct stp_host *host, const uint8_t *bytes, size_t size, uint64_t now_ms);
/*
 * The answer to STP_HOST_READ_TIME: the value as read, the caller's UTC when the
 * answer came, and how long the read took.  bytes NULL: the read failed; the
 * dialogue goes on without an anchor.  It also does when no answer comes within first_answer_ms.
 */
STP_API void stp_host_time(struct stp_host *host, const uint8_t *bytes, size_t size,
			   int64_t utc_us, uint32_t round_trip_us, uint64_t now_ms);
/*
 * The answer to STP_HOST_STATE: the record numbers to fetch, in this epoch; parts
 * outside oldest..newest are ignored; all others are asked for, and those the pen does not list are each
 * GIVEN_UP.  A pen may lie, or have lost its count: who wants the whole of a span that no pen has room for is
 * kept busy for days.  Ascending and disjoint, as struct stp_ranges keeps them,
 * else the dialogue FAILs with ARGUMENT.  The array stays the caller's and must live
 * until DONE, FAILED or stp_host_free().
 */
STP_API void stp_host_want(struct stp_host *host, const struct stp_range *ranges, size_t count,
			   uint64_t now_ms);
/*
 * Optional, between STP_HOST_STATE and stp_host_want(): records of this epoch that are durable
 * and sound already, ascending.  Those that the pen does not know to be acknowledged are, before
 * anything is read: the ACK may have been lost with the link.  Name also those below oldest and above newest:
 * they are not told to the pen, but one above newest shows that its numbers went back: STP_NOTE_LOG_WENT_BACK,
 * and none of the ranges counts.  A caller that knows so from an earlier dialogue names UINT32_MAX.  What is
 * wanted, not named here, and acknowledged in the pen nevertheless shows that the store lost something: STP_NOTE_SLOT_AHEAD.
 * The array stays the caller's and must live as long as that of stp_host_want().
 */
STP_API void stp_host_held(struct stp_host *host, const struct stp_range *ranges, size_t count,
			   uint64_t now_ms);
/*
 * Optional, after STP_HOST_BEGIN and before the next poll: the first size bytes of this very record,
 * as they arrived earlier.  The caller kept them under (serial, epoch, number, length, crc32c) and
 * gives only those that all five fit.  The engine copies them.  When the pen can HASH, they are proven
 * before anything is read behind them; when it cannot, the record's own checksum decides, and the
 * whole record is read when that fails.
 */
STP_API void stp_host_resume(struct stp_host *host, const uint8_t *bytes, size_t size, uint64_t now_ms);
/*
 * Optional, in the place of stp_host_resume(): this record is not read in this dialogue; it counts as done.
 * durable: the caller has stored it for good and soundly already, by a READ under this very epoch, number,
 * length and crc32c, and it is acknowledged.
 */
STP_API void stp_host_skip(struct stp_host *host, bool durable, uint64_t now_ms);
/*
 * For a journal: what has arrived of the record under way without a gap from its first byte, what was
 * resumed included.  NULL, with the outputs untouched, when no record is under way, or none of it has come.
 * Valid until the next call of any other function.  May be called at any time, also after the link
 * was lost or the dialogue failed.  *size may be less than before: bytes turned out wrong, and what was
 * journalled behind *size is void.  Bytes may still turn out wrong as long as the record is not delivered.
 */
STP_API const uint8_t *stp_host_arrived(const struct stp_host *host, struct stp_entry *entry,
					uint32_t *epoch, size_t *size);
/* The answer to STP_HOST_RECORD.  durable: the record is stored for good and may be acknowledged. */
STP_API void stp_host_stored(struct stp_host *host, bool durable, uint64_t now_ms);
/* Stop after what is under way: ABORT, then DONE.  What arrived whole was delivered. */
STP_API void stp_host_cancel(struct stp_host *host, uint64_t now_ms);
/* stp_host_deadline() has come; harmless when it has not. */
STP_API void stp_host_timeout(struct stp_host *host, uint64_t now_ms);

/* stp_host_poll() for an action of that size; see stipple.h. */
STP_API void stp_host_poll_sized(struct stp_host *host, struct stp_host_action *action, size_t action_size);

/* The next thing to do. */
static inline void
stp_host_poll(struct stp_host *host, struct stp_host_action *action)
{
	stp_host_poll_sized(host, action, sizeof(*action));
}

/* When stp_host_timeout() is due; UINT64_MAX: never. */
STP_API uint64_t stp_host_deadline(const struct stp_host *host);

/* How far the dialogue is. */
struct stp_host_progress {
	uint64_t records_wanted, records_done;	/* done: delivered or given up */
	uint64_t bytes_received;		/* payload of Log Data, as kept; not what was resumed */
	uint32_t record, record_size, record_received;	/* the one under way; record 0: none */
	uint64_t segments, segments_repeated;
};

/* stp_host_get_progress() for a struct of that size; see stipple.h. */
STP_API void stp_host_get_progress_sized(const struct stp_host *host, struct stp_host_progress *progress,
					 size_t progress_size);

/* How far it is; allowed at any time. */
static inline void
stp_host_get_progress(const struct stp_host *host, struct stp_host_progress *progress)
{
	stp_host_get_progress_sized(host, progress, sizeof(*progress));
}

#ifdef __cplusplus
}
#endif

#endif

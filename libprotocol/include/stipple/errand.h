/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_ERRAND_H
#define STIPPLE_ERRAND_H

/*
 * Errands: what a person asks of a pen's log beside collecting it, over Log Control Point, sans-IO.
 *
 *   STP_ERRAND_LIST_SLOTS   who collects from this pen
 *   STP_ERRAND_DROP_SLOT    a collector that no longer exists
 *   STP_ERRAND_ERASE_LOG    erase the records up to a number
 *
 * Collecting never erases: an ACK says that a record is safe here, and only the caller's own,
 * explicit errand makes a pen erase what it holds.  Two of the three take a person who presses the
 * pen's button.
 *
 * Answers and time go in; actions come out of stp_errand_poll(), which the caller carries out in
 * order until it yields STP_ERRAND_IDLE.  One errand is one engine; it shares the link with a
 * collector's engine (host.h) as long as only one of them is between its start and its end.
 * Times are milliseconds of any monotonic clock.  Freeing it ends the errand at any time; what the
 * pen was asked for last may then happen or not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/control.h>
#include <stipple/ranges.h>
#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A pen keeps a preparation for so long, and so long a person is waited for. */
#define STP_CONFIRM_WITHIN_MS 60000

/* Which errand. */
enum stp_errand_kind {
	STP_ERRAND_LIST_SLOTS,	/* tell of each slot in use */
	STP_ERRAND_DROP_SLOT,	/* free one; the own one only starts over */
	STP_ERRAND_ERASE_LOG,	/* erase the records up to a number */
};

/* What to do.  Zero takes the default named beside it. */
struct stp_errand_config {
	enum stp_errand_kind kind;
	/* DROP_SLOT: whose slot goes; its name, the first four bytes, is enough.  ERASE_LOG: the caller's own, whose store holds the records. */
	uint8_t collector_id[STP_COLLECTOR_ID_SIZE];
	uint8_t index;			/* DROP_SLOT: as LIST_SLOTS told */
	uint8_t last_token;		/* byte 1 of the last request on this link, by whichever engine; 0: none */
	uint8_t retries;		/* 3 tries of a request that is not answered */
	uint32_t first_answer_ms;	/* 8000 */
	/*
	 * ERASE_LOG: records up to and including up_to, in this epoch.  Each number of the log up to it must
	 * be in one of the sets: held, durable and sound in the caller's store; or settled, known never to have
	 * been written, or damaged beyond repair.  Otherwise the errand fails before it asks for
	 * anything.  Give all that is held of the epoch: a number above the log's newest shows that its numbers
	 * went back (STP_NOTE_LOG_WENT_BACK), and nothing counts as held.
	 * The sets stay the caller's and must live until DONE, FAILED or stp_errand_free().
	 */
	uint32_t epoch, up_to;
	const struct stp_ranges *held, *settled;	/* NULL: an empty set */
};

/* What is to be done next. */
enum stp_errand_action_kind {
	STP_ERRAND_IDLE,	/* nothing to do before an answer or stp_errand_deadline() */
	STP_ERRAND_WRITE,	/* write u.write to Log Control Point, with response */
	/* Tell the person to press the pen's button within u.confirm.within_ms; told once. */
	STP_ERRAND_CONFIRM,
	STP_ERRAND_SLOT,	/* u.slot is in use */
	STP_ERRAND_DONE,	/* the errand was done */
	/*
	 * u.failed.  REFUSED: by the pen, wire_status says why.  NOT_FOUND: neither held nor settled
	 * is the number u.failed.record.  ARGUMENT: the log has no such numbers, or a field is out of range.
	 * TIMEOUT: no answer, or, with STP_WIRE_NOT_CONFIRMED, nobody pressed the button.  After a
	 * TIMEOUT at ERASE or DROP_SLOT without that status it may have happened nevertheless:
	 * GET_STATE or LIST_SLOTS tells.
	 */
	STP_ERRAND_FAILED,
};

/* The next thing to do; the union member is the one that its kind names. */
struct stp_errand_action {
	enum stp_errand_action_kind kind;
	union {
		struct { uint8_t bytes[STP_CONTROL_SIZE_MAX]; size_t size; } write;
		struct { uint32_t within_ms; } confirm;
		/* mark: all up to it are acknowledged, in that epoch, which may be an older one than the log's. */
		struct {
			uint8_t index, name[STP_COLLECTOR_NAME_SIZE];
			uint32_t mark, epoch;
		} slot;
		struct { enum stp_status reason; enum stp_op op; uint8_t wire_status; uint32_t record; } failed;
	} u;
};

/* One errand; the library's own. */
struct stp_errand;

/* stp_errand_new() for a config of that size; see stipple.h. */
STP_API struct stp_errand *stp_errand_new_sized(const struct stp_errand_config *config, size_t config_size);

/* NULL when memory is short, or config asks for what this library does not know.  The config is copied. */
static inline struct stp_errand *
stp_errand_new(const struct stp_errand_config *config)
{
	return stp_errand_new_sized(config, sizeof(*config));
}

/* Allowed at any time, and for NULL. */
STP_API void stp_errand_free(struct stp_errand *errand);
/* The link is up, and indications are on. */
STP_API void stp_errand_start(struct stp_errand *errand, uint64_t now_ms);
/* An indication of Log Control Point.  What the errand did not ask for is dropped. */
STP_API void stp_errand_control(struct stp_errand *errand, const uint8_t *bytes, size_t size, uint64_t now_ms);
/* Time went by.  Calls before the deadline do nothing. */
STP_API void stp_errand_timeout(struct stp_errand *errand, uint64_t now_ms);
/* When stp_errand_timeout() is due; UINT64_MAX: never. */
STP_API uint64_t stp_errand_deadline(const struct stp_errand *errand);

/* stp_errand_poll() for an action of that size; see stipple.h. */
STP_API void stp_errand_poll_sized(struct stp_errand *errand, struct stp_errand_action *action,
				   size_t action_size);

/* The next thing to do. */
static inline void
stp_errand_poll(struct stp_errand *errand, struct stp_errand_action *action)
{
	stp_errand_poll_sized(errand, action, sizeof(*action));
}

#ifdef __cplusplus
}
#endif

#endif

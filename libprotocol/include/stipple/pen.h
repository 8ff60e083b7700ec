/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_PEN_H
#define STIPPLE_PEN_H

/*
 * The pen engine: the pen's side of the log dialogue, sans-IO, without any
 * allocation.  The same code runs in firmware, in stipple-pensim and in the tests.
 *
 * The firmware gives it a log through struct stp_pen_log, feeds it what the host
 * writes, and sends what stp_pen_poll() yields.  Nothing is ever sent on Log Data
 * but as the answer to LIST or READ, and never beyond the host's credits.
 * READ and LIST change nothing in the pen; ACK changes only the collector's slot.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/control.h>
#include <stipple/gatt.h>
#include <stipple/ranges.h>
#include <stipple/segment.h>
#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STP_PEN_SLOTS 4
#define STP_PEN_SLOT_RANGES 8

/*
 * What one collector has acknowledged: everything up to and including mark, and up
 * to eight ranges above it.  When a ninth would be needed the highest is dropped: the
 * pen then holds a record as unacknowledged that the host has, which is harmless.
 */
struct stp_pen_slot {
	bool used;
	uint8_t collector_id[STP_COLLECTOR_ID_SIZE];
	uint32_t epoch;
	uint32_t mark;
	uint8_t range_count;
	struct stp_range ranges[STP_PEN_SLOT_RANGES];
};

/* What the firmware says of its log. */
struct stp_pen_log_state {
	uint32_t epoch, oldest, newest;	/* oldest > newest: the log is empty */
	uint8_t free_percent, flags;	/* enum stp_state_flag */
};

/*
 * The firmware's log.  Each callback gets the user pointer of the configuration.  state() is
 * called for every segment and must be cheap.
 */
struct stp_pen_log {
	void (*state)(void *user, struct stp_pen_log_state *out);
	/* STP_ERR_NOT_FOUND: there is no such record (any more). */
	enum stp_status (*entry)(void *user, uint32_t record, struct stp_entry *out);
	/* Exactly size bytes from offset; STP_ERR_IO when the flash fails. */
	enum stp_status (*read)(void *user, uint32_t record, uint32_t offset, uint8_t *out, size_t size);
	/* Keep a slot over power-off.  STP_OK only once it is kept; called before the ACK is answered. */
	enum stp_status (*save_slot)(void *user, unsigned index, const struct stp_pen_slot *slot);
};

/* How a pen begins.  log and user must live as long as the pen. */
struct stp_pen_config {
	const struct stp_pen_log *log;
	void *user;
	uint32_t boot_id;	/* 24 bits */
	uint8_t max_window;	/* 1..128; 0 takes 128 */
	const struct stp_pen_slot *slots;	/* STP_PEN_SLOTS as last saved, copied; NULL: all unused */
};

/* Where an output goes. */
enum stp_pen_output_kind {
	STP_PEN_IDLE,		/* nothing to send */
	STP_PEN_INDICATE,	/* send on Log Control Point */
	STP_PEN_NOTIFY,		/* send on Log Data */
};

/* One value to send. */
struct stp_pen_output {
	enum stp_pen_output_kind kind;
	const uint8_t *bytes;	/* the engine's; valid until the next call */
	size_t size;
};

/* All fields are the engine's own; the type is complete so that firmware can place it. */
struct stp_pen {
	struct stp_pen_config config;
	struct stp_pen_slot slots[STP_PEN_SLOTS];
	uint16_t att_mtu;
	bool connected;
	uint8_t slot;			/* of the connected collector, 0xFF: none yet */
	struct {
		enum stp_op op;		/* LIST, READ, or 0: none under way */
		uint8_t token, counter;
		uint8_t status;			/* of the answer, should it end well */
		uint8_t window, credits;	/* credits never exceed the window */
		uint8_t entry_left;		/* LIST: bytes of entry[] still to send */
		bool exhausted;			/* LIST: no entry follows the one in entry[] */
		uint32_t epoch;
		uint32_t next, last;		/* LIST: record numbers; READ: next is the record */
		uint32_t offset, end;		/* READ: of the record's bytes */
		uint32_t sent, crc;		/* on Log Data so far */
		uint8_t entry[STP_ENTRY_SIZE];
	} stream;
	uint8_t answer[STP_CONTROL_SIZE_MAX];
	size_t answer_size;		/* 0: no answer is waiting */
	uint8_t value[STP_ATT_VALUE_MAX];
};

/*
 * Once at power-up, before anything else.  STP_ERR_ARGUMENT: no log, or a callback is missing;
 * STP_ERR_RANGE: a boot id of more than 24 bits, or a window above 128.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_pen_init(struct stp_pen *pen, const struct stp_pen_config *config);

/* A host connected, and has the bond that the log asks for.  Whatever was under way is forgotten. */
STP_API void stp_pen_connected(struct stp_pen *pen, uint16_t att_mtu);
/* The MTU was exchanged after the connection came up. */
STP_API void stp_pen_set_mtu(struct stp_pen *pen, uint16_t att_mtu);
/* Ends whatever is under way; slots stay. */
STP_API void stp_pen_disconnected(struct stp_pen *pen);

/*
 * The host wrote Log Control Point.  Whatever it wrote is answered, but for a CREDIT; a request
 * other than CREDIT ends the LIST or READ under way, which then gets no answer of its own.
 */
STP_API void stp_pen_control(struct stp_pen *pen, const uint8_t *bytes, size_t size);

/*
 * The next value to send.  A value counts as sent once it was polled: poll only
 * when the radio can take one.
 */
STP_API void stp_pen_poll(struct stp_pen *pen, struct stp_pen_output *output);

/*
 * For the advertisement: bit n is set when slot n lacks records of the log, damaged ones aside.
 * Unused slots have no bit.  Calls entry() for numbers of the log that a slot lacks, at most 64 times a slot.
 */
STP_API uint8_t stp_pen_slots_with_news(const struct stp_pen *pen);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_PEN_H
#define STIPPLE_PEN_H

/*
 * The pen engine: the pen's side of the dialogue, sans-IO, without any allocation and without
 * recursion.  The same code runs in firmware, in stipple-pensim and in the tests.
 *
 * The firmware gives it a log through struct stp_pen_log, feeds it what the host writes and what
 * time it is, and sends what stp_pen_poll() yields.  Nothing is ever sent on Log Data but as the
 * answer to LIST or READ, and never beyond the host's credits.  READ, LIST and HASH change
 * nothing in the pen; ACK changes only the collector's slot.  No operation starts a motor or
 * changes a depth or a speed.
 *
 * Everything here is for one thread: call it from the loop that serves the radio.  No call blocks for
 * longer than one callback takes: what is long is done in pieces, one for each stp_pen_poll().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/control.h>
#include <stipple/gatt.h>
#include <stipple/live.h>
#include <stipple/pen-control.h>
#include <stipple/pen-event.h>
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

/*
 * What the firmware says of its log.  epoch and newest are kept over power-off by themselves, and not found again
 * by looking at what records are left: were a number used twice in an epoch, a collector that holds
 * the first record would take the second for it, and never fetch it.  A log that starts over takes a new random
 * epoch, not 0, and keeps it before the first old record goes.
 */
struct stp_pen_log_state {
	uint32_t epoch, oldest, newest;	/* oldest > newest: the log is empty */
	uint8_t free_percent, flags;	/* enum stp_state_flag */
};

/*
 * The firmware's log.  Each callback gets the user pointer of the configuration.  state() is
 * called for every segment and must be cheap.  Callbacks must not call the engine.
 */
struct stp_pen_log {
	/* oldest is the lowest record there is; with an empty log it is newest + 1. */
	void (*state)(void *user, struct stp_pen_log_state *out);
	/* STP_ERR_NOT_FOUND: there is no such record (any more).  ENTRY_ACKNOWLEDGED is the engine's. */
	enum stp_status (*entry)(void *user, uint32_t record, struct stp_entry *out);
	/* Exactly size bytes from offset; STP_ERR_IO when the flash fails. */
	enum stp_status (*read)(void *user, uint32_t record, uint32_t offset, uint8_t *out, size_t size);
	/*
	 * Keep a slot over power-off.  STP_OK only once it is kept; called before HELLO, ACK and
	 * DROP_SLOT are answered, when they change it.  A slot with used false is to be forgotten.
	 */
	enum stp_status (*save_slot)(void *user, unsigned index, const struct stp_pen_slot *slot);
	/*
	 * Optional (NULL: ERASE is not supported).  Drop all records up to and including up_to, damaged
	 * ones too.  STP_OK once the log's new beginning is kept over power-off: state() then says an
	 * oldest above up_to.  The flash below it may be erased later, a sector at a time, so that this
	 * call is short.  Numbers are not used again.
	 */
	enum stp_status (*erase)(void *user, uint32_t up_to);
};

/*
 * What the pen can do beside its log.  Each callback is optional: without it the operation is not
 * supported.  None of them may start the motor or change a depth or a speed.  Where one returns a status,
 * STP_ERR_RANGE is answered as "invalid operand", STP_ERR_UNKNOWN as "op not supported", STP_ERR_TURN as "busy",
 * STP_ERR_REFUSED as "battery low" and any other failure as "not completed".  They return at once and do what is long later.
 */
struct stp_pen_panel {
	/* Blink or beep for so many seconds, 1..30, so that a person sees which pen it is; 0 stops. */
	enum stp_status (*identify)(void *user, uint8_t seconds);
	/* Begin the self-test, the motor at rest; its end is event 20.  Called only when a person confirmed it. */
	enum stp_status (*self_test)(void *user);
	/*
	 * The zone the operator works on, for the samples from now on; 0: none.  What a host makes the pen write,
	 * here, in set_clock() and in reboot(), must cost no record that a collector lacks: WIRE.md, "What a bonded
	 * host can do".
	 */
	enum stp_status (*set_zone)(void *user, uint8_t zone);
	/* Eight opaque bytes for the session that runs or comes next; all 0 clears it.  Never a name. */
	enum stp_status (*session_tag)(void *user, const uint8_t tag[STP_SESSION_TAG_SIZE]);
	/* Live frames a second, 1..10, 0 off; *granted, at most hz, is set when STP_OK is returned. */
	enum stp_status (*live_rate)(void *user, uint8_t hz, uint8_t *granted);
	/* Restart, but only after the answer was sent.  Never called while the motor runs. */
	enum stp_status (*reboot)(void *user);
	/* Set the counters of Diagnostics to 0, those of the hardware's life aside. */
	enum stp_status (*reset_counters)(void *user);
	/*
	 * Keep the value of Configuration over power-off; STP_OK only once it is kept.  Return STP_ERR_RANGE when
	 * this pen does not take the setting that was changed.  Called before CONFIG_SET is answered.
	 */
	enum stp_status (*save_settings)(void *user, const uint8_t *value, size_t size, uint8_t changed_tag);
	/*
	 * Set the wall clock: milliseconds since 1970, and from which source (Bluetooth assigned numbers: 1
	 * network time, 2 satellites, ...).  The tick must not change.  Write event 17.
	 */
	enum stp_status (*set_clock)(void *user, int64_t utc_ms, uint8_t source);
};

/* How a pen begins.  log, panel, settings and user must live as long as the pen. */
struct stp_pen_config {
	const struct stp_pen_log *log;
	void *user;
	uint32_t boot_id;	/* 24 bits */
	uint8_t max_window;	/* 1..128; 0 takes 128 */
	/*
	 * STP_PEN_SLOTS as last saved, copied.  NULL: all unused, which is right only for a pen that never kept one:
	 * a pen that forgot who collects from it takes for spare what somebody lacks.
	 */
	const struct stp_pen_slot *slots;
	/*
	 * A number nobody can foresee, from the radio's or the chip's generator.  NULL: operations with a
	 * preparation (ERASE, the self-test) are not supported.
	 */
	uint32_t (*random)(void *user);
	/*
	 * While the motor runs: 0 refuses LIST, READ and HASH with "busy"; otherwise they go on, with at
	 * most so many segments a second by stp_pen_tick().
	 */
	uint8_t motor_segments_per_s;
	/* ERASE needs nobody at the button; say so in Features (STP_FEATURES_ERASE_UNCONFIRMED). */
	bool erase_unconfirmed;
	const struct stp_pen_panel *panel;	/* NULL: no Pen Control Point */
	/*
	 * The value of Configuration as last saved, in STP_CONFIG_SIZE_MAX bytes that stay the firmware's and are
	 * changed by CONFIG_SET; NULL: no Configuration.  When it has STP_CONFIG_LOG_WHILE_MOTOR or
	 * STP_CONFIG_CONFIRMATION, these count instead of the two fields above.
	 */
	uint8_t *settings;
	size_t settings_size;
};

/* Where things are sent, and what a host subscribes to. */
enum stp_pen_channel {
	STP_PEN_LOG_CONTROL,	/* indications */
	STP_PEN_LOG_DATA,	/* notifications */
	STP_PEN_LIVE,		/* notifications */
	STP_PEN_EVENT,		/* indications */
	STP_PEN_PANEL,		/* Pen Control Point: indications */
	STP_PEN_CARTRIDGE,	/* indications */
	STP_PEN_CONFIGURATION,	/* indications */
	STP_PEN_CHANNELS	/* how many there are */
};

/* What is to be done now. */
enum stp_pen_output_kind {
	STP_PEN_IDLE,		/* nothing to send */
	STP_PEN_INDICATE,	/* send as an indication, on output.channel */
	STP_PEN_NOTIFY,		/* send as a notification, on output.channel */
	STP_PEN_WORKING,	/* nothing to send yet, but something is being worked out: poll again soon */
};

/* One value to send. */
struct stp_pen_output {
	enum stp_pen_output_kind kind;
	const uint8_t *bytes;	/* the engine's; valid until the next call */
	size_t size;
	enum stp_pen_channel channel;	/* of INDICATE and NOTIFY */
};

/* What waits for a person at the pen's button. */
enum stp_pen_wish {
	STP_PEN_WISH_NONE,	/* nothing */
	STP_PEN_WISH_ERASE,	/* ERASE, once it is asked for with its nonce */
	STP_PEN_WISH_DROP_SLOT,	/* DROP_SLOT of another collector's slot, once it is asked for again */
	STP_PEN_WISH_SELF_TEST,	/* the self-test, once it is asked for with its nonce */
};

#define STP_PEN_EVENTS 8	/* event hints that wait; all that come within a second of a stalled link */
#define STP_PEN_WISH_MS 60000u	/* how long a preparation, its nonce and its confirmation are good */

/* All fields are the engine's own; the type is complete so that firmware can place it. */
struct stp_pen {
	struct stp_pen_config config;
	/* Of the tables as the program knows them: a callback added later may not be there. */
	uint16_t log_size, panel_size;
	struct stp_pen_slot slots[STP_PEN_SLOTS];
	uint16_t att_mtu;
	bool connected;
	bool held;			/* the radio still waits for an indication's confirmation */
	uint8_t subscribed;		/* bit n: enum stp_pen_channel */
	uint8_t slot;			/* of the connected collector, 0xFF: none yet */
	bool ticking;
	bool made_slot;			/* this connection took an unused slot, which it may once */
	uint8_t slots_unsure;		/* bit n: what is kept of slot n may differ from slots[n] */
	uint32_t now_ms;
	uint32_t pace;			/* thousandths of a segment that may be sent beside the motor */
	struct {
		enum stp_op op;		/* LIST, READ, HASH, ERASE_PREPARE, ERASE, or 0: none under way */
		uint8_t token, counter;
		uint8_t status;			/* of the answer, should it end well */
		uint8_t window, credits;	/* credits never exceed the window */
		bool last_sent;			/* the last segment was sent: the answer follows */
		uint8_t entry_left;		/* LIST: bytes of entry[] still to send */
		bool has_ahead, exhausted;	/* LIST: there is an entry in ahead[]; none follows it */
		uint32_t epoch;
		uint32_t next, last;		/* LIST, ERASE: record numbers; READ, HASH: next is the record */
		uint32_t offset, end;		/* READ, HASH: of the record's bytes; ERASE: offset is the nonce */
		uint32_t sent, crc;		/* on Log Data so far; HASH: crc alone */
		uint8_t entry[STP_ENTRY_SIZE], ahead[STP_ENTRY_SIZE];
	} stream;
	struct {
		uint8_t wish;		/* enum stp_pen_wish; one at a time */
		bool confirmed;
		uint8_t index;		/* DROP_SLOT */
		uint32_t nonce, epoch, up_to, left_ms;
	} wish;
	uint32_t spare_next;		/* below it no record is left that everybody acknowledged */
	uint8_t answer[STP_CONTROL_SIZE_MAX], refusal[3], panel_answer[STP_CONTROL_SIZE_MAX];
	uint8_t answer_size, refusal_size, panel_answer_size;	/* 0: none is waiting */
	uint8_t changed;		/* bit n: enum stp_pen_channel, to be indicated */
	uint8_t cartridge_state;
	uint8_t clock_rank;		/* how good the source was that set the clock */
	uint8_t live[STP_LIVE_SIZE], live_seq;
	bool live_waiting;
	uint8_t events[STP_PEN_EVENTS][STP_EVENT_HINT_SIZE];
	uint8_t event_first, event_count;
	uint8_t value[STP_ATT_VALUE_MAX];
	size_t later[4];
};

/* stp_pen_init() for structs of those sizes; see stipple.h. */
STP_API STP_MUST_CHECK enum stp_status
stp_pen_init_sized(struct stp_pen *pen, size_t pen_size, const struct stp_pen_config *config, size_t config_size,
		   size_t log_size, size_t panel_size);

/*
 * Once at power-up, before anything else.  STP_ERR_ARGUMENT: no log, or a callback of it that is not optional is
 * missing, or a table ends before the callbacks of the first release; STP_ERR_RANGE: a boot id of more than 24 bits,
 * or a window above 128; or what stp_config_check() says of settings that do not hold: a pen begins anew with
 * those of the factory.
 * The log's state() is asked when a slot is used.  A slot of its epoch with a number above newest shows that the
 * pen lost its newest number, and would take records yet to come for acknowledged: it starts over, and
 * save_slot() is called for it.  What can be done in the firmware then is a new epoch, before a record is written.
 * STP_ERR_SPACE: the pen is smaller than this library needs; compile the program anew.
 */
STP_MUST_CHECK static inline enum stp_status
stp_pen_init(struct stp_pen *pen, const struct stp_pen_config *config)
{
	return stp_pen_init_sized(pen, sizeof(*pen), config, sizeof(*config), sizeof(struct stp_pen_log),
				  sizeof(struct stp_pen_panel));
}

/* ---- the connection ---- */

/*
 * A host connected, and has the bond that the log asks for.  Whatever was under way is forgotten.  Of its
 * subscriptions only those to Log Control Point, Log Data and Pen Control Point are taken for granted: firmware
 * refuses requests without them (ATT error 0xFD, Client Characteristic Configuration improperly configured).
 */
STP_API void stp_pen_connected(struct stp_pen *pen, uint16_t att_mtu);
/* The MTU was exchanged after the connection came up. */
STP_API void stp_pen_set_mtu(struct stp_pen *pen, uint16_t att_mtu);
/* The host wrote a Client Characteristic Configuration, or it was restored with the bond. */
STP_API void stp_pen_subscribed(struct stp_pen *pen, enum stp_pen_channel channel, bool on);
/* Ends whatever is under way and forgets what was prepared or confirmed; slots stay. */
STP_API void stp_pen_disconnected(struct stp_pen *pen);

/* ---- what the host writes ---- */

/*
 * The host wrote Log Control Point.  Whatever it wrote is answered, but for a CREDIT; a request
 * other than CREDIT ends the LIST, READ, HASH or ERASE under way, which then gets no answer of its own.
 */
STP_API void stp_pen_control(struct stp_pen *pen, const uint8_t *bytes, size_t size);

/*
 * The host wrote Pen Control Point.  Whatever it wrote is answered.  Neither the answer nor the request has to
 * do with what is under way at the log.  The maker's own operations, STP_PANEL_MAKER_MIN and up, are the
 * firmware's: it looks at the first byte before it calls this.
 */
STP_API void stp_pen_panel(struct stp_pen *pen, const uint8_t *bytes, size_t size);

/*
 * The host wrote Current Elapsed Time.  Returns 0 when panel->set_clock() took it, else the ATT error to
 * answer the write with.  Only UTC is taken, and only from a source that is at least as good as the one
 * before since power-up: manual setting is better than an unknown source, and any other is better than both.
 */
STP_API uint8_t stp_pen_set_clock(struct stp_pen *pen, const uint8_t *bytes, size_t size);
/* What ATT answers a write with. */
#define STP_ATT_ERROR_NOT_PERMITTED 0x03u	/* the pen has no clock that could be set */
#define STP_ATT_ERROR_LENGTH 0x0Du
#define STP_ATT_ERROR_UNLIKELY 0x0Eu		/* the clock failed */
#define STP_ATT_ERROR_TIME_SOURCE 0x80u		/* Elapsed Time: the source's quality is too low */
#define STP_ATT_ERROR_TIME_FORMAT 0x81u		/* Elapsed Time: incorrect format; here: not UTC */
#define STP_ATT_ERROR_OUT_OF_RANGE 0xFFu	/* a time that cannot be */

/* ---- what the pen sends ---- */

/*
 * A frame for Live.  Only the newest that was not sent yet is kept; the engine counts in seq how many
 * were made.  STP_ERR_RANGE: a field outside its range.  Nothing is kept for a host that did not subscribe.
 */
STP_API STP_MUST_CHECK enum stp_status stp_pen_live(struct stp_pen *pen, const struct stp_live *frame);

/*
 * Something happened, for Event.  Eight wait, then the oldest is dropped: events are records, this is a hint.
 * STP_ERR_RANGE: a field outside its range.  Nothing is kept for a host that did not subscribe.
 */
STP_API STP_MUST_CHECK enum stp_status stp_pen_event(struct stp_pen *pen, const struct stp_event_hint *hint);

/* The cartridge changed: its state (the first byte of Cartridge) is indicated, and the host reads the rest. */
STP_API void stp_pen_cartridge_changed(struct stp_pen *pen, uint8_t state);

/*
 * The firmware changed config.settings itself, at the pen's own menu: it raised the revision, and kept it.
 * The revision is indicated, as it is after a CONFIG_SET.  Ignored without settings.
 */
STP_API void stp_pen_settings_changed(struct stp_pen *pen, size_t size);

/* stp_pen_poll() for an output of that size; see stipple.h. */
STP_API void stp_pen_poll_sized(struct stp_pen *pen, struct stp_pen_output *output, size_t output_size);

/*
 * The next value to send: answers and other indications first, then a live frame, then Log Data.  A value counts as
 * sent once it was polled: poll only when the radio can take one.  IDLE: nothing until the next call
 * of another function, stp_pen_tick() included.  WORKING: poll again, as soon as the firmware has nothing
 * more urgent to do; each such call does a piece (512 bytes hashed, or 64 records looked at).
 */
static inline void
stp_pen_poll(struct stp_pen *pen, struct stp_pen_output *output)
{
	stp_pen_poll_sized(pen, output, sizeof(*output));
}

/*
 * ATT allows one indication at a time.  Where the radio's stack does not queue them by itself, call this
 * with true when one was sent and with false once it was confirmed: meanwhile poll yields none, and
 * notifications go on.  Nothing is held after connecting.
 */
STP_API void stp_pen_hold_indications(struct stp_pen *pen, bool hold);

/* ---- time, and the person at the pen ---- */

/*
 * Tell the time: milliseconds of any monotonic clock, which may wrap.  To be called before the calls it
 * matters to, and at least once a second while a host is connected.  A pen that is never told
 * the time does not support what has to expire: ERASE, the self-test, DROP_SLOT of another's slot.
 */
STP_API void stp_pen_tick(struct stp_pen *pen, uint32_t now_ms);

/*
 * What a press of the button would confirm, for a light or a display.  It waits for at most 60 s, and
 * not beyond the connection.  Something else that is asked for takes its place.
 */
STP_API enum stp_pen_wish stp_pen_awaits(const struct stp_pen *pen);

/*
 * A person pressed the button, for what stp_pen_awaits() said and nothing else: a press from
 * before it was asked for confirms nothing.  Used up by one execution, whether that succeeds or not.
 * False: nothing is waiting, and the press may mean something else.
 */
STP_API bool stp_pen_confirm(struct stp_pen *pen);

/* ---- the log ---- */

/*
 * For the advertisement: bit n is set when slot n lacks records of the log, damaged ones aside.
 * Unused slots have no bit.  Calls entry() for numbers of the log that a slot lacks, at most 64 times a slot.
 */
STP_API uint8_t stp_pen_slots_with_news(const struct stp_pen *pen);

/* What a full log can overwrite. */
enum stp_pen_victim {
	STP_PEN_VICTIM_NONE,		/* the log is empty */
	STP_PEN_VICTIM_SPARE,		/* every collector has acknowledged the record */
	STP_PEN_VICTIM_OVERRUN,		/* none has; overwriting it is an overrun */
	STP_PEN_VICTIM_SEARCHING,	/* not known yet: ask again */
};

/*
 * The log is full and a treatment goes on: which record to overwrite.  The lowest that every used slot has
 * acknowledged; where there is none, the lowest of all: then set STP_STATE_OVERRUN and write event
 * 19.  *record is set with SPARE and OVERRUN.  Looks at no more than 64 records a call and then says
 * SEARCHING, which happens once after many numbers have gone missing: call again at once.  A pen
 * whose flash is a plain ring can overwrite its oldest record only; it asks all the same whether that is an overrun
 * (SPARE with a *record above the oldest: it is, for the oldest).
 */
STP_API enum stp_pen_victim stp_pen_overwrite_next(struct stp_pen *pen, uint32_t *record);

#ifdef __cplusplus
}
#endif

#endif

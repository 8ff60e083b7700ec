/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef WORLD_MODEL_H
#define WORLD_MODEL_H

/* What the parts of the simulated world share; world.h is its outside. */

#include <stipple/errand.h>
#include <stipple/host.h>
#include <stipple/pen.h>

#include "flash-log.h"
#include "host-disk.h"
#include "world.h"

#define HOSTS_MAX 4u
#define PENS_MAX 4u
#define LINKS_MAX PENS_MAX	/* a pen holds one link at a time */
#define TRUTHS_MAX 160u
#define AIR_MAX 400u
#define ABSENT_MAX 256u
#define TRACE_MAX 256u
#define RECORD_BYTES_MAX 30000u

#define NOBODY 0xFF
#define BABBLER 0xFE		/* a host that is no Stipple */

#define CHECK(world, condition) \
	do { \
		if (!(condition)) \
			world_breach(world, #condition, __FILE__, __LINE__); \
	} while (0)

/* ---- what really happened to a record (world-truth.c) ---- */

enum truth_state {
	TRUTH_WRITING,	/* power may have gone while it was written: it is there whole, or not at all */
	TRUTH_LIVE,
	TRUTH_ERASING,	/* power may have gone while it was removed */
	TRUTH_GONE,
};

struct truth {
	uint32_t epoch, number, length;
	uint64_t hash;		/* of the bytes the pen meant to write */
	uint64_t rotten;	/* of what its flash says since; equal to hash: it did not rot */
	enum truth_state state;
	bool misfiled;		/* the pen's index names another checksum than the record has */
	/* a bit for each host */
	uint8_t written;	/* on its disk, which may not be synced */
	uint8_t durable;	/* on its disk for good */
	uint8_t evidence;	/* of durable: with a checksum that fails, never to be acknowledged */
	uint8_t acknowledged;	/* some pen's slot said so */
	uint8_t owed;		/* was durable until an old backup was restored under the same id */
};

/* ---- the parts ---- */

/* Chances in 1/1000 of one link, or of everything beside the links. */
struct weather {
	unsigned drop, doubling, late, flip, control_drop, stall, disconnect, crash, disk_full, pen_event, foreign,
		cancel, skip;
};

enum way { TO_PEN, TO_HOST_CONTROL, TO_HOST_DATA, TO_PEN_CLOCK, TO_HOST_CLOCK, WAYS };

struct parcel {
	uint64_t at, order;
	enum way way;
	bool doubled;
	uint16_t size;
	uint8_t bytes[STP_ATT_VALUE_MAX];
};

struct air {
	uint16_t heap[AIR_MAX], spare[AIR_MAX];
	size_t count, spares;
	uint64_t last_at[WAYS];
	struct parcel parcels[AIR_MAX];
	/* the last READ with each token, whose double may be as late as the token's next use */
	uint8_t reads[STP_TOKEN_MAX + 1][STP_CONTROL_SIZE_MAX], read_size[STP_TOKEN_MAX + 1];
};

/* What may be sent, and what must be answered, from the bytes that went over the link alone. */
struct account {
	uint8_t op, token;		/* the last request the pen understood; op 0: none, or answered */
	uint8_t window;			/* of the LIST or READ under way; 0: none */
	uint32_t allowance;		/* segments it may still send */
	uint32_t waiting[STP_TOKEN_MAX + 1];	/* segments on their way to the host */
	bool refused;			/* a request that made no sense waits for its refusal */
	uint8_t refused_op, refused_token;	/* as that will have them */
	uint32_t sent, crc;		/* on Log Data for it */
	struct stp_request request;	/* the same, in full */
	/* ERASE_PREPARE, and what a person at the pen agreed to since */
	struct { bool valid, confirmed; uint32_t epoch, up_to, nonce; uint64_t at; } prepared;
	struct { bool asked, confirmed; uint8_t index; uint64_t at; } drop;
	bool pressed_early;		/* before that preparation's answer was out */
	uint32_t paced;			/* segments while the motor runs */
	uint8_t asked_op, asked_token;	/* the last request the host let out */
	uint8_t asked[STP_CONTROL_SIZE_MAX];	/* in full */
	bool confused;			/* an older READ as long came late, when its token was in use again */
	bool asked_drop;		/* it let out a DROP_SLOT */
};

struct link {
	bool up, over, failed;
	uint8_t host, pen;
	struct stp_host *engine;	/* one of these, or none: the host is a babbler */
	struct stp_errand *errand;
	bool holds;			/* the radio takes one indication at a time */
	bool chatters;			/* the host listens to Live and Event, too */
	uint64_t confirm_at;		/* when the indication under way is confirmed; UINT64_MAX: none is */
	uint64_t press_at;		/* when somebody presses the pen's button; UINT64_MAX: nobody */
	struct weather weather;
	struct account account;
	bool host_ready;		/* the engine may have something to do */
	bool pen_ready;
	uint64_t pen_ready_at;
	uint64_t began;
	uint32_t steps;
	uint32_t epoch;			/* of the log, as the host heard it */
	/* what the host had kept of a record, and what the pen said of it */
	uint32_t resumed_size, resumed_crc;
	uint32_t refuted;		/* the record whose HASH differed; 0: none */
	/* reading the pen's clock */
	uint32_t clock_asked;
	uint64_t clock_asked_at, clock_looked_at, clock_tick;
	/* a babbler's next word */
	uint64_t babble_at;
	unsigned babble_left;
	uint32_t nonce;			/* that it heard last */
	uint32_t erase_epoch, erase_up_to;	/* of the preparation it asked for last */
	struct stp_ranges kept, settled;	/* for an errand, in the two arrays */
	struct stp_range held[DISK_ENTRIES_MAX], wishes[DISK_ENTRIES_MAX];
	struct air air;
};

/* Bytes of a record that arrived before a link was lost. */
struct partial {
	struct stp_entry entry;
	uint32_t epoch, size;		/* size 0: there are none */
	uint8_t bytes[RECORD_BYTES_MAX];
};

struct sim_host {
	uint8_t id[STP_COLLECTOR_ID_SIZE];
	int64_t clock_offset_us;
	struct host_disk disk;
	size_t backup;			/* entries on the disk when it was backed up */
	size_t absent_count;
	struct disk_entry absent[ABSENT_MAX];	/* numbers that a pen said were never written */
	struct partial partials[PENS_MAX];	/* of each pen; nothing is built on them but HASH */
};

/* On this link: what was read wrong and then rots could be told from neither. */
enum misreads { MISREADS_NONE, MISREADS_ONCE, MISREADS_DONE };

struct sim_pen {
	struct world *world;
	uint8_t index;
	bool powered;
	uint8_t link;			/* NOBODY: none */
	struct stp_pen engine;
	struct flash_log log;
	uint8_t max_window;
	uint8_t motor_rate;		/* segments a second while the motor runs; 0: none */
	uint64_t motor_since;
	bool motor_on, save_fails, foreign, erases_unconfirmed, can_hash;
	enum misreads misreads;
	/* The slots as kept last, and as they were about to be when the power went. */
	struct stp_pen_slot kept[STP_PEN_SLOTS], tried[STP_PEN_SLOTS];
	bool slot_full;			/* a slot was: it may know less than it was told */
	uint64_t powered_at;
	int64_t tick_offset;
	size_t count;
	struct truth truths[TRUTHS_MAX];
};

struct trace_step {
	uint32_t at;
	uint16_t what;
	uint8_t host, pen;
	uint32_t a, b, c;
};

struct world {
	uint64_t seed;
	struct chance chance;
	enum world_mood mood;
	bool calm;			/* nothing goes wrong any more */
	bool loud;
	uint64_t now, order, steps, dialogues, records;
	unsigned host_count, pen_count;
	bool babbler, errands;
	uint8_t babbler_id[STP_COLLECTOR_ID_SIZE];
	struct weather weather;		/* beside the links */
	uint64_t trace_hash;
	size_t trace_count;
	struct trace_step trace[TRACE_MAX];
	struct sim_host hosts[HOSTS_MAX];
	struct sim_pen pens[PENS_MAX];
	struct link links[LINKS_MAX];
	uint8_t raw[RECORD_BYTES_MAX];
};

/* ---- the trace (world-trace.c) ---- */

enum happening {
	SAW_RUN, SAW_CONNECT, SAW_DISCONNECT, SAW_REQUEST, SAW_ANSWER, SAW_SEGMENT, SAW_LOST, SAW_STORE, SAW_SYNC,
	SAW_CRASH, SAW_BACKUP, SAW_RESTORE, SAW_WRITE, SAW_REMOVE, SAW_POWER, SAW_DEAD, SAW_RESET, SAW_MOTOR,
	SAW_ROT, SAW_SAVE, SAW_JOURNAL, SAW_RESUME, SAW_ERASE, SAW_PRESS, SAW_CANCEL, SAW_ERRAND, SAW_LISTED, SAW_CLOCK, SAW_GIVEN_UP, SAW_NOTE, SAW_OVER, SAW_TIMEOUT, SAW_WISH, SAW_WEATHER,
	HAPPENINGS
};

void trace(struct world *world, enum happening what, uint8_t host, uint8_t pen, uint32_t a, uint32_t b, uint32_t c);
/* Something happened that must not. */
_Noreturn void world_breach(const struct world *world, const char *what, const char *file, int line);

/* ---- truth (world-truth.c) ---- */

uint64_t truth_hash(const uint8_t *bytes, size_t size);
struct truth *truth_find(struct sim_pen *pen, uint32_t epoch, uint32_t number);
/* After power-up: what was under way when it went is done, or not. */
void truth_settle(struct world *world, struct sim_pen *pen);
/* Whether each slot in use says that it has the record; false when none is in use. */
bool truth_is_everybodys(const struct sim_pen *pen, uint32_t epoch, uint32_t number);
/* Whether the host's account in the pen, as kept, has the record. */
bool truth_is_told(const struct world *world, const struct sim_pen *pen, uint8_t host, uint32_t number);
/* A slot as kept, or as the engine has it, says nothing that its host's disk does not hold. */
void truth_check_slot(struct world *world, struct sim_pen *pen, const struct stp_pen_slot *slot);
/* All slots of all pens, and everything that was ever acknowledged. */
void truth_check_all(struct world *world);
/* The pen's records are on the host's disk. */
void truth_check_covered(struct world *world, unsigned host, unsigned pen);
/* The pen knows, as far as its slot goes. */
void truth_check_acknowledged(struct world *world, unsigned host, unsigned pen);
/* The host of that collector id; NOBODY: an id given up, or another's. */
uint8_t truth_whose(const struct world *world, const uint8_t id[STP_COLLECTOR_ID_SIZE]);

/* ---- pens (world-pen.c, world-fate.c) ---- */

extern const struct stp_pen_log world_pen_log;

void pen_format(struct world *world, unsigned index);
void pen_power_up(struct world *world, unsigned index);
/* Lets go of the link, if there is one. */
void pen_power_down(struct world *world, unsigned index);
void pen_write_record(struct world *world, unsigned index);
/* A person presses its button. */
void pen_press(struct world *world, unsigned index);
/* Something befalls the pen. */
void pen_suffer(struct world *world, unsigned index);
/* What a later revision's pen would send instead. */
void pen_speak_foreign(struct world *world, struct link *link, enum way way, uint8_t *bytes, uint16_t *size);
uint64_t pen_tick(const struct world *world, const struct sim_pen *pen);

/* ---- hosts (world-host.c) ---- */

void host_found(struct world *world, unsigned index);
/* The link is about to go: keep what arrived of a record; dies: so does the process. */
void host_journal(struct world *world, struct link *link, bool dies);
/* An answer reaches the host. */
void host_hear(struct world *world, struct link *link, const uint8_t *bytes, size_t size);
/* Carry out what the engine wants next; false: nothing. */
bool host_serve(struct world *world, struct link *link);
/* The process dies: links break, what was not synced is lost or torn. */
void host_crash(struct world *world, unsigned index);
void host_restore(struct world *world, unsigned index);
/* What its disk holds for good of the pen's epoch; sound: only what may be acknowledged.  Returns how many. */
size_t host_list_held(struct world *world, const struct link *link, uint32_t epoch, bool sound,
		      struct stp_range *items);

/* ---- errands (world-errand.c) ---- */

void errand_begin(struct world *world, struct link *link);
bool errand_serve(struct world *world, struct link *link);
/* The pen says that there never was such a record. */
void errand_note_absent(struct world *world, const struct link *link, uint32_t number);

/* One word of the host that is no Stipple. */
void babble(struct world *world, struct link *link);
void babbler_hear(struct link *link, const uint8_t *bytes, size_t size);

/* ---- links (world-link.c, world-account.c) ---- */

enum purpose { TO_COLLECT, TO_RUN_AN_ERRAND, TO_BABBLE };

struct link *link_open(struct world *world, uint8_t host, uint8_t pen, enum purpose purpose);
/* dies: the host does not survive it. */
void link_close(struct world *world, struct link *link, bool dies);
void link_send(struct world *world, struct link *link, enum way way, const uint8_t *bytes, size_t size);
/* When something is due on it; UINT64_MAX: never. */
uint64_t link_due(const struct world *world, const struct link *link);
/* The one thing that is due. */
void link_step(struct world *world, struct link *link);

void account_request(struct world *world, struct link *link, const uint8_t *bytes, size_t size);
/* The pen erases, or frees a slot: may it? */
void account_erase(struct world *world, struct link *link, uint32_t up_to);
void account_drop(struct world *world, struct link *link, unsigned index);
/* A person pressed the pen's button, which took it for a confirmation or not. */
void account_press(struct link *link, bool confirms);
void account_answer(struct world *world, struct link *link, const uint8_t *bytes, size_t size);
void account_segment(struct world *world, struct link *link, const uint8_t *bytes, size_t size);
/* The pen has nothing to send: may it be silent? */
void account_silence(struct world *world, struct link *link);

#endif

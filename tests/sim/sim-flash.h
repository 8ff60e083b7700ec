/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include <stipple/control.h>
#include <stipple/record.h>
#include <stipple/telemetry.h>

#include "sealing.h"

/*
 * The simulated pen's flash: records as the bytes that lie there and the directory entry
 * LIST tells of them.  Records are numbered from 1; one that was dropped leaves its number unused for ever.
 * Each names the one before it, and each session ends with a seal, unless the flash is told to be that
 * of an older pen.
 */

#define SIM_ERROR (sim_error_quark())
GQuark sim_error_quark(void);
typedef enum {
	SIM_ERROR_USAGE,  /* the caller, or a command line, asks for what cannot be */
	SIM_ERROR_STATE,  /* a state directory cannot be read or written */
	SIM_ERROR_RECORD, /* libstipple refused to make a record */
} SimError;

typedef struct {
	struct stp_entry entry; /* entry.length is raw->len */
	GByteArray *raw;
} SimRecord;

/* A session as the pen has measured it.  Samples are the caller's. */
typedef struct {
	const struct stp_sample *samples;
	gsize count;
	guint16 period_ms;
	guint32 boot_id;
	guint64 start_tick_ms;
	guint16 set_depth_min_um, set_depth_max_um, set_rate_dhz; /* STP_ABSENT: unknown */
	guint8 needles;
	guint8 cartridge_uid[16];
	guint8 cartridge_uid_size;
	guint8 tag[STP_SESSION_TAG_SIZE]; /* all 0: none */
} SimSession;

/* Where a session lies: parts are consecutive records. */
typedef struct {
	guint32 session_no;
	guint32 first, last; /* record numbers */
} SimSpan;

typedef struct SimFlash SimFlash;

SimFlash *sim_flash_new(const char *serial, const char *firmware, guint32 epoch);
void sim_flash_free(SimFlash *flash);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimFlash, sim_flash_free)

/*
 * Chain the records from here on and seal the sessions with the key; counter: of the seals the pen
 * made before, which a reset of its log does not touch.  Without this the flash does neither.
 */
void sim_flash_set_sealing(SimFlash *flash, const struct sealing_key *key, guint64 counter);
guint64 sim_flash_seals(const SimFlash *flash);

guint32 sim_flash_epoch(const SimFlash *flash);
/* The highest number that was ever given; 0: none. */
guint32 sim_flash_newest(const SimFlash *flash);
/* The lowest record there is; newest + 1: there is none. */
guint32 sim_flash_oldest(const SimFlash *flash);
/* Of the newest record as it was written, STP_RECORD_HASH_SIZE bytes, though it may be gone. */
const guint8 *sim_flash_last_hash(const SimFlash *flash);
/* Sessions begun in this epoch. */
guint32 sim_flash_sessions(const SimFlash *flash);
guint64 sim_flash_bytes(const SimFlash *flash);
/* NULL: there is no such record.  Changing it is what faults are for. */
SimRecord *sim_flash_get(const SimFlash *flash, guint32 number);

/*
 * Write a session, in parts of at most part_samples samples, each a record of at most 1 MiB.
 * A session without samples is one record without blocks.  The seal comes behind span->last.
 */
gboolean sim_flash_add_session(SimFlash *flash, const SimSession *session, gsize part_samples, SimSpan *span,
			       GError **error);
/* event->event_no is set to the record's number. */
gboolean sim_flash_add_event(SimFlash *flash, guint32 boot_id, guint64 tick_ms, struct stp_event *event,
			     GError **error);

/* Take a record out, if it is there. */
void sim_flash_drop(SimFlash *flash, guint32 number);

/* Put back a record that was there before; records come in order, and may lack some.  Takes raw. */
gboolean sim_flash_restore(SimFlash *flash, const struct stp_entry *entry, GByteArray *raw, GError **error);
void sim_flash_restore_sessions(SimFlash *flash, guint32 sessions);
/* After the records: the highest number ever given, and the hash of that record. */
void sim_flash_restore_newest(SimFlash *flash, guint32 newest, const guint8 hash[STP_RECORD_HASH_SIZE]);

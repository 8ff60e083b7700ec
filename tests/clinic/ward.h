/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "collector.h"
#include "frail-radio.h"
#include "weather.h"

/*
 * A clinic in one process, on the virtual clock: simulated pens, the real collector and the real store, a disk
 * that can fail, and what must hold of all of it whatever happens.  One ward at a time.
 */

#define WARD_PENS_MAX 16
#define WARD_SECOND G_GINT64_CONSTANT(1000000)
#define WARD_MINUTE (60 * WARD_SECOND)

/* A record as the pen wrote it, and what became of it. */
typedef struct {
	guint32 epoch, number;
	GBytes *raw;        /* as it was written, before any fault */
	gboolean there;     /* in the pen's flash */
	gboolean damaged;   /* there, but not as it was written */
	gboolean acked;     /* this clinic has acknowledged it, in this life of the store */
	gboolean acked_before; /* in a life that a restored backup does not know */
} WardRecord;

typedef struct {
	FrailPen air;       /* first: the radio has pointers to it */
	char *serial, *address;
	guint64 seed;
	guint sessions_made;
	GPtrArray *records; /* (element-type WardRecord) */
	GHashTable *index;  /* epoch << 32 | number -> WardRecord */
	gboolean wanted;    /* somebody wants it enrolled */
	gboolean moved;     /* it answers at another pen's address now */
	gboolean ever_moved;
	gboolean small;     /* its log is full soon */
	struct ward *ward;
} WardPen;

typedef struct ward {
	guint64 seed;
	gboolean loud;
	struct chance chance;
	Weather weather;
	char *directory, *backup;
	GPtrArray *pens;    /* (element-type WardPen) */
	/* The daemon, while it lives. */
	FrailRadio *radio;
	StpStore *store;
	StpCollector *collector;
	GCancellable *enrolment; /* NULL: nobody enrols a pen now */
	guint reply_ms;
	guint store_full;   /* reasons for which it has no room now */
	/* Counted, for the report and for limits. */
	guint crashes, restarts, syncs, sessions_stored, deeds;
	guint64 connects, lines, records_written;
	GQueue trace;       /* char *, the last lines */
	GHashTable *said;   /* line without its numbers -> times; NULL: not counted */
} Ward;

/* ---- the ward ---- */

/* pens 1..WARD_PENS_MAX; files in memory where the system has a place for that. */
Ward *ward_new(guint64 seed, guint pens, gboolean loud);
void ward_free(Ward *ward);

/* Switch a pen on for the first time, or with an empty log and a new epoch. */
void ward_make_pen(Ward *ward, WardPen *pen);
/* One more session, ending now, of so many samples. */
void ward_add_session(WardPen *pen, guint samples);

/* ---- the daemon ---- */

void ward_start(Ward *ward);
/* As systemd stops it; must come to its end within a minute. */
void ward_stop(Ward *ward);
/* As kill -9, or with power_fails as a power cut.  The disk may be dead already. */
void ward_crash(Ward *ward, gboolean power_fails);
/* Let time pass; a disk that goes dead takes the daemon with it and a new one starts. */
void ward_pass(Ward *ward, gint64 us);
/* Somebody takes care that every pen wanted is enrolled; one try. */
void ward_enrol_one(Ward *ward);

/* Keep a copy of the store, and put it back; the daemon must be stopped for the second. */
void ward_back_up(Ward *ward);
void ward_restore(Ward *ward);

/* ---- what is true ---- */

/* After the flash of a pen may have changed: learn of new records and of those that went. */
void ward_look_at(WardPen *pen);
/* The pen's copy of a record is not what it was any more. */
void ward_damage(WardPen *pen, guint32 number);
/* Of a SimPen: listens to acknowledgements. */
void ward_on_pen_event(SimPen *sim, const SimEvent *event, gpointer pen);
/* Nothing was acknowledged that the store, as it was opened now, has not. */
void ward_check_acknowledged(Ward *ward);
/* All that this pen has and can give is held, and the pen knows. */
gboolean ward_is_complete(WardPen *pen);
gboolean ward_all_complete(Ward *ward);
/* Everything, byte for byte; the store must be open and every wanted pen complete.  How many sessions it lists. */
guint ward_check_all(Ward *ward);

/* ---- telling ---- */

void ward_trace(Ward *ward, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* What must hold does not: print what led there, and end the process with status 3. */
_Noreturn void ward_breach(Ward *ward, const char *what, const char *file, int line);
#define WARD_CHECK(ward, what) \
	do { \
		if (!(what)) \
			ward_breach(ward, #what, __FILE__, __LINE__); \
	} while (0)

/* ---- a life of chance ---- */

/* One run: some pens, some time of faults, then calm; what must hold, holds, or the process ends. */
typedef struct {
	guint64 runs, records, crashes, restarts, syncs, connects, deeds;
	gdouble hours;
} WardCount;

void ward_run(guint64 seed, gboolean loud, WardCount *count);
/* One thing that may happen at any time. */
void ward_do_something(Ward *ward);
/* All that went wrong is put right. */
void ward_calm(Ward *ward);

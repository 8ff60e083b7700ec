/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "private-bus.h"
#include "stipple-dbus.h"

/*
 * org.stipple1 as a test wants it: the skeletons made from the same XML, answering what the test
 * put here, or failing as the test says.
 */

typedef struct {
	PrivateBus *bus;
	GDBusConnection *connection;
	GDBusObjectManagerServer *objects;
	StpDbusManager1 *manager;
	guint name;

	/* Every call of this method fails so; NULL: none does. */
	const char *fail_method, *fail_error, *fail_message;
	/* What calls came, in order: "RemovePen('SP-0001', true)" */
	GPtrArray *calls;

	GPtrArray *adapters, *sightings, *sessions, *coverage, *alerts, *syncs, *slots,
		*retired;	/* dictionaries, of floating-sunk GVariants */
	GBytes *records;		/* what OpenSession gives */
	gboolean unsealed;
	guint page;			/* at most so many sessions a page; 0: as asked */

	/* AddPen asks this way first ("enter-passkey"), NULL: not at all, and wants this code. */
	const char *pairing;
	guint passkey;
	GDBusMethodInvocation *adding;
	gboolean stuck;			/* Sync never ends but by Cancel */
	GPtrArray *stuck_syncs;
	GVariant *sync_result;
} Fake;

Fake *fake_new(void);
void fake_free(Fake *fake);

StpDbusPen1 *fake_add_pen(Fake *fake, const char *serial, const char *label);
void fake_remove_pen(Fake *fake, const char *serial);
/* From GVariant text: "{'id': <'SP-0001/0000002a/7'>, ...}" */
void fake_add(GPtrArray *list, const char *text);

/* Take the name and give it up. */
void fake_appear(Fake *fake);
void fake_vanish(Fake *fake);

/* The calls so far, one a line; the caller's. */
char *fake_calls(Fake *fake);

/* ---- running the program against it ---- */

typedef struct {
	int code;
	char *out, *err;
} Outcome;

void outcome_clear(Outcome *outcome);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outcome, outcome_clear)

/* The words are split at blanks; input NULL: none.  fake NULL: there is no bus. */
Outcome fake_run(Fake *fake, const char *input, const char *words);
/* Run it; the cmocka test fails unless it ends with that code and says just that on stdout (NULL: anything). */
void fake_expect(Fake *fake, const char *words, int code, const char *out);

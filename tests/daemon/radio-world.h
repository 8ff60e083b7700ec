/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-radio.h"
#include "private-bus.h"
#include "scripted-bluez.h"

/*
 * The radio under test, on a bus of its own with the scripted BlueZ; after cmocka.h.  One for
 * each test, as its state.
 */
struct world {
	PrivateBus *bus;
	GDBusConnection *theirs, *ours;
	ScriptedBluez *bluez;
	StpRadio *radio;
	StpLink *link;
	GPtrArray *received;	/* char *: "log-data 01 02" */
	GError *reason;
	guint closings, sightings;
	StpSighting *last;
	guint request;		/* of the pairing; 0: none yet */
	char *kind;
	guint32 passkey;
};

/* Without BlueZ, and not started. */
int world_setup(void **state);
/* With BlueZ, scanning. */
int world_setup_scanning(void **state);
/* Fails when anything still holds the link or the radio. */
int world_teardown(void **state);

/* The pen advertises, and is told. */
void world_hear(struct world *world);
StpLink *world_try_connect(struct world *world, GError **error);
/* Hear and connect; the link's signals are recorded. */
void world_connect(struct world *world);
gboolean world_try_subscribe(struct world *world, GError **error);
/* Hear, connect and subscribe. */
void world_subscribe(struct world *world);
/* Wait until so much was received, and compare: "log-data 01 02". */
void world_assert_received(struct world *world, guint index, const char *text);
StpLinkFigures world_figures(struct world *world);
void world_close(struct world *world);

#define SCANNING(test) cmocka_unit_test_setup_teardown(test, world_setup_scanning, world_teardown)
#define NOT_STARTED(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "cli.h"
#include "stipple-dbus.h"

/*
 * The daemon as this program meets it: org.stipple1 on the system bus.  What fails is said
 * to the user here; callers pass the exit code on.
 */

#define CLIENT_BUS_NAME "org.stipple1"
#define CLIENT_PATH "/org/stipple1"

struct client {
	struct cli *cli;
	GDBusConnection *bus;
	StpDbusManager1 *manager;
	GDBusObjectManager *pens;	/* from client_load_pens() on */
};

/* Connect, starting the daemon where the bus can.  EXIT_OK, or the exit code after saying why not. */
int client_open(struct client *client, struct cli *cli);
void client_close(struct client *client);

/* Get to know the enrolled pens; they stay up to date while a main loop runs. */
int client_load_pens(struct client *client);

/* Every enrolled pen by serial: (element-type StpDbusPen1). */
GPtrArray *client_list_pens(struct client *client);

/*
 * The pen people mean: by serial, by label, or by the end of a serial when only one ends so.
 * *pen is the caller's.
 */
int client_find_pen(struct client *client, const char *which, StpDbusPen1 **pen);

/* The same, but that none fits is no failure: *pen stays as it is. */
int client_match_pen(struct client *client, const char *which, StpDbusPen1 **pen);

/* Retired pens are not on the bus, but their records are in the store. */
gboolean client_store_knows(struct client *client, const char *serial);

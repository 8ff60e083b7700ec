/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * A D-Bus daemon of a test's own, standing in for the system bus, and the programs the test
 * runs on it.  Everything ends with private_bus_free(); should the test itself die, the
 * programs and the bus die with it.
 *
 * Waiting iterates the thread-default main context, so the caller's own sources keep running.
 */
typedef struct PrivateBus PrivateBus;
typedef struct PrivateChild PrivateChild;

/* Start the bus.  NULL, and a sentence on stderr, when there is no dbus-daemon to start. */
PrivateBus *private_bus_new(void);

/*
 * End what is left of the programs (SIGTERM, SIGKILL after five seconds), then the bus, and
 * remove its directory with all that is in it.  NULL is allowed.
 */
void private_bus_free(PrivateBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PrivateBus, private_bus_free)

/* The address, for DBUS_SYSTEM_BUS_ADDRESS; owned by the bus. */
const char *private_bus_address(PrivateBus *bus);

/* An empty directory for the test's files, removed with the bus; owned by the bus. */
const char *private_bus_directory(PrivateBus *bus);

/* A new connection to it; the caller closes and frees it.  Does not exit when the bus goes. */
GDBusConnection *private_bus_connect(PrivateBus *bus, GError **error);

/* Whether somebody owned that name within timeout_ms, or owned it already. */
gboolean private_bus_wait_for_name(PrivateBus *bus, const char *name, guint timeout_ms);

/*
 * Run a program with DBUS_SYSTEM_BUS_ADDRESS set.  argv is NULL-terminated and begins with the
 * program; env is NULL or NULL-terminated "NAME=value".  Its stdout is collected, its stderr
 * is the test's.  Owned by the bus.  NULL, and a sentence on stderr, when it does not start.
 */
PrivateChild *private_bus_spawn(PrivateBus *bus, const char *const *argv, const char *const *env);

/*
 * The next line of stdout, after those that earlier calls went past, that contains that text;
 * without its newline, the caller's.  NULL after timeout_ms, or when the program ended.
 */
char *private_child_wait_line(PrivateChild *child, const char *text, guint timeout_ms);

/* All of stdout so far; owned by the child. */
const char *private_child_output(PrivateChild *child);

/* 0: it ended before its id could be asked for; kill(0) would hit the test itself. */
pid_t private_child_pid(PrivateChild *child);

/*
 * Send a signal (0: none) and wait for the end.  Returns the exit status, 128 + n when signal
 * n ended it, or -1 when it still runs after timeout_ms.
 */
int private_child_stop(PrivateChild *child, int signal, guint timeout_ms);

/* Iterate the main context until done(data), or for timeout_ms; returns what done() last said. */
gboolean private_wait(gboolean (*done)(gpointer data), gpointer data, guint timeout_ms);

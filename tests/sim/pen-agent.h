/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * The pens' side of pairing: an org.bluez.Agent1 that shows passkeys and agrees to whatever it
 * is asked.  One per process, as bluetoothd has it.
 */
typedef struct PenAgent PenAgent;

/* device: object path of the central; passkey: 0..999999. */
typedef void (*PenAgentShow)(const char *device, guint32 passkey, gpointer data);

/* Exports the agent; capability as in Agent1, "DisplayOnly". */
PenAgent *pen_agent_new(GDBusConnection *bus, const char *capability, gboolean as_default, PenAgentShow show,
			gpointer data);
void pen_agent_free(PenAgent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PenAgent, pen_agent_free)

/* Waits; a second registration is no error. */
gboolean pen_agent_register(PenAgent *agent, GError **error);
void pen_agent_unregister(PenAgent *agent);

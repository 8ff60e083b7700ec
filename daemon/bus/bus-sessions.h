/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "session-store.h"

/* The session methods of org.stipple1.Manager1.  Each answers the invocation. */

void stp_bus_list_sessions(StpStore *store, GDBusMethodInvocation *invocation, GVariant *filter,
			   guint limit, guint64 cursor);
void stp_bus_get_session(StpStore *store, GDBusMethodInvocation *invocation, const char *id);
void stp_bus_open_session(StpStore *store, GDBusMethodInvocation *invocation, const char *id,
			  GVariant *options);

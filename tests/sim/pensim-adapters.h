/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "pensim-options.h"

/* stipple-pensim's exit status; 0: ended by a signal. */
enum { EXIT_FAILED = 1, EXIT_NO_ADAPTER = 3, EXIT_NO_BLUEZ = 4, EXIT_REFUSED = 5, EXIT_USAGE = 64 };

/*
 * Wait as long as the options say for bluetoothd and for an adapter per pen.  Returns the exit
 * status, 0 when *adapters is set: (element-type utf8) object paths, in the order of the pens.
 */
int pensim_adapters_find(GDBusConnection *bus, const PensimOptions *options, GPtrArray **adapters,
			 GError **error);

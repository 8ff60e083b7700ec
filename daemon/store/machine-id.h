/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Which computer this is, in a way that names it to nobody else: derived from /etc/machine-id and the same for
 * us always, as sd_id128_get_machine_app_specific() does it.  STIPPLE_MACHINE_ID names another file, for tests.
 */
#define STP_MACHINE_ID_SIZE 16

/* FALSE: this computer has none, so nobody can tell. */
gboolean stp_machine_id_read(guint8 out[STP_MACHINE_ID_SIZE]);

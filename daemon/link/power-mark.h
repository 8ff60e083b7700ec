/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * That it was we who switched an adapter off, to switch it on again in a second: a file in the directory of the
 * leases, for the next process, should this one be killed in between.  It counts for a while only, and in the
 * same run of the computer: an adapter that is off long after may be off because a person wants it so.
 */

/* ADDRESS.off, with '-' for ':'; the caller's. */
char *stp_power_mark_path(const char *directory, const char *address);
/* Before it is switched off. */
void stp_power_mark_put(const char *path);
void stp_power_mark_remove(const char *path);
/* One that no longer counts is removed. */
gboolean stp_power_mark_is_there(const char *path);

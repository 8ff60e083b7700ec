/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * What one link learned that the next one to the same pen should know, for as long as the daemon
 * runs.  Counted; a memo lives as long as its memory.
 */
typedef struct StpLinkMemory StpLinkMemory;

typedef struct {
	gboolean by_signals;	/* data came by StartNotify after AcquireNotify had failed */
	gboolean has_schema;
	guint16 schema_rev;	/* of Features at the last link */
	gint64 refreshed;	/* monotonic; when its services were resolved anew, 0 never */
} StpLinkMemo;

StpLinkMemory *stp_link_memory_new(void);
StpLinkMemory *stp_link_memory_ref(StpLinkMemory *memory);
void stp_link_memory_unref(StpLinkMemory *memory);

/* Of a pen by its address; never NULL. */
StpLinkMemo *stp_link_memory_of(StpLinkMemory *memory, const char *address);

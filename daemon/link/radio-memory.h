/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * What the radio has learned of this machine's adapters and must know in its next life: how many
 * connections each carries, and which of them holds the bond of which pen.  A key file of its
 * own (adapters.conf), beside the store and not in it: it says nothing about records, and a
 * store that is restored on another machine must not bring it along.  Losing it does no harm;
 * it is learned again.
 */
typedef struct StpRadioMemory StpRadioMemory;

/* path NULL: it is kept for this life only. */
StpRadioMemory *stp_radio_memory_new(const char *path);
void stp_radio_memory_free(StpRadioMemory *memory);

/* FALSE: nothing is known. */
gboolean stp_radio_memory_get_ceiling(StpRadioMemory *memory, const char *adapter, guint *value, guint *refusals);
void stp_radio_memory_put_ceiling(StpRadioMemory *memory, const char *adapter, guint value, guint refusals);

/* The address of the adapter that holds the bond of a pen, the caller's; NULL: none is known. */
char *stp_radio_memory_get_bond(StpRadioMemory *memory, const char *pen);
/* adapter NULL: there is none any more. */
void stp_radio_memory_put_bond(StpRadioMemory *memory, const char *pen, const char *adapter);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * The right to use one adapter, among the programs of this machine that use Stipple: BlueZ lets
 * two of them stop each other's discovery and end each other's connections.
 *
 * It is a lock (flock(2)) on the file ADDRESS.lock in a directory that all of them know, with
 * '-' for ':' in the address.  Whoever has it writes into the file who that is, one line of text.
 * It ends with its holder, however that one ends; the file stays, for a name that is removed and
 * made anew would be two locks.  Any program may take it the same way.
 *
 * Signal: changed ()  whether it is ours, or who else has it
 */
#define STP_TYPE_ADAPTER_LEASE (stp_adapter_lease_get_type())
G_DECLARE_FINAL_TYPE(StpAdapterLease, stp_adapter_lease, STP, ADAPTER_LEASE, GObject)

/*
 * Asks for it at once and again and again until it has it.  Where the directory cannot be
 * written there is no lease to be had by anybody: then it counts as ours, with a warning.
 * directory NULL: always ours.
 */
StpAdapterLease *stp_adapter_lease_new(const char *directory, const char *address);

gboolean stp_adapter_lease_is_ours(StpAdapterLease *self);
/* Who has it, in words; NULL: we, or it is not known. */
const char *stp_adapter_lease_get_holder(StpAdapterLease *self);

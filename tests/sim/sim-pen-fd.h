/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "sim-faults.h"
#include "sim-pen.h"

/*
 * A simulated pen at the other end of a descriptor link (daemon/link/link-fd.h), in the
 * thread's default main context: for tests that need no bus.
 */
typedef struct SimPenFd SimPenFd;

/*
 * Takes fd (SEQPACKET); pen, and faults unless NULL, must live longer.  The pen counts as
 * connected, at an ATT MTU of mtu, until either end closes.
 */
SimPenFd *sim_pen_fd_new(SimPen *pen, SimLinkFaults *faults, int fd, guint16 mtu);
/* Hangs up. */
void sim_pen_fd_free(SimPenFd *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimPenFd, sim_pen_fd_free)

gboolean sim_pen_fd_is_connected(const SimPenFd *server);
/* Tell the host of another MTU. */
void sim_pen_fd_set_mtu(SimPenFd *server, guint16 mtu);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "sim-faults.h"
#include "sim-pen.h"

/*
 * Carries what a pen's engine yields to a transport, one value at a time and no faster than
 * the transport takes it, and commits the link's faults on the way.
 */

typedef enum {
	SIM_SENT,
	SIM_WOULD_BLOCK, /* offer it again after sim_pump_writable() */
	SIM_NOBODY,      /* nobody has subscribed: the value is lost, as on the air */
} SimSending;

typedef struct {
	SimSending (*indicate)(const guint8 *bytes, gsize size, gpointer data);
	SimSending (*notify)(const guint8 *bytes, gsize size, gpointer data);
	/* The pen ends the link; sim_pump_disconnected() follows in the transport's own time. */
	void (*hang_up)(gpointer data);
	/* All other channels; NULL: there are none. */
	SimSending (*send)(enum stp_pen_channel channel, const guint8 *bytes, gsize size, gpointer data);
} SimPort;

typedef struct SimPump SimPump;

/* The pen, its faults (NULL: none) and the port's data must live longer. */
SimPump *sim_pump_new(SimPen *pen, SimLinkFaults *faults, const SimPort *port, gpointer data);
void sim_pump_free(SimPump *pump);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimPump, sim_pump_free)

/* mtu is the transport's; the pen's own limit holds too. */
void sim_pump_connected(SimPump *pump, guint16 mtu);
void sim_pump_set_mtu(SimPump *pump, guint16 mtu);
void sim_pump_disconnected(SimPump *pump);
gboolean sim_pump_is_connected(const SimPump *pump);
guint16 sim_pump_mtu(const SimPump *pump);
/* Bytes of Log Data values, in this connection. */
guint64 sim_pump_sent(const SimPump *pump);

/* The host wrote Log Control Point. */
void sim_pump_control(SimPump *pump, const guint8 *bytes, gsize size);
/* The host wrote Pen Control Point. */
void sim_pump_panel(SimPump *pump, const guint8 *bytes, gsize size);
/* The host subscribed, now or for when it is connected. */
void sim_pump_subscribed(SimPump *pump, enum stp_pen_channel channel, gboolean on);
void sim_pump_writable(SimPump *pump);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "collector.h"
#include "stipple-dbus.h"

/*
 * RetirePen, ListSlots, DropSlot and ListAddresses of org.stipple1.Manager1.  Who asked for a button to be
 * pressed and leaves the bus has the errand given up.
 */
typedef struct StpBusErrands StpBusErrands;

/* Answers them on the skeleton for as long as it lives. */
StpBusErrands *stp_bus_errands_new(StpCollector *collector, StpDbusManager1 *skeleton);
void stp_bus_errands_free(StpBusErrands *self);

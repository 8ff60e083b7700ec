/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "collector.h"
#include "stipple-dbus.h"

/*
 * AddPen, AnswerPairing and PairingRequest of org.stipple1.Manager1: the dialogue of an
 * enrolment, between its caller alone and the collector.  When the caller leaves the bus the
 * enrolment is cancelled.
 */
typedef struct StpBusEnrol StpBusEnrol;

/* Answers the two methods on the skeleton for as long as it lives. */
StpBusEnrol *stp_bus_enrol_new(StpCollector *collector, StpDbusManager1 *skeleton);
void stp_bus_enrol_free(StpBusEnrol *self);

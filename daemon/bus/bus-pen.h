/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "collector.h"

/*
 * One enrolled pen on the bus: an object with org.stipple1.Pen1 that follows the pen's state
 * for as long as the object lives.
 */
GDBusObjectSkeleton *stp_bus_pen_new(StpCollector *collector, StpEnrolledPen *pen);

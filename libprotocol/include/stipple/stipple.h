/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_STIPPLE_H
#define STIPPLE_STIPPLE_H

/* The whole of libstipple.  Each header can be included by itself. */

#include <stipple/control.h>
#include <stipple/crc32c.h>
#include <stipple/elapsed-time.h>
#include <stipple/gatt.h>
#include <stipple/host.h>
#include <stipple/pen.h>
#include <stipple/ranges.h>
#include <stipple/record.h>
#include <stipple/segment.h>
#include <stipple/status.h>
#include <stipple/telemetry.h>

#endif

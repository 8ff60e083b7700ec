/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * One JSON object per line on standard output, flushed: "event" first, "pen" (a serial, left
 * out when NULL), then pairs of a key and a GVariant (floating ones are taken), ended by NULL.
 */
void pensim_say(const char *event, const char *pen, ...) G_GNUC_NULL_TERMINATED;

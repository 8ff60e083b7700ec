/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "link.h"
#include "session-store.h"

/*
 * Who is at the other end of a link: reads Device Information and the battery into a pen row
 * (serial, maker, model, firmware, hardware, battery, address).  Only the serial number is
 * required; the rest stays "" (255) where the pen does not offer it.
 * Errors: LINK_FAILED, DENIED, PROTOCOL_FAILED (no serial number, or one that is none).
 */
void stp_pen_identify_async(StpLink *link, GCancellable *cancellable,
			    GAsyncReadyCallback callback, gpointer user_data);
StpPenRow *stp_pen_identify_finish(StpLink *link, GAsyncResult *result, GError **error);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "radio.h"
#include "session-store.h"

/* From here on, while both live: an adapter that hears nothing any more is an alert of this kind. */
#define STP_ALERT_SILENT "adapter-silent"

void stp_adapter_alerts_begin(StpRadio *radio, StpStore *store);

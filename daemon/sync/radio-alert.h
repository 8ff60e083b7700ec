/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "radio.h"
#include "session-store.h"

/*
 * The alert that no pen can be heard: no adapter, Bluetooth switched off, no bluetoothd, or another program
 * has the adapter.  Raised when that lasts and there are pens to hear; ended by itself.
 */
#define STP_ALERT_RADIO "radio-down"

typedef struct StpRadioAlert StpRadioAlert;

StpRadioAlert *stp_radio_alert_new(StpRadio *radio, StpStore *store);
void stp_radio_alert_free(StpRadioAlert *self);

/* Whether there are enrolled pens; not at first. */
void stp_radio_alert_expect(StpRadioAlert *self, gboolean pens);
/* From the next time on that the radio goes down. */
void stp_radio_alert_set_patience(StpRadioAlert *self, guint seconds);

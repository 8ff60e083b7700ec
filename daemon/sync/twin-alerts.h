/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "radio.h"
#include "session-store.h"

/*
 * Of an enrolled pen, by its serial number: one is heard where it was met before, while another one has its
 * enrolment.  Two pens with one serial number, as far as anybody can tell, and the first one fills up untold.  The
 * alert ends when the serial number is enrolled anew or retired, or nothing was heard there for STP_SYNC_TWIN_GONE_S.
 */
#define STP_ALERT_TWIN "serial-twice"

typedef struct StpTwinAlerts StpTwinAlerts;

StpTwinAlerts *stp_twin_alerts_new(StpStore *store);
void stp_twin_alerts_free(StpTwinAlerts *self);
/* Something that is no enrolled pen, as far as its address tells. */
void stp_twin_alerts_heard(StpTwinAlerts *self, const StpSighting *sighting);
/* The serial number was enrolled: if another pen still claims it, it will be heard. */
void stp_twin_alerts_settle(StpTwinAlerts *self, const char *serial);

/*
 * Before the pen that answers at this address is enrolled as row: FALSE with INVALID_ARGUMENT when old, what the store
 * has of that serial number, is enrolled at another address and in sight there.  The radio remembers an address for a
 * while after its pen left it.
 */
gboolean stp_twin_check(StpRadio *radio, const char *address, const StpPenRow *row, const StpPenRow *old,
			GError **error);

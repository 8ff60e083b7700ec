/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "agent.h"
#include "device.h"
#include "fake-link.h"

typedef enum { FAKE_PAIRING_DONE, FAKE_PAIRING_FAILED, FAKE_PAIRING_CANCELED } FakePairingResult;

typedef void (*FakePaired)(FakePairingResult result, gpointer data);

/*
 * Pair the two ends of a link: LE Secure Connections, by the method that their agents'
 * capabilities lead to.  asker is the end that wants it and uses agent (NULL: none), the other
 * end the default agent.  done is called once.  FALSE when a pairing is going on.
 */
gboolean fake_pairing_start(FakeLink *link, FakeDevice *asker, FakeAgent *agent, FakePaired done,
			    gpointer data);
/* Ends it with CANCELED; the agents are told. */
void fake_pairing_cancel(FakePairing *pairing);

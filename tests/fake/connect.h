/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "device.h"

/* Device1.Connect, Disconnect, Pair and CancelPairing; each answers the invocation. */
void fake_device_call_connect(FakeDevice *device, GDBusMethodInvocation *invocation);
void fake_device_call_disconnect(FakeDevice *device, GDBusMethodInvocation *invocation);
void fake_device_call_pair(FakeDevice *device, GDBusMethodInvocation *invocation);
void fake_device_call_cancel_pairing(FakeDevice *device, GDBusMethodInvocation *invocation);

/*
 * The adapter's connections: each waits until the peer advertises, one is made at a time.
 */
void fake_connect_poll(FakeAdapter *adapter);
gboolean fake_connect_waiting(FakeAdapter *adapter);
/* Take a device from the queue; answers its Connect and Pair with an error. */
void fake_connect_cancel(FakeDevice *device);
/* Ends the link after the delay; msg (may be NULL) is answered when it has ended. */
void fake_device_request_disconnect(FakeDevice *device, GDBusMethodInvocation *invocation);
/* Answer Pair and be done with it: name NULL for success. */
void fake_device_answer_pair(FakeDevice *device, const char *error_name, const char *text);

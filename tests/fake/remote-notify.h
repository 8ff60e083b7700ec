/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "device.h"

/*
 * Who wants a remote characteristic's notifications: clients of StartNotify, or the one that
 * holds the descriptor of AcquireNotify.
 */
typedef struct FakeNotify FakeNotify;

FakeNotify *fake_notify_new(FakeDevice *device, FakeIface *iface, guint16 value_handle, guint8 props);
void fake_notify_free(FakeNotify *notify);

/* The methods; each answers the invocation. */
void fake_notify_acquire(FakeNotify *notify, GDBusMethodInvocation *invocation);
void fake_notify_start(FakeNotify *notify, GDBusMethodInvocation *invocation);
void fake_notify_stop(FakeNotify *notify, GDBusMethodInvocation *invocation);

/* BlueZ itself listens as long as the characteristic is there, beside all clients. */
typedef void (*FakeHeard)(gconstpointer value, gsize size, gpointer data);
void fake_notify_listen(FakeNotify *notify, FakeHeard heard, gpointer data);

void fake_notify_connected(FakeNotify *notify);
void fake_notify_disconnected(FakeNotify *notify);
void fake_notify_value(FakeNotify *notify, gconstpointer value, gsize size);

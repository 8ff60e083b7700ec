/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "device.h"

/*
 * The central's side: a peer's services as objects under its device, kept while the device
 * exists, and brought up to date at each connection and when the peer says they changed.
 */
FakeRemote *fake_remote_new(FakeDevice *device);
void fake_remote_free(FakeRemote *remote);

/* The link is up: export what is there, drop what is not, subscribe again for old clients. */
void fake_remote_connected(FakeRemote *remote);
void fake_remote_disconnected(FakeRemote *remote);
/* The peer indicated Service Changed. */
void fake_remote_services_changed(FakeRemote *remote);
/* A notification or an indication arrived. */
void fake_remote_notified(FakeRemote *remote, guint16 handle, gconstpointer value, gsize size);

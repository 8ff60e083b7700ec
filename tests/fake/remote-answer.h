/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * Answer with what BlueZ makes of an ATT error, FAKE_ATT_*; FAKE_ATT_NO_ANSWER leaves the
 * caller waiting, as BlueZ does.
 */
void fake_refuse_att(GDBusMethodInvocation *invocation, guint8 code);

/* A SEQPACKET pair: answers with one end and the MTU, returns the other, or -1. */
int fake_answer_with_socket(GDBusMethodInvocation *invocation, guint16 mtu);

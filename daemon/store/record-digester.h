/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "record-digest.h"

/*
 * Looks into one record at a time on another processor, while its bytes are on their way to
 * the disk.  Idle it holds no thread.
 */
typedef struct StpDigester StpDigester;

StpDigester *stp_digester_new(void);
void stp_digester_free(StpDigester *self);

void stp_digester_start(StpDigester *self, GBytes *raw);
/* Wait for what was started; NULL when nothing was. */
StpRecordDigest *stp_digester_take(StpDigester *self);

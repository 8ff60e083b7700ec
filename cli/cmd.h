/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "command.h"

/* The commands, each from its own file. */
extern const struct command cmd_status, cmd_pens, cmd_sessions, cmd_sync, cmd_coverage, cmd_monitor, cmd_help;
extern const struct command cmd_alerts, cmd_db, cmd_syncs;
extern const struct command cmd_pens_add, cmd_pens_repair, cmd_pens_slots, cmd_sessions_export, cmd_sessions_proof;

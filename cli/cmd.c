/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "cmd.h"

const struct command *const command_table[] = {
	&cmd_status, &cmd_pens, &cmd_sessions, &cmd_sync, &cmd_syncs, &cmd_coverage, &cmd_alerts, &cmd_db,
	&cmd_monitor, &cmd_help, NULL,
};

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "cmd.h"
#include "failure.h"

static int
run(struct cli *cli, const void *options, char **args)
{
	const struct command *command = NULL;
	const struct command *const *table = command_table;

	for (; *args; args++) {
		const struct command *found = table ? command_find(table, *args) : NULL;

		if (!found)
			return cli_fail(cli, EXIT_USAGE, "usage", "'stipplectl help' lists the commands.",
					"There is no command \"%s%s%s\".", command ? command->path : "",
					command ? " " : "", *args);
		command = found;
		table = command->verbs;
	}
	command_print_help(command);
	return EXIT_OK;
}

const struct command cmd_help = {
	.name = "help",
	.path = "help",
	.arguments = "[COMMAND...]",
	.summary = "Show help on a command",
	.args_max = -1,
	.run = run,
};

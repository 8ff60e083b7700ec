/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdio.h>

#include <glib.h>

#include "command.h"

static void
print_option(const struct option *option)
{
	g_autofree char *names = option->letter ? g_strdup_printf("-%c, --%s", option->letter, option->name) :
						  g_strdup_printf("    --%s", option->name);
	g_autofree char *left = NULL;

	if (!option->value)
		left = g_strdup(names);
	else if (option->value[0] == '[')
		left = g_strconcat(names, option->value, NULL);
	else
		left = g_strconcat(names, "=", option->value, NULL);
	printf("  %-32s %s\n", left, option->help);
}

static void
print_options(const char *heading, const struct option *options, size_t count)
{
	if (!count)
		return;
	printf("\n%s:\n", heading);
	for (size_t i = 0; i < count; i++)
		print_option(&options[i]);
}

static void
print_commands(const struct command *const *table)
{
	printf("\nCommands:\n");
	for (; *table; table++) {
		g_autofree char *left = g_strconcat((*table)->name, (*table)->arguments[0] ? " " : "",
						    (*table)->arguments, NULL);

		printf("  %-32s %s\n", left, (*table)->summary);
	}
}

void
command_print_help(const struct command *command)
{
	if (!command) {
		printf("usage: stipplectl [OPTION...] COMMAND [...]\n\n"
		       "Collect, check and export the session logs of Bluetooth derma pens.\n");
		print_commands(command_table);
	} else {
		printf("usage: stipplectl %s%s%s%s\n\n%s.\n", command->path,
		       command->verbs ? "" : " [OPTION...]", command->arguments[0] ? " " : "",
		       command->arguments, command->summary);
		if (command->details)
			printf("\n%s\n", command->details);
		if (command->verbs)
			print_commands(command->verbs);
		print_options("Options", command->options, command->option_count);
	}
	print_options("Options of every command", command_globals, command_global_count);
	printf("\nThe manual page stipplectl(1) has it all, with exit codes and examples.\n");
}

static void
dump_table(const struct command *const *table)
{
	for (; *table; table++) {
		const struct command *command = *table;

		printf("%s\t\n", command->path);
		for (size_t i = 0; i < command->option_count; i++)
			printf("%s\t--%s%s\n", command->path, command->options[i].name,
			       command->options[i].value ? "=" : "");
		if (command->verbs)
			dump_table(command->verbs);
	}
}

void
command_dump_options(void)
{
	for (size_t i = 0; i < command_global_count; i++) {
		const struct option *option = &command_globals[i];
		gboolean takes = option->value && option->value[0] != '[';

		printf("\t--%s%s\n", option->name, takes ? "=" : "");
	}
	dump_table(command_table);
}

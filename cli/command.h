/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "cli.h"

/*
 * The table of commands.  A command is a constant: what it is called, what it takes, what it
 * says of itself, and a function.  Help, --dump-options, and by a test the manual page and the
 * completion, all follow from it.
 */

enum option_kind {
	OPTION_FLAG,	/* gboolean */
	OPTION_COUNT,	/* int, at least 1; 0 when not given */
	OPTION_TEXT,	/* char *; NULL when not given */
	OPTION_FILE,	/* char *, in the encoding of file names */
};

struct option {
	const char *name;	/* without dashes */
	char letter;		/* 0: no short form */
	enum option_kind kind;
	size_t offset;		/* into the command's options */
	const char *value;	/* what its value is called in help; NULL for flags */
	const char *help;
};

struct command {
	const char *name;	/* "list" */
	const char *path;	/* "pens list" */
	const char *arguments;	/* as in help; "" none */
	const char *summary;	/* one line */
	const char *details;	/* paragraphs for help; NULL: none */
	const struct option *options;
	size_t option_count;
	size_t options_size;	/* of the structure the offsets lie in */
	int args_min, args_max;	/* -1: any number */
	/* args ends with NULL; the return value is the exit code. */
	int (*run)(struct cli *cli, const void *options, char **args);
	const struct command *const *verbs;	/* ends with NULL; then run is not used */
	const struct command *bare;	/* with verbs: what the noun alone means; NULL: nothing */
};

/* Every command, ends with NULL; it stands in cmd.c. */
extern const struct command *const command_table[];

/* NULL when there is none of that name. */
const struct command *command_find(const struct command *const *table, const char *name);

/* Help on a command, or on everything when NULL, to standard output. */
void command_print_help(const struct command *command);

/*
 * The table, for the test that the manual page and the completion say the same: on each line a
 * command's path, a tab, and an option, with "=" where it takes a value.
 */
void command_dump_options(void);

/* The options that may stand anywhere on the line. */
extern const struct option command_globals[];
extern const size_t command_global_count;

/* All of it: parse, dispatch, run.  argv is not changed. */
int command_main(int argc, char **argv);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "failure.h"
#include "output.h"

#ifndef STIPPLE_VERSION
#define STIPPLE_VERSION "unknown"
#endif

/* What may stand anywhere on the line. */
struct global_options {
	gboolean json_given;
	enum json_mode json;
	char *color;
	gboolean verbose, no_pager, help, version, dump;
};

const struct option command_globals[] = {
	{ "json", 'j', OPTION_TEXT, 0, "[=short|pretty]", "Answer in JSON, for programs" },
	{ "color", 0, OPTION_TEXT, offsetof(struct global_options, color), "auto|always|never",
	  "Whether to color tables" },
	{ "no-pager", 0, OPTION_FLAG, offsetof(struct global_options, no_pager), NULL,
	  "Accepted for habit's sake; there is no pager" },
	{ "verbose", 'v', OPTION_FLAG, offsetof(struct global_options, verbose), NULL,
	  "Say more, on standard error" },
	{ "help", 'h', OPTION_FLAG, offsetof(struct global_options, help), NULL, "Show this help" },
	{ "version", 0, OPTION_FLAG, offsetof(struct global_options, version), NULL, "Show the version" },
};

const size_t command_global_count = G_N_ELEMENTS(command_globals);

const struct command *
command_find(const struct command *const *table, const char *name)
{
	for (; *table; table++) {
		if (!strcmp((*table)->name, name))
			return *table;
	}
	return NULL;
}

/* ---- parsing ---- */

/* What "--json" without a value is rewritten to, because an optional value would eat the next word. */
#define BARE "auto"

static gboolean
parse_json_mode(const char *text, enum json_mode *mode)
{
	if (!strcmp(text, BARE))
		*mode = isatty(STDOUT_FILENO) ? JSON_PRETTY : JSON_SHORT;
	else if (!strcmp(text, "short"))
		*mode = JSON_SHORT;
	else if (!strcmp(text, "pretty"))
		*mode = JSON_PRETTY;
	else if (!strcmp(text, "off"))
		*mode = JSON_OFF;
	else
		return FALSE;
	return TRUE;
}

static gboolean
on_json(const char *name, const char *value, gpointer data, GError **error)
{
	struct global_options *globals = data;

	globals->json_given = TRUE;
	if (parse_json_mode(value, &globals->json))
		return TRUE;
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
		    "--json takes short or pretty, not \"%s\"", value);
	return FALSE;
}

static GOptionEntry
make_entry(const struct option *option, void *base)
{
	static const GOptionArg kinds[] = {
		[OPTION_FLAG] = G_OPTION_ARG_NONE,
		[OPTION_COUNT] = G_OPTION_ARG_INT,
		[OPTION_TEXT] = G_OPTION_ARG_STRING,
		[OPTION_FILE] = G_OPTION_ARG_FILENAME,
	};
	GOptionEntry entry = { .long_name = option->name, .short_name = option->letter,
			       .arg = kinds[option->kind] };

	if (option == &command_globals[0]) {
		entry.short_name = 0;
		entry.arg = G_OPTION_ARG_CALLBACK;
		entry.arg_data = (gpointer)(guintptr)on_json;
	} else {
		entry.arg_data = (char *)base + option->offset;
	}
	return entry;
}

/*
 * Take the options off args.  Without a command, or with one that has verbs, parsing stops at
 * the first word that is none.
 */
static gboolean
parse_level(const struct command *command, struct global_options *globals, void *options,
	    char ***args, GError **error)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GArray) entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
	GOptionGroup *group = g_option_group_new("main", "", "", globals, NULL);
	GOptionEntry dump = { .long_name = "dump-options", .arg = G_OPTION_ARG_NONE,
			      .arg_data = &globals->dump };

	for (size_t i = 0; i < G_N_ELEMENTS(command_globals); i++) {
		GOptionEntry entry = make_entry(&command_globals[i], globals);

		g_array_append_val(entries, entry);
	}
	for (size_t i = 0; command && i < command->option_count; i++) {
		GOptionEntry entry = make_entry(&command->options[i], options);

		g_array_append_val(entries, entry);
	}
	g_array_append_val(entries, dump);
	g_option_group_add_entries(group, (GOptionEntry *)(void *)entries->data);
	g_option_context_set_main_group(context, group);
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_strict_posix(context, !command || command->verbs);

	/* The same text option may come on two levels; the later one holds. */
	char *before = g_steal_pointer(&globals->color);
	gboolean parsed = g_option_context_parse_strv(context, args, error);

	if (globals->color)
		g_free(before);
	else
		globals->color = before;
	return parsed;
}

/* Counts start out as "not given" and must be at least 1 when they are. */
#define COUNT_UNSET G_MININT

static void *
new_options(const struct command *command)
{
	char *options = g_malloc0(MAX(command->options_size, 1));

	for (size_t i = 0; i < command->option_count; i++) {
		if (command->options[i].kind == OPTION_COUNT)
			*(int *)(void *)(options + command->options[i].offset) = COUNT_UNSET;
	}
	return options;
}

static gboolean
settle_options(const struct command *command, void *options, GError **error)
{
	for (size_t i = 0; i < command->option_count; i++) {
		int *count = (int *)(void *)((char *)options + command->options[i].offset);

		if (command->options[i].kind != OPTION_COUNT)
			continue;
		if (*count == COUNT_UNSET) {
			*count = 0;
		} else if (*count < 1) {
			g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
				    "--%s takes a number from 1 up", command->options[i].name);
			return FALSE;
		}
	}
	return TRUE;
}

static void
free_options(const struct command *command, void *options)
{
	for (size_t i = 0; i < command->option_count; i++) {
		enum option_kind kind = command->options[i].kind;

		if (kind == OPTION_TEXT || kind == OPTION_FILE)
			g_free(*(char **)(void *)((char *)options + command->options[i].offset));
	}
	g_free(options);
}

/* ---- dispatch ---- */

static int
usage_error(struct cli *cli, const struct command *command, const char *message)
{
	g_autofree char *hint = g_strdup_printf("'stipplectl %s%s--help' shows what it takes.",
						command ? command->path : "", command ? " " : "");

	return cli_fail(cli, EXIT_USAGE, "usage", hint, "%s", message);
}

/* The color and JSON wishes, once all options are known.  FALSE: nonsense. */
static gboolean
settle_globals(struct cli *cli, const struct global_options *globals)
{
	const char *color = globals->color ? globals->color : "auto";
	const char *term = g_getenv("TERM"), *no_color = g_getenv("NO_COLOR");

	cli->verbose = globals->verbose;
	if (globals->json_given)
		cli->json = globals->json;
	if (!strcmp(color, "always"))
		cli->color = TRUE;
	else if (!strcmp(color, "never"))
		cli->color = FALSE;
	else if (!strcmp(color, "auto"))
		cli->color = isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
			     g_strcmp0(term, "dumb") != 0;
	else
		return FALSE;
	return TRUE;
}

static int
bad_color(struct cli *cli, const struct command *command)
{
	return usage_error(cli, command, "--color takes auto, always or never.");
}

static int
print_version(const struct cli *cli)
{
	if (cli->json == JSON_OFF)
		printf("stipplectl %s\n", STIPPLE_VERSION);
	else
		printf("{\"schema\":%d,\"version\":\"%s\"}\n", JSON_SCHEMA, STIPPLE_VERSION);
	return EXIT_OK;
}

/* Take the first word off a list that ends with NULL. */
static void
drop_word(char **words)
{
	g_free(words[0]);
	memmove(words, words + 1, g_strv_length(words + 1) * sizeof(*words) + sizeof(*words));
}

static int
run_command(struct cli *cli, const struct command *command, const void *options, char **args)
{
	/* What is left is "--" at most once, and what follows it is no option. */
	for (char **word = args; *word; word++) {
		if (!strcmp(*word, "--")) {
			drop_word(word);
			break;
		}
	}
	int count = (int)g_strv_length(args);

	if (count < command->args_min)
		return usage_error(cli, command, "Something is missing on the command line.");
	if (command->args_max >= 0 && count > command->args_max) {
		g_autofree char *message = g_strdup_printf("\"%s\" is one word too many.",
							   args[command->args_max]);

		return usage_error(cli, command, message);
	}
	return output_finish(cli, command->run(cli, options, args));
}

/* Find the word's command in the table, or say that there is none. */
static const struct command *
next_command(struct cli *cli, const struct command *above, char ***args)
{
	const struct command *const *table = above ? above->verbs : command_table;
	const struct command *found = command_find(table, (*args)[1]);

	if (!found) {
		g_autofree char *message = g_strdup_printf("There is no command \"%s%s%s\".",
							   above ? above->path : "", above ? " " : "",
							   (*args)[1]);

		usage_error(cli, above, message);
		return NULL;
	}
	drop_word(*args + 1);
	return found;
}

static int
parse_failed(struct cli *cli, const struct command *command, const GError *error)
{
	g_autofree char *message = g_strdup_printf("%s.", error->message);

	return usage_error(cli, command, message);
}

/* No word is left that may be a verb, and nobody asks what verbs there are. */
static gboolean
only_its_options(char **words)
{
	for (char **word = words + 1; *word; word++) {
		if (**word != '-' || !strcmp(*word, "--help") || !strcmp(*word, "-h"))
			return FALSE;
	}
	return TRUE;
}

/*
 * One word of the command after the other; ends in *command, or sets *done and returns the
 * exit code.
 */
static int
walk(struct cli *cli, struct global_options *globals, char ***words, const struct command **command,
     gboolean *done)
{
	g_autoptr(GError) error = NULL;

	*done = TRUE;
	for (;;) {
		if (*command && (*command)->bare && only_its_options(*words)) {
			*command = (*command)->bare;
			*done = FALSE;
			return EXIT_OK;
		}
		if (!parse_level(*command, globals, NULL, words, &error))
			return parse_failed(cli, *command, error);
		if (!settle_globals(cli, globals))
			return bad_color(cli, *command);
		if (globals->version)
			return print_version(cli);
		if (globals->dump) {
			command_dump_options();
			return EXIT_OK;
		}
		if (globals->help) {
			command_print_help(*command);
			return EXIT_OK;
		}
		if (!(*words)[1])
			return usage_error(cli, *command, "Say what to do: a command is missing.");
		*command = next_command(cli, *command, words);
		if (!*command)
			return EXIT_USAGE;
		if ((*command)->verbs)
			continue;
		*done = FALSE;
		return EXIT_OK;
	}
}

static int
dispatch(struct cli *cli, struct global_options *globals, char ***args)
{
	const struct command *command = NULL;
	g_autoptr(GError) error = NULL;
	gboolean done;
	int code = walk(cli, globals, args, &command, &done);

	if (done)
		return code;
	void *options = new_options(command);

	if (!parse_level(command, globals, options, args, &error) ||
	    !settle_options(command, options, &error)) {
		code = parse_failed(cli, command, error);
	} else if (!settle_globals(cli, globals)) {
		code = bad_color(cli, command);
	} else if (globals->help) {
		command_print_help(command);
		code = EXIT_OK;
	} else if (globals->version) {
		code = print_version(cli);
	} else {
		code = run_command(cli, command, options, *args + 1);
	}
	free_options(command, options);
	return code;
}

int
command_main(int argc, char **argv)
{
	struct cli cli = { 0 };
	struct global_options globals = { 0 };
	GStrv args = g_new0(char *, (gsize)argc + 1);

	for (int i = 0; i < argc; i++) {
		gboolean bare = i > 0 && (!strcmp(argv[i], "--json") || !strcmp(argv[i], "-j"));

		args[i] = g_strdup(bare ? "--json=" BARE : argv[i]);
		/* So that even a line that cannot be parsed is answered in JSON. */
		if (bare || (i > 0 && g_str_has_prefix(argv[i], "--json=")))
			cli.json = JSON_SHORT;
	}
	int code = dispatch(&cli, &globals, &args);

	g_free(globals.color);
	g_strfreev(args);
	return code;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols.h>

#include "failure.h"
#include "output.h"
#include "text.h"

static const char *const tones[] = {
	[TONE_PLAIN] = NULL, [TONE_GOOD] = "green", [TONE_ODD] = "yellow", [TONE_BAD] = "red",
};

static const char *const escapes[] = {
	[TONE_PLAIN] = "", [TONE_GOOD] = "\033[32m", [TONE_ODD] = "\033[33m", [TONE_BAD] = "\033[31m",
};

static void
fill_line(struct libscols_line *line, const struct column *columns, size_t count, JsonObject *row)
{
	for (size_t i = 0; i < count; i++) {
		g_autofree char *text = columns[i].cell(row);
		g_autofree char *clean = text ? text_clean(text) : NULL;
		enum column_tone tone = columns[i].tone ? columns[i].tone(row) : TONE_PLAIN;
		struct libscols_cell *cell = scols_line_get_cell(line, i);

		scols_line_set_data(line, i, clean ? clean : "");
		if (cell && tones[tone])
			scols_cell_set_color(cell, tones[tone]);
	}
}

void
output_table(const struct cli *cli, const struct column *columns, size_t count, JsonArray *rows)
{
	struct libscols_table *table;

	/* Colors were decided on; the library's own look at the terminal is not asked. */
	scols_init_debug(0);
	table = scols_new_table();
	if (!table)
		g_error("out of memory");
	scols_table_enable_colors(table, cli->color);
	for (size_t i = 0; i < count; i++)
		scols_table_new_column(table, columns[i].title, 0,
				       columns[i].align == ALIGN_RIGHT ? SCOLS_FL_RIGHT : 0);
	for (guint i = 0; i < json_array_get_length(rows); i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line)
			g_error("out of memory");
		fill_line(line, columns, count, json_array_get_object_element(rows, i));
	}
	/* A width that does not depend on the terminal keeps what is piped whole. */
	if (!isatty(STDOUT_FILENO))
		scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	scols_print_table(table);
	scols_unref_table(table);
}

void
output_fields(const struct cli *cli, struct field *fields)
{
	size_t width = 0;

	for (const struct field *field = fields; field->name; field++) {
		if (field->value)
			width = MAX(width, strlen(field->name));
	}
	for (struct field *field = fields; field->name; field++) {
		g_autofree char *value = g_steal_pointer(&field->value);
		g_autofree char *clean = value ? text_clean(value) : NULL;
		gboolean colored = cli->color && field->tone != TONE_PLAIN;

		if (clean)
			printf("%s:%*s %s%s%s\n", field->name, (int)(width - strlen(field->name)), "",
			       colored ? escapes[field->tone] : "", clean, colored ? "\033[0m" : "");
	}
}

/* Also tells when the write that failed was one long ago. */
static gboolean
reader_is_gone(int error)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return error == EPIPE || (poll(&out, 1, 0) == 1 && (out.revents & POLLERR));
}

int
output_finish(struct cli *cli, int exit_code)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return exit_code;
	int error = errno ? errno : EIO;

	/* Whoever reads has seen enough. */
	if (reader_is_gone(error))
		return exit_code;
	/* The answer did not get out, so neither would an error in JSON. */
	cli->json = JSON_OFF;
	return cli_fail(cli, EXIT_FAILED, "output", "Make room or write elsewhere, then run it again.",
			"Standard output could not be written: %s.", g_strerror(error));
}

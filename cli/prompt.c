/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <glib-unix.h>

#include "prompt.h"
#include "text.h"

gboolean
prompt_is_yes(const char *line)
{
	return line && (!g_ascii_strcasecmp(line, "y") || !g_ascii_strcasecmp(line, "yes"));
}

gboolean
prompt_yes(const char *format, ...)
{
	char line[16];
	va_list arguments;

	va_start(arguments, format);
	g_autofree char *question = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_autofree char *clean = text_clean(question);

	fprintf(stderr, "%s [y/n] ", clean);
	fflush(stderr);
	if (fgets(line, sizeof(line), stdin))
		return prompt_is_yes(g_strstrip(line));
	fputc('\n', stderr);
	return FALSE;
}

char *
prompt_text(const char *question)
{
	char line[256];

	fprintf(stderr, "%s ", question);
	fflush(stderr);
	if (fgets(line, sizeof(line), stdin))
		return g_strdup(g_strstrip(line));
	fputc('\n', stderr);
	return NULL;
}

struct reader {
	GString *line;
	prompt_answered answered;
	gpointer data;
};

static void
reader_free(gpointer data)
{
	struct reader *reader = data;

	g_string_free(reader->line, TRUE);
	g_free(reader);
}

/* Byte by byte: what follows the line is left to whoever reads next. */
static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
	struct reader *reader = data;
	char byte;
	ssize_t got = read(fd, &byte, 1);

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return G_SOURCE_CONTINUE;
	if (got == 1 && byte != '\n' && reader->line->len < 256) {
		g_string_append_c(reader->line, byte);
		return G_SOURCE_CONTINUE;
	}
	gboolean ended = got != 1 && !reader->line->len;

	reader->answered(ended ? NULL : g_strstrip(reader->line->str), reader->data);
	return G_SOURCE_REMOVE;
}

guint
prompt_line(prompt_answered answered, gpointer data)
{
	struct reader *reader = g_new0(struct reader, 1);

	reader->line = g_string_new(NULL);
	reader->answered = answered;
	reader->data = data;
	return g_unix_fd_add_full(G_PRIORITY_DEFAULT, STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR,
				  on_readable, reader, reader_free);
}

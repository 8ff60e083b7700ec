/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <json-glib/json-glib.h>

#include "cli.h"

/*
 * What a command answers, told once as JSON objects: --json prints them, a table takes its
 * cells from them.
 */

/* An object with the schema number; the caller's. */
JsonObject *output_new_document(void);

/* Print on a line of its own, or indented with --json=pretty.  Takes the document. */
void output_json(const struct cli *cli, JsonObject *document);
/* Always on one line, and at once: for streams.  Takes the document. */
void output_ndjson(JsonObject *document);

enum column_align { ALIGN_LEFT, ALIGN_RIGHT };
enum column_tone { TONE_PLAIN, TONE_GOOD, TONE_ODD, TONE_BAD };

struct column {
	const char *title;
	enum column_align align;
	/* A new string; NULL leaves the cell empty. */
	char *(*cell)(JsonObject *row);
	/* NULL: plain */
	enum column_tone (*tone)(JsonObject *row);
};

/* rows: of objects. */
void output_table(const struct cli *cli, const struct column *columns, size_t count, JsonArray *rows);

/* "Name:  value" lines; value NULL leaves the line out.  Ends with a NULL name. */
struct field {
	const char *name;
	char *value;	/* taken */
	enum column_tone tone;
};
void output_fields(const struct cli *cli, struct field *fields);

/* Everything is written, or say why not; the exit code to end with. */
int output_finish(struct cli *cli, int exit_code);

/* Members, with a fallback for those that are absent or null. */
const char *row_text(JsonObject *row, const char *name);	/* "" */
gint64 row_int(JsonObject *row, const char *name, gint64 fallback);
double row_double(JsonObject *row, const char *name);		/* 0 */
gboolean row_bool(JsonObject *row, const char *name);		/* FALSE */

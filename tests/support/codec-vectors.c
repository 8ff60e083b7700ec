/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec-vectors.h"
#include "vectors.h"

static void
check_line(const struct vector *vector, void *user)
{
	const struct codec *codec = user;
	char text[1200] = "", fields[1100] = "";
	uint8_t again[512], *exact = malloc(vector->size ? vector->size : 1);
	size_t again_size = 0;
	enum stp_status status;

	/* A copy of just this size: a sanitizer sees who reads past it. */
	assert_non_null(exact);
	memcpy(exact, vector->bytes, vector->size);
	status = codec->turn(exact, vector->size, fields, sizeof(fields), again, &again_size);
	free(exact);

	if (status) {
		snprintf(text, sizeof(text), "%s", stp_status_name(status));
	} else {
		const char *word = vector->expectation, *end = strchr(word, ' ');

		/* "ok" must come out as it went in; "ok-longer" and the like need not. */
		if (!strncmp(word, "ok ", 3) &&
		    (again_size != vector->size || memcmp(again, vector->bytes, again_size)))
			fail_msg("%s:%u: %s is written as other bytes", vector->file, vector->line,
				 vector->name);
		snprintf(text, sizeof(text), "%.*s %s", (int)(end ? end - word : 0), word, fields);
	}
	if (strcmp(text, vector->expectation))
		fail_msg("%s:%u: %s is \"%s\", not \"%s\"", vector->file, vector->line, vector->name, text,
			 vector->expectation);
}

void
codec_check(const struct codec *codec)
{
	struct codec copy = *codec;

	assert_true(vectors_each(codec->file, check_line, &copy) > 5);
}

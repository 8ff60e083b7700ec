/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "sample-csv.h"

G_DEFINE_QUARK(sample - csv - error - quark, sample_csv_error)

enum {
	COLUMN_T,
	COLUMN_DEPTH,
	COLUMN_RATE,
	COLUMN_CURRENT,
	COLUMN_CONTACT,
	COLUMN_PASS,
	COLUMN_ZONE,
	COLUMNS
};

static const struct {
	const char *name;
	guint32 max;
	gboolean may_be_absent;
} columns[COLUMNS] = {
	[COLUMN_T] = { "t_ms", G_MAXUINT32, FALSE },
	[COLUMN_DEPTH] = { "depth_um", STP_DEPTH_MAX_UM, TRUE },
	[COLUMN_RATE] = { "rate_dHz", STP_RATE_MAX_DHZ, TRUE },
	[COLUMN_CURRENT] = { "current_mA", STP_CURRENT_MAX_MA, TRUE },
	[COLUMN_CONTACT] = { "contact", 1, FALSE },
	[COLUMN_PASS] = { "pass", G_MAXUINT8, FALSE },
	[COLUMN_ZONE] = { "zone", G_MAXUINT8, FALSE },
};

/* Where the parser is, for its errors. */
struct place {
	const char *name;
	guint line;
};

static gboolean complain(GError **error, const struct place *place, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

static gboolean
complain(GError **error, const struct place *place, const char *format, ...)
{
	g_autofree char *what = NULL;
	va_list args;

	va_start(args, format);
	what = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, SAMPLE_CSV_ERROR, SAMPLE_CSV_ERROR_FORMAT, "%s:%u: %s", place->name, place->line,
		    what);
	return FALSE;
}

static gboolean
parse_field(const char *text, const char *end, guint column, const struct place *place, guint32 *value,
	    GError **error)
{
	guint64 number = 0;

	if (text == end && columns[column].may_be_absent) {
		*value = STP_ABSENT;
		return TRUE;
	}
	if (text == end)
		return complain(error, place, "%s is empty; only depth, rate and current may be absent",
				columns[column].name);
	for (const char *p = text; p < end; p++) {
		if (!g_ascii_isdigit(*p) || p - text > 9)
			return complain(error, place, "%s is \"%.*s\", expected a whole number up to %u",
					columns[column].name, (int)MIN(end - text, 20), text,
					columns[column].max);
		number = number * 10 + (guint)(*p - '0');
	}
	if (number > columns[column].max)
		return complain(error, place, "%s is %" G_GUINT64_FORMAT ", above its limit of %u",
				columns[column].name, number, columns[column].max);
	*value = (guint32)number;
	return TRUE;
}

static gboolean
parse_line(const char *text, const char *end, const struct place *place, struct stp_sample *sample,
	   GError **error)
{
	guint32 value[COLUMNS];

	for (guint column = 0; column < COLUMNS; column++) {
		const char *comma = memchr(text, ',', (gsize)(end - text));

		if (!comma != (column == COLUMNS - 1))
			return complain(error, place, "%s columns than the %d of \"%s\"",
					comma ? "more" : "fewer", COLUMNS, SAMPLE_CSV_HEADER);
		if (!parse_field(text, comma ? comma : end, column, place, &value[column], error))
			return FALSE;
		text = comma ? comma + 1 : end;
	}
	*sample = (struct stp_sample){
		.t_ms = value[COLUMN_T],
		.depth_um = (guint16)value[COLUMN_DEPTH],
		.rate_dhz = (guint16)value[COLUMN_RATE],
		.current_ma = (guint16)value[COLUMN_CURRENT],
		.contact = (guint8)value[COLUMN_CONTACT],
		.pass = (guint8)value[COLUMN_PASS],
		.zone = (guint8)value[COLUMN_ZONE],
	};
	return TRUE;
}

static gboolean
add_line(GArray *samples, const char *text, const char *end, const struct place *place, GError **error)
{
	struct stp_sample sample;

	if (end > text && end[-1] == '\r')
		return complain(error, place, "the line ends in a carriage return; use plain newlines");
	if (!parse_line(text, end, place, &sample, error))
		return FALSE;
	if (samples->len > 0) {
		guint32 before = g_array_index(samples, struct stp_sample, samples->len - 1).t_ms;

		if (sample.t_ms < before)
			return complain(error, place, "t_ms goes back from %u to %u", before, sample.t_ms);
	}
	if (samples->len == SAMPLE_CSV_SAMPLES_MAX)
		return complain(error, place, "more than %u samples", SAMPLE_CSV_SAMPLES_MAX);
	g_array_append_val(samples, sample);
	return TRUE;
}

GArray *
sample_csv_parse(const char *text, gsize size, const char *name, GError **error)
{
	g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(struct stp_sample));
	const char *end = text + size;
	struct place place = { name, 1 };

	for (; text < end; place.line++) {
		const char *newline = memchr(text, '\n', (gsize)(end - text));
		const char *stop = newline ? newline : end;
		gsize length = (gsize)(stop - text);

		if (place.line > 1) {
			if (!add_line(samples, text, stop, &place, error))
				return NULL;
		} else if (length != strlen(SAMPLE_CSV_HEADER) ||
			   memcmp(text, SAMPLE_CSV_HEADER, length) != 0) {
			complain(error, &place, "the first line must be exactly \"%s\"", SAMPLE_CSV_HEADER);
			return NULL;
		}
		text = newline ? newline + 1 : end;
	}
	if (place.line == 1) {
		complain(error, &place, "the file is empty; its first line must be \"%s\"",
			 SAMPLE_CSV_HEADER);
		return NULL;
	}
	return g_steal_pointer(&samples);
}

static GBytes *
unpack(const char *path, GError **error)
{
	g_autoptr(GSubprocess) xz = NULL;
	g_autoptr(GBytes) text = NULL, said = NULL;

	xz = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, error, "xz",
			      "-dc", "--", path, NULL);
	if (!xz || !g_subprocess_communicate(xz, NULL, NULL, &text, &said, error))
		return NULL;
	if (!g_subprocess_get_successful(xz)) {
		g_autofree char *why = g_strndup(g_bytes_get_data(said, NULL), g_bytes_get_size(said));

		g_set_error(error, SAMPLE_CSV_ERROR, SAMPLE_CSV_ERROR_IO, "%s", g_strchomp(why));
		return NULL;
	}
	return g_steal_pointer(&text);
}

static GBytes *
load(const char *path, GError **error)
{
	char *text;
	gsize size;

	if (g_str_has_suffix(path, ".xz"))
		return unpack(path, error);
	if (!g_file_get_contents(path, &text, &size, error))
		return NULL;
	return g_bytes_new_take(text, size);
}

GArray *
sample_csv_read(const char *path, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(GBytes) text = load(path, &problem);
	gsize size;
	const char *data;

	if (!text) {
		g_set_error(error, SAMPLE_CSV_ERROR, SAMPLE_CSV_ERROR_IO, "Cannot read %s: %s.", path,
			    problem->message);
		return NULL;
	}
	data = g_bytes_get_data(text, &size);
	return sample_csv_parse(data, size, path, error);
}

static void
append_number(GString *out, guint32 value, char after)
{
	char digits[12];
	guint at = sizeof digits;

	digits[--at] = after;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	g_string_append_len(out, digits + at, (gssize)(sizeof digits - at));
}

static void
append_measured(GString *out, guint16 value)
{
	if (value == STP_ABSENT)
		g_string_append_c(out, ',');
	else
		append_number(out, value, ',');
}

GString *
sample_csv_format(const struct stp_sample *samples, gsize count)
{
	GString *out = g_string_sized_new(32 * count + sizeof SAMPLE_CSV_HEADER);

	g_string_append(out, SAMPLE_CSV_HEADER "\n");
	for (gsize i = 0; i < count; i++) {
		append_number(out, samples[i].t_ms, ',');
		append_measured(out, samples[i].depth_um);
		append_measured(out, samples[i].rate_dhz);
		append_measured(out, samples[i].current_ma);
		append_number(out, samples[i].contact, ',');
		append_number(out, samples[i].pass, ',');
		append_number(out, samples[i].zone, '\n');
	}
	return out;
}

guint16
sample_csv_period_ms(const struct stp_sample *samples, gsize count, guint16 fallback_ms)
{
	g_autofree guint *steps = g_new0(guint, STP_PERIOD_MAX_MS + 1);
	gsize below = 0;

	if (count < 2)
		return fallback_ms;
	for (gsize i = 1; i < count; i++)
		steps[CLAMP(samples[i].t_ms - samples[i - 1].t_ms, STP_PERIOD_MIN_MS, STP_PERIOD_MAX_MS)]++;
	for (guint step = STP_PERIOD_MIN_MS; step < STP_PERIOD_MAX_MS; step++) {
		below += steps[step];
		if (below > (count - 1) / 2)
			return (guint16)step;
	}
	return STP_PERIOD_MAX_MS;
}

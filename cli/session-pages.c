/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "failure.h"
#include "pens-retired.h"
#include "session-pages.h"
#include "when.h"

#define PAGE 500

static int
add_time(struct cli *cli, GVariantBuilder *builder, const char *name, const char *text, enum when_edge edge,
	 gint64 now)
{
	gint64 us;

	if (!text)
		return EXIT_OK;
	if (!when_parse(text, now, edge, &us))
		return cli_fail(cli, EXIT_USAGE, "usage",
				"Write 2026-01-31, \"2026-01-31 10:30\", today, yesterday or \"3 days ago\".",
				"--%s does not understand \"%s\".", name, text);
	g_variant_builder_add(builder, "{sv}", name, g_variant_new_int64(us));
	return EXIT_OK;
}

int
session_filter(struct client *client, const struct session_choice *choice, GVariant **filter)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
	gint64 now = g_get_real_time();
	int code = add_time(client->cli, &builder, "since", choice->since, WHEN_SINCE, now);

	if (code == EXIT_OK)
		code = add_time(client->cli, &builder, "until", choice->until, WHEN_UNTIL, now);
	if (code == EXIT_OK && choice->pen) {
		g_autofree char *serial = NULL;

		code = pens_find_serial(client, choice->pen, &serial);
		if (code == EXIT_OK)
			g_variant_builder_add(&builder, "{sv}", "pen", g_variant_new_string(serial));
	}
	if (code == EXIT_OK)
		*filter = g_variant_builder_end(&builder);
	return code;
}

int
sessions_each(struct client *client, GVariant *filter, guint64 limit, session_seen seen, gpointer data,
	      gboolean *more)
{
	g_autoptr(GVariant) kept = g_variant_ref_sink(filter);
	guint64 cursor = 0, left = limit ? limit : G_MAXUINT64;

	do {
		g_autoptr(GVariant) page = NULL;
		g_autoptr(GError) error = NULL;

		if (!stp_dbus_manager1_call_list_sessions_sync(client->manager, kept, (guint)MIN(left, PAGE),
							       cursor, &page, &cursor, NULL, &error))
			return cli_fail_error(client->cli, error);
		for (gsize i = 0; i < g_variant_n_children(page) && left; i++, left--) {
			g_autoptr(GVariant) session = g_variant_get_child_value(page, i);

			if (!seen(session, data))
				return EXIT_OK;
		}
	} while (cursor && left);
	if (more)
		*more = cursor != 0;
	return EXIT_OK;
}

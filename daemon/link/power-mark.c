/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "power-mark.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "bluez-timing.h"
#include "log.h"

#define RUN_FILE "/proc/sys/kernel/random/boot_id"

/* Of the run of the computer; the caller's. */
static char *
this_run(void)
{
	char *run = NULL;

	if (!g_file_get_contents(RUN_FILE, &run, NULL, NULL))
		return g_strdup("unknown");
	return g_strstrip(run);
}

char *
stp_power_mark_path(const char *directory, const char *address)
{
	g_autofree char *name = g_strconcat(address, ".off", NULL);

	g_strdelimit(name, ":", '-');
	return g_build_filename(directory, name, NULL);
}

void
stp_power_mark_put(const char *path)
{
	g_autofree char *run = this_run();
	g_autofree char *text = g_strdup_printf("%s %" G_GINT64_FORMAT "\n", run, g_get_monotonic_time());
	g_autoptr(GError) error = NULL;

	if (!g_file_set_contents(path, text, -1, &error))
		stp_debug("link", NULL, "%s", error->message);
}

void
stp_power_mark_remove(const char *path)
{
	if (g_remove(path) != 0 && errno != ENOENT)
		stp_warning("link", NULL, "%s cannot be removed: %s. Remove it by hand.", path, g_strerror(errno));
}

gboolean
stp_power_mark_is_there(const char *path)
{
	g_autofree char *run = this_run(), *text = NULL;
	gint64 age;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return FALSE;
	if (g_str_has_prefix(text, run)) {
		age = g_get_monotonic_time() - g_ascii_strtoll(text + strlen(run), NULL, 10);
		if (age >= 0 && age <= STP_BLUEZ_POWER_OURS * G_TIME_SPAN_MILLISECOND)
			return TRUE;
	}
	stp_power_mark_remove(path);
	return FALSE;
}

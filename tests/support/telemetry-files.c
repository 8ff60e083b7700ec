/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sample-csv.h"
#include "telemetry-files.h"

size_t
telemetry_file_read(enum session_profile profile, struct stp_sample **samples)
{
	const char *folder = g_getenv("STIPPLE_TELEMETRY");
	g_autofree char *path = g_strdup_printf("%s/%s.csv.xz", folder ? folder : TELEMETRY_FOLDER,
						session_profile_name(profile));
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) read = NULL;

	if (access(path, R_OK) != 0)
		return 0;
	read = sample_csv_read(path, &error);
	if (!read) {
		g_printerr("%s\n", error->message);
		exit(EXIT_FAILURE);
	}
	*samples = calloc(read->len + 1, sizeof(**samples));
	if (!*samples)
		abort();
	memcpy(*samples, read->data, read->len * sizeof(**samples));
	return read->len;
}

double
telemetry_file_entropy(enum session_profile profile)
{
	static const double bytes_per_sample[SESSION_PROFILES] = { 1.622, 1.560, 1.106 };

	return bytes_per_sample[profile];
}

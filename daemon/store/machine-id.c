/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "machine-id.h"

#include <string.h>

/* Ours; never changed, as stores hold what comes of it. */
static const guint8 application[STP_MACHINE_ID_SIZE] = {
	0x5b, 0x1e, 0x0c, 0x7d, 0x93, 0x44, 0x4f, 0x6a, 0xa8, 0x27, 0xd1, 0x62, 0x3e, 0xf0, 0x85, 0xc9,
};

/* The file has 32 digits and a newline; anything else ("uninitialized") is no name. */
static gboolean
read_name(guint8 out[STP_MACHINE_ID_SIZE])
{
	const char *path = g_getenv("STIPPLE_MACHINE_ID");
	g_autofree char *text = NULL;

	/* systemd has made one up for this boot alone, and laid it over the file. */
	if (path == NULL && g_file_test("/run/machine-id", G_FILE_TEST_EXISTS))
		return FALSE;
	if (!g_file_get_contents(path != NULL ? path : "/etc/machine-id", &text, NULL, NULL))
		return FALSE;
	g_strchomp(text);
	if (strlen(text) != 2 * STP_MACHINE_ID_SIZE)
		return FALSE;
	for (guint i = 0; i < STP_MACHINE_ID_SIZE; i++) {
		int high = g_ascii_xdigit_value(text[2 * i]), low = g_ascii_xdigit_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return FALSE;
		out[i] = (guint8)(high << 4 | low);
	}
	return TRUE;
}

gboolean
stp_machine_id_read(guint8 out[STP_MACHINE_ID_SIZE])
{
	guint8 name[STP_MACHINE_ID_SIZE], digest[32];
	gsize size = sizeof(digest);
	GHmac *hmac;

	if (!read_name(name))
		return FALSE;
	hmac = g_hmac_new(G_CHECKSUM_SHA256, name, sizeof(name));
	g_hmac_update(hmac, application, sizeof(application));
	g_hmac_get_digest(hmac, digest, &size);
	g_hmac_unref(hmac);
	memcpy(out, digest, STP_MACHINE_ID_SIZE);
	/* As a UUID of version 4. */
	out[6] = (guint8)((out[6] & 0x0f) | 0x40);
	out[8] = (guint8)((out[8] & 0x3f) | 0x80);
	return TRUE;
}

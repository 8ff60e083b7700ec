/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "gatt-db.h"

#include <string.h>

typedef struct {
	const char *flag;
	guint8 prop;
	FakeNeeds needs;
} Flag;

static const Flag flags[] = {
	{ "read", FAKE_PROP_READ, { 0 } },
	{ "write", FAKE_PROP_WRITE, { 0 } },
	{ "write-without-response", FAKE_PROP_COMMAND, { 0 } },
	{ "notify", FAKE_PROP_NOTIFY, { 0 } },
	{ "indicate", FAKE_PROP_INDICATE, { 0 } },
	{ "encrypt-read", FAKE_PROP_READ, { .read = 2 } },
	{ "encrypt-write", FAKE_PROP_WRITE, { .write = 2 } },
	{ "encrypt-notify", FAKE_PROP_NOTIFY, { .subscribe = 2 } },
	{ "encrypt-indicate", FAKE_PROP_INDICATE, { .subscribe = 2 } },
	{ "encrypt-authenticated-read", FAKE_PROP_READ, { .read = 3 } },
	{ "encrypt-authenticated-write", FAKE_PROP_WRITE, { .write = 3 } },
	{ "encrypt-authenticated-notify", FAKE_PROP_NOTIFY, { .subscribe = 3 } },
	{ "encrypt-authenticated-indicate", FAKE_PROP_INDICATE, { .subscribe = 3 } },
	{ "secure-read", FAKE_PROP_READ, { .read = 4 } },
	{ "secure-write", FAKE_PROP_WRITE, { .write = 4 } },
	{ "secure-notify", FAKE_PROP_NOTIFY, { .subscribe = 4 } },
	{ "secure-indicate", FAKE_PROP_INDICATE, { .subscribe = 4 } },
	{ "broadcast", 0x01, { 0 } },
	{ "authenticated-signed-writes", 0x40, { 0 } },
	{ "extended-properties", 0x80, { 0 } },
	{ "reliable-write", 0x80, { 0 } },
	{ "writable-auxiliaries", 0x80, { 0 } },
	{ "authorize", 0, { 0 } },
};

gboolean
fake_chr_add_flag(FakeChr *chr, const char *flag)
{
	for (guint i = 0; i < G_N_ELEMENTS(flags); i++) {
		if (strcmp(flags[i].flag, flag) != 0)
			continue;
		chr->props |= flags[i].prop;
		chr->needs.read = MAX(chr->needs.read, flags[i].needs.read);
		chr->needs.write = MAX(chr->needs.write, flags[i].needs.write);
		chr->needs.subscribe = MAX(chr->needs.subscribe, flags[i].needs.subscribe);
		return TRUE;
	}
	return FALSE;
}

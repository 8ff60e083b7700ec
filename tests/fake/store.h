/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* How a link is protected; a bond remembers what it was made with. */
typedef enum {
	FAKE_SECURITY_NONE = 1,		/* as BlueZ counts: low */
	FAKE_SECURITY_ENCRYPTED = 2,	/* medium: just works */
	FAKE_SECURITY_AUTHENTICATED = 4,	/* what LE Secure Connections give with a passkey */
} FakeSecurity;

/* What an adapter remembers of a peer, over a restart of the daemon. */
typedef struct {
	gboolean bonded;
	FakeSecurity security;
	guint32 key;	/* both ends' must be the same, or encryption fails */
	gboolean trusted;
	gboolean connected;	/* when the daemon died */
	char *name;
	char **uuids;
} FakeRecord;

typedef struct FakeStore FakeStore;

/* file may be NULL: then it lives in memory only. */
FakeStore *fake_store_new(const char *file);
void fake_store_free(FakeStore *store);

/* Owned by the store; NULL when it knows nothing. */
FakeRecord *fake_store_find(FakeStore *store, const char *adapter, const char *peer);
/* The same, made when missing. */
FakeRecord *fake_store_ensure(FakeStore *store, const char *adapter, const char *peer);
void fake_store_remove(FakeStore *store, const char *adapter, const char *peer);
/* Write the file, after a change. */
void fake_store_save(FakeStore *store);
/* The peers' addresses: (element-type utf8), the caller's. */
GPtrArray *fake_store_peers(FakeStore *store, const char *adapter);

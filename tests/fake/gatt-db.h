/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "adapter.h"

/* The GATT database of an adapter: the applications that clients registered. */

#define FAKE_PROP_READ		0x02
#define FAKE_PROP_COMMAND	0x04
#define FAKE_PROP_WRITE		0x08
#define FAKE_PROP_NOTIFY	0x10
#define FAKE_PROP_INDICATE	0x20

typedef struct FakeService FakeService;

/* What an operation asks of the link; as BlueZ counts: 0, 2 encrypted, 3 authenticated, 4 secure. */
typedef struct {
	guint8 read, write, subscribe;
} FakeNeeds;

typedef struct {
	FakeService *service;
	char *path;
	char *uuid;
	guint8 props;
	FakeNeeds needs;
	guint16 handle;		/* of the declaration; the value's is the next */
	GVariant *value;	/* of what BlueZ has itself, else NULL */
	gboolean acquires_notify, acquires_write;	/* the application offers descriptors */
	/* At work; see gatt-local.c. */
	GHashTable *ccc;	/* central's address to the value it wrote */
	guint subscriptions;
	int notify_fd, write_fd;
	guint notify_source, write_source;
	GQueue writes;		/* waiting for AcquireWrite */
	GCancellable *cancellable;
} FakeChr;

typedef struct FakeApp FakeApp;

struct FakeService {
	FakeApp *app;
	char *path;
	char *uuid;
	gboolean primary;
	guint16 handle;
	GPtrArray *chrs;	/* FakeChr */
};

struct FakeApp {
	FakeDb *db;
	char *owner;	/* NULL: BlueZ's own */
	char *path;
	guint watch;
	guint changes;
	GPtrArray *services;	/* FakeService */
	gboolean registered;
	GDBusMethodInvocation *invocation;	/* RegisterApplication, until answered */
	GCancellable *cancellable;
};

struct FakeDb {
	FakeAdapter *adapter;
	GPtrArray *apps;	/* FakeApp */
	guint16 next_handle;
};

/* Has org.bluez.GattManager1 at the adapter's object. */
FakeDb *fake_db_new(FakeAdapter *adapter);
void fake_db_free(FakeDb *db);

/* NULL when no characteristic has its value there. */
FakeChr *fake_db_find(FakeDb *db, guint16 value_handle);
/* The registered services, in order of their handles: (element-type FakeService), the caller's. */
GPtrArray *fake_db_services(FakeDb *db);

/* Take over one of the application's flags; FALSE when BlueZ knows no such flag. */
gboolean fake_chr_add_flag(FakeChr *chr, const char *flag);

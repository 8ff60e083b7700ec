/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "device.h"

typedef struct FakePairing FakePairing;

/* A connection of two adapters.  Freed by fake_link_drop(), once nobody holds a reference. */
struct FakeLink {
	FakeAir *air;
	FakeAdapter *central;
	FakeAdapter *peripheral;
	FakeDevice *at_central;		/* the central's view of the peripheral */
	FakeDevice *at_peripheral;	/* the peripheral's view of the central */
	guint16 mtu;
	FakeSecurity security;
	FakePairing *pairing;	/* NULL: none is going on */
	gboolean silent;	/* lost: nothing gets through any more */
	gboolean closed;
	GPtrArray *requests;	/* FakeRequest, unanswered; see att.c */
	/* Packets waiting for the throttle. */
	GQueue packets;
	guint pump;
	gint64 free_at;
	int references;
	guint silence_timer;
};

FakeLink *fake_link_new(FakeDevice *at_central, FakeAdapter *peripheral);
FakeLink *fake_link_ref(FakeLink *link);
void fake_link_unref(FakeLink *link);

/* With bonds at both ends, encrypt.  FALSE when the peripheral lacks the key. */
gboolean fake_link_encrypt(FakeLink *link);

/* End it: both ends see it disconnect.  Frees the caller's pointer, as it were. */
void fake_link_drop(FakeLink *link);
/* A pairing that nobody answers: after its time the link ends and a strange device is forgotten. */
void fake_link_starve(FakeLink *link);
/* Radio silence first, when the options ask for a supervision timeout. */
void fake_link_lose(FakeLink *link);

/*
 * Carry a packet: call arrive(data) at once, or when the throttle lets it through, in order.
 * A link that ends calls only release(data), which follows arrive() too.
 */
typedef void (*FakeArrive)(FakeLink *link, gpointer data);
void fake_link_carry(FakeLink *link, gsize size, FakeArrive arrive, gpointer data, GDestroyNotify release);

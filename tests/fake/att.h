/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "fake-link.h"

/* The attribute protocol between a central's view of a characteristic and the peripheral's. */

/* ATT error codes, where BlueZ gives them a meaning of their own. */
#define FAKE_ATT_INVALID_HANDLE		0x01
#define FAKE_ATT_READ_NOT_PERMITTED	0x02
#define FAKE_ATT_WRITE_NOT_PERMITTED	0x03
#define FAKE_ATT_AUTHENTICATION		0x05
#define FAKE_ATT_NOT_SUPPORTED		0x06
#define FAKE_ATT_INVALID_OFFSET		0x07
#define FAKE_ATT_AUTHORIZATION		0x08
#define FAKE_ATT_INVALID_LENGTH		0x0d
#define FAKE_ATT_UNLIKELY		0x0e
#define FAKE_ATT_ENCRYPTION		0x0f
#define FAKE_ATT_APPLICATION		0x80
#define FAKE_ATT_CCC_IMPROPER		0xfd
#define FAKE_ATT_IN_PROGRESS		0xfe
/* Not of the protocol: the caller never hears of its request again. */
#define FAKE_ATT_NO_ANSWER		0xff

typedef enum { FAKE_ATT_READ, FAKE_ATT_WRITE, FAKE_ATT_SUBSCRIBE } FakeAttKind;

/* code 0: success.  value: of a read, borrowed, else NULL. */
typedef void (*FakeAttDone)(guint8 code, GVariant *value, gpointer data);

typedef struct {
	FakeLink *link;
	FakeAttKind kind;
	guint16 handle;		/* of the characteristic's value */
	guint16 offset;
	guint16 ccc;		/* of a subscription */
	GVariant *value;	/* of a write */
	gboolean elevated;	/* already retried with better security */
	gboolean hopeless;	/* waits for a pairing that nobody can do */
	FakeAttDone done;	/* NULL once answered */
	gpointer data;
	int references;
	/* The answer, on its way. */
	guint8 code;
	GVariant *answer;
} FakeRequest;

/* Ask the peripheral.  done is called once; with UNLIKELY when the link ends first. */
void fake_att_read(FakeLink *link, guint16 handle, guint16 offset, FakeAttDone done, gpointer data);
void fake_att_write(FakeLink *link, guint16 handle, GVariant *value, guint16 offset, FakeAttDone done,
		    gpointer data);
void fake_att_subscribe(FakeLink *link, guint16 handle, guint16 ccc, FakeAttDone done, gpointer data);
/* A write command: no answer, silently lost when it is too long for BlueZ's server. */
void fake_att_command(FakeLink *link, guint16 handle, GVariant *value);

/* From the peripheral's side: answer a request; value may be NULL. */
void fake_request_answer(FakeRequest *request, guint8 code, GVariant *value);
FakeRequest *fake_request_ref(FakeRequest *request);
void fake_request_unref(FakeRequest *request);

/* A notification or, with confirmed, an indication; confirmed(data) when it has arrived. */
void fake_att_notify(FakeLink *link, guint16 handle, gconstpointer value, gsize size);
void fake_att_indicate(FakeLink *link, guint16 handle, gconstpointer value, gsize size,
		       void (*confirmed)(gpointer data), gpointer data, GDestroyNotify release);

/* The link ended: answers what is open. */
void fake_att_closed(FakeLink *link);

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "sim-pen.h"

/*
 * What a pen advertises through org.bluez.LEAdvertisingManager1: the vendor service's UUID, its
 * service data with the pen's status, and the name.
 */
typedef struct PenAdvert PenAdvert;

typedef enum {
	PEN_ADVERT_AUTO,   /* all in one; in rotation when that does not fit */
	PEN_ADVERT_FULL,   /* UUID, status and name in one */
	PEN_ADVERT_ROTATE, /* UUID and name, then the status, taking turns */
	PEN_ADVERT_DATA,   /* status and name: the adapter adds the UUID to its scan response */
	PEN_ADVERT_UUID,   /* UUID and name: no status */
} PenAdvertForm;

/* FALSE: there is no form of that name. */
gboolean pen_advert_form_parse(const char *name, PenAdvertForm *form);
const char *pen_advert_form_name(PenAdvertForm form);

/* adapter: its object path.  The pen must live longer. */
PenAdvert *pen_advert_new(GDBusConnection *bus, const char *adapter, const char *root, SimPen *pen,
			  PenAdvertForm form);
/* Takes the objects off the bus; what is still registered ends with that. */
void pen_advert_free(PenAdvert *advert);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PenAdvert, pen_advert_free)

void pen_advert_register_async(PenAdvert *advert, GCancellable *cancellable, GAsyncReadyCallback callback,
			       gpointer data);
gboolean pen_advert_register_finish(PenAdvert *advert, GAsyncResult *result, GError **error);
/* The form registered last. */
PenAdvertForm pen_advert_form(const PenAdvert *advert);
/* Waits, briefly. */
void pen_advert_unregister(PenAdvert *advert);

/* The pen's status has changed: tell it to whoever listens. */
void pen_advert_refresh(PenAdvert *advert);

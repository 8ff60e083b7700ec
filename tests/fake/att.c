/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "att.h"

#include "agent.h"
#include "faults.h"
#include "gatt-local.h"
#include "gatt-remote.h"
#include "pairing.h"

/* Longer write commands never reached the application over two BlueZ in the lab. */
#define MAX_COMMAND 509

static void submit(FakeRequest *request);

FakeRequest *
fake_request_ref(FakeRequest *request)
{
	request->references++;
	return request;
}

void
fake_request_unref(FakeRequest *request)
{
	if (--request->references)
		return;
	g_clear_pointer(&request->value, g_variant_unref);
	g_clear_pointer(&request->answer, g_variant_unref);
	fake_link_unref(request->link);
	g_free(request);
}

static void
finish(FakeRequest *request, guint8 code, GVariant *value)
{
	FakeAttDone done = request->done;

	if (!done)
		return;
	request->done = NULL;
	g_ptr_array_remove(request->link->requests, request);
	done(code, value, request->data);
	fake_request_unref(request);
}

/* The pairing that an error asked for: try again, or lose the link as the kernel does. */
static void
on_elevated(FakePairingResult result, gpointer data)
{
	FakeRequest *request = data;

	if (request->done) {
		if (result == FAKE_PAIRING_DONE)
			submit(request);
		else if (result != FAKE_PAIRING_CANCELED)
			fake_link_drop(request->link);
	}
	fake_request_unref(request);
}

/* TRUE when the error made BlueZ raise the link's security and the request goes on. */
static gboolean
elevate(FakeRequest *request, guint8 code)
{
	FakeLink *link = request->link;

	if (code != FAKE_ATT_AUTHENTICATION && code != FAKE_ATT_ENCRYPTION)
		return FALSE;
	if (link->security == FAKE_SECURITY_NONE && !request->elevated) {
		FakeAgent *agent = fake_agents_get(link->air->agents, NULL);

		request->elevated = TRUE;
		if (!agent) {
			request->hopeless = TRUE;
			fake_link_starve(link);
			return TRUE;
		}
		fake_request_ref(request);
		if (fake_pairing_start(link, link->at_central, agent, on_elevated, request))
			return TRUE;
		fake_request_unref(request);
		return FALSE;
	}
	/* A weak bond cannot be made better: the attempt costs the link. */
	fake_log(link->air, "security is not sufficient, the link ends");
	fake_link_drop(link);
	return TRUE;
}

static void
on_answer_arrived(FakeLink *link, gpointer data)
{
	FakeRequest *request = data;

	if (request->done && !elevate(request, request->code))
		finish(request, request->code, request->answer);
}

static gboolean
on_answer_delay(gpointer data)
{
	FakeRequest *request = data;

	if (!request->link->closed)
		fake_link_carry(request->link, 5, on_answer_arrived, fake_request_ref(request),
				(GDestroyNotify)fake_request_unref);
	return G_SOURCE_REMOVE;
}

void
fake_request_answer(FakeRequest *request, guint8 code, GVariant *value)
{
	guint delay;

	if (!request->done)
		return;
	request->code = code;
	g_clear_pointer(&request->answer, g_variant_unref);
	request->answer = value ? g_variant_ref_sink(value) : NULL;
	delay = fake_faults_answer_delay(request->link->air->faults, request->link->peripheral->address);
	if (delay)
		g_timeout_add_full(G_PRIORITY_DEFAULT, delay, on_answer_delay, fake_request_ref(request),
				   (GDestroyNotify)fake_request_unref);
	else
		on_answer_delay(request);
}

static void
on_request_arrived(FakeLink *link, gpointer data)
{
	FakeRequest *request = data;

	if (request->done)
		fake_local_serve(link->peripheral->db, request);
}

static void
submit(FakeRequest *request)
{
	gsize size = 5 + (request->value ? g_variant_get_size(request->value) : 0);

	fake_link_carry(request->link, size, on_request_arrived, fake_request_ref(request),
			(GDestroyNotify)fake_request_unref);
}

static FakeRequest *
request_new(FakeLink *link, FakeAttKind kind, guint16 handle, FakeAttDone done, gpointer data)
{
	FakeRequest *request = g_new0(FakeRequest, 1);

	request->link = fake_link_ref(link);
	request->kind = kind;
	request->handle = handle;
	request->done = done;
	request->data = data;
	request->references = 1;
	g_ptr_array_add(link->requests, request);
	return request;
}

void
fake_att_read(FakeLink *link, guint16 handle, guint16 offset, FakeAttDone done, gpointer data)
{
	FakeRequest *request = request_new(link, FAKE_ATT_READ, handle, done, data);

	request->offset = offset;
	submit(request);
}

void
fake_att_write(FakeLink *link, guint16 handle, GVariant *value, guint16 offset, FakeAttDone done,
	       gpointer data)
{
	FakeRequest *request = request_new(link, FAKE_ATT_WRITE, handle, done, data);

	request->offset = offset;
	request->value = g_variant_ref_sink(value);
	submit(request);
}

void
fake_att_subscribe(FakeLink *link, guint16 handle, guint16 ccc, FakeAttDone done, gpointer data)
{
	FakeRequest *request = request_new(link, FAKE_ATT_SUBSCRIBE, handle, done, data);

	request->ccc = ccc;
	submit(request);
}

typedef struct {
	guint16 handle;
	GVariant *value;	/* of a command */
	GBytes *bytes;		/* of a notification */
	void (*confirmed)(gpointer data);
	gpointer data;
	GDestroyNotify release;
} Delivery;

static void
delivery_free(gpointer data)
{
	Delivery *delivery = data;

	if (delivery->release)
		delivery->release(delivery->data);
	g_clear_pointer(&delivery->value, g_variant_unref);
	g_clear_pointer(&delivery->bytes, g_bytes_unref);
	g_free(delivery);
}

static void
on_command_arrived(FakeLink *link, gpointer data)
{
	Delivery *delivery = data;

	fake_local_command(link->peripheral->db, link, delivery->handle, delivery->value);
}

void
fake_att_command(FakeLink *link, guint16 handle, GVariant *value)
{
	Delivery *delivery = g_new0(Delivery, 1);

	delivery->handle = handle;
	delivery->value = g_variant_ref_sink(value);
	if (g_variant_get_size(value) > MAX_COMMAND) {
		fake_log(link->air, "write command of %zu bytes lost", g_variant_get_size(value));
		delivery_free(delivery);
		return;
	}
	fake_link_carry(link, g_variant_get_size(value), on_command_arrived, delivery, delivery_free);
}

static void
on_notification_arrived(FakeLink *link, gpointer data)
{
	Delivery *delivery = data;
	gsize size;
	gconstpointer value = g_bytes_get_data(delivery->bytes, &size);

	fake_remote_notified(link->at_central->remote, delivery->handle, value, size);
	if (delivery->confirmed)
		delivery->confirmed(delivery->data);
}

void
fake_att_indicate(FakeLink *link, guint16 handle, gconstpointer value, gsize size,
		  void (*confirmed)(gpointer data), gpointer data, GDestroyNotify release)
{
	Delivery *delivery = g_new0(Delivery, 1);
	FakeFate fate = fake_faults_notification(link->air->faults, link->peripheral->address);

	delivery->handle = handle;
	delivery->bytes = g_bytes_new(value, MIN(size, (gsize)link->mtu - 3));
	delivery->confirmed = confirmed;
	delivery->data = data;
	delivery->release = release;
	if (fate == FAKE_FATE_LOST)
		delivery_free(delivery);
	else
		fake_link_carry(link, size, on_notification_arrived, delivery, delivery_free);
	if (fate == FAKE_FATE_LAST)
		fake_link_lose(link);
}

void
fake_att_notify(FakeLink *link, guint16 handle, gconstpointer value, gsize size)
{
	fake_att_indicate(link, handle, value, size, NULL, NULL, NULL);
}

/* BlueZ forgets who waits for a pairing together with the device. */
static void
close_request(FakeRequest *request)
{
	finish(request, request->hopeless ? FAKE_ATT_NO_ANSWER : FAKE_ATT_UNLIKELY, NULL);
}

void
fake_att_closed(FakeLink *link)
{
	while (link->requests->len)
		close_request(g_ptr_array_index(link->requests, 0));
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "fake-link.h"

#include "att.h"
#include "connect.h"
#include "faults.h"
#include "gatt-local.h"
#include "pairing.h"

/* What the link layer and L2CAP add to a packet. */
#define PACKET_OVERHEAD 14

typedef struct {
	FakeArrive arrive;
	gpointer data;
	GDestroyNotify release;
	gint64 due;
} Packet;

FakeLink *
fake_link_ref(FakeLink *link)
{
	link->references++;
	return link;
}

void
fake_link_unref(FakeLink *link)
{
	if (--link->references)
		return;
	g_ptr_array_free(link->requests, TRUE);
	g_free(link);
}

FakeLink *
fake_link_new(FakeDevice *at_central, FakeAdapter *peripheral)
{
	FakeLink *link = g_new0(FakeLink, 1);

	link->air = at_central->adapter->air;
	link->central = at_central->adapter;
	link->peripheral = peripheral;
	link->at_central = at_central;
	link->at_peripheral = fake_adapter_ensure(peripheral, link->central->address);
	link->mtu = fake_faults_mtu(link->air->faults, peripheral->address);
	link->security = FAKE_SECURITY_NONE;
	link->requests = g_ptr_array_new();
	link->references = 1;
	g_queue_init(&link->packets);
	g_ptr_array_add(link->air->links, link);
	fake_log(link->air, "%s connects to %s", link->central->address, peripheral->address);
	fake_faults_link_up(link->air->faults, link->central->address, peripheral->address);
	fake_device_connected(link->at_peripheral, link, FALSE);
	fake_device_connected(link->at_central, link, TRUE);
	return link;
}

gboolean
fake_link_encrypt(FakeLink *link)
{
	FakeRecord *ours = fake_device_record(link->at_central);
	FakeRecord *theirs = fake_device_record(link->at_peripheral);

	if (!ours || !ours->bonded)
		return TRUE;
	if (!theirs || !theirs->bonded || theirs->key != ours->key)
		return FALSE;
	link->security = ours->security;
	return TRUE;
}

static void
packet_free(Packet *packet)
{
	if (packet->release)
		packet->release(packet->data);
	g_free(packet);
}

void
fake_link_drop(FakeLink *link)
{
	Packet *packet;

	if (link->closed)
		return;
	link->closed = TRUE;
	fake_log(link->air, "%s and %s disconnect", link->central->address, link->peripheral->address);
	g_ptr_array_remove(link->air->links, link);
	if (link->pump)
		g_source_remove(link->pump);
	if (link->silence_timer)
		g_source_remove(link->silence_timer);
	if (link->pairing)
		fake_pairing_cancel(link->pairing);
	while ((packet = g_queue_pop_head(&link->packets)))
		packet_free(packet);
	link->peripheral->quiet_until =
		g_get_monotonic_time() + (gint64)link->air->options->advert_pause * 1000;
	fake_att_closed(link);
	fake_local_closed(link->peripheral->db, link);
	fake_faults_link_down(link->air->faults, link->central->address, link->peripheral->address);
	fake_device_disconnected(link->at_central);
	fake_device_disconnected(link->at_peripheral);
	fake_air_changed(link->air);
	fake_link_unref(link);
}

static gboolean
on_silence_over(gpointer data)
{
	FakeLink *link = data;

	link->silence_timer = 0;
	fake_link_drop(link);
	return G_SOURCE_REMOVE;
}

void
fake_link_starve(FakeLink *link)
{
	link->at_central->remove_after = !fake_device_bonded(link->at_central);
	if (!link->silence_timer)
		link->silence_timer =
			g_timeout_add((guint)link->air->options->pair_timeout, on_silence_over, link);
}

void
fake_link_lose(FakeLink *link)
{
	int timeout = link->air->options->supervision_timeout;

	if (timeout == 0) {
		fake_link_drop(link);
	} else if (!link->silent) {
		link->silent = TRUE;
		link->silence_timer = g_timeout_add((guint)timeout, on_silence_over, link);
	}
}

static gboolean
on_pump(gpointer data)
{
	FakeLink *link = fake_link_ref(data);
	gint64 now = g_get_monotonic_time();
	Packet *packet;

	while (!link->closed && (packet = g_queue_peek_head(&link->packets)) && packet->due <= now) {
		g_queue_pop_head(&link->packets);
		packet->arrive(link, packet->data);
		packet_free(packet);
	}
	if (!link->closed) {
		packet = g_queue_peek_head(&link->packets);
		link->pump = packet ? g_timeout_add((guint)((packet->due - now) / 1000 + 1), on_pump, link) : 0;
	}
	fake_link_unref(link);
	return G_SOURCE_REMOVE;
}

void
fake_link_carry(FakeLink *link, gsize size, FakeArrive arrive, gpointer data, GDestroyNotify release)
{
	gint64 now = g_get_monotonic_time();
	int kbps = link->air->options->kbps;
	Packet *packet;

	if (link->silent || link->closed) {
		if (release)
			release(data);
		return;
	}
	if (kbps == 0) {
		fake_link_ref(link);
		arrive(link, data);
		if (release)
			release(data);
		fake_link_unref(link);
		return;
	}
	packet = g_new0(Packet, 1);
	packet->arrive = arrive;
	packet->data = data;
	packet->release = release;
	link->free_at = MAX(link->free_at, now) + (gint64)(size + PACKET_OVERHEAD) * 8000 / kbps;
	packet->due = link->free_at;
	g_queue_push_tail(&link->packets, packet);
	if (!link->pump)
		link->pump = g_timeout_add((guint)((packet->due - now) / 1000 + 1), on_pump, link);
}

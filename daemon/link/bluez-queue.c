/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-queue.h"

struct waiter {
	void (*run)(gpointer data);
	gpointer data;
};

struct StpBluezQueue {
	GQueue waiting;
	guint busy, capacity;
};

StpBluezQueue *
stp_bluez_queue_new(guint capacity)
{
	StpBluezQueue *queue = g_new0(StpBluezQueue, 1);

	g_queue_init(&queue->waiting);
	queue->capacity = capacity;
	return queue;
}

void
stp_bluez_queue_free(StpBluezQueue *queue)
{
	g_queue_clear_full(&queue->waiting, g_free);
	g_free(queue);
}

static void
serve_next(StpBluezQueue *queue)
{
	while (queue->busy < queue->capacity) {
		g_autofree struct waiter *waiter = g_queue_pop_head(&queue->waiting);

		if (waiter == NULL)
			return;
		queue->busy++;
		waiter->run(waiter->data);
	}
}

void
stp_bluez_queue_enter(StpBluezQueue *queue, void (*run)(gpointer data), gpointer data)
{
	struct waiter *waiter = g_new(struct waiter, 1);

	*waiter = (struct waiter){ run, data };
	g_queue_push_tail(&queue->waiting, waiter);
	serve_next(queue);
}

gboolean
stp_bluez_queue_withdraw(StpBluezQueue *queue, gpointer data)
{
	for (GList *i = queue->waiting.head; i != NULL; i = i->next) {
		if (((struct waiter *)i->data)->data == data) {
			g_free(i->data);
			g_queue_delete_link(&queue->waiting, i);
			return TRUE;
		}
	}
	return FALSE;
}

void
stp_bluez_queue_leave(StpBluezQueue *queue)
{
	g_return_if_fail(queue->busy > 0);
	queue->busy--;
	serve_next(queue);
}

void
stp_bluez_queue_set_capacity(StpBluezQueue *queue, guint capacity)
{
	queue->capacity = capacity;
	serve_next(queue);
}

guint
stp_bluez_queue_get_busy(const StpBluezQueue *queue)
{
	return queue->busy;
}

guint
stp_bluez_queue_get_waiting(const StpBluezQueue *queue)
{
	return g_queue_get_length((GQueue *)&queue->waiting);
}

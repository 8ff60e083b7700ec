/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-queue.h"

struct waiter {
	void (*run)(gpointer data);
	gpointer data;
};

struct StpBluezQueue {
	GQueue waiting;
	gboolean busy;
};

StpBluezQueue *
stp_bluez_queue_new(void)
{
	StpBluezQueue *queue = g_new0(StpBluezQueue, 1);

	g_queue_init(&queue->waiting);
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
	g_autofree struct waiter *waiter = NULL;

	if (queue->busy)
		return;
	waiter = g_queue_pop_head(&queue->waiting);
	if (waiter == NULL)
		return;
	queue->busy = TRUE;
	waiter->run(waiter->data);
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
	queue->busy = FALSE;
	serve_next(queue);
}

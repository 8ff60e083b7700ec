/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "record-digester.h"

struct StpDigester {
	GThreadPool *pool;
	GAsyncQueue *done;
	gboolean started;
};

static void
digest(gpointer data, gpointer user_data)
{
	StpDigester *self = user_data;
	g_autoptr(GBytes) raw = data;
	gsize size;
	const guint8 *bytes = g_bytes_get_data(raw, &size);

	g_async_queue_push(self->done, stp_record_digest_new(bytes, size));
}

StpDigester *
stp_digester_new(void)
{
	StpDigester *self = g_new0(StpDigester, 1);

	self->done = g_async_queue_new_full((GDestroyNotify)stp_record_digest_free);
	self->pool = g_thread_pool_new(digest, self, 1, FALSE, NULL);
	return self;
}

void
stp_digester_free(StpDigester *self)
{
	if (self == NULL)
		return;
	g_thread_pool_free(self->pool, FALSE, TRUE);
	g_async_queue_unref(self->done);
	g_free(self);
}

void
stp_digester_start(StpDigester *self, GBytes *raw)
{
	/* One that nobody wanted in the end. */
	stp_record_digest_free(stp_digester_take(self));
	self->started = TRUE;
	g_thread_pool_push(self->pool, g_bytes_ref(raw), NULL);
}

StpRecordDigest *
stp_digester_take(StpDigester *self)
{
	if (!self->started)
		return NULL;
	self->started = FALSE;
	return g_async_queue_pop(self->done);
}

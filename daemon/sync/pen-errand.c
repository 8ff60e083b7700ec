/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-errand.h"

#include "clock.h"
#include "error.h"
#include "sync-opening.h"

typedef struct {
	StpStore *store;
	char *serial;
	struct stp_errand_config config;
	StpErrandConfirm confirm;
	gpointer confirm_data;

	StpLink *link;
	struct stp_errand *engine;
	GSource *timer, *cancelled;
	GArray *slots;
	GError *error;
	gboolean ending;
	guint pending;		/* calls of the link under way; they hold no reference */
} Errand;

static void poll_engine(GTask *task);

static void
errand_free(gpointer data)
{
	Errand *errand = data;

	g_clear_object(&errand->store);
	g_free(errand->serial);
	g_clear_object(&errand->link);
	stp_errand_free(errand->engine);
	g_clear_pointer(&errand->slots, g_array_unref);
	g_clear_error(&errand->error);
	g_free(errand);
}

static guint64
now_ms(void)
{
	return (guint64)(stp_clock_monotonic() / 1000);
}

static void
drop_source(GSource **source)
{
	if (*source != NULL)
		g_source_destroy(*source);
	g_clear_pointer(source, g_source_unref);
}

/* ---- the end ---- */

static void
on_let_go(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	Errand *errand = g_task_get_task_data(task);

	stp_link_close_finish(STP_LINK(source), result, NULL);
	if (errand->error != NULL)
		g_task_return_error(task, g_steal_pointer(&errand->error));
	else
		g_task_return_pointer(task, g_steal_pointer(&errand->slots), (GDestroyNotify)g_array_unref);
}

static void
let_go_if_quiet(GTask *task)
{
	Errand *errand = g_task_get_task_data(task);

	if (errand->ending && errand->pending == 0)
		stp_link_close_async(errand->link, on_let_go, task);
}

/* Takes the error; the first one counts. */
static void
end(GTask *task, GError *error)
{
	Errand *errand = g_task_get_task_data(task);

	if (errand->ending) {
		g_clear_error(&error);
		return;
	}
	errand->ending = TRUE;
	errand->error = error;
	drop_source(&errand->timer);
	drop_source(&errand->cancelled);
	g_signal_handlers_disconnect_by_data(errand->link, task);
	let_go_if_quiet(task);
}

/* The same for a call of the link that failed: the end may have waited for just that. */
static void
come_back(GTask *task, GError *error)
{
	Errand *errand = g_task_get_task_data(task);

	if (errand->ending) {
		g_clear_error(&error);
		let_go_if_quiet(task);
	} else {
		end(task, error);
	}
}

/* What the pen, or nobody, answered, in words. */
static GError *
failure_of(const Errand *errand, const struct stp_errand_action *action)
{
	guint8 status = action->u.failed.wire_status;
	const char *serial = errand->serial;

	if (action->u.failed.reason == STP_ERR_NOT_FOUND)
		return g_error_new(STP_ERROR, STP_ERROR_INCOMPLETE,
				   "Record %u of pen %s is not in the store, so nothing was erased. Sync the pen "
				   "first.", action->u.failed.record, serial);
	if (status == STP_WIRE_NOT_CONFIRMED)
		return g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
				   "Nobody pressed the button of pen %s, so nothing was changed. Try again, and press "
				   "it when asked to.", serial);
	if (status == STP_WIRE_NOT_ACKNOWLEDGED)
		return g_error_new(STP_ERROR, STP_ERROR_INCOMPLETE,
				   "Another collector has not got all records of pen %s yet, so nothing was erased. "
				   "Let it sync the pen first; 'stipplectl pens slots %s' shows the collectors.",
				   serial, serial);
	if (action->u.failed.op == STP_OP_DROP_SLOT && status == STP_WIRE_NO_RECORDS)
		return g_error_new(STP_ERROR, STP_ERROR_NOT_FOUND,
				   "Pen %s has no such collector. 'stipplectl pens slots %s' shows those it has.",
				   serial, serial);
	if (action->u.failed.reason == STP_ERR_REFUSED)
		return g_error_new(STP_ERROR, STP_ERROR_DENIED,
				   "Pen %s refused: %s. Nothing was changed.", serial,
				   stp_wire_status_text(status));
	return g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
			   "Pen %s did not answer in time. Bring it closer and try again; 'stipplectl pens slots %s' "
			   "shows what became of it.", serial, serial);
}

/* ---- the engine ---- */

static void
on_written(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GTask *task = user_data;
	Errand *errand = g_task_get_task_data(task);
	GError *error = NULL;

	errand->pending--;
	if (!stp_link_write_finish(STP_LINK(source), result, &error))
		come_back(task, error);
	else
		let_go_if_quiet(task);
}

static void
carry_out(GTask *task, const struct stp_errand_action *action)
{
	Errand *errand = g_task_get_task_data(task);
	g_autoptr(GBytes) value = NULL;

	switch (action->kind) {
	case STP_ERRAND_WRITE:
		value = g_bytes_new(action->u.write.bytes, action->u.write.size);
		errand->pending++;
		stp_link_write_async(errand->link, STP_CHANNEL_LOG_CONTROL, value, TRUE, NULL, on_written, task);
		break;
	case STP_ERRAND_CONFIRM:
		if (errand->confirm != NULL)
			errand->confirm(action->u.confirm.within_ms, errand->confirm_data);
		break;
	case STP_ERRAND_SLOT: {
		StpPenSlot slot = { .index = action->u.slot.index, .mark = action->u.slot.mark,
				    .epoch = action->u.slot.epoch };

		memcpy(slot.name, action->u.slot.name, sizeof(slot.name));
		g_array_append_val(errand->slots, slot);
		break;
	}
	case STP_ERRAND_DONE:
		end(task, NULL);
		break;
	case STP_ERRAND_FAILED:
		end(task, failure_of(errand, action));
		break;
	case STP_ERRAND_IDLE:
		break;
	}
}

static gboolean
on_deadline(gpointer user_data)
{
	GTask *task = user_data;
	Errand *errand = g_task_get_task_data(task);

	drop_source(&errand->timer);
	stp_errand_timeout(errand->engine, now_ms());
	poll_engine(task);
	return G_SOURCE_REMOVE;
}

static void
poll_engine(GTask *task)
{
	Errand *errand = g_task_get_task_data(task);
	guint64 deadline, now;

	while (!errand->ending) {
		struct stp_errand_action action;

		stp_errand_poll(errand->engine, &action);
		if (action.kind == STP_ERRAND_IDLE)
			break;
		carry_out(task, &action);
	}
	drop_source(&errand->timer);
	deadline = stp_errand_deadline(errand->engine);
	if (errand->ending || deadline == G_MAXUINT64)
		return;
	now = now_ms();
	errand->timer = stp_clock_source_new(deadline > now ? (guint)MIN(deadline - now, 3600000) : 0);
	g_source_set_callback(errand->timer, on_deadline, task, NULL);
	g_source_attach(errand->timer, NULL);
}

static void
on_received(StpLink *link, StpChannel channel, GBytes *value, GTask *task)
{
	Errand *errand = g_task_get_task_data(task);
	gsize size;
	const guint8 *bytes = g_bytes_get_data(value, &size);

	if (channel != STP_CHANNEL_LOG_CONTROL || errand->engine == NULL)
		return;
	stp_errand_control(errand->engine, bytes, size, now_ms());
	poll_engine(task);
}

static void
on_closed(StpLink *link, const GError *reason, GTask *task)
{
	end(task, g_error_copy(reason));
}

static gboolean
on_cancelled(GCancellable *cancellable, gpointer user_data)
{
	end(user_data, g_error_new(STP_ERROR, STP_ERROR_CANCELLED,
				   "It was cancelled; what the pen was asked last may have happened. Look with "
				   "'stipplectl pens slots'."));
	return G_SOURCE_REMOVE;
}

/* ---- begin ---- */

/*
 * Whose slots and records these are must be sure before anything is dropped, and the bond before this store's name
 * is told: whoever has it may acknowledge in its stead.
 */
static void
on_opened(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GTask *task = user_data;
	Errand *errand = g_task_get_task_data(task);
	GError *error = NULL;
	g_autoptr(StpSyncOpening) opening = stp_sync_open_finish(STP_LINK(source), result, &error);

	errand->pending--;
	if (opening == NULL) {
		come_back(task, error);
		return;
	}
	if (errand->ending) {
		let_go_if_quiet(task);
		return;
	}
	errand->engine = stp_errand_new(&errand->config);
	if (errand->engine == NULL) {
		end(task, g_error_new(STP_ERROR, STP_ERROR_PROTOCOL_FAILED,
				      "There is not enough memory for that; free some and try again."));
		return;
	}
	stp_errand_start(errand->engine, now_ms());
	poll_engine(task);
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GTask *task = user_data;
	Errand *errand = g_task_get_task_data(task);
	GCancellable *cancellable = g_task_get_cancellable(task);
	GError *error = NULL;

	errand->link = stp_radio_connect_finish(STP_RADIO(source), result, &error);
	if (errand->link == NULL) {
		g_task_return_error(task, error);
		g_object_unref(task);
		return;
	}
	g_signal_connect(errand->link, "received", G_CALLBACK(on_received), task);
	g_signal_connect(errand->link, "closed", G_CALLBACK(on_closed), task);
	if (cancellable != NULL) {
		errand->cancelled = g_cancellable_source_new(cancellable);
		g_source_set_callback(errand->cancelled, G_SOURCE_FUNC(on_cancelled), task, NULL);
		g_source_attach(errand->cancelled, NULL);
	}
	errand->pending++;
	stp_sync_open_async(errand->link, errand->store, errand->serial, cancellable, on_opened, task);
}

void
stp_pen_errand_async(StpRadio *radio, StpStore *store, const char *address, const char *serial,
		     const struct stp_errand_config *config, StpErrandConfirm confirm, gpointer confirm_data,
		     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	GTask *task = g_task_new(radio, cancellable, callback, user_data);
	Errand *errand = g_new0(Errand, 1);

	/* Cancelling is told in our own error domain. */
	g_task_set_check_cancellable(task, FALSE);
	errand->store = g_object_ref(store);
	errand->serial = g_strdup(serial);
	errand->config = *config;
	errand->confirm = confirm;
	errand->confirm_data = confirm_data;
	errand->slots = g_array_new(FALSE, FALSE, sizeof(StpPenSlot));
	g_task_set_task_data(task, errand, errand_free);
	stp_radio_connect_async(radio, address, cancellable, on_connected, task);
}

GArray *
stp_pen_errand_finish(StpRadio *radio, GAsyncResult *result, GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, radio), NULL);
	return g_task_propagate_pointer(G_TASK(result), error);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-identity.h"

#include <string.h>

#include "error.h"

static const StpChannel questions[] = {
	STP_CHANNEL_SERIAL, STP_CHANNEL_MAKER, STP_CHANNEL_MODEL, STP_CHANNEL_FIRMWARE,
	STP_CHANNEL_HARDWARE, STP_CHANNEL_BATTERY,
};

typedef struct {
	StpPenRow *row;
	guint next;		/* index into questions */
} Identify;

static void ask_next(GTask *task);

static void
identify_free(Identify *identify)
{
	g_clear_pointer(&identify->row, stp_pen_row_free);
	g_free(identify);
}

/* A pen's text as it may be shown: printable ASCII, or nothing. */
static char *
text_of(GBytes *value, gsize longest)
{
	gsize size;
	const char *bytes = g_bytes_get_data(value, &size);
	g_autofree char *text = NULL;

	/* Some firmware sends the terminating zero along. */
	size = bytes != NULL ? strnlen(bytes, size) : 0;
	if (size > longest)
		return g_strdup("");

	text = g_strndup(bytes != NULL ? bytes : "", size);
	g_strstrip(text);
	for (const char *c = text; *c != '\0'; c++)
		if (!g_ascii_isprint(*c))
			return g_strdup("");
	return g_steal_pointer(&text);
}

static void
take_answer(Identify *identify, StpChannel channel, GBytes *value)
{
	StpPenRow *row = identify->row;
	char **field = NULL;

	switch (channel) {
	case STP_CHANNEL_SERIAL:
		field = &row->serial;
		break;
	case STP_CHANNEL_MAKER:
		field = &row->maker;
		break;
	case STP_CHANNEL_MODEL:
		field = &row->model;
		break;
	case STP_CHANNEL_FIRMWARE:
		field = &row->firmware;
		break;
	case STP_CHANNEL_HARDWARE:
		field = &row->hardware;
		break;
	case STP_CHANNEL_BATTERY:
		if (g_bytes_get_size(value) >= 1) {
			guint8 percent = *(const guint8 *)g_bytes_get_data(value, NULL);

			row->battery = percent <= 100 ? percent : 255;
		}
		return;
	case STP_CHANNEL_LOG_CONTROL:
	case STP_CHANNEL_LOG_DATA:
	case STP_CHANNEL_LIVE:
	case STP_CHANNEL_ELAPSED_TIME:
	case STP_CHANNEL_FEATURES:
	case STP_CHANNEL_COUNT:
	default:
		g_return_if_reached();
	}

	g_free(*field);
	*field = text_of(value, channel == STP_CHANNEL_SERIAL ? STP_SERIAL_MAX : 64);
}

static void
on_answer(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	g_autoptr(GError) error = NULL;
	Identify *identify = g_task_get_task_data(task);
	StpChannel channel = questions[identify->next];
	g_autoptr(GBytes) value = stp_link_read_finish(STP_LINK(source), result, &error);

	if (value != NULL)
		take_answer(identify, channel, value);
	else if (channel == STP_CHANNEL_SERIAL ||
		 !g_error_matches(error, STP_ERROR, STP_ERROR_NOT_FOUND)) {
		g_task_return_error(task, g_steal_pointer(&error));
		return;
	}

	if (channel == STP_CHANNEL_SERIAL && *identify->row->serial == '\0') {
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_PROTOCOL_FAILED,
			"The pen gives no usable serial number, so its records could not be told "
			"from another pen's. Ask its maker for a firmware that does.");
		return;
	}

	identify->next++;
	ask_next(g_steal_pointer(&task));
}

/* Takes the task. */
static void
ask_next(GTask *task)
{
	Identify *identify = g_task_get_task_data(task);

	if (identify->next == G_N_ELEMENTS(questions)) {
		g_task_return_pointer(task, g_steal_pointer(&identify->row),
				      (GDestroyNotify)stp_pen_row_free);
		g_object_unref(task);
		return;
	}
	stp_link_read_async(STP_LINK(g_task_get_source_object(task)), questions[identify->next],
			    g_task_get_cancellable(task), on_answer, task);
}

void
stp_pen_identify_async(StpLink *link, GCancellable *cancellable, GAsyncReadyCallback callback,
		       gpointer user_data)
{
	GTask *task = g_task_new(link, cancellable, callback, user_data);
	Identify *identify = g_new0(Identify, 1);
	StpPenRow *row = g_new0(StpPenRow, 1);

	row->serial = g_strdup("");
	row->maker = g_strdup("");
	row->model = g_strdup("");
	row->firmware = g_strdup("");
	row->hardware = g_strdup("");
	row->label = g_strdup("");
	row->address = g_strdup(stp_link_get_address(link));
	row->battery = 255;
	identify->row = row;
	g_task_set_task_data(task, identify, (GDestroyNotify)identify_free);
	ask_next(task);
}

StpPenRow *
stp_pen_identify_finish(StpLink *link, GAsyncResult *result, GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, link), NULL);
	return g_task_propagate_pointer(G_TASK(result), error);
}

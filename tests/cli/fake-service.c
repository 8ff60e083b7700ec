/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gio/gunixfdlist.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake-service.h"
#include "made-session.h"

/* TRUE: the call is to fail, and did. */
static gboolean
note(Fake *fake, GDBusMethodInvocation *invocation)
{
	const char *method = g_dbus_method_invocation_get_method_name(invocation);
	g_autofree char *arguments = g_variant_print(g_dbus_method_invocation_get_parameters(invocation), FALSE);

	g_ptr_array_add(fake->calls, g_strconcat(method, arguments, NULL));
	if (g_strcmp0(fake->fail_method, method))
		return FALSE;
	g_dbus_method_invocation_return_dbus_error(invocation, fake->fail_error, fake->fail_message);
	return TRUE;
}

static GVariant *
to_array(GPtrArray *list, gsize from, gsize to)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (gsize i = from; i < MIN(to, list->len); i++)
		g_variant_builder_add_value(&builder, list->pdata[i]);
	return g_variant_builder_end(&builder);
}

static gboolean
on_list_sightings(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, Fake *fake)
{
	if (!note(fake, invocation))
		stp_dbus_manager1_complete_list_sightings(manager, invocation,
							  to_array(fake->sightings, 0, G_MAXSIZE));
	return TRUE;
}

static gboolean
on_get_adapters(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, Fake *fake)
{
	if (!note(fake, invocation))
		stp_dbus_manager1_complete_get_adapters(manager, invocation,
							to_array(fake->adapters, 0, G_MAXSIZE));
	return TRUE;
}

static gboolean
on_list_sessions(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, GVariant *filter, guint limit,
		 guint64 cursor, Fake *fake)
{
	gsize end = cursor + (fake->page ? MIN(limit, fake->page) : limit);

	if (!note(fake, invocation))
		stp_dbus_manager1_complete_list_sessions(manager, invocation,
							 to_array(fake->sessions, cursor, end),
							 end < fake->sessions->len ? end : 0);
	return TRUE;
}

static GVariant *
find_session(Fake *fake, const char *id)
{
	for (guint i = 0; i < fake->sessions->len; i++) {
		const char *own;

		if (g_variant_lookup(fake->sessions->pdata[i], "id", "&s", &own) && !strcmp(own, id))
			return fake->sessions->pdata[i];
	}
	return NULL;
}

static gboolean
no_session(GDBusMethodInvocation *invocation, const char *id)
{
	g_autofree char *message = g_strdup_printf("There is no session %s. List them to see which there are.", id);

	g_dbus_method_invocation_return_dbus_error(invocation, "org.stipple1.Error.NotFound", message);
	return TRUE;
}

static gboolean
on_get_session(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, const char *id, Fake *fake)
{
	GVariant *session = find_session(fake, id);

	if (note(fake, invocation))
		return TRUE;
	if (!session)
		return no_session(invocation, id);
	stp_dbus_manager1_complete_get_session(manager, invocation, session);
	return TRUE;
}

static gboolean
on_open_session(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, GUnixFDList *none, const char *id,
		GVariant *options, Fake *fake)
{
	GVariant *session = find_session(fake, id);
	g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
	gsize size;

	if (note(fake, invocation))
		return TRUE;
	if (!session)
		return no_session(invocation, id);
	const guint8 *bytes = g_bytes_get_data(fake->records, &size);
	int fd = made_memfd(bytes, size, !fake->unsealed);

	g_unix_fd_list_append(fds, fd, NULL);
	close(fd);
	stp_dbus_manager1_complete_open_session(manager, invocation, fds, session, g_variant_new_handle(0));
	return TRUE;
}

static gboolean
on_get_coverage(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, const char *serial, Fake *fake)
{
	g_autoptr(GPtrArray) fitting = g_ptr_array_new();

	if (note(fake, invocation))
		return TRUE;
	for (guint i = 0; i < fake->coverage->len; i++) {
		const char *pen = "";

		g_variant_lookup(fake->coverage->pdata[i], "pen", "&s", &pen);
		if (!*serial || !strcmp(pen, serial))
			g_ptr_array_add(fitting, fake->coverage->pdata[i]);
	}
	stp_dbus_manager1_complete_get_coverage(manager, invocation, to_array(fitting, 0, G_MAXSIZE));
	return TRUE;
}

static gboolean
on_list_syncs(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, const char *serial, guint limit,
	      Fake *fake)
{
	if (!note(fake, invocation))
		stp_dbus_manager1_complete_list_syncs(manager, invocation, to_array(fake->syncs, 0, limit));
	return TRUE;
}

static gboolean
on_list_alerts(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, gboolean all, Fake *fake)
{
	if (!note(fake, invocation))
		stp_dbus_manager1_complete_list_alerts(manager, invocation, to_array(fake->alerts, 0, G_MAXSIZE));
	return TRUE;
}

static gboolean
on_acknowledge_alert(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, const char *kind,
		     const char *subject, Fake *fake)
{
	if (note(fake, invocation))
		return TRUE;
	g_ptr_array_set_size(fake->alerts, 0);
	stp_dbus_manager1_complete_acknowledge_alert(manager, invocation);
	return TRUE;
}

static gboolean
on_list_slots(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, const char *serial, Fake *fake)
{
	if (!note(fake, invocation))
		stp_dbus_manager1_complete_list_slots(manager, invocation, to_array(fake->slots, 0, G_MAXSIZE));
	return TRUE;
}

static gboolean
on_list_retired_pens(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, Fake *fake)
{
	if (!note(fake, invocation))
		stp_dbus_manager1_complete_list_retired_pens(manager, invocation,
							     to_array(fake->retired, 0, G_MAXSIZE));
	return TRUE;
}

static gboolean
on_drop_slot(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, const char *serial, guint index,
	     const char *name, Fake *fake)
{
	if (!note(fake, invocation))
		stp_dbus_manager1_complete_drop_slot(manager, invocation);
	return TRUE;
}

static gboolean
on_remove_pen(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, const char *serial, gboolean force,
	      Fake *fake)
{
	if (!note(fake, invocation))
		stp_dbus_manager1_complete_remove_pen(manager, invocation);
	return TRUE;
}

static gboolean
on_sync_all(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, Fake *fake)
{
	if (!note(fake, invocation))
		stp_dbus_manager1_complete_sync_all(manager, invocation);
	return TRUE;
}

/* ---- adding a pen ---- */

static void
finish_adding(Fake *fake)
{
	fake_add_pen(fake, "SP-0009", "");
	stp_dbus_manager1_complete_add_pen(fake->manager, g_steal_pointer(&fake->adding),
					   "/org/stipple1/pen/SP_2d0009");
}

static gboolean
on_add_pen(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, const char *which, GVariant *options,
	   Fake *fake)
{
	if (note(fake, invocation))
		return TRUE;
	fake->adding = invocation;
	if (!fake->pairing) {
		finish_adding(fake);
		return TRUE;
	}
	/* To the caller alone, as the daemon does. */
	g_dbus_connection_emit_signal(fake->connection, g_dbus_method_invocation_get_sender(invocation),
				      "/org/stipple1", "org.stipple1.Manager1", "PairingRequest",
				      g_variant_new("(ussu)", 17, "Pen 9", fake->pairing,
						    strcmp(fake->pairing, "enter-passkey") ? fake->passkey : 0),
				      NULL);
	return TRUE;
}

static gboolean
on_answer_pairing(StpDbusManager1 *manager, GDBusMethodInvocation *invocation, guint request, gboolean accept,
		  guint passkey, Fake *fake)
{
	if (note(fake, invocation))
		return TRUE;
	stp_dbus_manager1_complete_answer_pairing(manager, invocation);
	if (accept && passkey == fake->passkey)
		finish_adding(fake);
	else
		g_dbus_method_invocation_return_dbus_error(g_steal_pointer(&fake->adding),
			"org.stipple1.Error.PairingFailed",
			"The code was wrong. Open the pairing at the pen and try again.");
	return TRUE;
}

/* ---- pens ---- */

static gboolean
on_sync(StpDbusPen1 *pen, GDBusMethodInvocation *invocation, GVariant *options, Fake *fake)
{
	if (note(fake, invocation))
		return TRUE;
	stp_dbus_pen1_set_state(pen, "syncing");
	stp_dbus_pen1_set_progress(pen, g_variant_new("(tttt)", (guint64)10, (guint64)3, (guint64)3000, (guint64)1500));
	stp_dbus_pen1_set_seconds_left(pen, 7);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(pen));
	if (fake->stuck) {
		g_ptr_array_add(fake->stuck_syncs, invocation);
		return TRUE;
	}
	stp_dbus_pen1_set_state(pen, "idle");
	stp_dbus_pen1_complete_sync(pen, invocation, fake->sync_result);
	return TRUE;
}

static gboolean
on_cancel(StpDbusPen1 *pen, GDBusMethodInvocation *invocation, Fake *fake)
{
	if (note(fake, invocation))
		return TRUE;
	stp_dbus_pen1_complete_cancel(pen, invocation);
	for (guint i = 0; i < fake->stuck_syncs->len; i++)
		g_dbus_method_invocation_return_dbus_error(fake->stuck_syncs->pdata[i],
			"org.stipple1.Error.Cancelled", "The sync was cancelled. What arrived whole is kept.");
	g_ptr_array_set_size(fake->stuck_syncs, 0);
	return TRUE;
}

static char *
pen_path(const char *serial)
{
	GString *path = g_string_new("/org/stipple1/pen/");

	for (; *serial; serial++) {
		if (g_ascii_isalnum(*serial))
			g_string_append_c(path, *serial);
		else
			g_string_append_printf(path, "_%02x", (guint8)*serial);
	}
	return g_string_free(path, FALSE);
}

StpDbusPen1 *
fake_add_pen(Fake *fake, const char *serial, const char *label)
{
	g_autofree char *path = pen_path(serial);
	g_autoptr(StpDbusObjectSkeleton) object = stp_dbus_object_skeleton_new(path);
	StpDbusPen1 *pen = stp_dbus_pen1_skeleton_new();

	stp_dbus_pen1_set_serial(pen, serial);
	stp_dbus_pen1_set_label(pen, label);
	stp_dbus_pen1_set_maker(pen, "Acme");
	stp_dbus_pen1_set_model(pen, "Pen One");
	stp_dbus_pen1_set_firmware(pen, "1.2.3");
	stp_dbus_pen1_set_hardware(pen, "");
	stp_dbus_pen1_set_address(pen, "C0:00:00:00:00:01");
	stp_dbus_pen1_set_battery(pen, 80);
	stp_dbus_pen1_set_last_seen(pen, G_GINT64_CONSTANT(1767225600000000));
	stp_dbus_pen1_set_sessions(pen, 5);
	stp_dbus_pen1_set_coverage(pen, 99.96);
	stp_dbus_pen1_set_state(pen, "idle");
	stp_dbus_pen1_set_progress(pen, g_variant_new("(tttt)", (guint64)0, (guint64)0, (guint64)0, (guint64)0));
	stp_dbus_pen1_set_warning(pen, "");
	stp_dbus_pen1_set_sessions_left(pen, G_MAXUINT32);
	stp_dbus_pen1_set_seconds_left(pen, G_MAXUINT32);
	stp_dbus_pen1_set_last_error(pen, "");
	stp_dbus_pen1_set_last_error_hint(pen, "");
	g_signal_connect(pen, "handle-sync", G_CALLBACK(on_sync), fake);
	g_signal_connect(pen, "handle-cancel", G_CALLBACK(on_cancel), fake);
	stp_dbus_object_skeleton_set_pen1(object, pen);
	g_dbus_object_manager_server_export(fake->objects, G_DBUS_OBJECT_SKELETON(object));
	/* The object keeps it. */
	g_object_unref(pen);
	return pen;
}

void
fake_remove_pen(Fake *fake, const char *serial)
{
	g_autofree char *path = pen_path(serial);

	g_dbus_object_manager_server_unexport(fake->objects, path);
}

void
fake_add(GPtrArray *list, const char *text)
{
	g_autoptr(GError) error = NULL;
	GVariant *value = g_variant_parse(G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);

	g_assert_no_error(error);
	g_ptr_array_add(list, value);
}

/* ---- life ---- */

static void
connect_manager(Fake *fake)
{
	static const struct {
		const char *signal;
		GCallback handler;
	} handlers[] = {
		{ "handle-get-adapters", G_CALLBACK(on_get_adapters) },
		{ "handle-list-sightings", G_CALLBACK(on_list_sightings) },
		{ "handle-list-sessions", G_CALLBACK(on_list_sessions) },
		{ "handle-get-session", G_CALLBACK(on_get_session) },
		{ "handle-open-session", G_CALLBACK(on_open_session) },
		{ "handle-get-coverage", G_CALLBACK(on_get_coverage) },
		{ "handle-list-syncs", G_CALLBACK(on_list_syncs) },
		{ "handle-list-alerts", G_CALLBACK(on_list_alerts) },
		{ "handle-acknowledge-alert", G_CALLBACK(on_acknowledge_alert) },
		{ "handle-list-slots", G_CALLBACK(on_list_slots) },
		{ "handle-list-retired-pens", G_CALLBACK(on_list_retired_pens) },
		{ "handle-drop-slot", G_CALLBACK(on_drop_slot) },
		{ "handle-remove-pen", G_CALLBACK(on_remove_pen) },
		{ "handle-sync-all", G_CALLBACK(on_sync_all) },
		{ "handle-add-pen", G_CALLBACK(on_add_pen) },
		{ "handle-answer-pairing", G_CALLBACK(on_answer_pairing) },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(handlers); i++)
		g_signal_connect(fake->manager, handlers[i].signal, handlers[i].handler, fake);
	stp_dbus_manager1_set_version(fake->manager, "0.1.0");
	stp_dbus_manager1_set_collector_id(fake->manager, "0123456789abcdef");
	stp_dbus_manager1_set_radio_state(fake->manager, "scanning");
	stp_dbus_manager1_set_radio_hint(fake->manager, "");
	stp_dbus_manager1_set_store_state(fake->manager, "ok");
	stp_dbus_manager1_set_store_hint(fake->manager, "");
}

static void
on_acquired(GDBusConnection *connection, const char *name, gpointer data)
{
	*(gboolean *)data = TRUE;
}

void
fake_appear(Fake *fake)
{
	gboolean acquired = FALSE;

	fake->name = g_bus_own_name_on_connection(fake->connection, "org.stipple1", G_BUS_NAME_OWNER_FLAGS_NONE,
						  on_acquired, NULL, &acquired, NULL);
	while (!acquired)
		g_main_context_iteration(NULL, TRUE);
}

void
fake_vanish(Fake *fake)
{
	g_bus_unown_name(fake->name);
	fake->name = 0;
	g_dbus_connection_flush_sync(fake->connection, NULL, NULL);
}

Fake *
fake_new(void)
{
	Fake *fake = g_new0(Fake, 1);
	g_autoptr(GError) error = NULL;

	fake->bus = private_bus_new();
	g_assert_nonnull(fake->bus);
	fake->connection = private_bus_connect(fake->bus, &error);
	g_assert_no_error(error);
	fake->calls = g_ptr_array_new_with_free_func(g_free);
	fake->adapters = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
	fake->sightings = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
	fake->sessions = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
	fake->coverage = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
	fake->syncs = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
	fake->slots = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
	fake->retired = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
	fake->alerts = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
	fake->stuck_syncs = g_ptr_array_new();
	fake->sync_result = g_variant_ref_sink(g_variant_new_parsed("@a{sv} {'records': <uint32 0>}"));
	fake->objects = g_dbus_object_manager_server_new("/org/stipple1");
	g_dbus_object_manager_server_set_connection(fake->objects, fake->connection);
	fake->manager = stp_dbus_manager1_skeleton_new();
	connect_manager(fake);
	g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(fake->manager), fake->connection,
					 "/org/stipple1", &error);
	g_assert_no_error(error);
	fake_appear(fake);
	return fake;
}

void
fake_free(Fake *fake)
{
	if (fake->name)
		fake_vanish(fake);
	g_dbus_interface_skeleton_unexport(G_DBUS_INTERFACE_SKELETON(fake->manager));
	g_dbus_object_manager_server_set_connection(fake->objects, NULL);
	g_object_unref(fake->objects);
	g_object_unref(fake->manager);
	g_dbus_connection_close_sync(fake->connection, NULL, NULL);
	g_object_unref(fake->connection);
	g_ptr_array_unref(fake->calls);
	g_ptr_array_unref(fake->adapters);
	g_ptr_array_unref(fake->sightings);
	g_ptr_array_unref(fake->sessions);
	g_ptr_array_unref(fake->coverage);
	g_ptr_array_unref(fake->syncs);
	g_ptr_array_unref(fake->alerts);
	g_ptr_array_unref(fake->slots);
	g_ptr_array_unref(fake->retired);
	g_ptr_array_unref(fake->stuck_syncs);
	g_variant_unref(fake->sync_result);
	g_clear_pointer(&fake->records, g_bytes_unref);
	private_bus_free(fake->bus);
	g_free(fake);
}

char *
fake_calls(Fake *fake)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < fake->calls->len; i++)
		g_string_append_printf(text, "%s\n", (char *)fake->calls->pdata[i]);
	return g_string_free(text, FALSE);
}

/* ---- running ---- */

void
outcome_clear(Outcome *outcome)
{
	g_clear_pointer(&outcome->out, g_free);
	g_clear_pointer(&outcome->err, g_free);
}

struct talk {
	Outcome outcome;
	gboolean done;
};

static void
on_talked(GObject *source, GAsyncResult *result, gpointer data)
{
	struct talk *talk = data;
	g_autoptr(GError) error = NULL;

	g_subprocess_communicate_utf8_finish(G_SUBPROCESS(source), result, &talk->outcome.out,
					     &talk->outcome.err, &error);
	g_assert_no_error(error);
	talk->done = TRUE;
}

static gboolean
talk_is_done(gpointer data)
{
	return ((struct talk *)data)->done;
}

Outcome
fake_run(Fake *fake, const char *input, const char *words)
{
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
		G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
	g_autofree char *line = g_strconcat(g_getenv("STIPPLECTL"), " ", words, NULL);
	g_auto(GStrv) argv = NULL;
	g_autoptr(GError) error = NULL;
	struct talk talk = { 0 };

	g_assert_true(g_shell_parse_argv(line, NULL, &argv, NULL));
	g_subprocess_launcher_setenv(launcher, "DBUS_SYSTEM_BUS_ADDRESS",
				     fake ? private_bus_address(fake->bus) : "unix:path=/nonexistent/bus", TRUE);
	g_subprocess_launcher_setenv(launcher, "TZ", "CET-1", TRUE);

	g_autoptr(GSubprocess) process = g_subprocess_launcher_spawnv(launcher, (const char *const *)argv, &error);

	g_assert_no_error(error);
	g_subprocess_communicate_utf8_async(process, input, NULL, on_talked, &talk);
	g_assert_true(private_wait(talk_is_done, &talk, 60000));
	talk.outcome.code = g_subprocess_get_if_exited(process) ? g_subprocess_get_exit_status(process) :
								  128 + g_subprocess_get_term_sig(process);
	return talk.outcome;
}

void
fake_expect(Fake *fake, const char *words, int code, const char *out)
{
	g_auto(Outcome) outcome = fake_run(fake, NULL, words);

	if (outcome.code != code || (out && strcmp(outcome.out, out)))
		fail_msg("stipplectl %s: exit code %d, wanted %d\n%s%s\nwanted:\n%s", words, outcome.code, code,
			 outcome.out, outcome.err, out ? out : "");
}

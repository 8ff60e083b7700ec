/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "private-bus.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define GRACE_MS 5000

struct PrivateBus {
	char *directory;
	char *scratch;
	char *address;
	GSubprocess *daemon;
	GPtrArray *children;
};

struct PrivateChild {
	GSubprocess *process;
	pid_t pid;
	GString *output;
	gsize read_to;
	gboolean ended;
	gboolean output_ended;
	GCancellable *cancellable;
	char buffer[4096];
};

static const char config[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig>\n"
	"  <type>session</type>\n"
	"  <listen>unix:path=%s/socket</listen>\n"
	"  <auth>EXTERNAL</auth>\n"
	"  <policy context=\"default\">\n"
	"    <allow send_destination=\"*\" eavesdrop=\"true\"/>\n"
	"    <allow eavesdrop=\"true\"/>\n"
	"    <allow own=\"*\"/>\n"
	"  </policy>\n"
	"</busconfig>\n";

static gboolean
on_wait_over(gpointer data)
{
	*(gboolean *)data = TRUE;
	return G_SOURCE_REMOVE;
}

gboolean
private_wait(gboolean (*done)(gpointer data), gpointer data, guint timeout_ms)
{
	g_autoptr(GMainContext) context = g_main_context_ref_thread_default();
	g_autoptr(GSource) timer = g_timeout_source_new(timeout_ms);
	gboolean over = FALSE;
	gboolean result;

	g_source_set_callback(timer, on_wait_over, &over, NULL);
	g_source_attach(timer, context);
	while (!(result = done(data)) && !over)
		g_main_context_iteration(context, TRUE);
	g_source_destroy(timer);
	return result;
}

/* Runs between fork and exec: an aborted test must leave nothing behind. */
static void
die_with_parent(gpointer data)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void
remove_tree(const char *path)
{
	g_autoptr(GDir) dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		remove_tree(inner);
	}
	g_remove(path);
}

static void
on_output(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), result, &error);
	PrivateChild *child = data;

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	if (n <= 0) {
		child->output_ended = TRUE;
		return;
	}
	g_string_append_len(child->output, child->buffer, n);
	g_input_stream_read_async(G_INPUT_STREAM(source), child->buffer, sizeof(child->buffer),
				  G_PRIORITY_DEFAULT, child->cancellable, on_output, child);
}

static void
on_child_ended(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	PrivateChild *child = data;

	g_subprocess_wait_finish(G_SUBPROCESS(source), result, &error);
	if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		child->ended = TRUE;
}

static gboolean
child_has_ended(gpointer data)
{
	return ((PrivateChild *)data)->ended;
}

static void
private_child_free(PrivateChild *child)
{
	if (private_child_stop(child, SIGTERM, GRACE_MS) == -1) {
		fprintf(stderr, "process %d ignored SIGTERM, killing it\n", (int)child->pid);
		private_child_stop(child, SIGKILL, GRACE_MS);
	}
	/* The cancelled reads and waits still hold a pointer: let them come home first. */
	g_cancellable_cancel(child->cancellable);
	while (g_main_context_iteration(g_main_context_get_thread_default(), FALSE))
		;
	g_object_unref(child->cancellable);
	g_object_unref(child->process);
	g_string_free(child->output, TRUE);
	g_free(child);
}

static char *
read_address(GSubprocess *daemon)
{
	g_autoptr(GDataInputStream) lines = g_data_input_stream_new(g_subprocess_get_stdout_pipe(daemon));

	return g_data_input_stream_read_line(lines, NULL, NULL, NULL);
}

static GSubprocess *
start_daemon(const char *directory, GError **error)
{
	/* Its stderr has a warning about file limits for whoever is not root, each time. */
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
		G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
	g_autofree char *file = g_build_filename(directory, "bus.conf", NULL);
	g_autofree char *text = g_strdup_printf(config, directory);
	g_autofree char *option = g_strconcat("--config-file=", file, NULL);

	if (!g_file_set_contents(file, text, -1, error))
		return NULL;
	g_subprocess_launcher_set_child_setup(launcher, die_with_parent, NULL, NULL);
	return g_subprocess_launcher_spawn(launcher, error, "dbus-daemon", option, "--nofork",
					   "--nopidfile", "--print-address=1", NULL);
}

PrivateBus *
private_bus_new(void)
{
	g_autoptr(PrivateBus) bus = g_new0(PrivateBus, 1);
	g_autoptr(GError) error = NULL;

	bus->children = g_ptr_array_new_with_free_func((GDestroyNotify)private_child_free);
	bus->directory = g_dir_make_tmp("stipple-bus-XXXXXX", &error);
	if (bus->directory) {
		bus->scratch = g_build_filename(bus->directory, "files", NULL);
		g_mkdir(bus->scratch, 0700);
		bus->daemon = start_daemon(bus->directory, &error);
	}
	if (bus->daemon)
		bus->address = read_address(bus->daemon);
	if (!bus->address) {
		fprintf(stderr, "no private bus: %s; install the package dbus-daemon\n",
			error ? error->message : "dbus-daemon printed no address");
		return NULL;
	}
	return g_steal_pointer(&bus);
}

void
private_bus_free(PrivateBus *bus)
{
	if (!bus)
		return;
	g_ptr_array_free(bus->children, TRUE);
	if (bus->daemon) {
		g_subprocess_send_signal(bus->daemon, SIGTERM);
		g_subprocess_wait(bus->daemon, NULL, NULL);
		g_object_unref(bus->daemon);
	}
	if (bus->directory)
		remove_tree(bus->directory);
	g_free(bus->directory);
	g_free(bus->scratch);
	g_free(bus->address);
	g_free(bus);
}

const char *
private_bus_address(PrivateBus *bus)
{
	return bus->address;
}

const char *
private_bus_directory(PrivateBus *bus)
{
	return bus->scratch;
}

GDBusConnection *
private_bus_connect(PrivateBus *bus, GError **error)
{
	GDBusConnection *connection;

	connection = g_dbus_connection_new_for_address_sync(
		bus->address,
		G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
			G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
		NULL, NULL, error);
	if (connection)
		g_dbus_connection_set_exit_on_close(connection, FALSE);
	return connection;
}

static void
on_name_appeared(GDBusConnection *connection, const char *name, const char *owner, gpointer data)
{
	*(gboolean *)data = TRUE;
}

static gboolean
is_set(gpointer data)
{
	return *(gboolean *)data;
}

gboolean
private_bus_wait_for_name(PrivateBus *bus, const char *name, guint timeout_ms)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GDBusConnection) connection = private_bus_connect(bus, &error);
	gboolean appeared = FALSE;
	guint watch;

	if (!connection) {
		fprintf(stderr, "the private bus does not answer: %s\n", error->message);
		return FALSE;
	}
	watch = g_bus_watch_name_on_connection(connection, name, G_BUS_NAME_WATCHER_FLAGS_NONE,
					       on_name_appeared, NULL, &appeared, NULL);
	private_wait(is_set, &appeared, timeout_ms);
	g_bus_unwatch_name(watch);
	g_dbus_connection_close_sync(connection, NULL, NULL);
	return appeared;
}

PrivateChild *
private_bus_spawn(PrivateBus *bus, const char *const *argv, const char *const *env)
{
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
	g_autoptr(GError) error = NULL;
	const char *identifier;
	PrivateChild *child;
	GSubprocess *process;

	g_subprocess_launcher_set_child_setup(launcher, die_with_parent, NULL, NULL);
	g_subprocess_launcher_setenv(launcher, "DBUS_SYSTEM_BUS_ADDRESS", bus->address, TRUE);
	for (; env && *env; env++) {
		const char *equals = strchr(*env, '=');
		g_autofree char *name = g_strndup(*env, (gsize)(equals - *env));

		g_subprocess_launcher_setenv(launcher, name, equals + 1, TRUE);
	}
	process = g_subprocess_launcher_spawnv(launcher, argv, &error);
	if (!process) {
		fprintf(stderr, "%s does not start: %s\n", argv[0], error->message);
		return NULL;
	}
	child = g_new0(PrivateChild, 1);
	child->process = process;
	/* A program that has ended already has no identifier any more; its pid stays 0. */
	identifier = g_subprocess_get_identifier(process);
	if (identifier)
		child->pid = (pid_t)g_ascii_strtoll(identifier, NULL, 10);
	child->output = g_string_new(NULL);
	child->cancellable = g_cancellable_new();
	g_input_stream_read_async(g_subprocess_get_stdout_pipe(process), child->buffer,
				  sizeof(child->buffer), G_PRIORITY_DEFAULT, child->cancellable,
				  on_output, child);
	g_subprocess_wait_async(process, child->cancellable, on_child_ended, child);
	g_ptr_array_add(bus->children, child);
	return child;
}

typedef struct {
	PrivateChild *child;
	const char *text;
	char *line;
} LineWait;

static gboolean
line_found(gpointer data)
{
	LineWait *wait = data;
	GString *output = wait->child->output;
	char *newline;

	while (!wait->line && (newline = strchr(output->str + wait->child->read_to, '\n'))) {
		char *start = output->str + wait->child->read_to;
		char *line = g_strndup(start, (gsize)(newline - start));

		wait->child->read_to = (gsize)(newline + 1 - output->str);
		if (strstr(line, wait->text))
			wait->line = line;
		else
			g_free(line);
	}
	return wait->line || (wait->child->ended && wait->child->output_ended);
}

char *
private_child_wait_line(PrivateChild *child, const char *text, guint timeout_ms)
{
	LineWait wait = { child, text, NULL };

	private_wait(line_found, &wait, timeout_ms);
	return wait.line;
}

const char *
private_child_output(PrivateChild *child)
{
	return child->output->str;
}

pid_t
private_child_pid(PrivateChild *child)
{
	return child->pid;
}

int
private_child_stop(PrivateChild *child, int signal_number, guint timeout_ms)
{
	int status;

	if (signal_number && !child->ended)
		g_subprocess_send_signal(child->process, signal_number);
	if (!private_wait(child_has_ended, child, timeout_ms))
		return -1;
	status = g_subprocess_get_status(child->process);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

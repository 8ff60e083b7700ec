/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "agent.h"

#include <bluez-dbus.h>

#define AGENT	  "org.bluez.Agent1"
/* People have so long to type a passkey. */
#define ANSWER_MS 60000

struct FakeAgents {
	FakeBus *bus;
	FakeObject *object;
	GList *agents;	/* FakeAgent; the first is the default */
};

struct FakeQuestion {
	GDBusConnection *connection;
	char *owner;
	char *path;
	FakeAnswer answer;	/* NULL once cancelled */
	gpointer data;
};

static const struct {
	const char *name;
	FakeIo io;
} capabilities[] = {
	{ "", FAKE_IO_KEYBOARD_DISPLAY },
	{ "KeyboardDisplay", FAKE_IO_KEYBOARD_DISPLAY },
	{ "DisplayOnly", FAKE_IO_DISPLAY_ONLY },
	{ "DisplayYesNo", FAKE_IO_DISPLAY_YES_NO },
	{ "KeyboardOnly", FAKE_IO_KEYBOARD_ONLY },
	{ "NoInputNoOutput", FAKE_IO_NONE },
};

static void
agent_free(FakeAgent *agent)
{
	if (agent->watch)
		fake_bus_unwatch(agent->agents->bus, agent->watch);
	agent->agents->agents = g_list_remove(agent->agents->agents, agent);
	g_free(agent->owner);
	g_free(agent->path);
	g_free(agent);
}

static FakeAgent *
find_agent(FakeAgents *agents, const char *owner)
{
	for (GList *item = agents->agents; item; item = item->next)
		if (g_str_equal(((FakeAgent *)item->data)->owner, owner))
			return item->data;
	return NULL;
}

FakeAgent *
fake_agents_get(FakeAgents *agents, const char *owner)
{
	FakeAgent *agent = owner ? find_agent(agents, owner) : NULL;

	if (!agent && agents->agents)
		agent = agents->agents->data;
	return agent;
}

FakeIo
fake_agent_io(FakeAgent *agent)
{
	return agent ? agent->io : FAKE_IO_NONE;
}

static void
on_agent_gone(gpointer data)
{
	FakeAgent *agent = data;

	agent->watch = 0;
	agent_free(agent);
}

static void
register_agent(FakeAgents *agents, GVariant *args, GDBusMethodInvocation *invocation)
{
	const char *owner = g_dbus_method_invocation_get_sender(invocation);
	const char *path, *capability;
	FakeAgent *agent;

	g_variant_get(args, "(&o&s)", &path, &capability);
	if (find_agent(agents, owner)) {
		fake_refuse(invocation, "AlreadyExists", "Already Exists");
		return;
	}
	for (guint i = 0; i < G_N_ELEMENTS(capabilities); i++) {
		if (!g_str_equal(capability, capabilities[i].name))
			continue;
		agent = g_new0(FakeAgent, 1);
		agent->agents = agents;
		agent->owner = g_strdup(owner);
		agent->path = g_strdup(path);
		agent->io = capabilities[i].io;
		agent->watch = fake_bus_watch_owner(agents->bus, owner, on_agent_gone, agent);
		agents->agents = g_list_append(agents->agents, agent);
		fake_agree(invocation);
		return;
	}
	fake_refuse(invocation, "InvalidArguments", "Invalid arguments in method call");
}

static void
on_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	FakeAgents *agents = self;
	FakeAgent *agent = find_agent(agents, g_dbus_method_invocation_get_sender(invocation));
	const char *path;

	if (g_str_equal(method, "RegisterAgent")) {
		register_agent(agents, args, invocation);
		return;
	}
	g_variant_get_child(args, 0, "&o", &path);
	if (!agent || !g_str_equal(agent->path, path)) {
		fake_refuse(invocation, "DoesNotExist", "Does Not Exist");
		return;
	}
	if (g_str_equal(method, "UnregisterAgent")) {
		agent_free(agent);
	} else {
		agents->agents = g_list_remove(agents->agents, agent);
		agents->agents = g_list_prepend(agents->agents, agent);
	}
	fake_agree(invocation);
}

static const FakeMethods methods = { on_call, NULL };

FakeAgents *
fake_agents_new(FakeBus *bus)
{
	FakeAgents *agents = g_new0(FakeAgents, 1);

	agents->bus = bus;
	agents->object = fake_object_new(bus, "/org/bluez");
	fake_object_add(agents->object, bluez_agent_manager1_interface_info(), &methods, agents);
	fake_object_publish(agents->object);
	return agents;
}

void
fake_agents_free(FakeAgents *agents)
{
	while (agents->agents)
		agent_free(agents->agents->data);
	fake_object_free(agents->object);
	g_free(agents);
}

static void
on_answer(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
	FakeQuestion *question = data;
	guint32 value = 0;

	if (reply && g_variant_is_of_type(reply, G_VARIANT_TYPE("(u)")))
		g_variant_get(reply, "(u)", &value);
	if (question->answer)
		question->answer(reply != NULL, value, question->data);
	g_object_unref(question->connection);
	g_free(question->owner);
	g_free(question->path);
	g_free(question);
}

FakeQuestion *
fake_agent_ask(FakeAgent *agent, const char *method, GVariant *args, FakeAnswer answer, gpointer data)
{
	FakeQuestion *question = g_new0(FakeQuestion, 1);

	question->connection = g_object_ref(fake_bus_connection(agent->agents->bus));
	question->owner = g_strdup(agent->owner);
	question->path = g_strdup(agent->path);
	question->answer = answer;
	question->data = data;
	g_dbus_connection_call(question->connection, agent->owner, agent->path, AGENT, method, args, NULL,
			       G_DBUS_CALL_FLAGS_NONE, ANSWER_MS, NULL, on_answer, question);
	return question;
}

void
fake_question_cancel(FakeQuestion *question)
{
	question->answer = NULL;
	g_dbus_connection_call(question->connection, question->owner, question->path, AGENT, "Cancel", NULL,
			       NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
}

void
fake_agent_show(FakeAgent *agent, const char *method, GVariant *args)
{
	g_dbus_connection_call(fake_bus_connection(agent->agents->bus), agent->owner, agent->path, AGENT,
			       method, args, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
}

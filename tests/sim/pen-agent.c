/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <bluez-dbus.h>

#include "pen-agent.h"

#define PATH    "/org/stipple/pensim/agent"
#define MANAGER "org.bluez.AgentManager1"

struct PenAgent {
	GDBusConnection *bus;
	BluezAgent1 *skeleton;
	char *capability;
	gboolean as_default;
	PenAgentShow show;
	gpointer data;
};

static gboolean
handle_display_passkey(BluezAgent1 *skeleton, GDBusMethodInvocation *invocation, const char *device,
		       guint32 passkey, guint16 entered, gpointer data)
{
	PenAgent *agent = data;

	/* Called again for each digit that is typed. */
	if (entered == 0)
		agent->show(device, passkey, agent->data);
	bluez_agent1_complete_display_passkey(skeleton, invocation);
	return TRUE;
}

static gboolean
handle_request_confirmation(BluezAgent1 *skeleton, GDBusMethodInvocation *invocation, const char *device,
			    guint32 passkey, gpointer data)
{
	PenAgent *agent = data;

	agent->show(device, passkey, agent->data);
	bluez_agent1_complete_request_confirmation(skeleton, invocation);
	return TRUE;
}

static gboolean
handle_request_authorization(BluezAgent1 *skeleton, GDBusMethodInvocation *invocation, const char *device,
			     gpointer data)
{
	bluez_agent1_complete_request_authorization(skeleton, invocation);
	return TRUE;
}

static gboolean
handle_authorize_service(BluezAgent1 *skeleton, GDBusMethodInvocation *invocation, const char *device,
			 const char *uuid, gpointer data)
{
	bluez_agent1_complete_authorize_service(skeleton, invocation);
	return TRUE;
}

static gboolean
handle_cancel(BluezAgent1 *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
	bluez_agent1_complete_cancel(skeleton, invocation);
	return TRUE;
}

static gboolean
handle_release(BluezAgent1 *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
	bluez_agent1_complete_release(skeleton, invocation);
	return TRUE;
}

PenAgent *
pen_agent_new(GDBusConnection *bus, const char *capability, gboolean as_default, PenAgentShow show,
	      gpointer data)
{
	PenAgent *agent = g_new0(PenAgent, 1);

	agent->bus = g_object_ref(bus);
	agent->capability = g_strdup(capability);
	agent->as_default = as_default;
	agent->show = show;
	agent->data = data;
	agent->skeleton = bluez_agent1_skeleton_new();
	g_signal_connect(agent->skeleton, "handle-display-passkey", G_CALLBACK(handle_display_passkey),
			 agent);
	g_signal_connect(agent->skeleton, "handle-request-confirmation",
			 G_CALLBACK(handle_request_confirmation), agent);
	g_signal_connect(agent->skeleton, "handle-request-authorization",
			 G_CALLBACK(handle_request_authorization), agent);
	g_signal_connect(agent->skeleton, "handle-authorize-service", G_CALLBACK(handle_authorize_service),
			 agent);
	g_signal_connect(agent->skeleton, "handle-cancel", G_CALLBACK(handle_cancel), agent);
	g_signal_connect(agent->skeleton, "handle-release", G_CALLBACK(handle_release), agent);
	g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(agent->skeleton), bus, PATH, NULL);
	return agent;
}

void
pen_agent_free(PenAgent *agent)
{
	if (!agent)
		return;
	g_dbus_interface_skeleton_unexport(G_DBUS_INTERFACE_SKELETON(agent->skeleton));
	g_object_unref(agent->skeleton);
	g_object_unref(agent->bus);
	g_free(agent->capability);
	g_free(agent);
}

static gboolean
call(PenAgent *agent, const char *method, GVariant *arguments, int timeout_ms, GError **error)
{
	g_autoptr(GVariant) answer =
		g_dbus_connection_call_sync(agent->bus, "org.bluez", "/org/bluez", MANAGER, method, arguments,
					    NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, timeout_ms, NULL, error);

	return answer != NULL;
}

static gboolean
already_there(const GError *error)
{
	g_autofree char *name = g_dbus_error_get_remote_error(error);

	return g_strcmp0(name, "org.bluez.Error.AlreadyExists") == 0;
}

gboolean
pen_agent_register(PenAgent *agent, GError **error)
{
	g_autoptr(GError) problem = NULL;

	if (!call(agent, "RegisterAgent", g_variant_new("(os)", PATH, agent->capability), 10000, &problem) &&
	    !already_there(problem)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	return !agent->as_default ||
	       call(agent, "RequestDefaultAgent", g_variant_new("(o)", PATH), 10000, error);
}

void
pen_agent_unregister(PenAgent *agent)
{
	call(agent, "UnregisterAgent", g_variant_new("(o)", PATH), 2000, NULL);
}

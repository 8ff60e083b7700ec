/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "air.h"

typedef enum {
	FAKE_IO_DISPLAY_ONLY,
	FAKE_IO_DISPLAY_YES_NO,
	FAKE_IO_KEYBOARD_ONLY,
	FAKE_IO_NONE,
	FAKE_IO_KEYBOARD_DISPLAY,
} FakeIo;

/* An agent that a client registered with org.bluez.AgentManager1. */
typedef struct {
	char *owner;
	char *path;
	FakeIo io;
	guint watch;
	FakeAgents *agents;
} FakeAgent;

FakeAgents *fake_agents_new(FakeBus *bus);
void fake_agents_free(FakeAgents *agents);

/* The agent of that client, else the default agent; NULL when there is none. */
FakeAgent *fake_agents_get(FakeAgents *agents, const char *owner);
/* agent may be NULL. */
FakeIo fake_agent_io(FakeAgent *agent);

/* A question under way. */
typedef struct FakeQuestion FakeQuestion;

/* value: the answer of RequestPasskey.  Called once, but not after fake_question_cancel(). */
typedef void (*FakeAnswer)(gboolean agreed, guint32 value, gpointer data);

FakeQuestion *fake_agent_ask(FakeAgent *agent, const char *method, GVariant *args, FakeAnswer answer,
			     gpointer data);
/* Tells the agent, too. */
void fake_question_cancel(FakeQuestion *question);
/* Nothing is asked: DisplayPasskey. */
void fake_agent_show(FakeAgent *agent, const char *method, GVariant *args);

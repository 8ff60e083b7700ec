/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "pairing.h"

#define PASSKEYS 1000000

typedef enum { JUST_WORKS, AUTHORIZE, COMPARE, CENTRAL_TYPES, PERIPHERAL_TYPES, BOTH_TYPE } Method;

/* One end of it. */
typedef struct {
	FakePairing *pairing;
	FakeDevice *device;	/* its view of the other end */
	FakeQuestion *question;	/* NULL: none open */
	gboolean agreed;
	guint32 typed;
} End;

struct FakePairing {
	FakeLink *link;
	Method method;
	guint32 passkey;
	End central, peripheral;
	gboolean refused;
	FakePaired done;
	gpointer data;
	guint timer;
};

static Method
choose(FakeIo central, FakeIo peripheral)
{
	/* [central][peripheral], in the order of FakeIo; the table of the Core specification. */
	static const Method table[5][5] = {
		{ JUST_WORKS, JUST_WORKS, PERIPHERAL_TYPES, JUST_WORKS, PERIPHERAL_TYPES },
		{ JUST_WORKS, COMPARE, PERIPHERAL_TYPES, JUST_WORKS, COMPARE },
		{ CENTRAL_TYPES, CENTRAL_TYPES, BOTH_TYPE, JUST_WORKS, CENTRAL_TYPES },
		{ JUST_WORKS, AUTHORIZE, JUST_WORKS, JUST_WORKS, AUTHORIZE },
		{ CENTRAL_TYPES, COMPARE, PERIPHERAL_TYPES, JUST_WORKS, COMPARE },
	};

	return table[central][peripheral];
}

static void
finish(FakePairing *pairing, FakePairingResult result)
{
	FakePaired done = pairing->done;
	gpointer data = pairing->data;
	FakeSecurity security = pairing->method == JUST_WORKS || pairing->method == AUTHORIZE
					? FAKE_SECURITY_ENCRYPTED
					: FAKE_SECURITY_AUTHENTICATED;

	if (pairing->central.question)
		fake_question_cancel(pairing->central.question);
	if (pairing->peripheral.question)
		fake_question_cancel(pairing->peripheral.question);
	if (pairing->timer)
		g_source_remove(pairing->timer);
	pairing->link->pairing = NULL;
	if (result == FAKE_PAIRING_DONE) {
		guint32 key = g_random_int();

		pairing->link->security = security;
		fake_device_set_bond(pairing->link->at_peripheral, security, key);
		fake_device_set_bond(pairing->link->at_central, security, key);
	}
	g_free(pairing);
	done(result, data);
}

void
fake_pairing_cancel(FakePairing *pairing)
{
	finish(pairing, FAKE_PAIRING_CANCELED);
}

static void
check_ends(FakePairing *pairing)
{
	guint32 central = pairing->passkey, peripheral = pairing->passkey;

	if (!pairing->central.agreed || !pairing->peripheral.agreed)
		return;
	if (pairing->method == CENTRAL_TYPES || pairing->method == BOTH_TYPE)
		central = pairing->central.typed;
	if (pairing->method == PERIPHERAL_TYPES || pairing->method == BOTH_TYPE)
		peripheral = pairing->peripheral.typed;
	finish(pairing, central == peripheral ? FAKE_PAIRING_DONE : FAKE_PAIRING_FAILED);
}

static void
on_answer(gboolean agreed, guint32 value, gpointer data)
{
	End *end = data;

	end->question = NULL;
	end->agreed = agreed;
	end->typed = value;
	if (agreed)
		check_ends(end->pairing);
	else
		finish(end->pairing, FAKE_PAIRING_FAILED);
}

static const char *
path_of(End *end)
{
	return fake_device_path(end->device);
}

static void
type_passkey(End *end, FakeAgent *agent)
{
	end->question = fake_agent_ask(agent, "RequestPasskey", g_variant_new("(o)", path_of(end)), on_answer,
				       end);
}

static void
show_passkey(End *end, FakeAgent *agent)
{
	end->agreed = TRUE;
	fake_agent_show(agent, "DisplayPasskey",
			g_variant_new("(ouq)", path_of(end), end->pairing->passkey, 0));
}

static void
compare(End *end, FakeAgent *agent)
{
	end->question = fake_agent_ask(agent, "RequestConfirmation",
				       g_variant_new("(ou)", path_of(end), end->pairing->passkey), on_answer,
				       end);
}

static void
ask(FakePairing *pairing, FakeAgent *central, FakeAgent *peripheral)
{
	pairing->central.agreed = pairing->method == JUST_WORKS || pairing->method == AUTHORIZE;
	pairing->peripheral.agreed = pairing->method == JUST_WORKS;
	switch (pairing->method) {
	case AUTHORIZE:
		pairing->peripheral.question =
			fake_agent_ask(peripheral, "RequestAuthorization",
				       g_variant_new("(o)", path_of(&pairing->peripheral)), on_answer,
				       &pairing->peripheral);
		break;
	case COMPARE:
		compare(&pairing->central, central);
		compare(&pairing->peripheral, peripheral);
		break;
	case CENTRAL_TYPES:
		type_passkey(&pairing->central, central);
		show_passkey(&pairing->peripheral, peripheral);
		break;
	case PERIPHERAL_TYPES:
		type_passkey(&pairing->peripheral, peripheral);
		show_passkey(&pairing->central, central);
		break;
	case BOTH_TYPE:
		type_passkey(&pairing->central, central);
		type_passkey(&pairing->peripheral, peripheral);
		break;
	case JUST_WORKS:
	default:
		break;
	}
}

/* Just works needs no answer, but its result comes after the call that began it, as always. */
static gboolean
on_just_works(gpointer data)
{
	FakePairing *pairing = data;

	pairing->timer = 0;
	if (pairing->refused)
		finish(pairing, FAKE_PAIRING_FAILED);
	else
		check_ends(pairing);
	return G_SOURCE_REMOVE;
}

/* The security manager's own time limit costs the link. */
static gboolean
on_timeout(gpointer data)
{
	FakePairing *pairing = data;

	pairing->timer = 0;
	fake_link_drop(pairing->link);
	return G_SOURCE_REMOVE;
}

gboolean
fake_pairing_start(FakeLink *link, FakeDevice *asker, FakeAgent *agent, FakePaired done, gpointer data)
{
	FakeAgent *other = fake_agents_get(link->air->agents, NULL);
	FakeAgent *central = asker == link->at_central ? agent : other;
	FakeAgent *peripheral = asker == link->at_central ? other : agent;
	FakePairing *pairing;

	if (link->pairing)
		return FALSE;
	pairing = g_new0(FakePairing, 1);
	pairing->link = link;
	pairing->method = choose(fake_agent_io(central), fake_agent_io(peripheral));
	pairing->passkey = (guint32)g_random_int_range(0, PASSKEYS);
	pairing->central = (End){ .pairing = pairing, .device = link->at_central };
	pairing->peripheral = (End){ .pairing = pairing, .device = link->at_peripheral };
	pairing->done = done;
	pairing->data = data;
	/* BlueZ lets nobody replace a bond without asking a person (JustWorksRepairing=never). */
	if (pairing->method == JUST_WORKS || pairing->method == AUTHORIZE)
		pairing->refused = fake_device_bonded(link->at_peripheral);
	if (!fake_iface_get_boolean(link->peripheral->iface, "Pairable"))
		pairing->refused = TRUE;
	if (pairing->refused)
		pairing->method = JUST_WORKS;
	link->pairing = pairing;
	ask(pairing, central, peripheral);
	if (pairing->method == JUST_WORKS)
		pairing->timer = g_idle_add(on_just_works, pairing);
	else
		pairing->timer = g_timeout_add((guint)link->air->options->pair_timeout, on_timeout, pairing);
	return TRUE;
}

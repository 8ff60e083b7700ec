/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "sim-pump.h"

#include "clock.h"

struct SimPump {
	SimPen *pen;
	SimLinkFaults none, *faults;
	SimPort port;
	gpointer data;
	gboolean connected, quiet, pumping; /* quiet: stalled or hung up */
	guint16 mtu;
	guint64 data_bytes, data_values, live_values; /* in this connection */
	guint answers;
	gboolean delayed;
	gboolean paced; /* the value that waits has waited long enough */
	GSource *delay, *step;
	guint8 subscribed; /* bit n: enum stp_pen_channel */
	/* What the engine yielded and the transport has not taken yet. */
	enum stp_pen_output_kind waiting;
	enum stp_pen_channel channel;
	guint8 bytes[STP_ATT_VALUE_MAX];
	gsize size;
};

SimPump *
sim_pump_new(SimPen *pen, SimLinkFaults *faults, const SimPort *port, gpointer data)
{
	SimPump *pump = g_new0(SimPump, 1);

	pump->pen = pen;
	pump->faults = faults ? faults : &pump->none;
	pump->port = *port;
	pump->data = data;
	return pump;
}

void
sim_pump_free(SimPump *pump)
{
	if (!pump)
		return;
	sim_pump_disconnected(pump);
	g_free(pump);
}

static void
tell_fault(const SimPump *pump, const char *fault)
{
	const SimEvent event = {
		.kind = SIM_EVENT_FAULT,
		.fault = fault,
		.bytes = pump->data_bytes,
	};

	sim_pen_emit(pump->pen, &event);
}

static gboolean
reached(const SimPump *pump, SimThreshold *threshold)
{
	if (threshold->bytes == 0 || pump->data_bytes < threshold->bytes)
		return FALSE;
	if (threshold->struck && !threshold->always)
		return FALSE;
	threshold->struck = TRUE;
	return TRUE;
}

static void
send_stray_answer(SimPump *pump)
{
	struct stp_answer stray = { .op = STP_OP_READ, .token = STP_TOKEN_MAX, .status = STP_WIRE_SUCCESS };
	guint8 bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	stray.u.sent.sent = 4711;
	if (stp_answer_encode(&stray, bytes, &size) != STP_OK)
		return;
	pump->port.indicate(bytes, size, pump->data);
	tell_fault(pump, "stray-answer");
}

static gboolean
delay_is_over(gpointer data)
{
	SimPump *pump = data;

	g_clear_pointer(&pump->delay, g_source_unref);
	sim_pump_writable(pump);
	return G_SOURCE_REMOVE;
}

static gboolean
hold_back(SimPump *pump, guint ms)
{
	pump->delay = stp_clock_source_new(ms);
	g_source_set_callback(pump->delay, delay_is_over, pump, NULL);
	g_source_attach(pump->delay, g_main_context_get_thread_default());
	return TRUE;
}

/* Whether the value that waits must go on waiting. */
static gboolean
held_back(SimPump *pump)
{
	if (pump->delay)
		return TRUE;
	if (pump->channel == STP_PEN_LOG_DATA && pump->faults->data_every_ms > 0 && !pump->paced) {
		pump->paced = TRUE;
		return hold_back(pump, pump->faults->data_every_ms);
	}
	if (pump->channel != STP_PEN_LOG_CONTROL || pump->delayed || pump->faults->answer_delay_ms == 0)
		return FALSE;
	pump->delayed = TRUE;
	return hold_back(pump, pump->faults->answer_delay_ms);
}

/* FALSE: the transport does not take it now. */
static gboolean
send_late_answer(SimPump *pump)
{
	SimLinkFaults *faults = pump->faults;
	guint op = pump->bytes[0] % SIM_OPS;

	if (!faults->late_answers)
		return TRUE;
	if (faults->late.size[op] > 0) {
		if (pump->port.indicate(faults->late.bytes[op], faults->late.size[op], pump->data) == SIM_WOULD_BLOCK)
			return FALSE;
		faults->late.size[op] = 0;
		tell_fault(pump, "late-answer");
	}
	faults->sent.size[op] = (guint8)pump->size;
	memcpy(faults->sent.bytes[op], pump->bytes, pump->size);
	return TRUE;
}

static gboolean
send_answer(SimPump *pump)
{
	if (!send_late_answer(pump))
		return FALSE;
	if (pump->port.indicate(pump->bytes, pump->size, pump->data) == SIM_WOULD_BLOCK)
		return FALSE;
	pump->waiting = STP_PEN_IDLE;
	pump->answers++;
	if (pump->faults->stray_answer && pump->answers == 1)
		send_stray_answer(pump);
	if (pump->faults->drop_after_answer > 0 && pump->answers == pump->faults->drop_after_answer) {
		pump->quiet = TRUE;
		tell_fault(pump, "drop");
		pump->port.hang_up(pump->data);
	}
	return TRUE;
}

static gboolean
send_data(SimPump *pump)
{
	guint every = pump->faults->lose_every;

	if (every == 0 || (pump->data_values + 1) % every != 0) {
		if (pump->port.notify(pump->bytes, pump->size, pump->data) == SIM_WOULD_BLOCK)
			return FALSE;
	} else {
		tell_fault(pump, "lose-segment");
	}
	pump->waiting = STP_PEN_IDLE;
	pump->data_values++;
	pump->paced = FALSE;
	pump->data_bytes += pump->size;
	if (reached(pump, &pump->faults->announce))
		tell_fault(pump, "announce");
	if (reached(pump, &pump->faults->stall)) {
		pump->quiet = TRUE;
		tell_fault(pump, "stall");
	}
	if (reached(pump, &pump->faults->drop)) {
		pump->quiet = TRUE;
		tell_fault(pump, "drop");
		pump->port.hang_up(pump->data);
	}
	return TRUE;
}

static gboolean
is_lost(SimPump *pump)
{
	guint every = pump->faults->lose_live;

	return pump->channel == STP_PEN_LIVE && every > 0 && (pump->live_values + 1) % every == 0;
}

static gboolean
send_other(SimPump *pump)
{
	if (pump->port.send && !is_lost(pump) &&
	    pump->port.send(pump->channel, pump->bytes, pump->size, pump->data) == SIM_WOULD_BLOCK)
		return FALSE;
	pump->waiting = STP_PEN_IDLE;
	pump->live_values += pump->channel == STP_PEN_LIVE;
	/* The answer to REBOOT went before. */
	if (pump->channel == STP_PEN_PANEL && sim_panel_wants_reboot(sim_pen_panel(pump->pen))) {
		pump->quiet = TRUE;
		pump->port.hang_up(pump->data);
	}
	return TRUE;
}

static gboolean
send_value(SimPump *pump)
{
	if (pump->channel == STP_PEN_LOG_CONTROL)
		return send_answer(pump);
	return pump->channel == STP_PEN_LOG_DATA ? send_data(pump) : send_other(pump);
}

/* Whether an answer refuses for want of a person, who is told then. */
static gboolean
asks_person(const struct stp_pen_output *output)
{
	struct stp_answer answer;
	struct stp_panel_answer panel;

	if (output->kind != STP_PEN_INDICATE)
		return FALSE;
	if (output->channel == STP_PEN_LOG_CONTROL)
		return stp_answer_decode(output->bytes, output->size, &answer) == STP_OK &&
		       answer.status == STP_WIRE_NOT_CONFIRMED;
	return output->channel == STP_PEN_PANEL &&
	       stp_panel_answer_decode(output->bytes, output->size, &panel) == STP_OK &&
	       panel.status == STP_WIRE_NOT_CONFIRMED;
}

static gboolean
next_value(SimPump *pump)
{
	struct stp_pen_output output;

	if (pump->waiting != STP_PEN_IDLE)
		return TRUE;
	do
		stp_pen_poll(sim_pen_engine(pump->pen), &output);
	while (output.kind == STP_PEN_WORKING);
	if (output.kind == STP_PEN_IDLE)
		return FALSE;
	pump->waiting = output.kind;
	pump->channel = output.channel;
	pump->size = output.size;
	memcpy(pump->bytes, output.bytes, output.size);
	if (asks_person(&output))
		sim_pen_asked(pump->pen);
	return TRUE;
}

void
sim_pump_writable(SimPump *pump)
{
	gboolean sent = TRUE;

	/* A port may call back while it is being sent to. */
	if (pump->pumping)
		return;
	pump->pumping = TRUE;
	while (sent && pump->connected && !pump->quiet && next_value(pump) && !held_back(pump))
		sent = send_value(pump);
	pump->pumping = FALSE;
}

static guint16
agreed_mtu(const SimPump *pump, guint16 mtu)
{
	return CLAMP(mtu, STP_ATT_MTU_MIN, sim_pen_mtu_max(pump->pen));
}

static gboolean
step(gpointer data)
{
	SimPump *pump = data;

	sim_pen_step(pump->pen);
	sim_pump_writable(pump);
	return G_SOURCE_CONTINUE;
}

static void
begin_steps(SimPump *pump)
{
	pump->step = stp_clock_source_new(SIM_PEN_STEP_MS);
	g_source_set_callback(pump->step, step, pump, NULL);
	g_source_attach(pump->step, g_main_context_get_thread_default());
	sim_pen_step(pump->pen);
}

void
sim_pump_connected(SimPump *pump, guint16 mtu)
{
	sim_pump_disconnected(pump);
	pump->connected = TRUE;
	pump->mtu = agreed_mtu(pump, mtu);
	pump->faults->late = pump->faults->sent;
	memset(&pump->faults->sent, 0, sizeof(pump->faults->sent));
	stp_pen_connected(sim_pen_engine(pump->pen), pump->mtu);
	for (guint i = STP_PEN_LOG_CONTROL; i < STP_PEN_CHANNELS; i++)
		if (pump->subscribed & 1u << i)
			stp_pen_subscribed(sim_pen_engine(pump->pen), (enum stp_pen_channel)i, true);
	begin_steps(pump);
}

void
sim_pump_set_mtu(SimPump *pump, guint16 mtu)
{
	if (!pump->connected || pump->mtu == agreed_mtu(pump, mtu))
		return;
	pump->mtu = agreed_mtu(pump, mtu);
	stp_pen_set_mtu(sim_pen_engine(pump->pen), pump->mtu);
}

void
sim_pump_disconnected(SimPump *pump)
{
	if (pump->connected)
		stp_pen_disconnected(sim_pen_engine(pump->pen));
	if (pump->delay) {
		g_source_destroy(pump->delay);
		g_clear_pointer(&pump->delay, g_source_unref);
	}
	if (pump->step) {
		g_source_destroy(pump->step);
		g_clear_pointer(&pump->step, g_source_unref);
	}
	if (pump->connected)
		sim_panel_forget_host(sim_pen_panel(pump->pen));
	if (pump->connected && sim_panel_wants_reboot(sim_pen_panel(pump->pen)))
		sim_pen_restart(pump->pen);
	pump->connected = pump->quiet = FALSE;
	pump->data_bytes = pump->data_values = pump->live_values = 0;
	pump->answers = 0;
	pump->delayed = FALSE;
	pump->waiting = STP_PEN_IDLE;
}

gboolean
sim_pump_is_connected(const SimPump *pump)
{
	return pump->connected;
}

guint16
sim_pump_mtu(const SimPump *pump)
{
	return pump->mtu;
}

guint64
sim_pump_sent(const SimPump *pump)
{
	return pump->data_bytes;
}

void
sim_pump_control(SimPump *pump, const guint8 *bytes, gsize size)
{
	if (!pump->connected)
		return;
	stp_pen_control(sim_pen_engine(pump->pen), bytes, size);
	sim_pump_writable(pump);
}

void
sim_pump_panel(SimPump *pump, const guint8 *bytes, gsize size)
{
	if (!pump->connected)
		return;
	sim_pen_step(pump->pen);
	stp_pen_panel(sim_pen_engine(pump->pen), bytes, size);
	sim_pump_writable(pump);
}

void
sim_pump_subscribed(SimPump *pump, enum stp_pen_channel channel, gboolean on)
{
	pump->subscribed = (guint8)(on ? pump->subscribed | 1u << channel : pump->subscribed & ~(1u << channel));
	if (pump->connected)
		stp_pen_subscribed(sim_pen_engine(pump->pen), channel, on);
}

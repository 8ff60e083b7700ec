/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "dialogue-model.h"

void
air_send(struct world *world, enum way way, const uint8_t *bytes, size_t size)
{
	struct parcel *parcel;
	unsigned chance = way == TO_HOST_DATA ? world->weather.drop : world->weather.control_drop;

	if (strikes(world, chance) || world->in_air == AIR_MAX)
		return;
	parcel = &world->air[world->in_air++];
	parcel->way = way;
	parcel->order = ++world->order;
	parcel->at = world->now + 1 + roll(world, 3);
	/* A link keeps the order; being late is a trouble of its own. */
	if (parcel->at < world->last_at[way])
		parcel->at = world->last_at[way];
	world->last_at[way] = parcel->at;
	parcel->size = size;
	parcel->doubled = false;
	memcpy(parcel->bytes, bytes, size);
	if (way == TO_HOST_DATA && strikes(world, world->weather.late))
		parcel->at += roll(world, 200);
	if (way != TO_HOST_DATA && strikes(world, world->weather.late))
		parcel->at += roll(world, 2000);
	/* Log Control Point is guarded by the link's own check; Log Data has one of its own. */
	if (way == TO_HOST_DATA && strikes(world, world->weather.flip))
		parcel->bytes[roll(world, (uint32_t)size)] ^= (uint8_t)(1u << roll(world, 8));
	if (strikes(world, world->weather.doubling) && world->in_air < AIR_MAX) {
		world->air[world->in_air] = *parcel;
		world->air[world->in_air].order = ++world->order;
		world->air[world->in_air].at += roll(world, 5000);
		world->air[world->in_air].doubled = true;
		world->in_air++;
	}
}

/* An independent account of the credits, from the bytes alone. */
static void
account_request(struct world *world, const uint8_t *bytes, size_t size)
{
	struct stp_request request;

	if (stp_request_decode(bytes, size, &request))
		return;
	if (request.op == STP_OP_CREDIT) {
		if (request.token == world->op_token)
			world->allowance += request.u.credit.segments;
		if (world->allowance > world->op_window)
			world->allowance = world->op_window;
		return;
	}
	world->op_token = 0;
	if (request.op != STP_OP_LIST && request.op != STP_OP_READ)
		return;
	world->op_token = request.token;
	world->op_window = request.op == STP_OP_LIST ? request.u.list.window : request.u.read.window;
	world->allowance = world->op_window;
}

void
account_segment(struct world *world, const uint8_t *bytes, size_t size)
{
	struct stp_segment segment;
	uint32_t waiting = 0;

	CHECK(world, stp_segment_decode(bytes, size, &segment) == STP_OK);
	CHECK(world, size <= world->pen.att_mtu - 3u);
	/* Only as the answer to a LIST or READ, and only on credit. */
	CHECK(world, segment.token == world->op_token);
	CHECK(world, world->allowance > 0);
	world->allowance--;

	/*
	 * What waits in the host's socket never exceeds the window; where segments overtake each
	 * other, or their headers lie, those on their way are taken for lost; and a CREDIT that is
	 * doubled on its way counts twice.
	 */
	if (world->weather.flip || world->weather.late || world->weather.doubling)
		return;
	for (size_t i = 0; i < world->in_air; i++)
		if (world->air[i].way == TO_HOST_DATA && !world->air[i].doubled &&
		    world->air[i].bytes[3] >> 4 == segment.token)
			waiting++;
	CHECK(world, waiting <= world->op_window);
}

static void
deliver(struct world *world, const struct parcel *parcel)
{
	switch (parcel->way) {
	case TO_PEN:
		account_request(world, parcel->bytes, parcel->size);
		stp_pen_control(&world->pen, parcel->bytes, parcel->size);
		break;
	case TO_HOST_CONTROL:
		stp_host_control(world->host, parcel->bytes, parcel->size, world->now);
		break;
	case TO_HOST_DATA:
		stp_host_data(world->host, parcel->bytes, parcel->size, world->now);
		break;
	}
}

static size_t
first_parcel(const struct world *world)
{
	size_t first = 0;

	for (size_t i = 1; i < world->in_air; i++)
		if (world->air[i].at < world->air[first].at ||
		    (world->air[i].at == world->air[first].at && world->air[i].order < world->air[first].order))
			first = i;
	return first;
}

uint64_t
air_due(const struct world *world)
{
	return world->in_air ? world->air[first_parcel(world)].at : UINT64_MAX;
}

void
air_deliver(struct world *world)
{
	size_t first = first_parcel(world);
	struct parcel parcel = world->air[first];

	world->air[first] = world->air[--world->in_air];
	deliver(world, &parcel);
}

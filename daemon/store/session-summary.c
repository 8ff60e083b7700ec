/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "session-summary.h"

#define PASS_BITS (256 * 256)
/* The last bit of the same byte: bytes without any pass, nearly all, are stepped over. */
#define LAST_OF_BYTE(pass) ((pass) | 7)

StpSummary *
stp_summary_new(void)
{
	StpSummary *self = g_new0(StpSummary, 1);

	self->depth_max_um = STP_ABSENT;
	return self;
}

void
stp_summary_free(StpSummary *self)
{
	g_free(self);
}

static void
see_pass(StpSummary *self, guint16 pass)
{
	self->passes[pass / 8] |= (guint8)(1u << pass % 8);
	self->last_pass = pass;
}

static gboolean
was_seen(const StpSummary *self, guint pass)
{
	return (self->passes[pass / 8] >> pass % 8 & 1) != 0;
}

static void
see_depth_max(StpSummary *self, guint depth)
{
	if (self->depth_max_um == STP_ABSENT || depth > self->depth_max_um)
		self->depth_max_um = (guint16)depth;
}

void
stp_summary_add_samples(StpSummary *self, const struct stp_sample *samples, gsize count)
{
	int max = -1;

	for (gsize i = 0; i < count; i++) {
		guint16 pass = (guint16)(samples[i].zone << 8 | samples[i].pass);

		if (samples[i].depth_um <= STP_DEPTH_MAX_UM) {
			self->depths[samples[i].contact & 1][samples[i].depth_um]++;
			max = MAX(max, samples[i].depth_um);
		}
		if (pass != self->last_pass)
			see_pass(self, pass);
	}
	if (max >= 0)
		see_depth_max(self, (guint)max);
}

static guint64
count_depths(const StpSummary *self, guint contact)
{
	guint64 count = 0;

	for (guint depth = 0; depth <= STP_DEPTH_MAX_UM; depth++)
		count += self->depths[contact][depth];
	return count;
}

guint
stp_summary_depth_p50(const StpSummary *self)
{
	guint contact = count_depths(self, 1) > 0 ? 1 : 0;
	guint64 half = (count_depths(self, contact) + 1) / 2;
	guint64 below = 0;

	for (guint depth = 0; half > 0 && depth <= STP_DEPTH_MAX_UM; depth++) {
		below += self->depths[contact][depth];
		if (below >= half)
			return depth;
	}
	return STP_ABSENT;
}

guint
stp_summary_zones(const StpSummary *self)
{
	guint zones = 0;

	for (guint zone = 1; zone < 256; zone++) {
		guint8 any = 0;

		for (guint byte = 0; byte < 32; byte++)
			any |= self->passes[zone * 32 + byte];
		zones += any != 0;
	}
	return zones;
}

guint
stp_summary_passes(const StpSummary *self)
{
	guint passes = 0;

	for (guint pass = 0; pass < PASS_BITS; pass++) {
		if (self->passes[pass / 8] == 0)
			pass = LAST_OF_BYTE(pass);
		else
			passes += pass % 256 != 0 && was_seen(self, pass);
	}
	return passes;
}

/* ---- kept form: numbers in base 128, low digits first ---- */

static void
put(GByteArray *out, guint64 number)
{
	guint8 digit;

	for (; number >= 0x80; number >>= 7) {
		digit = (guint8)(number | 0x80);
		g_byte_array_append(out, &digit, 1);
	}
	digit = (guint8)number;
	g_byte_array_append(out, &digit, 1);
}

typedef struct {
	const guint8 *bytes, *end;
} Reader;

/* 0 at the end. */
static guint64
take(Reader *reader)
{
	guint64 number = 0;

	for (guint shift = 0; reader->bytes < reader->end && shift < 63; shift += 7) {
		guint8 digit = *reader->bytes++;

		number |= (guint64)(digit & 0x7f) << shift;
		if (digit < 0x80)
			break;
	}
	return number;
}

static void
put_depths(GByteArray *out, const guint32 *depths)
{
	guint kinds = 0, next = 0;

	for (guint depth = 0; depth <= STP_DEPTH_MAX_UM; depth++)
		kinds += depths[depth] > 0;
	put(out, kinds);
	for (guint depth = 0; depth <= STP_DEPTH_MAX_UM; depth++) {
		if (depths[depth] == 0)
			continue;
		put(out, depth - next);
		put(out, depths[depth]);
		next = depth + 1;
	}
}

GByteArray *
stp_summary_encode(const StpSummary *self, gboolean alone)
{
	GByteArray *out = g_byte_array_new();
	guint contact = count_depths(self, 1) > 0 ? 1 : 0;
	guint p50 = stp_summary_depth_p50(self);
	guint next = 0;

	put(out, self->depth_max_um);
	put(out, contact);
	if (alone && p50 != STP_ABSENT) {
		put(out, 1);
		put(out, p50);
		put(out, 1);
	} else {
		put_depths(out, self->depths[contact]);
	}
	/* The rest are the passes, to the end. */
	for (guint pass = 1; pass < PASS_BITS; pass++) {
		if (self->passes[pass / 8] == 0)
			pass = LAST_OF_BYTE(pass);
		if (!was_seen(self, pass))
			continue;
		put(out, pass - next);
		next = pass;
	}
	return out;
}

void
stp_summary_add_encoded(StpSummary *self, const guint8 *bytes, gsize size)
{
	Reader reader = { bytes, bytes + size };
	guint64 max = take(&reader);
	guint contact = take(&reader) & 1;
	guint64 kinds = take(&reader);
	guint64 depth = 0, pass = 0;

	if (max <= STP_DEPTH_MAX_UM)
		see_depth_max(self, (guint)max);
	for (; kinds > 0 && reader.bytes < reader.end; kinds--, depth++) {
		depth += take(&reader);
		if (depth > STP_DEPTH_MAX_UM)
			return;
		self->depths[contact][depth] += (guint32)take(&reader);
	}
	while (reader.bytes < reader.end) {
		pass += take(&reader);
		if (pass >= PASS_BITS)
			return;
		see_pass(self, (guint16)pass);
	}
}

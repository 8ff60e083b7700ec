/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Every small message: requests, answers, list entries, Features, adverts, elapsed time. */

#include <string.h>

#include <stipple/control.h>
#include <stipple/elapsed-time.h>
#include <stipple/gatt.h>
#include <stipple/segment.h>

#include "fuzz-target.h"

static void
request(const uint8_t *bytes, size_t size)
{
	struct stp_request request;
	uint8_t again[STP_CONTROL_SIZE_MAX];
	enum stp_status status;
	size_t length;

	if (stp_request_decode(bytes, size, &request) != STP_OK)
		return;
	FUZZ_CHECK(size <= STP_CONTROL_SIZE_MAX && stp_op_name(request.op));
	if (request.op == STP_OP_READ)
		FUZZ_CHECK(request.u.read.offset + request.u.read.length <= STP_RECORD_SIZE_MAX);
	status = stp_request_encode(&request, again, &length);
	/* Only too large a window can be read and not written. */
	FUZZ_CHECK(status == STP_OK || (status == STP_ERR_RANGE && bytes[size - 1] > STP_WINDOW_MAX));
	FUZZ_CHECK(status || (length == size && !memcmp(again, bytes, size)));
}

static void
answer(const uint8_t *bytes, size_t size)
{
	struct stp_answer answer;
	uint8_t again[STP_CONTROL_SIZE_MAX];
	size_t length;

	if (stp_answer_decode(bytes, size, &answer) != STP_OK)
		return;
	FUZZ_CHECK(stp_answer_encode(&answer, again, &length) == STP_OK);
	/* Longer ones are cut, short refusals completed. */
	FUZZ_CHECK(!memcmp(again, bytes, length < size ? length : size));
}

static void
others(const uint8_t *bytes, size_t size)
{
	uint8_t again[STP_ENTRY_SIZE];
	struct stp_elapsed_time time;
	struct stp_features features;
	struct stp_advert advert;
	struct stp_entry entry;

	if (stp_entry_decode(bytes, size, &entry) == STP_OK) {
		stp_entry_encode(&entry, again);
		FUZZ_CHECK(!memcmp(again, bytes, STP_ENTRY_SIZE));
	}
	if (stp_features_decode(bytes, size, &features) == STP_OK) {
		stp_features_encode(&features, again);
		FUZZ_CHECK(!memcmp(again, bytes, 16));
	}
	if (stp_advert_decode(bytes, size, &advert) == STP_OK) {
		stp_advert_encode(&advert, again);
		FUZZ_CHECK(!memcmp(again, bytes, 8) && again[9] == bytes[9]);
	}
	if (stp_elapsed_time_decode(bytes, size, &time) == STP_OK) {
		FUZZ_CHECK(stp_elapsed_time_encode(&time, again) == STP_OK);
		FUZZ_CHECK(!memcmp(again + 1, bytes + 1, 7));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	request(bytes, size);
	answer(bytes, size);
	others(bytes, size);
	return 0;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef CHAIN_INTERNAL_H
#define CHAIN_INTERNAL_H

#include <stipple/chain.h>

#include "record-scan.h"

/* Judge the seal in the record at hand, which is not counted yet, and take from it what it proves. */
void stp_chain_judge_seal(struct stp_chain *chain, const struct stp_record_head *head, const uint8_t *raw,
		      size_t size, struct stp_chain_report *report);

#endif

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "ward.h"

/* The daemon's log lines go to this ward's trace from now on; NULL: to nobody, warnings aside. */
void ward_listen(Ward *ward);

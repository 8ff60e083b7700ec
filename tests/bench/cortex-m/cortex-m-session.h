/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef CORTEX_M_SESSION_H
#define CORTEX_M_SESSION_H

/*
 * What the small processor and this machine both encode: a session of half an hour, chained, an
 * independent block whenever a record would begin.  The processor's flash holds a part of it,
 * which comes again and again with later times.
 */

#define SESSION_PART 8192		/* samples */
#define SESSION_ROUNDS 22
#define SESSION_PERIOD_MS 10
#define SESSION_BLOCK 1024		/* samples */
#define SESSION_CHAIN 16		/* blocks in a record */
#define SESSION_PAGE 4096		/* bytes for a block: ample */

#endif

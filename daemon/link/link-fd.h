/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "link.h"

/*
 * A link over any SEQPACKET (or datagram) descriptor: a simulated pen in the same process
 * or in another one speaks this at the other end.
 *
 * One datagram is one message: byte 0 the kind, byte 1 the channel (StpChannel; 0 where it
 * has no meaning), then the payload.  Integers are little endian.
 *
 * The pen sends HELLO first, and sends it again whenever the MTU changes.  The host may send
 * before it has seen HELLO.  Every READ is answered by VALUE or ERROR and every WRITE by DONE
 * or ERROR, in the order in which they were sent and on the channel they named; there may be
 * several under way.  COMMAND and NOTIFY are not answered.  Either end leaves by closing its
 * descriptor.  Indications and notifications look the same here, and are on from the start, but for those of
 * Live: LISTEN turns them on, and is answered as a WRITE is.
 */

typedef enum {
	STP_FD_HELLO = 1,	/* pen: u16 ATT MTU, u8 flags (enum StpFdHelloFlag) */
	STP_FD_READ = 2,	/* host: no payload */
	STP_FD_VALUE = 3,	/* pen: the value, 0..512 bytes */
	STP_FD_WRITE = 4,	/* host: the value, 0..512 bytes */
	STP_FD_DONE = 5,	/* pen: no payload */
	STP_FD_COMMAND = 6,	/* host: the value, 0..512 bytes */
	STP_FD_NOTIFY = 7,	/* pen: the value, 0..512 bytes */
	STP_FD_ERROR = 8,	/* pen: u8 StpFdErrorCode, then a text for people, may be empty */
	STP_FD_LISTEN = 9,	/* host: no payload */
} StpFdKind;

typedef enum {
	STP_FD_AUTHENTICATED = 1 << 0,	/* the bond is authenticated */
} StpFdHelloFlag;

typedef enum {
	STP_FD_NOT_FOUND = 1,	/* the pen has no such characteristic */
	STP_FD_DENIED = 2,	/* a bond is needed */
	STP_FD_FAILED = 3,	/* anything else */
} StpFdErrorCode;

#define STP_FD_HEADER_SIZE 2
#define STP_FD_HELLO_SIZE 3	/* payload */
#define STP_FD_MESSAGE_MAX (STP_FD_HEADER_SIZE + STP_ATT_VALUE_MAX)

#define STP_TYPE_LINK_FD (stp_link_fd_get_type())
G_DECLARE_FINAL_TYPE(StpLinkFd, stp_link_fd, STP, LINK_FD, GObject)

/* Takes fd, and makes it non-blocking.  Listens in the thread's default main context. */
StpLink *stp_link_fd_new(int fd, const char *address);

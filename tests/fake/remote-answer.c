/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "remote-answer.h"

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <sys/socket.h>

#include "att.h"
#include "bus.h"

void
fake_refuse_att(GDBusMethodInvocation *invocation, guint8 code)
{
	g_autofree char *text = NULL;

	switch (code) {
	case FAKE_ATT_READ_NOT_PERMITTED:
		fake_refuse(invocation, "NotPermitted", "Read not permitted");
		return;
	case FAKE_ATT_WRITE_NOT_PERMITTED:
		fake_refuse(invocation, "NotPermitted", "Write not permitted");
		return;
	case FAKE_ATT_AUTHENTICATION:
	case FAKE_ATT_ENCRYPTION:
		fake_refuse(invocation, "NotPermitted", "Not paired");
		return;
	case FAKE_ATT_INVALID_OFFSET:
		fake_refuse(invocation, "InvalidArguments", "Invalid offset");
		return;
	case FAKE_ATT_INVALID_LENGTH:
		fake_refuse(invocation, "InvalidArguments", "Invalid Length");
		return;
	case FAKE_ATT_AUTHORIZATION:
		fake_refuse(invocation, "NotAuthorized", "Operation Not Authorized");
		return;
	case FAKE_ATT_NOT_SUPPORTED:
		fake_refuse(invocation, "NotSupported", "Operation is not supported");
		return;
	case FAKE_ATT_NO_ANSWER:
		g_object_unref(invocation);
		return;
	default:
		text = g_strdup_printf("Operation failed with ATT error: 0x%02x", code);
		fake_refuse(invocation, "Failed", text);
	}
}

int
fake_answer_with_socket(GDBusMethodInvocation *invocation, guint16 mtu)
{
	g_autoptr(GUnixFDList) list = NULL;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0) {
		fake_refuse(invocation, "Failed", g_strerror(errno));
		return -1;
	}
	list = g_unix_fd_list_new_from_array(&fds[1], 1);
	g_dbus_method_invocation_return_value_with_unix_fd_list(invocation, g_variant_new("(hq)", 0, mtu),
								list);
	return fds[0];
}

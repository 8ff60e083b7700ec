/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "link-figures.h"

const char *
stp_notify_path_name(StpNotifyPath path)
{
	switch (path) {
	case STP_NOTIFY_DESCRIPTOR:
		return "descriptor";
	case STP_NOTIFY_SIGNALS:
		return "signals";
	case STP_NOTIFY_DIRECT:
		return "direct";
	case STP_NOTIFY_NONE:
		break;
	}
	return "";
}

const char *
stp_link_end_name(StpLinkEnd end)
{
	switch (end) {
	case STP_LINK_END_LOCAL:
		return "local";
	case STP_LINK_END_REMOTE:
		return "remote";
	case STP_LINK_END_TIMEOUT:
		return "timeout";
	case STP_LINK_END_AUTHENTICATION:
		return "authentication";
	case STP_LINK_END_SUSPEND:
		return "suspend";
	case STP_LINK_END_LOST:
		return "lost";
	case STP_LINK_END_ADAPTER:
		return "adapter";
	case STP_LINK_END_BLUETOOTH:
		return "bluetooth";
	case STP_LINK_END_SERVICES:
		return "services";
	case STP_LINK_END_NOTIFY:
		return "notify";
	case STP_LINK_END_NONE:
		break;
	}
	return "";
}

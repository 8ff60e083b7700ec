/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <locale.h>
#include <signal.h>

#include <glib.h>

#include "command.h"

int
main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	g_set_prgname("stipplectl");
	/* A reader that went away is noticed by the write, so that files in the making are removed. */
	signal(SIGPIPE, SIG_IGN);
	return command_main(argc, argv);
}

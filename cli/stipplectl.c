/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <unistd.h>

#include <glib.h>

#include "command.h"

/*
 * Whoever starts us with a standard stream closed must not get what we print on the socket of the bus, which
 * would take its number.  Opened the wrong way round, each still fails as if it were closed.
 */
static void
occupy_standard_streams(void)
{
	static const int wrong_way[] = { O_WRONLY, O_RDONLY, O_RDONLY };

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The lowest free number is this one: those below are open by now. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", wrong_way[fd]) != fd)
			_exit(1);
	}
}

int
main(int argc, char **argv)
{
	occupy_standard_streams();
	setlocale(LC_ALL, "");
	g_set_prgname("stipplectl");
	/* A reader that went away is noticed by the write, so that files in the making are removed. */
	signal(SIGPIPE, SIG_IGN);
	return command_main(argc, argv);
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "adapter-lease.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bluez-timing.h"
#include "log.h"

#define HOLDER_SIZE 128

struct _StpAdapterLease {
	GObject parent;
	char *address, *path;
	int fd;			/* -1: none */
	gboolean ours;
	char *holder;
	guint timer;
};

G_DEFINE_FINAL_TYPE(StpAdapterLease, stp_adapter_lease, G_TYPE_OBJECT)

static guint changed_signal;

static gboolean
open_file(StpAdapterLease *self, const char *directory)
{
	if (self->fd >= 0)
		return TRUE;
	if (g_mkdir_with_parents(directory, 0750) == 0)
		/* The group may look into it and take the lease; O_NOFOLLOW as the directory may be shared. */
		self->fd = open(self->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
	/* Our umask keeps the group out of new files.  One that is not ours is as its owner wants it. */
	if (self->fd >= 0 && fchmod(self->fd, 0660) != 0)
		stp_debug("link", NULL, "%s: %s", self->path, g_strerror(errno));
	return self->fd >= 0;
}

/* What the holder says of itself is shown to people: one line of plain characters. */
static char *
read_holder(StpAdapterLease *self)
{
	char text[HOLDER_SIZE];
	ssize_t size = pread(self->fd, text, sizeof text - 1, 0);

	if (size <= 0)
		return g_strdup("another program");
	text[size] = '\0';
	text[strcspn(text, "\n")] = '\0';
	for (char *c = text; *c != '\0'; c++) {
		if (!g_ascii_isprint(*c))
			*c = '?';
	}
	return g_strdup(*text != '\0' ? text : "another program");
}

static void
write_holder(StpAdapterLease *self)
{
	g_autofree char *text = g_strdup_printf("%s, process %d\n",
						g_get_prgname() != NULL ? g_get_prgname() : "stippled",
						(int)getpid());

	/* Only for people: the lock holds without it. */
	if (ftruncate(self->fd, 0) != 0 || pwrite(self->fd, text, strlen(text), 0) < 0)
		stp_debug("link", NULL, "%s: %s", self->path, g_strerror(errno));
}

static void
take(StpAdapterLease *self)
{
	g_autofree char *holder = NULL;

	if (flock(self->fd, LOCK_EX | LOCK_NB) == 0) {
		write_holder(self);
		self->ours = TRUE;
		if (self->holder != NULL)
			stp_notice("link", NULL, "Adapter %s is free now and used by us.", self->address);
		g_clear_pointer(&self->holder, g_free);
		g_signal_emit(self, changed_signal, 0);
		return;
	}
	holder = read_holder(self);
	if (g_strcmp0(holder, self->holder) == 0)
		return;
	stp_notice("link", NULL, "Adapter %s is used by %s. It is taken over when that ends.", self->address, holder);
	g_free(self->holder);
	self->holder = g_steal_pointer(&holder);
	g_signal_emit(self, changed_signal, 0);
}

static gboolean
on_take_again(gpointer user_data)
{
	StpAdapterLease *self = user_data;

	take(self);
	if (!self->ours)
		return G_SOURCE_CONTINUE;
	self->timer = 0;
	return G_SOURCE_REMOVE;
}

StpAdapterLease *
stp_adapter_lease_new(const char *directory, const char *address)
{
	StpAdapterLease *self = g_object_new(STP_TYPE_ADAPTER_LEASE, NULL);
	g_autofree char *name = NULL;

	self->address = g_ascii_strup(address, -1);
	if (directory == NULL) {
		self->ours = TRUE;
		return self;
	}
	name = g_strconcat(self->address, ".lock", NULL);
	g_strdelimit(name, ":", '-');
	self->path = g_build_filename(directory, name, NULL);
	if (!open_file(self, directory)) {
		stp_warning("link", NULL,
			    "%s cannot be opened: %s. Adapter %s is used without a lease; let stippled write there, so "
			    "that no other program gets in its way.",
			    self->path, g_strerror(errno), self->address);
		self->ours = TRUE;
		return self;
	}
	take(self);
	if (!self->ours)
		self->timer = g_timeout_add(STP_BLUEZ_LEASE_AGAIN, on_take_again, self);
	return self;
}

gboolean
stp_adapter_lease_is_ours(StpAdapterLease *self)
{
	return self->ours;
}

const char *
stp_adapter_lease_get_holder(StpAdapterLease *self)
{
	return self->holder;
}

static void
stp_adapter_lease_finalize(GObject *object)
{
	StpAdapterLease *self = STP_ADAPTER_LEASE(object);

	g_clear_handle_id(&self->timer, g_source_remove);
	/* The next one may be a program that writes nothing, and is not to be taken for us. */
	if (self->fd >= 0 && self->ours && ftruncate(self->fd, 0) != 0)
		stp_debug("link", NULL, "%s: %s", self->path, g_strerror(errno));
	if (self->fd >= 0)
		close(self->fd);
	g_free(self->address);
	g_free(self->path);
	g_free(self->holder);
	G_OBJECT_CLASS(stp_adapter_lease_parent_class)->finalize(object);
}

static void
stp_adapter_lease_class_init(StpAdapterLeaseClass *class)
{
	G_OBJECT_CLASS(class)->finalize = stp_adapter_lease_finalize;
	changed_signal = g_signal_new("changed", STP_TYPE_ADAPTER_LEASE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
				      G_TYPE_NONE, 0);
}

static void
stp_adapter_lease_init(StpAdapterLease *self)
{
	self->fd = -1;
}

/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * The paths that have objects.  Calls to others are answered with UnknownObject, as libdbus
 * does and GDBus does not; clients tell a device that is gone by it.
 */
typedef struct FakePaths FakePaths;

FakePaths *fake_paths_new(GDBusConnection *connection);
void fake_paths_free(FakePaths *paths);
void fake_paths_add(FakePaths *paths, const char *path);
void fake_paths_remove(FakePaths *paths, const char *path);

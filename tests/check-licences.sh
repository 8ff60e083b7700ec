#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# check-licences.sh TREE BUILD: every file of the project says whose it is and under
# which licence.  Works without git too, so it looks at a copy without the build.
set -eu
command -v reuse > /dev/null || { echo "there is no reuse here"; exit 77; }
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cd "$1"
if files=$(git ls-files 2> /dev/null) && [ -n "$files" ]; then
    git ls-files -z | xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh
else
    find . \( -path ./build -o -path ./.git -o -path "./${2#"$1"/}" -o -name __pycache__ \) -prune -o -type f -print0
fi | tar -c --null -T - | tar -x -C "$copy"
reuse --root "$copy" lint

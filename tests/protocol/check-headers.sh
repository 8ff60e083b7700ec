#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# Every public header compiles by itself, as C11 and as C++11, without a warning.
# Usage: check-headers.sh INCLUDE-FOLDER CC [CXX]

set -eu

folder=$1 cc=$2 cxx=${3-}
warnings='-Wall -Wextra -Wpedantic -Wconversion -Werror'
failed=0

for header in "$folder"/stipple/*.h; do
	name=stipple/$(basename "$header")
	for language in c c++; do
		case $language in
		c) compiler=$cc standard=c11 ;;
		c++) compiler=$cxx standard=c++11 ;;
		esac
		[ -n "$compiler" ] || continue
		# shellcheck disable=SC2086
		if ! printf '#include <%s>\nint unused_here;\n' "$name" |
			$compiler -x $language -std=$standard $warnings -I"$folder" -fsyntax-only -; then
			echo "$name does not compile by itself as $standard" >&2
			failed=1
		fi
	done
done

[ -n "$cxx" ] || echo 'no C++ compiler: checked as C only'
exit $failed

#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# check-embedded.sh TREE VERSION: the library in the builds of firmware.
#
# Zephyr and ESP-IDF are not here; a few lines of CMake stand in for the functions of theirs that
# our build files call.  Each build takes the files of the pen's part, and of the host's when asked,
# and the example pen runs on it.
set -eu -o pipefail
tree=$1 version=$2
library=$tree/libprotocol
if ! command -v cmake > /dev/null; then
    echo "SKIPPED: there is no cmake, so the builds for Zephyr and ESP-IDF were not tried: apt-get install cmake"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quietly() { "$@" > "$work/log" 2>&1 || { cat "$work/log"; echo "failed: $*"; exit 1; }; }

# project NAME: a firmware that uses the library, from CMake lines on stdin
project() {
    mkdir -p "$work/$1"
    { echo "cmake_minimum_required(VERSION 3.20)
project(firmware C)
set(CMAKE_C_FLAGS \"-std=c11 -Os -ffreestanding -Wall -Wextra -Wno-unused-parameter -Werror\")"
      cat
      echo "add_executable(pen $library/examples/example-pen.c)
target_compile_options(pen PRIVATE -fhosted -D_DEFAULT_SOURCE)
target_link_libraries(pen stipple)"
    } > "$work/$1/CMakeLists.txt"
}

# Zephyr: one folder of headers for all, libraries by name; the module's root is the folder that
# has zephyr/module.yml, and its build file is where that says.
where=$(sed -n 's/^  cmake: //p' "$library/zephyr/module.yml")
[ -e "$library/$(sed -n 's/^  kconfig: //p' "$library/zephyr/module.yml")" ]
project zephyr << END
function(zephyr_include_directories)
  include_directories(\${ARGN})
  set_property(GLOBAL PROPERTY includes \${ARGN})
endfunction()
macro(zephyr_library_named name)
  set(ZEPHYR_CURRENT_LIBRARY \${name})
  add_library(\${name} STATIC)
endmacro()
function(zephyr_library_sources)
  target_sources(\${ZEPHYR_CURRENT_LIBRARY} PRIVATE \${ARGN})
endfunction()
set(CONFIG_STIPPLE y)
add_subdirectory($library/$where module)
get_property(includes GLOBAL PROPERTY includes)
include_directories(\${includes})
END

# ESP-IDF: a component registers its sources, and is known by its folder's name.
project idf << END
set(ESP_PLATFORM 1)
function(idf_component_register)
  cmake_parse_arguments(component "" "" "SRCS;INCLUDE_DIRS" \${ARGN})
  add_library(stipple STATIC \${component_SRCS})
  target_include_directories(stipple PUBLIC \${component_INCLUDE_DIRS})
endfunction()
add_subdirectory($library component)
END
grep -qx "version: \"$version\"" "$library/idf_component.yml" ||
    { echo "idf_component.yml names another version than the project's $version"; exit 1; }

project plain << END
add_subdirectory($library stipple)
END

# files PART...: what sources.txt has of these parts
files() {
    awk -v parts=" $* " 'index(parts, " " $1 " ") && !/^#/ { sub(".*/", "", $2); print $2 }' "$library/sources.txt" | sort
}

# build PROJECT PART...
build() {
    local name=$1 dir=$work/$1/build-$#
    shift
    quietly cmake -G Ninja -S "$work/$name" -B "$dir" -DCONFIG_STIPPLE_HOST="$([ $# -eq 1 ] && echo n || echo y)"
    quietly cmake --build "$dir" --parallel 2
    diff <(files "$@") <(find "$dir" -name '*.c.o' ! -name 'example-*' ! -path '*CompilerId*' -printf '%f\n' |
        sed 's/\.o$//' | sort) || { echo "$name builds other files than the parts: $*"; exit 1; }
    # It ends when nobody is there.
    "$dir/pen" < /dev/null || { echo "$name: the example pen does not run"; exit 1; }
}

build zephyr pen
build zephyr pen host
build idf pen
build plain pen

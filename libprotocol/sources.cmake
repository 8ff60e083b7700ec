# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT

# stipple_sources(RESULT PART...): the files of these parts, as sources.txt has them.
function(stipple_sources result)
  set(folder "${CMAKE_CURRENT_FUNCTION_LIST_DIR}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${folder}/sources.txt")
  file(STRINGS "${folder}/sources.txt" lines REGEX "^[a-z]+ +[^ ]+\\.c$")
  set(files)
  foreach(line IN LISTS lines)
    string(REGEX MATCH "^([a-z]+) +(.+)$" matched "${line}")
    if("${CMAKE_MATCH_1}" IN_LIST ARGN)
      list(APPEND files "${folder}/${CMAKE_MATCH_2}")
    endif()
  endforeach()
  set(${result} "${files}" PARENT_SCOPE)
endfunction()

# Warnings for our own sources, and what the presets switch on.

add_library(strop_warnings INTERFACE)
target_compile_options(strop_warnings INTERFACE
  -Wall -Wextra -Wno-missing-field-initializers -Wno-unknown-pragmas
  -Wno-maybe-uninitialized -Wno-restrict)  # the last two: false alarms of GCC 12 in its own headers

# Nothing reads errno after arithmetic; without it loops with a square root vectorize.
add_compile_options(-fno-math-errno)

set(STROP_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize takes them")
if(STROP_SANITIZE)
  add_compile_options(-fsanitize=${STROP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${STROP_SANITIZE})
  add_compile_options(-Wno-uninitialized)  # false alarms of GCC 12 in Abseil's headers
endif()

option(STROP_COVERAGE "Count the lines that tests run" OFF)
if(STROP_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

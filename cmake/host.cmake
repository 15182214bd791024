# The library on the hosted machine, the kernel's architecture-free parts, and their tests.
file(GLOB_RECURSE QUIRE_HOSTED CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ports/hosted/*.cpp)

# Half of a compilation is reading the standard library: it is read once for each target. No header of ours is among these, as a change
# of one would compile everything. The i386 preset does without, and so notices what a file forgets to include.
function(quire_precompile target)
  target_precompile_headers(${target} PRIVATE <algorithm> <array> <atomic> <expected> <memory> <optional> <span> <string_view>)
endfunction()

add_library(quire STATIC ${QUIRE_LIBRARY} ${QUIRE_HOSTED})
target_include_directories(quire PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/ports/hosted/include)
target_link_libraries(quire PRIVATE quire_warnings)
quire_precompile(quire)
target_compile_options(quire PRIVATE -fno-exceptions -fno-rtti $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

# Parts of the kernel that touch no hardware are tested here too: kernel/hosted-sources.txt names them.
add_library(quire_kernel_parts STATIC)
set(hosted_sources ${CMAKE_SOURCE_DIR}/kernel/hosted-sources.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${hosted_sources})
file(STRINGS ${hosted_sources} parts REGEX "^[^#]")
list(TRANSFORM parts PREPEND ${CMAKE_SOURCE_DIR}/)
target_sources(quire_kernel_parts PRIVATE ${parts})
target_link_libraries(quire_kernel_parts PUBLIC quire PRIVATE quire_warnings)
quire_precompile(quire_kernel_parts)
target_compile_options(quire_kernel_parts PRIVATE -fno-exceptions -fno-rtti)

include(cmake/install.cmake)
include(cmake/malloc.cmake)

find_package(GTest REQUIRED)
find_library(RAPIDCHECK rapidcheck REQUIRED)
include(GoogleTest)
enable_testing()

file(GLOB_RECURSE support CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/support/*.cpp)
file(GLOB_RECURSE tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/*_test.cpp)
set(QUIRE_TESTS "" CACHE STRING "regular expression for the names of the tests to build; empty: all")
set(QUIRE_CASES "*" CACHE STRING "gtest's filter for the cases to run")

# Less strict than the library: random numbers are narrowed all over, and gtest's macros contain an else.
add_library(quire_test_support STATIC ${support})
target_link_libraries(quire_test_support PUBLIC quire ${RAPIDCHECK} GTest::gtest_main)
# -O1 -g1: to build a test costs more than to run it.
target_compile_options(quire_test_support PUBLIC -Wall -Wextra -Wshadow -Wno-dangling-else -Werror -O1 -g1)
quire_precompile(quire_test_support)
target_precompile_headers(quire_test_support PRIVATE <gtest/gtest.h> <rapidcheck.h> <map> <random> <vector>)
function(quire_test name)
  add_executable(${name} ${ARGN})
  target_precompile_headers(${name} REUSE_FROM quire_test_support)
  target_link_libraries(${name} PRIVATE quire_kernel_parts quire_test_support)
endfunction()

option(QUIRE_FUZZ "the fuzzers instead of the tests" OFF)
if(QUIRE_FUZZ)
  include(cmake/fuzz.cmake)
  return()
endif()

# llvm-cov counts a function in a header once for each program; for tools/coverage.py there is only one.
option(QUIRE_ONE_TEST "all tests in one program" OFF)
if(QUIRE_ONE_TEST)
  quire_test(all_tests ${tests})
  return()
endif()

foreach(source ${tests})
  get_filename_component(name ${source} NAME_WE)
  if(QUIRE_TESTS AND NOT name MATCHES "${QUIRE_TESTS}")
    continue()
  endif()
  quire_test(${name} ${source})
  get_filename_component(preset ${CMAKE_BINARY_DIR} NAME)
  # Long enough for a soak; QUIRE_SOAK_MINUTES says how long that is.
  gtest_discover_tests(${name} TEST_PREFIX "${preset}/${name}." TEST_FILTER "${QUIRE_CASES}" DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 7200)
endforeach()

if(preset MATCHES "^(host|host-gcc|tsan|asan)$")
  include(cmake/engine-test.cmake)
endif()
if(preset STREQUAL "host")
  include(cmake/malloc-tests.cmake)
  # They use this preset's objects, and the coverage preset's program.
  add_test(NAME checks/mutants COMMAND ${CMAKE_SOURCE_DIR}/tools/mutate.py)
  add_test(NAME checks/coverage COMMAND ${CMAKE_SOURCE_DIR}/tools/coverage.py --no-build)
  set_tests_properties(checks/mutants checks/coverage PROPERTIES TIMEOUT 1200)
endif()

# The library on the hosted machine, the kernel's architecture-free parts, and their tests.
file(GLOB_RECURSE QUIRE_HOSTED CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ports/hosted/*.cpp)

# Half of a compilation is reading the standard library: it is read once for each target. No header of ours is among these, as a change
# of one would compile everything. The i386 preset does without, and so notices what a file forgets to include.
function(quire_precompile target)
  target_precompile_headers(${target} PRIVATE <algorithm> <array> <atomic> <expected> <memory> <optional> <span> <string_view>)
endfunction()

# The other half, again: several sources as one. Not for host, whose objects tools/mutate.py replaces one by one.
option(QUIRE_UNITY "sources compiled eight at a time" OFF)
# A second argument: a target that is compiled alike, whose precompiled header will do.
function(quire_sources_together target)
  if(QUIRE_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON)
  elseif(ARGN)
    target_precompile_headers(${target} REUSE_FROM ${ARGN})
  else()
    quire_precompile(${target})
  endif()
endfunction()

add_library(quire STATIC ${QUIRE_LIBRARY} ${QUIRE_HOSTED})
target_include_directories(quire PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/ports/hosted/include)
target_link_libraries(quire PRIVATE quire_warnings)
quire_sources_together(quire)
target_compile_options(quire PRIVATE -fno-exceptions -fno-rtti $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

# Parts of the kernel that touch no hardware are tested here too: kernel/hosted-sources.txt names them.
add_library(quire_kernel_parts STATIC)
set(hosted_sources ${CMAKE_SOURCE_DIR}/kernel/hosted-sources.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${hosted_sources})
file(STRINGS ${hosted_sources} parts REGEX "^[^#]")
list(TRANSFORM parts PREPEND ${CMAKE_SOURCE_DIR}/)
target_sources(quire_kernel_parts PRIVATE ${parts})
target_link_libraries(quire_kernel_parts PUBLIC quire PRIVATE quire_warnings)
quire_sources_together(quire_kernel_parts quire)
# With Inode::release() inlined g++ 12 warns that an inode is used after its end: it does not follow the counts.
set_source_files_properties(${CMAKE_SOURCE_DIR}/kernel/fs/fill.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
target_compile_options(quire_kernel_parts PRIVATE -fno-exceptions -fno-rtti)

# Counters for tools/coverage.py, in quire/ only. The compiler puts them where the source says, whatever else it instruments. Each process
# adds what it counted to one of two files.
option(QUIRE_COVERAGE "all tests in one program, which counts what it runs of quire/" OFF)
set(profiles ${CMAKE_BINARY_DIR}/profiles)
if(QUIRE_COVERAGE)
  target_compile_options(quire PUBLIC -fprofile-instr-generate=${profiles}/%2m.profraw -fcoverage-mapping
    -fprofile-list=${CMAKE_SOURCE_DIR}/cmake/coverage.txt)
  target_link_options(quire PUBLIC -fprofile-instr-generate=${profiles}/%2m.profraw)
endif()

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
add_library(quire_test_support STATIC EXCLUDE_FROM_ALL ${support})
target_link_libraries(quire_test_support PUBLIC quire ${RAPIDCHECK} GTest::gtest_main)
# -O1 -g1: to build a test costs more than to run it.
target_compile_options(quire_test_support PUBLIC -Wall -Wextra -Wshadow -Wno-dangling-else -Werror -O1 -g1)
quire_precompile(quire_test_support)
target_precompile_headers(quire_test_support PRIVATE <gtest/gtest.h> <rapidcheck.h> <map> <random> <vector>)
function(quire_test name)
  add_executable(${name} ${ARGN})
  target_precompile_headers(${name} REUSE_FROM quire_test_support)
  target_link_options(${name} PRIVATE $<$<CXX_COMPILER_ID:Clang>:-fuse-ld=lld>)  # a third of the time, and mutants link too
  target_link_libraries(${name} PRIVATE quire_kernel_parts quire_test_support)
endfunction()

option(QUIRE_FUZZ "the fuzzers instead of the tests" OFF)
if(QUIRE_FUZZ)
  include(cmake/fuzz.cmake)
  return()
endif()

get_filename_component(preset ${CMAKE_BINARY_DIR} NAME)
# A ctest test for each case, long enough for a soak; QUIRE_SOAK_MINUTES says how long that is.
function(quire_cases program prefix)
  gtest_discover_tests(${program} TEST_PREFIX "${preset}/${prefix}" TEST_FILTER "${QUIRE_CASES}" DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 7200 ${ARGN})
endfunction()

if(QUIRE_COVERAGE)
  # One program, as llvm-cov counts a function in a header once for each. ctest removes old counts before the first case that it runs,
  # and runs all cases before checks/coverage.
  quire_test(all_tests ${tests})
  quire_cases(all_tests "" FIXTURES_REQUIRED no_profiles FIXTURES_SETUP profiles)
  add_test(NAME ${preset}/no-profiles COMMAND ${CMAKE_COMMAND} -E rm -rf ${profiles})
  set_tests_properties(${preset}/no-profiles PROPERTIES FIXTURES_SETUP no_profiles)
  add_test(NAME checks/coverage COMMAND ${CMAKE_SOURCE_DIR}/tools/coverage.py --judge)
  set_tests_properties(checks/coverage PROPERTIES FIXTURES_REQUIRED profiles TIMEOUT 1200)
else()
  foreach(source ${tests})
    get_filename_component(name ${source} NAME_WE)
    if(QUIRE_TESTS AND NOT name MATCHES "${QUIRE_TESTS}")
      continue()
    endif()
    quire_test(${name} ${source})
    quire_cases(${name} "${name}.")
  endforeach()
endif()

if(preset MATCHES "^(host|host-gcc|tsan|asan)$")
  include(cmake/engine-test.cmake)
endif()
if(preset STREQUAL "host")
  include(cmake/malloc-tests.cmake)
  add_test(NAME checks/mutants COMMAND ${CMAKE_SOURCE_DIR}/tools/mutate.py)
  set_tests_properties(checks/mutants PROPERTIES TIMEOUT 1200 COST 100)  # the longest begins first
endif()

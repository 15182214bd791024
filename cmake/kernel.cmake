# The kernel (quire.elf), the same objects with the in-kernel test cases (quire-test.elf), and the programs that run on it.
file(GLOB_RECURSE QUIRE_KERNEL CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/kernel/*.cpp ${CMAKE_SOURCE_DIR}/kernel/*.S
  ${CMAKE_SOURCE_DIR}/ports/i386/*.cpp ${CMAKE_SOURCE_DIR}/ports/i386/*.S)
file(GLOB_RECURSE QUIRE_KERNEL_TESTS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/kernel/*.cpp ${CMAKE_SOURCE_DIR}/tests/kernel/*.S)
set(QUIRE_LINKER_SCRIPT ${CMAKE_SOURCE_DIR}/kernel/boot/kernel.ld)

add_library(quire_freestanding INTERFACE)
target_include_directories(quire_freestanding INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/ports/i386/include)
target_link_libraries(quire_freestanding INTERFACE quire_warnings)

add_library(quire_kernel OBJECT ${QUIRE_LIBRARY} ${QUIRE_KERNEL})
target_link_libraries(quire_kernel PRIVATE quire_freestanding)
add_library(quire_kernel_tests OBJECT ${QUIRE_KERNEL_TESTS})
target_link_libraries(quire_kernel_tests PRIVATE quire_freestanding)

# Links twice: the second time with a table of the first link's function names, for backtraces. The linker script puts that
# table behind everything else that is read-only, so that no function moves.
function(quire_image name)
  set(link_options -T ${QUIRE_LINKER_SCRIPT} --gc-sections)
  set(first ${name}.first)
  add_executable(${first} ${ARGN})
  set(symbols ${CMAKE_BINARY_DIR}/${name}.symbols.S)
  add_custom_command(OUTPUT ${symbols}
    COMMAND ${CMAKE_SOURCE_DIR}/tools/symbols.py $<TARGET_FILE:${first}> ${symbols}
    DEPENDS ${first} ${CMAKE_SOURCE_DIR}/tools/symbols.py VERBATIM)
  add_executable(${name} ${ARGN} ${symbols})
  foreach(target ${first} ${name})
    set_target_properties(${target} PROPERTIES LINK_DEPENDS ${QUIRE_LINKER_SCRIPT} LINKER_LANGUAGE CXX
      LINK_FLAGS "-T ${QUIRE_LINKER_SCRIPT} --gc-sections")
  endforeach()
endfunction()

quire_image(quire.elf $<TARGET_OBJECTS:quire_kernel>)
if(QUIRE_KERNEL_TESTS)
  quire_image(quire-test.elf $<TARGET_OBJECTS:quire_kernel> $<TARGET_OBJECTS:quire_kernel_tests>)
endif()

include(cmake/programs.cmake)
include(cmake/machine-tests.cmake)

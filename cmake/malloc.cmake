# libquire-malloc.so: the heap as malloc for any Linux program, preloaded or linked; for this machine and for 32-bit programs.
# The same sources as the kernel's heap, with ports/linux as the port. libquire-malloc-debug.so: the debug flavour of it.
file(GLOB QUIRE_HEAP CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/quire/heap/*.cpp)
file(GLOB QUIRE_DEBUG_HEAP CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/quire/heap/debug/*.cpp)
file(GLOB QUIRE_MALLOC_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ports/linux/malloc/*.cpp)
file(GLOB QUIRE_DEBUG_MALLOC CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ports/linux/debug/*.cpp)

function(quire_linux_port target)
  quire_sources_together(${target} ${ARGN})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/ports/linux/include)
  target_link_libraries(${target} PRIVATE quire_warnings)
  target_compile_options(${target} PRIVATE -fno-exceptions -fno-rtti $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
endfunction()

# The heap on Linux, without the names that a program would take for its own malloc: for tests.
add_library(quire_linux_heap STATIC EXCLUDE_FROM_ALL ${QUIRE_HEAP} ${CMAKE_SOURCE_DIR}/ports/linux/malloc/mapped_pages.cpp
  ${CMAKE_SOURCE_DIR}/ports/linux/malloc/guard_pages.cpp)
quire_linux_port(quire_linux_heap quire)

option(QUIRE_MALLOC "libquire-malloc.so and libquire-malloc-debug.so" OFF)
if(NOT QUIRE_MALLOC)
  return()
endif()

# machine: "." for this one, or i386; the library lies in a folder of that name.
function(quire_malloc_library target machine name)
  add_library(${target} SHARED ${ARGN})
  string(REPLACE _debug "" alike ${target})
  list(REMOVE_ITEM alike ${target})
  quire_linux_port(${target} ${alike})
  set_target_properties(${target} PROPERTIES DEFINE_SYMBOL "")
  if(machine STREQUAL "i386")
    target_compile_options(${target} PRIVATE -m32 -msse2)
    target_link_options(${target} PRIVATE -m32)
  endif()
  # -O3 whatever the build type is: it is measured. Version 4 of DWARF is what Debian's valgrind reads. -fno-builtin: a compiler
  # that knows what malloc does may turn malloc and memset into calloc, inside calloc.
  target_compile_options(${target} PRIVATE -O3 -gdwarf-4 -fno-builtin-malloc -fno-builtin-calloc -fvisibility=hidden
    -ftls-model=initial-exec -fno-stack-protector)
  # -nodefaultlibs: the C++ runtime is not needed, and a C program would have to load it.
  target_link_options(${target} PRIVATE -nodefaultlibs LINKER:--no-undefined LINKER:-z,now LINKER:--gc-sections LINKER:--as-needed)
  # Before the C library, which has an old _Unwind_Find_FDE for i386 that takes a lock: a child of fork() may find it taken.
  target_link_libraries(${target} PRIVATE gcc_eh gcc c)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${machine})
endfunction()

# Call stacks need unwind tables and somebody who reads them: libgcc_eh, linked in, so that no other library is loaded.
function(quire_debug_malloc_library target machine)
  quire_malloc_library(${target} ${machine} quire-malloc-debug ${QUIRE_HEAP} ${QUIRE_DEBUG_HEAP} ${QUIRE_DEBUG_MALLOC})
  target_compile_options(${target} PRIVATE -O2 -funwind-tables)
endfunction()

# new(std::nothrow) catches what a new_handler throws; the rest of the library lets it through, which takes unwind tables.
set_source_files_properties(${CMAKE_SOURCE_DIR}/ports/linux/malloc/new.cpp PROPERTIES COMPILE_OPTIONS -fexceptions SKIP_PRECOMPILE_HEADERS ON)

include(GNUInstallDirs)
quire_malloc_library(quire_malloc . quire-malloc ${QUIRE_HEAP} ${QUIRE_MALLOC_SOURCES})
quire_malloc_library(quire_malloc_i386 i386 quire-malloc ${QUIRE_HEAP} ${QUIRE_MALLOC_SOURCES})
quire_debug_malloc_library(quire_malloc_debug .)
quire_debug_malloc_library(quire_malloc_debug_i386 i386)
install(TARGETS quire_malloc quire_malloc_debug LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})

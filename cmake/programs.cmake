# Static Linux/i386 programs, made with the host's gcc: our own (user/NAME/), the conformance programs (tests/programs/*.c, once
# with glibc, once with musl), those that test malloc (tests/linux/programs) and the benchmarks (bench/*.c). musl for i386 is a Debian package of another architecture;
# tools/fetch_i386.py puts it into a cache without touching the system.
execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/fetch_i386.py musl
  OUTPUT_VARIABLE QUIRE_MUSL OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

include(cmake/static-malloc.cmake)

set(program_flags -m32 -msse2 -mfpmath=387 -O2 -g0 -fno-pie -fno-stack-protector -Wall -Wextra)
set(glibc_compile ${program_flags})
set(glibc_link -no-pie -static)
set(glibc_libraries -lm)
set(musl_compile ${program_flags} -nostdinc -isystem ${QUIRE_MUSL}/include -U_FORTIFY_SOURCE)
set(musl_link -m32 -no-pie -static -nostdlib ${QUIRE_MUSL}/lib/crt1.o ${QUIRE_MUSL}/lib/crti.o)
set(musl_libraries ${QUIRE_MUSL}/lib/libc.a -lgcc ${QUIRE_MUSL}/lib/libc.a ${QUIRE_MUSL}/lib/crtn.o)
# Before the C library. -u: also for who calls malloc only through it.
foreach(library glibc musl)
  set(${library}_malloc_file ${CMAKE_BINARY_DIR}/${library}/libquire-malloc.a)
  set(${library}_malloc -Wl,-u,malloc ${${library}_malloc_file})
endforeach()

set(programs)

file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/user ${CMAKE_BINARY_DIR}/programs ${CMAKE_BINARY_DIR}/linux ${CMAKE_BINARY_DIR}/bench)

# folder/NAME-VARIANT of NAME.c, for each VARIANT: glibc, musl; quire-glibc, quire-musl: with Quire's malloc instead of its own.
function(quire_programs folder source)
  get_filename_component(name ${source} NAME_WE)
  foreach(variant ${ARGN})
    set(output ${CMAKE_BINARY_DIR}/${folder}/${name}-${variant})
    string(REGEX MATCH "glibc|musl" library ${variant})
    set(malloc)
    set(malloc_file)
    if(variant MATCHES "^quire-")
      set(malloc ${${library}_malloc})
      set(malloc_file ${${library}_malloc_file})
    endif()
    add_custom_command(OUTPUT ${output}
      COMMAND gcc ${${library}_compile} -std=gnu17 ${source} ${${library}_link} -o ${output} ${malloc} ${${library}_libraries}
      DEPENDS ${source} ${malloc_file} VERBATIM)
    list(APPEND programs ${output})
  endforeach()
  set(programs ${programs} PARENT_SCOPE)
endfunction()

file(GLOB folders CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/user/*)
foreach(folder ${folders})
  get_filename_component(name ${folder} NAME)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp ${folder}/*.c)
  if(NOT sources)
    continue()
  endif()
  set(output ${CMAKE_BINARY_DIR}/user/${name})
  # C++ without its library: our programs use the C library, the language, and Quire's malloc.
  add_custom_command(OUTPUT ${output}
    COMMAND g++ ${musl_compile} -std=c++20 -fno-exceptions -fno-rtti -fno-threadsafe-statics ${sources} ${musl_link} -o ${output}
      ${musl_malloc} ${musl_libraries}
    DEPENDS ${sources} ${musl_malloc_file} VERBATIM)
  list(APPEND programs ${output})
endforeach()

file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/programs/*.c)
foreach(source ${sources})
  quire_programs(programs ${source} glibc musl)
endforeach()
foreach(name heap returns)
  quire_programs(programs ${CMAKE_SOURCE_DIR}/tests/programs/${name}.c quire-glibc quire-musl)
endforeach()

# What tests malloc on Linux, as far as it needs no threads.
foreach(name interface defects limit returns model)
  set(source ${CMAKE_SOURCE_DIR}/tests/linux/programs/${name}.cpp)
  set(output ${CMAKE_BINARY_DIR}/linux/${name})
  # -fno-builtin: a compiler takes pairs of malloc and free away.
  add_custom_command(OUTPUT ${output}
    COMMAND g++ ${glibc_compile} -std=c++23 -fno-builtin -I${CMAKE_SOURCE_DIR} ${source} ${glibc_link} -o ${output} ${glibc_malloc}
    DEPENDS ${source} ${CMAKE_SOURCE_DIR}/tests/linux/programs/check.hpp ${glibc_malloc_file} VERBATIM)
  list(APPEND programs ${output})
endforeach()

set(output ${CMAKE_BINARY_DIR}/bench/faults)
set(source ${CMAKE_SOURCE_DIR}/bench/faults.c)
add_custom_command(OUTPUT ${output} COMMAND gcc ${glibc_compile} -std=gnu17 ${source} ${glibc_link} -o ${output} DEPENDS ${source} VERBATIM)
list(APPEND programs ${output})
quire_programs(bench ${CMAKE_SOURCE_DIR}/bench/malloc.c glibc musl quire-glibc quire-musl)

add_custom_target(programs ALL DEPENDS ${programs})

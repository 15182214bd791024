# Static Linux/i386 programs, made with the host's gcc: our own (user/NAME/), the conformance programs (tests/programs/*.c, once
# with glibc, once with musl), those that test malloc (tests/linux/programs) and the benchmarks (bench/*.c). musl for i386 is a Debian package of another architecture;
# tools/fetch_i386.py puts it into a cache without touching the system.
execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/fetch_i386.py musl
  OUTPUT_VARIABLE QUIRE_MUSL OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

include(cmake/static-malloc.cmake)

set(program_flags -m32 -msse2 -mfpmath=387 -O2 -g0 -fno-pie -fno-stack-protector -Wall -Wextra)
set(glibc_flags ${program_flags} -no-pie -static)
set(musl_compile ${program_flags} -nostdinc -isystem ${QUIRE_MUSL}/include -U_FORTIFY_SOURCE)
set(musl_link -m32 -no-pie -static -nostdlib ${QUIRE_MUSL}/lib/crt1.o ${QUIRE_MUSL}/lib/crti.o)
set(musl_libraries ${QUIRE_MUSL}/lib/libc.a -lgcc ${QUIRE_MUSL}/lib/libc.a ${QUIRE_MUSL}/lib/crtn.o)

# Before the C library. -u: also for who calls malloc only through it.
set(musl_malloc ${CMAKE_BINARY_DIR}/musl/libquire-malloc.a)
set(glibc_malloc ${CMAKE_BINARY_DIR}/glibc/libquire-malloc.a)
set(take_malloc -Wl,-u,malloc)

set(programs)

file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/user ${CMAKE_BINARY_DIR}/programs ${CMAKE_BINARY_DIR}/linux ${CMAKE_BINARY_DIR}/bench)

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
      ${take_malloc} ${musl_malloc} ${musl_libraries}
    DEPENDS ${sources} ${musl_malloc} VERBATIM)
  list(APPEND programs ${output})
endforeach()

file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/programs/*.c)
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  set(output ${CMAKE_BINARY_DIR}/programs/${name})
  add_custom_command(OUTPUT ${output}-glibc
    COMMAND gcc ${glibc_flags} -std=gnu17 ${source} -o ${output}-glibc -lm DEPENDS ${source} VERBATIM)
  add_custom_command(OUTPUT ${output}-musl
    COMMAND gcc ${musl_compile} -std=gnu17 ${source} ${musl_link} -o ${output}-musl ${musl_libraries} DEPENDS ${source} VERBATIM)
  list(APPEND programs ${output}-glibc ${output}-musl)
endforeach()

# The C libraries' malloc exchanged for Quire's.
set(source ${CMAKE_SOURCE_DIR}/tests/programs/heap.c)
set(output ${CMAKE_BINARY_DIR}/programs/heap-quire)
add_custom_command(OUTPUT ${output}-glibc
  COMMAND gcc ${glibc_flags} -std=gnu17 ${source} -o ${output}-glibc ${take_malloc} ${glibc_malloc}
  DEPENDS ${source} ${glibc_malloc} VERBATIM)
add_custom_command(OUTPUT ${output}-musl
  COMMAND gcc ${musl_compile} -std=gnu17 ${source} ${musl_link} -o ${output}-musl ${take_malloc} ${musl_malloc} ${musl_libraries}
  DEPENDS ${source} ${musl_malloc} VERBATIM)
list(APPEND programs ${output}-glibc ${output}-musl)

foreach(name interface defects limit returns model)
  set(source ${CMAKE_SOURCE_DIR}/tests/linux/programs/${name}.cpp)
  set(output ${CMAKE_BINARY_DIR}/linux/${name})
  # -fno-builtin: a compiler takes pairs of malloc and free away.
  add_custom_command(OUTPUT ${output}
    COMMAND g++ ${glibc_flags} -std=c++23 -fno-builtin -I${CMAKE_SOURCE_DIR} ${source} -o ${output} ${take_malloc} ${glibc_malloc}
    DEPENDS ${source} ${CMAKE_SOURCE_DIR}/tests/linux/programs/check.hpp ${glibc_malloc} VERBATIM)
  list(APPEND programs ${output})
endforeach()

file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/*.c)
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  set(output ${CMAKE_BINARY_DIR}/bench/${name})
  add_custom_command(OUTPUT ${output} COMMAND gcc ${glibc_flags} -std=gnu17 ${source} -o ${output} DEPENDS ${source} VERBATIM)
  list(APPEND programs ${output})
endforeach()

add_custom_target(programs ALL DEPENDS ${programs})

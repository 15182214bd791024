# libquire-malloc.a for static Linux/i386 programs, once for each C library: musl/libquire-malloc.a and glibc/libquire-malloc.a. It comes
# before the C library on the command line of the linker, which then leaves that one's malloc where it is. The sources are those of
# libquire-malloc.so; custom commands, because this preset's compiler flags are a kernel's.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/quire/heap/*.cpp ${CMAKE_SOURCE_DIR}/ports/linux/malloc/*.cpp)

set(malloc_flags -msse2 -O2 -g0 -std=c++23 -fno-exceptions -fno-rtti -fno-pic -fno-stack-protector -fno-builtin-malloc -fno-builtin-calloc
  -fvisibility=hidden -Wall -Wextra -Werror -I${CMAKE_SOURCE_DIR} -I${CMAKE_SOURCE_DIR}/ports/linux/include)

# new_flags: for what is C++'s; the further arguments: for all.
function(quire_static_malloc library new_flags)
  set(folder ${CMAKE_BINARY_DIR}/${library})
  file(MAKE_DIRECTORY ${folder})
  set(objects)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    set(object ${folder}/${name}.o)
    set(flags ${malloc_flags} ${ARGN})
    if(name STREQUAL "new")
      list(APPEND flags ${new_flags})
    endif()
    add_custom_command(OUTPUT ${object}
      COMMAND clang++-19 ${flags} -MD -MF ${object}.d -c ${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(archive ${folder}/libquire-malloc.a)
  add_custom_command(OUTPUT ${archive}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
    COMMAND ${CMAKE_AR} rcs ${archive} ${objects}
    DEPENDS ${objects} VERBATIM)
endfunction()

# With musl: for small machines, and without a C++ runtime. With glibc as on Linux: new throws, and a new_handler is asked.
quire_static_malloc(musl "" -DQUIRE_SMALL_MACHINE --target=i386-linux-musl -nostdlibinc -isystem /usr/lib/llvm-19/include/c++/v1
  -isystem ${QUIRE_MUSL}/include -fno-asynchronous-unwind-tables)
quire_static_malloc(glibc "-fexceptions;-DQUIRE_CPP_RUNTIME" --target=x86_64-linux-gnu -m32)

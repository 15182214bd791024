# libquire-malloc.so: the heap as malloc for any Linux program, preloaded or linked; for this machine and for 32-bit programs.
# The same sources as the kernel's heap, with ports/linux as the port.
file(GLOB QUIRE_HEAP CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/quire/heap/*.cpp)
file(GLOB QUIRE_MALLOC CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ports/linux/malloc/*.cpp)

# The heap on Linux, without the names that a program would take for its own malloc: for tests.
add_library(quire_linux_heap STATIC ${QUIRE_HEAP} ${CMAKE_SOURCE_DIR}/ports/linux/malloc/mapped_pages.cpp)
target_include_directories(quire_linux_heap PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/ports/linux/include)
target_link_libraries(quire_linux_heap PRIVATE quire_warnings)
target_compile_options(quire_linux_heap PRIVATE -fno-exceptions -fno-rtti)

function(quire_malloc_library target folder word)
  add_library(${target} SHARED ${QUIRE_HEAP} ${QUIRE_MALLOC})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/ports/linux/include)
  target_link_libraries(${target} PRIVATE quire_warnings)
  # -fno-builtin: a compiler that knows what malloc does may turn malloc and memset into calloc, inside calloc.
  # The C++ runtime is not needed, and a C program would have to load it.
  target_compile_options(${target} PRIVATE ${word} -O3 -fno-exceptions -fno-rtti -fno-builtin-malloc -fno-builtin-calloc
    -fvisibility=hidden -ftls-model=initial-exec -fno-stack-protector)
  target_link_options(${target} PRIVATE ${word} -nostdlib++ LINKER:--no-undefined LINKER:-z,now LINKER:--gc-sections)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME quire-malloc LIBRARY_OUTPUT_DIRECTORY ${folder} LINKER_LANGUAGE CXX)
endfunction()

quire_malloc_library(quire_malloc ${CMAKE_BINARY_DIR} "")
quire_malloc_library(quire_malloc_i386 ${CMAKE_BINARY_DIR}/i386 "-m32;-msse2")
install(TARGETS quire_malloc LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})

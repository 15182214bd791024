# A freestanding i386: no operating system below, libc++'s headers, no library.
set(CMAKE_SYSTEM_NAME Quire)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
# CMake asks for a platform file of the system's name.
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})

set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_ASM_COMPILER clang-19)
foreach(language C CXX ASM)
  set(CMAKE_${language}_COMPILER_TARGET i686-linux-gnu)
endforeach()

# No SSE and no MMX: these registers belong to programs. (x87 cannot be switched off: libc++'s <limits> needs long
# double; tests/tools/check_kernel_image.py proves that no kernel function uses it.)
string(JOIN " " quire_freestanding
  -march=i686 -ffreestanding -fno-pic -fno-pie -mno-sse -mno-mmx -fno-stack-protector
  -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -mstack-alignment=4 -ffunction-sections -fdata-sections)
set(CMAKE_C_FLAGS_INIT "${quire_freestanding}")
set(CMAKE_ASM_FLAGS_INIT "-march=i686")
set(CMAKE_CXX_FLAGS_INIT "${quire_freestanding} -fno-exceptions -fno-rtti -fno-threadsafe-statics -nostdinc++ -isystem /usr/lib/llvm-19/include/c++/v1 -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_FAST")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO_INIT "-O2 -g")
set(CMAKE_CXX_LINK_EXECUTABLE "ld.lld-19 -m elf_i386 <LINK_FLAGS> -o <TARGET> <OBJECTS> <LINK_LIBRARIES>")

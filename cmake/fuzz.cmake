# libFuzzer targets: fuzz/NAME.cpp, each with fuzz/corpus/NAME and fuzz/regressions/NAME. fuzz/run.py runs them for a bounded time.
file(GLOB targets CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fuzz/*.cpp)
list(LENGTH targets number_of_targets)
foreach(source ${targets})
  get_filename_component(name ${source} NAME_WE)
  add_executable(fuzz_${name} ${source})
  target_link_libraries(fuzz_${name} PRIVATE quire_kernel_parts quire_test_support)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  add_test(NAME fuzz/${name} COMMAND ${CMAKE_SOURCE_DIR}/fuzz/run.py $<TARGET_FILE:fuzz_${name}> ${name} ${number_of_targets})
  set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT 7200)
endforeach()

# The loader is no hosted part of the kernel: fuzz/elf.cpp supplies what it needs of the processor.
foreach(part file_object initial_stack load)
  target_sources(fuzz_elf PRIVATE ${CMAKE_SOURCE_DIR}/kernel/exec/${part}.cpp)
endforeach()

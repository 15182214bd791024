# Tests that boot the kernel: its own cases, the panics, programs compared with Linux, and the tools.
enable_testing()
set(tools ${CMAKE_SOURCE_DIR}/tests/tools)

add_test(NAME kernel/cases COMMAND ${tools}/kernel_tests.py cases)
execute_process(COMMAND ${tools}/kernel_tests.py --list-panics OUTPUT_VARIABLE panics COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" panics "${panics}")
foreach(name ${panics})
  add_test(NAME kernel/${name} COMMAND ${tools}/kernel_tests.py panic ${name})
endforeach()

execute_process(COMMAND ${tools}/program_tests.py --list OUTPUT_VARIABLE cases COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" cases "${cases}")
foreach(name ${cases})
  add_test(NAME programs/${name} COMMAND ${tools}/program_tests.py ${name})
  set_tests_properties(programs/${name} PROPERTIES TIMEOUT 400)
endforeach()

add_test(NAME tools/python COMMAND python3 -m unittest discover -s ${tools} -p "test_*.py")
set_tests_properties(tools/python PROPERTIES TIMEOUT 7200)
add_test(NAME tools/kernel-image COMMAND ${tools}/check_kernel_image.py ${CMAKE_BINARY_DIR}/quire.elf)
add_test(NAME tools/layers COMMAND ${tools}/check_layers.py)

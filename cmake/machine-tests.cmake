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

file(GLOB suites CONFIGURE_DEPENDS ${tools}/test_*.py)
foreach(suite ${suites})
  get_filename_component(name ${suite} NAME_WE)
  add_test(NAME tools/${name} COMMAND python3 -m unittest discover -s ${tools} -p ${name}.py)
  set_tests_properties(tools/${name} PROPERTIES TIMEOUT 7200 COST 50)  # before what is short
endforeach()
add_test(NAME tools/kernel-image COMMAND ${tools}/check_kernel_image.py ${CMAKE_BINARY_DIR}/quire.elf)
add_test(NAME tools/layers COMMAND ${tools}/check_layers.py)
add_test(NAME tools/docs COMMAND ${tools}/check_docs.py)

# The heap's engine on Linux between threads: tests/linux/heap, for the presets that look for data races and for host.
add_executable(linux_engine ${CMAKE_SOURCE_DIR}/tests/linux/heap/engine.cpp)
target_link_libraries(linux_engine PRIVATE quire_linux_heap)
target_compile_options(linux_engine PRIVATE -Wall -Wextra -Wshadow -Werror)
foreach(case storm openings pipeline large-blocks)
  add_test(NAME ${preset}/linux_engine.${case} COMMAND linux_engine ${case})
endforeach()

# One program a parser: fuzz/<name>_fuzz.cc with its corpus fuzz/corpus/<name>/. The preset `fuzz` (clang) links
# libFuzzer; everywhere else a main of our own replays the corpus with fixed mutations, as a test.
file(GLOB fuzz_targets CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/fuzz/*_fuzz.cc")
string(FIND "${ATHANOR_SANITIZE}" "fuzzer-no-link" with_fuzzer)
foreach(file IN LISTS fuzz_targets)
  cmake_path(GET file STEM target)
  string(REGEX REPLACE "_fuzz$" "" name "${target}")
  add_executable(${target} "${file}")
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}")
  athanor_test_program(${target} ${ATHANOR_SHARED})  # the rooms above the torch line, and stage
  if(with_fuzzer GREATER_EQUAL 0)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${target} PRIVATE "${CMAKE_SOURCE_DIR}/fuzz/replay.cc")
    add_test(NAME "fuzz.${name}" COMMAND ${target} "${CMAKE_SOURCE_DIR}/fuzz/corpus/${name}")
    set_tests_properties("fuzz.${name}" PROPERTIES TIMEOUT 120)
  endif()
endforeach()

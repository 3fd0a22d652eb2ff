# Programs for bench/*.py, built when asked for only: cmake --build build --target html_extract
add_executable(html_extract EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/bench/html_extract.cc"
  $<TARGET_OBJECTS:athanor_version> $<TARGET_OBJECTS:athanor_base> $<TARGET_OBJECTS:athanor_run>
  $<TARGET_OBJECTS:athanor_data>)
target_link_libraries(html_extract PRIVATE athanor_core_deps)
set_target_properties(html_extract PROPERTIES BUILD_RPATH "${ATHANOR_ARROW_ROOT}")

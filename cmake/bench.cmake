# Programs for bench/*.py, built when asked for only: cmake --build build --target html_extract
foreach(program html_extract warc_read chat_render tokenizer_speed)
  add_executable(${program} EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/bench/${program}.cc"
    $<TARGET_OBJECTS:athanor_version> $<TARGET_OBJECTS:athanor_base> $<TARGET_OBJECTS:athanor_run>
    $<TARGET_OBJECTS:athanor_data> $<TARGET_OBJECTS:athanor_token>)
  target_link_libraries(${program} PRIVATE athanor_core_deps)
  set_target_properties(${program} PROPERTIES BUILD_RPATH "${ATHANOR_ARROW_ROOT}")
endforeach()

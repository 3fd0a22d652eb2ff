# Programs for bench/*.py and tests/parity/*.py, built when asked for only: cmake --build build --target html_extract
foreach(source bench/html_extract bench/warc_read bench/chat_render bench/tokenizer_speed tests/parity/token_dump)
  cmake_path(GET source FILENAME program)
  add_executable(${program} EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/${source}.cc"
    $<TARGET_OBJECTS:athanor_version> $<TARGET_OBJECTS:athanor_base> $<TARGET_OBJECTS:athanor_run>
    $<TARGET_OBJECTS:athanor_data> $<TARGET_OBJECTS:athanor_token>)
  target_link_libraries(${program} PRIVATE athanor_core_deps)
  set_target_properties(${program} PROPERTIES BUILD_RPATH "${ATHANOR_ARROW_ROOT}")
endforeach()

add_executable(feature_speed EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/bench/feature_speed.cc"
  $<TARGET_OBJECTS:athanor_version> $<TARGET_OBJECTS:athanor_base> $<TARGET_OBJECTS:athanor_run>
  $<TARGET_OBJECTS:athanor_data> $<TARGET_OBJECTS:athanor_metric> $<TARGET_OBJECTS:athanor_token> $<TARGET_OBJECTS:athanor_feature>)
target_link_libraries(feature_speed PRIVATE athanor_core_deps)
set_target_properties(feature_speed PROPERTIES BUILD_RPATH "${ATHANOR_ARROW_ROOT}")

foreach(program tune_search tune_asha)
  add_executable(${program} EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/bench/${program}.cc" $<TARGET_OBJECTS:athanor_version>
    $<TARGET_OBJECTS:athanor_base> $<TARGET_OBJECTS:athanor_run> $<TARGET_OBJECTS:athanor_tune>)
  target_link_libraries(${program} PRIVATE athanor_core_deps)
endforeach()

add_executable(shap_speed EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/bench/shap_speed.cc"
  $<TARGET_OBJECTS:athanor_version> $<TARGET_OBJECTS:athanor_base> $<TARGET_OBJECTS:athanor_run>
  $<TARGET_OBJECTS:athanor_data> $<TARGET_OBJECTS:athanor_metric> $<TARGET_OBJECTS:athanor_token>
  $<TARGET_OBJECTS:athanor_feature> $<TARGET_OBJECTS:athanor_classic>)
target_link_libraries(shap_speed PRIVATE athanor_core_deps)
set_target_properties(shap_speed PROPERTIES BUILD_RPATH "${ATHANOR_ARROW_ROOT}")

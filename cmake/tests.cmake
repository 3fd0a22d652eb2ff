# Tests of the whole program: golden files, crashes. What takes longer than 10 s has the label soak.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

add_test(NAME lint COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/scripts/lint.py")

file(GLOB golden CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/golden/*.test")
foreach(file IN LISTS golden)
  cmake_path(GET file STEM name)
  add_test(NAME "golden.${name}"
    COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/golden/run_golden.py" $<TARGET_FILE:athanor> "${file}")
  set_tests_properties("golden.${name}" PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 120)
endforeach()
if(NOT ATHANOR_WITH_TORCH)  # they train a model, and ask doctor for LibTorch
  set_tests_properties(golden.whole_way golden.doctor_net golden.doctor_healthy golden.new_vocabulary golden.mixture golden.masked golden.finetune golden.devices golden.decisions golden.usage_errors
    PROPERTIES DISABLED ON)
endif()

add_test(NAME crash.parts
  COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/crash/parts.py" $<TARGET_FILE:athanor> 5)
set_tests_properties(crash.parts PROPERTIES TIMEOUT 120)
add_test(NAME crash.collect_kill
  COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/crash/collect_kill.py" $<TARGET_FILE:athanor> 3)
set_tests_properties(crash.collect_kill PROPERTIES TIMEOUT 120)
add_test(NAME crash.kill_dedup
  COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/crash/kill_dedup.py" $<TARGET_FILE:athanor> 3 8000)
set_tests_properties(crash.kill_dedup PROPERTIES TIMEOUT 120)
add_test(NAME crash.tokenizer_kill
  COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/crash/tokenizer_kill.py" $<TARGET_FILE:athanor> 3)
set_tests_properties(crash.tokenizer_kill PROPERTIES TIMEOUT 120)
add_test(NAME crash.tune_kill
  COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/crash/tune_kill.py" $<TARGET_FILE:athanor> 4)
set_tests_properties(crash.tune_kill PROPERTIES TIMEOUT 120)
add_test(NAME crash.tune_interrupt
  COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/crash/tune_interrupt.py" $<TARGET_FILE:athanor>)
set_tests_properties(crash.tune_interrupt PROPERTIES TIMEOUT 120)
add_test(NAME crash.hostile
  COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/crash/hostile.py" $<TARGET_FILE:athanor>)
set_tests_properties(crash.hostile PROPERTIES TIMEOUT 120)
add_test(NAME soak.parts
  COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/crash/parts.py" $<TARGET_FILE:athanor> 100 1 200)
set_tests_properties(soak.parts PROPERTIES TIMEOUT 3600 LABELS soak)

if(ATHANOR_WITH_TORCH)
  add_test(NAME crash.kill_resume
    COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/crash/kill_resume.py" $<TARGET_FILE:athanor> 5)
  set_tests_properties(crash.kill_resume PROPERTIES TIMEOUT 120)
  add_test(NAME crash.finetune_kill
    COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/crash/finetune_kill.py" $<TARGET_FILE:athanor> 4)
  set_tests_properties(crash.finetune_kill PROPERTIES TIMEOUT 120)
  add_test(NAME crash.damage
    COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/crash/damage.py" $<TARGET_FILE:athanor>)
  set_tests_properties(crash.damage PROPERTIES TIMEOUT 120)
  add_test(NAME soak.kill_resume
    COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/crash/kill_resume.py" $<TARGET_FILE:athanor> 200 2)
  set_tests_properties(soak.kill_resume PROPERTIES TIMEOUT 3600 LABELS soak)
  foreach(what same_loss resume interrupt devices kill stop kill_first stop_first torchrun)
    add_test(NAME ranks.${what}
      COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/dist/ranks.py" $<TARGET_FILE:athanor> ${what})
    set_tests_properties(ranks.${what} PROPERTIES TIMEOUT 180 SKIP_RETURN_CODE 77)
  endforeach()
  set_tests_properties(ranks.kill ranks.stop ranks.stop_first PROPERTIES LABELS soak)  # they wait for timeouts
endif()

# The GPU's kernels compile with nvcc alone, wherever it is found.
add_test(NAME cuda.compile COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tests/cuda/compile.py")
set_tests_properties(cuda.compile PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 120)

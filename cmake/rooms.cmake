# One object library a room, one test binary a room; two link units: the program, and the torch unit it
# opens with dlopen when a verb needs LibTorch. Tests and fuzz targets link each room as a shared library instead:
# sixty programs that each held all objects took 23 GB of disk and most of the time of a build.
# The order of rooms is athanor/ROOMS.
file(STRINGS "${CMAKE_SOURCE_DIR}/athanor/ROOMS" ATHANOR_ROOM_LINES REGEX "^[a-z-]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/athanor/ROOMS")

if(ATHANOR_TESTS)
  enable_testing()
  include(GoogleTest)
endif()

add_library(athanor_core_pch OBJECT "${CMAKE_SOURCE_DIR}/cmake/pch.cc")
target_precompile_headers(athanor_core_pch PRIVATE "${CMAKE_SOURCE_DIR}/cmake/pch_core.h")
target_include_directories(athanor_core_pch PRIVATE "${CMAKE_SOURCE_DIR}")
if(ATHANOR_WITH_TORCH)
  add_library(athanor_torch_pch OBJECT "${CMAKE_SOURCE_DIR}/cmake/pch.cc")
  target_precompile_headers(athanor_torch_pch PRIVATE "${CMAKE_SOURCE_DIR}/cmake/pch_torch.h")
  target_include_directories(athanor_torch_pch PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(athanor_torch_pch PRIVATE athanor_libtorch)
endif()

add_library(athanor_core_deps INTERFACE)
target_include_directories(athanor_core_deps INTERFACE "${CMAKE_SOURCE_DIR}")
target_link_libraries(athanor_core_deps INTERFACE Threads::Threads OpenSSL::Crypto ZLIB::ZLIB CURL::libcurl
  yaml-cpp nlohmann_json::nlohmann_json PkgConfig::ZSTD PkgConfig::XXHASH
  BZip2::BZip2 PkgConfig::DEFLATE PkgConfig::PCRE2 PkgConfig::PQ PkgConfig::SQLITE PkgConfig::PNG PkgConfig::JPEG
  "${ATHANOR_LIBSVM}"
  athanor_arrow athanor_lexbor ${CMAKE_DL_LIBS})

# Which commit this is: its own small object, so that a commit rebuilds one file.
set(version_file "${CMAKE_BINARY_DIR}/generated/version.cc")
add_custom_target(athanor_version_file BYPRODUCTS "${version_file}"
  COMMAND "${CMAKE_COMMAND}" -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DOUTPUT=${version_file} -DVERSION=${PROJECT_VERSION}
          -P "${CMAKE_SOURCE_DIR}/cmake/version.cmake")
add_library(athanor_version OBJECT "${version_file}")
target_include_directories(athanor_version PRIVATE "${CMAKE_SOURCE_DIR}")
add_dependencies(athanor_version athanor_version_file)

# Sources of rooms below the line that need no LibTorch and that the program wants before it loads it.
file(GLOB ATHANOR_TORCH_FREE CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/athanor/model/config*.cc")
list(FILTER ATHANOR_TORCH_FREE EXCLUDE REGEX "_test\\.cc$")
list(APPEND ATHANOR_TORCH_FREE "${CMAKE_SOURCE_DIR}/athanor/model/nets/net_config.cc"
     "${CMAKE_SOURCE_DIR}/athanor/train/loading/mixture.cc")
set(torch_free_present "")
foreach(file IN LISTS ATHANOR_TORCH_FREE)
  if(EXISTS "${file}")
    list(APPEND torch_free_present "${file}")
  endif()
endforeach()

set(ATHANOR_CORE_OBJECTS $<TARGET_OBJECTS:athanor_version>)
set(ATHANOR_TORCH_OBJECTS "")

# athanor_objects(<target> <torch: ON|OFF> <sources...>): an object library with the right flags.
function(athanor_objects target torch)
  add_library(${target} OBJECT ${ARGN})
  target_link_libraries(${target} PRIVATE athanor_core_deps)
  if(torch)
    target_link_libraries(${target} PRIVATE athanor_libtorch)
    target_precompile_headers(${target} REUSE_FROM athanor_torch_pch)
  else()
    target_precompile_headers(${target} REUSE_FROM athanor_core_pch)
  endif()
endfunction()

# athanor_shared(<room> <torch: ON|OFF> <objects...>): the room for tests, over the rooms before it.
# Nothing may stay undefined, so a room that uses a later one does not link.
set(ATHANOR_SHARED "")
function(athanor_shared room torch)
  if(NOT ATHANOR_TESTS)
    return()
  endif()
  set(name athanor_${room}_shared)
  add_library(${name} SHARED ${ARGN})
  target_link_libraries(${name} PRIVATE ${ATHANOR_SHARED} athanor_core_deps)
  if(torch)
    target_link_libraries(${name} PRIVATE athanor_libtorch)
  endif()
  if(NOT ATHANOR_SANITIZE)  # the sanitizers' own symbols come with the program
    target_link_options(${name} PRIVATE "-Wl,-z,defs")
  endif()
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/rooms"
    LINK_DEPENDS_NO_SHARED ON)
  set(ATHANOR_SHARED ${ATHANOR_SHARED} ${name} PARENT_SCOPE)
endfunction()

# athanor_test_program(<target> <libraries...>): all rooms are loaded, used or not, as in the program.
function(athanor_test_program target)
  target_link_options(${target} PRIVATE "-Wl,--no-as-needed")
  target_link_libraries(${target} PRIVATE ${ARGN} athanor_core_deps)
  set_target_properties(${target} PROPERTIES LINK_DEPENDS_NO_SHARED ON)
endfunction()

function(athanor_room_test room torch)
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/athanor/${room}/*_test.cc")
  if(NOT ATHANOR_TESTS OR NOT tests)
    return()
  endif()
  set(name "${room}_tests")
  set(main GTest::gtest_main)
  if(torch)
    list(APPEND tests "${CMAKE_SOURCE_DIR}/tests/torch_main.cc")
    set(main GTest::gtest)
  endif()
  athanor_objects(${name}_objects ${torch} ${tests})
  target_link_libraries(${name}_objects PRIVATE GTest::gtest)
  target_compile_definitions(${name}_objects PRIVATE ATHANOR_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_executable(${name} $<TARGET_OBJECTS:${name}_objects>)
  athanor_test_program(${name} ${ATHANOR_SHARED} ${main})
  if(torch)
    target_link_libraries(${name} PRIVATE athanor_libtorch)
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${room}." DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 120
    ENVIRONMENT "OMP_NUM_THREADS=2;GOMP_SPINCOUNT=1000")
endfunction()

# The one source that asks for gloo's headers, which torch's wheels lack (see forward.h there).
set_source_files_properties("${CMAKE_SOURCE_DIR}/athanor/tensor/process_group.cc" PROPERTIES
  INCLUDE_DIRECTORIES "${CMAKE_SOURCE_DIR}/athanor/tensor/gloo_forward")

# Which clone of a kernel runs is chosen when the program is loaded; a build with this set tests the others.
set(ATHANOR_SIMD_ONLY "" CACHE STRING "our kernels for one instruction set alone: x86-64-v3, x86-64-v2 or x86-64")
if(ATHANOR_SIMD_ONLY)
  file(GLOB kernels "${CMAKE_SOURCE_DIR}/athanor/tensor/*.cc" "${CMAKE_SOURCE_DIR}/athanor/train/optimizer*.cc")
  set_source_files_properties(${kernels} PROPERTIES
    COMPILE_DEFINITIONS "ATHANOR_SIMD_ONLY=\"arch=${ATHANOR_SIMD_ONLY}\"")
endif()

set(below_the_line OFF)
foreach(room IN LISTS ATHANOR_ROOM_LINES)
  if(room MATCHES "^---")
    set(below_the_line ON)
    if(torch_free_present)  # they may use every room above
      athanor_objects(athanor_torch_free OFF ${torch_free_present})
      list(APPEND ATHANOR_CORE_OBJECTS $<TARGET_OBJECTS:athanor_torch_free>)
      athanor_shared(torch_free OFF $<TARGET_OBJECTS:athanor_torch_free>)
    endif()
    set(shared_above ${ATHANOR_SHARED})
    continue()
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/athanor/${room}/*.cc")
  list(FILTER sources EXCLUDE REGEX "_(test|gpu)\\.cc$")  # _gpu.cc: the gpu preset's (gpu.cmake)
  list(REMOVE_ITEM sources ${ATHANOR_TORCH_FREE})
  if(room STREQUAL "stage")
    # Verbs stand above the line (options, signature, what needs no tensors); <verb>_torch.cc holds the rest.
    set(torch_sources ${sources})
    list(FILTER torch_sources INCLUDE REGEX "_torch\\.cc$")
    list(FILTER sources EXCLUDE REGEX "(_torch|/main)\\.cc$")
    if(sources)
      athanor_objects(athanor_stage OFF ${sources})
      list(APPEND ATHANOR_CORE_OBJECTS $<TARGET_OBJECTS:athanor_stage>)
      # not over the torch rooms, whose names it finds at run time as the program does
      set(ATHANOR_SHARED ${shared_above})
      athanor_shared(stage OFF $<TARGET_OBJECTS:athanor_stage>)
    endif()
    if(ATHANOR_WITH_TORCH AND torch_sources)
      athanor_objects(athanor_stage_torch ON ${torch_sources})
      list(APPEND ATHANOR_TORCH_OBJECTS $<TARGET_OBJECTS:athanor_stage_torch>)
    endif()
    athanor_room_test(stage OFF)
  elseif(NOT below_the_line)
    if(sources)
      athanor_objects(athanor_${room} OFF ${sources})
      list(APPEND ATHANOR_CORE_OBJECTS $<TARGET_OBJECTS:athanor_${room}>)
      set(objects $<TARGET_OBJECTS:athanor_${room}>)
      if(NOT ATHANOR_SHARED)  # the first room
        list(APPEND objects $<TARGET_OBJECTS:athanor_version>)
      endif()
      athanor_shared(${room} OFF ${objects})
    endif()
    athanor_room_test(${room} OFF)
  elseif(ATHANOR_WITH_TORCH)
    if(sources)
      athanor_objects(athanor_${room} ON ${sources})
      list(APPEND ATHANOR_TORCH_OBJECTS $<TARGET_OBJECTS:athanor_${room}>)
      athanor_shared(${room} ON $<TARGET_OBJECTS:athanor_${room}>)
    endif()
    athanor_room_test(${room} ON)
  endif()
endforeach()

# Rooms that factorise matrices. Not for all: Eigen's headers are heavy.
foreach(target athanor_feature athanor_classic athanor_tune feature_tests_objects classic_tests_objects tune_tests_objects)
  if(TARGET ${target})
    target_link_libraries(${target} PRIVATE Eigen3::Eigen)
  endif()
endforeach()

if(EXISTS "${CMAKE_SOURCE_DIR}/athanor/stage/main.cc")
  add_executable(athanor "${CMAKE_SOURCE_DIR}/athanor/stage/main.cc" ${ATHANOR_CORE_OBJECTS})
  target_link_libraries(athanor PRIVATE athanor_core_deps)
  set_target_properties(athanor PROPERTIES ENABLE_EXPORTS ON RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}"
    BUILD_RPATH "$ORIGIN/lib;${ATHANOR_ARROW_ROOT}")
endif()
if(ATHANOR_WITH_TORCH AND ATHANOR_TORCH_OBJECTS)
  # Its undefined symbols are the rooms above the line, which the program exports.
  add_library(athanor_torch MODULE ${ATHANOR_TORCH_OBJECTS})
  target_link_libraries(athanor_torch PRIVATE athanor_libtorch)
  set_target_properties(athanor_torch PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}"
    BUILD_RPATH "${ATHANOR_TORCH_ROOT}/lib;${ATHANOR_CUDA_RUNTIME}")
  add_dependencies(athanor athanor_torch)  # they hand each other structs: one of another build would crash the other
endif()

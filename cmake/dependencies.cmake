# Every outside library, found once. docs/dependencies.md says why each one is here.
include("${ATHANOR_DEPS}/deps.cmake" OPTIONAL)  # written by scripts/setup: ATHANOR_TORCH_ROOT, ATHANOR_ARROW_ROOT and more

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(ZLIB REQUIRED)
find_package(CURL REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
find_package(BZip2 REQUIRED)
pkg_check_modules(DEFLATE REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_library(ATHANOR_LIBSVM svm REQUIRED)

find_program(ATHANOR_CCACHE ccache)
if(ATHANOR_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      "${ATHANOR_CCACHE}")
endif()
find_program(ATHANOR_MOLD mold)
if(ATHANOR_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# The last five misfire in g++ 12 on std::string at -O2.
add_compile_options(-Wall -Wextra -Wno-missing-field-initializers -Wno-array-bounds -Wno-restrict
                    -Wno-stringop-overflow -Wno-stringop-overread -Wno-maybe-uninitialized)
# Messages of library headers hold __FILE__: without the folders of the machine that built them.
add_compile_options("-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=" "-fmacro-prefix-map=${ATHANOR_DEPS}/=")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
  add_compile_options(-Wno-dangling-reference)  # takes a table's entry, found by a temporary name, for dangling
endif()
# Our functions are never replaced at load time, so they may be inlined although objects are position independent.
add_compile_options(-fno-semantic-interposition)
if(ATHANOR_WERROR)
  add_compile_options(-Werror)
endif()
if(ATHANOR_SANITIZE)
  add_compile_options(-fsanitize=${ATHANOR_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${ATHANOR_SANITIZE})
endif()

# Arrow and Parquet: headers and libraries of the pyarrow wheel (the library's file name holds its version).
if(NOT ATHANOR_ARROW_ROOT)
  message(FATAL_ERROR "No Arrow: run scripts/setup (or set ATHANOR_ARROW_ROOT to a pyarrow folder).")
endif()
file(GLOB ATHANOR_ARROW_LIB "${ATHANOR_ARROW_ROOT}/libarrow.so.*00")
file(GLOB ATHANOR_PARQUET_LIB "${ATHANOR_ARROW_ROOT}/libparquet.so.*00")
add_library(athanor_arrow INTERFACE)
target_include_directories(athanor_arrow SYSTEM INTERFACE "${ATHANOR_ARROW_ROOT}/include")
target_link_libraries(athanor_arrow INTERFACE "${ATHANOR_PARQUET_LIB}" "${ATHANOR_ARROW_LIB}")

include(cmake/lexbor.cmake)

# LibTorch: only libtorch_cpu and libc10, and per-operator headers, so that a file compiles in seconds.
if(ATHANOR_WITH_TORCH)
  if(NOT ATHANOR_TORCH_ROOT)
    message(FATAL_ERROR "No LibTorch: run scripts/setup (or set ATHANOR_TORCH_ROOT, or use the core preset).")
  endif()
  add_library(athanor_libtorch INTERFACE)
  target_include_directories(athanor_libtorch SYSTEM INTERFACE
    "${ATHANOR_TORCH_ROOT}/include" "${ATHANOR_TORCH_ROOT}/include/torch/csrc/api/include")
  target_compile_definitions(athanor_libtorch INTERFACE AT_PER_OPERATOR_HEADERS)
  target_link_libraries(athanor_libtorch INTERFACE
    "${ATHANOR_TORCH_ROOT}/lib/libtorch_cpu.so" "${ATHANOR_TORCH_ROOT}/lib/libc10.so")
  # at::parallel_for is a template: where our own file is compiled without OpenMP it is a plain loop on one thread. The
  # runtime must be LibTorch's own, whatever its wheel calls it: with a second one, two sets of threads fight.
  file(GLOB torch_openmp "${ATHANOR_TORCH_ROOT}/lib/libgomp*.so*" "${ATHANOR_TORCH_ROOT}/../torch.libs/libgomp*.so*")
  if(torch_openmp)
    list(GET torch_openmp 0 torch_openmp)
    target_compile_options(athanor_libtorch INTERFACE -fopenmp)
    target_link_libraries(athanor_libtorch INTERFACE "${torch_openmp}")
  else()
    find_package(OpenMP REQUIRED COMPONENTS CXX)
    target_link_libraries(athanor_libtorch INTERFACE OpenMP::OpenMP_CXX)
  endif()
  # A CUDA build of libtorch_cpu wants libcudart and libcupti: scripts/setup names their folder.
  if(ATHANOR_CUDA_RUNTIME)
    target_link_options(athanor_libtorch INTERFACE "-Wl,-rpath-link,${ATHANOR_CUDA_RUNTIME}")
  endif()
endif()

if(ATHANOR_TESTS)
  find_package(GTest REQUIRED)
endif()

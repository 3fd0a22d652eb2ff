# The GPU unit, libathanor_cuda.so: our kernels by nvcc, and its table over LibTorch's CUDA half. The program opens it when a
# run asks for a GPU (athanor/tensor/device), so it is the one thing that the gpu preset adds.
set(ATHANOR_GPU_ARCHITECTURES "80;90" CACHE STRING "compute capabilities the kernels are built for; the last also as PTX")
if(NOT EXISTS "${ATHANOR_TORCH_ROOT}/lib/libtorch_cuda.so")
  message(FATAL_ERROR "This LibTorch has no CUDA half (${ATHANOR_TORCH_ROOT}): run scripts/setup --gpu.")
endif()
get_filename_component(site "${ATHANOR_TORCH_ROOT}" DIRECTORY)
find_program(ATHANOR_NVCC nvcc HINTS "$ENV{CUDA_HOME}/bin" /usr/local/cuda/bin "${ATHANOR_DEPS}/nvcc/nvidia/cu13/bin" REQUIRED)
get_filename_component(nvcc_real "${ATHANOR_NVCC}" REALPATH)
get_filename_component(nvcc_home "${nvcc_real}/../.." ABSOLUTE)
find_path(ATHANOR_CUDA_INCLUDE cuda_runtime_api.h REQUIRED
  HINTS "${nvcc_home}/include" "${ATHANOR_DEPS}/nvcc/nvidia/cu13/include" "${site}/nvidia/cu13/include" "$ENV{CUDA_HOME}/include" /usr/local/cuda/include)
find_library(ATHANOR_CUDART NAMES cudart libcudart.so.13 REQUIRED
  HINTS "${site}/nvidia/cu13/lib" "${nvcc_home}/lib64" "$ENV{CUDA_HOME}/lib64" /usr/local/cuda/lib64)
find_path(ATHANOR_NCCL_INCLUDE nccl.h REQUIRED HINTS "${site}/nvidia/nccl/include" "$ENV{NCCL_HOME}/include")
find_library(ATHANOR_NCCL NAMES nccl libnccl.so.2 REQUIRED HINTS "${site}/nvidia/nccl/lib" "$ENV{NCCL_HOME}/lib")

set(code "")
foreach(architecture IN LISTS ATHANOR_GPU_ARCHITECTURES)
  list(APPEND code -gencode "arch=compute_${architecture},code=sm_${architecture}")
endforeach()
list(GET ATHANOR_GPU_ARCHITECTURES -1 newest)
list(APPEND code -gencode "arch=compute_${newest},code=compute_${newest}")

file(GLOB kernel_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/athanor/tensor/cuda/*.cu")
file(GLOB kernel_headers CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/athanor/tensor/cuda/*.h")
set(kernels "")
foreach(source IN LISTS kernel_sources)
  get_filename_component(name "${source}" NAME)
  set(object "${CMAKE_BINARY_DIR}/generated/${name}.o")
  add_custom_command(OUTPUT "${object}"
    COMMAND "${ATHANOR_NVCC}" -std=c++17 -O3 -Werror all-warnings -Xcompiler -fPIC ${code} "-I${CMAKE_SOURCE_DIR}"
            -c "${source}" -o "${object}"
    DEPENDS "${source}" ${kernel_headers} COMMENT "nvcc ${name}" VERBATIM)
  list(APPEND kernels "${object}")
endforeach()

file(GLOB unit_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/athanor/tensor/cuda/*_gpu.cc")
add_library(athanor_cuda MODULE ${unit_sources} ${kernels})
target_include_directories(athanor_cuda PRIVATE "${CMAKE_SOURCE_DIR}")
target_include_directories(athanor_cuda SYSTEM PRIVATE "${ATHANOR_CUDA_INCLUDE}" "${ATHANOR_NCCL_INCLUDE}")
get_filename_component(nccl_lib "${ATHANOR_NCCL}" DIRECTORY)
target_link_libraries(athanor_cuda PRIVATE athanor_libtorch "${ATHANOR_TORCH_ROOT}/lib/libc10_cuda.so" "${ATHANOR_CUDART}" "${ATHANOR_NCCL}")
# Nothing of libtorch_cuda is named: it registers LibTorch's operators when it is loaded.
target_link_options(athanor_cuda PRIVATE "-Wl,--no-as-needed" "${ATHANOR_TORCH_ROOT}/lib/libtorch_cuda.so" "-Wl,--as-needed"
  "-Wl,--allow-shlib-undefined")
set_target_properties(athanor_cuda PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}"
  BUILD_RPATH "${ATHANOR_TORCH_ROOT}/lib;${site}/nvidia/cu13/lib;${nccl_lib}"
  INSTALL_RPATH "$ORIGIN;${ATHANOR_TORCH_ROOT}/lib;${site}/nvidia/cu13/lib;${nccl_lib}")
install(TARGETS athanor_cuda LIBRARY DESTINATION lib/athanor)

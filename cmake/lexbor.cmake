# lexbor, the HTML5 parser: a static library of the modules that pages want (its CSS, URL, Unicode and serialising parts
# stay out), from the sources that scripts/setup put beside the wheels.
if(NOT EXISTS "${ATHANOR_LEXBOR_ROOT}/source/lexbor/html/parser.c")
  message(FATAL_ERROR "No lexbor: run scripts/setup (or set ATHANOR_LEXBOR_ROOT to a folder of its sources).")
endif()
enable_language(C)
set(CMAKE_C_COMPILER_LAUNCHER "${CMAKE_CXX_COMPILER_LAUNCHER}")

set(lexbor_source "${ATHANOR_LEXBOR_ROOT}/source")
file(GLOB_RECURSE lexbor_files
  "${lexbor_source}/lexbor/core/*.c" "${lexbor_source}/lexbor/dom/*.c" "${lexbor_source}/lexbor/encoding/*.c"
  "${lexbor_source}/lexbor/html/*.c" "${lexbor_source}/lexbor/ns/*.c" "${lexbor_source}/lexbor/ports/posix/*.c"
  "${lexbor_source}/lexbor/tag/*.c")
add_library(athanor_lexbor STATIC ${lexbor_files})
target_include_directories(athanor_lexbor SYSTEM PUBLIC "${lexbor_source}")
target_compile_definitions(athanor_lexbor PUBLIC LEXBOR_STATIC)
target_compile_options(athanor_lexbor PRIVATE -O2 -w)

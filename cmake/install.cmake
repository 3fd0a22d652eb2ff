# make install: a tree that runs wherever it is moved to, on a machine without compiler, Python or LibTorch.
#
#   bin/athanor
#   lib/athanor/           libathanor_torch.so, and every library that the two want except glibc's own
#   share/athanor/recipes/
#   share/doc/athanor/     the docs; licences/ holds those of the libraries beside us
if(NOT TARGET athanor)
  return()
endif()

# DT_RPATH, not DT_RUNPATH: the second is not asked for the libraries of our libraries (libcurl's own are a dozen),
# and LD_LIBRARY_PATH would come before it.
target_link_options(athanor PRIVATE "-Wl,--disable-new-dtags")
set_target_properties(athanor PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/athanor")
install(TARGETS athanor RUNTIME DESTINATION bin)
set(bundled "$<TARGET_FILE:athanor>")

if(TARGET athanor_torch)
  set_target_properties(athanor_torch PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS athanor_torch LIBRARY DESTINATION lib/athanor)
  list(APPEND bundled "$<TARGET_FILE:athanor_torch>")
endif()

install(CODE "set(bundled \"${bundled}\")
set(cuda_runtime \"${ATHANOR_CUDA_RUNTIME}\")
set(wheels \"${ATHANOR_TORCH_ROOT};${ATHANOR_ARROW_ROOT}\")")
install(SCRIPT "${CMAKE_SOURCE_DIR}/cmake/bundle.cmake")

# Linked statically, so bundle.cmake cannot see it.
install(FILES "${ATHANOR_LEXBOR_ROOT}/LICENSE" "${ATHANOR_LEXBOR_ROOT}/NOTICE"
  DESTINATION share/doc/athanor/licences/lexbor)

install(DIRECTORY "${CMAKE_SOURCE_DIR}/recipes/" DESTINATION share/athanor/recipes FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY "${CMAKE_SOURCE_DIR}/docs" DESTINATION share/doc/athanor FILES_MATCHING PATTERN "*.md")
foreach(file README.md README.zh-CN.md CONTRIBUTING.md LICENSE NOTICE)
  install(FILES "${CMAKE_SOURCE_DIR}/${file}" DESTINATION share/doc/athanor)
endforeach()

# Installs, moves the tree, and runs it there with nothing else in reach.
if(ATHANOR_TESTS AND TARGET athanor_torch AND NOT ATHANOR_SANITIZE)
  add_test(NAME dist.moved_tree COMMAND "${CMAKE_SOURCE_DIR}/tests/dist/moved_tree.sh" "${CMAKE_BINARY_DIR}")
  set_tests_properties(dist.moved_tree PROPERTIES LABELS dist TIMEOUT 120)
endif()

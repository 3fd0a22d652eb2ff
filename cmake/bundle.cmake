# Runs at installation: copies the libraries that the program and the torch unit want into lib/athanor, under the
# names they are asked for by, and their licences into share/doc/athanor/licences. Everything but glibc comes along,
# libstdc++ and libgcc_s too, so that a machine with older ones runs the tree as well.
# Given: bundled (our files in the build folder), cuda_runtime (a folder or ""), wheels (torch's and pyarrow's folders).
set(prefix "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}")
set(library_folder "${prefix}/lib/athanor")
set(licence_folder "${prefix}/share/doc/athanor/licences")
file(MAKE_DIRECTORY "${library_folder}" "${licence_folder}")

list(GET bundled 0 program)
list(SUBLIST bundled 1 -1 modules)
file(GET_RUNTIME_DEPENDENCIES
  EXECUTABLES "${program}" MODULES ${modules} DIRECTORIES ${cuda_runtime}
  RESOLVED_DEPENDENCIES_VAR resolved UNRESOLVED_DEPENDENCIES_VAR unresolved CONFLICTING_DEPENDENCIES_PREFIX several
  PRE_EXCLUDE_REGEXES "^ld-linux" "^linux-vdso" "^lib(c|m|mvec|dl|pthread|rt|resolv|util|nsl|anl|nss_.*)\\.so\\.[0-9]+$")
if(unresolved)
  message(FATAL_ERROR "These libraries were not found: ${unresolved}. Run scripts/setup and make build again.")
endif()
foreach(name IN LISTS several_FILENAMES)  # one name in two places: the first is what the loader takes
  list(GET several_${name} 0 first)
  list(APPEND resolved "${first}")
endforeach()

# copyright file of the Debian package that owns a file, "" when there is none
function(package_of file result)
  set(${result} "" PARENT_SCOPE)
  file(REAL_PATH "${file}" real)
  string(REGEX REPLACE "^/usr/lib/" "/lib/" merged "${real}")
  foreach(path "${real}" "${merged}" "/usr${merged}")
    execute_process(COMMAND dpkg-query -S "${path}" OUTPUT_VARIABLE owner ERROR_QUIET RESULT_VARIABLE failed)
    if(NOT failed)
      string(REGEX REPLACE "[:,].*" "" owner "${owner}")
      set(${result} "${owner}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

list(REMOVE_DUPLICATES resolved)
list(SORT resolved)
set(packages "")
foreach(library IN LISTS resolved)
  get_filename_component(name "${library}" NAME)
  message(STATUS "Installing: ${library_folder}/${name}")
  execute_process(COMMAND cp -L --reflink=auto --remove-destination "${library}" "${library_folder}/${name}"
    COMMAND_ERROR_IS_FATAL ANY)
  file(CHMOD "${library_folder}/${name}" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  set(from_wheel OFF)
  foreach(wheel IN LISTS wheels)
    string(FIND "${library}" "${wheel}/" at)
    if(at EQUAL 0)
      set(from_wheel ON)
    endif()
  endforeach()
  if(NOT from_wheel)
    package_of("${library}" package)
    list(APPEND packages "${package}")
    if(NOT package)
      list(APPEND wheels "${library}")  # a third wheel: NVIDIA's runtime
    endif()
  endif()
endforeach()

list(REMOVE_DUPLICATES packages)
foreach(package IN LISTS packages)
  if(package AND EXISTS "/usr/share/doc/${package}/copyright")
    execute_process(COMMAND cp -L "/usr/share/doc/${package}/copyright" "${licence_folder}/${package}.txt"
      COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()

# A wheel keeps its licences in <name>-<version>.dist-info, one to four folders above its libraries.
set(places "")
foreach(wheel IN LISTS wheels)
  set(folder "${wheel}")
  foreach(level RANGE 3)
    get_filename_component(folder "${folder}" DIRECTORY)
    if(wheel MATCHES "/(torch|pyarrow)$")
      file(GLOB found "${folder}/${CMAKE_MATCH_1}-*.dist-info")
    else()
      file(GLOB found "${folder}/nvidia_cuda_*.dist-info")
    endif()
    if(found)
      list(APPEND places ${found})
      break()
    endif()
  endforeach()
  file(GLOB loose "${wheel}/LICENSE*" "${wheel}/NOTICE*")  # LibTorch's own archive
  list(APPEND places ${loose})
endforeach()
list(REMOVE_DUPLICATES places)
foreach(place IN LISTS places)
  get_filename_component(name "${place}" NAME)
  string(REGEX REPLACE "[+-].*" "" name "${name}")
  if(NOT IS_DIRECTORY "${place}")
    file(COPY "${place}" DESTINATION "${licence_folder}/libtorch")
    continue()
  endif()
  file(GLOB_RECURSE texts RELATIVE "${place}" "${place}/*LICEN[SC]E*" "${place}/*NOTICE*" "${place}/*COPYING*"
       "${place}/[Ll]icense.txt")
  foreach(text IN LISTS texts)
    get_filename_component(below "${text}" DIRECTORY)
    file(COPY "${place}/${text}" DESTINATION "${licence_folder}/${name}/${below}")
  endforeach()
endforeach()

list(LENGTH resolved count)
message(STATUS "Athanor stands in ${prefix}: ${count} libraries beside it; start with ${prefix}/bin/athanor --help")

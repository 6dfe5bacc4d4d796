# a2a3sim_library(<name> SOURCES ... DEPENDS ... PRIVATE_DEPENDS ...)
# One static library per top-level folder, exported as a2a3sim::<name>. PRIVATE_DEPENDS are header-only
# libraries: an installed copy does not need them.
include(GNUInstallDirs)

add_library(a2a3sim_flags INTERFACE)
target_compile_features(a2a3sim_flags INTERFACE cxx_std_17)
target_compile_options(a2a3sim_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor)
if(A2A3SIM_WERROR)
  target_compile_options(a2a3sim_flags INTERFACE -Werror)
endif()

function(a2a3sim_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  add_library(a2a3sim::${name} ALIAS ${name})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME a2a3sim_${name})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>
                                            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/a2a3sim>)
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE $<BUILD_INTERFACE:a2a3sim_flags>)
  foreach(library ${ARG_PRIVATE_DEPENDS})
    target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:${library}>)
  endforeach()
  install(TARGETS ${name} EXPORT a2a3simTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/a2a3sim/${name}
          FILES_MATCHING PATTERN "*.h")
endfunction()

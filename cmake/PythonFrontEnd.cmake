# The Python front end (python/) is built when Python, its headers and pybind11 are there.
# Sets A2A3SIM_PYTHON_ENABLED, and Python3_EXECUTABLE when enabled.
set(A2A3SIM_PYTHON AUTO CACHE STRING "Build the Python front end: AUTO (when found), ON or OFF")
set_property(CACHE A2A3SIM_PYTHON PROPERTY STRINGS AUTO ON OFF)
set(A2A3SIM_PYTHON_ENABLED OFF)
if(NOT A2A3SIM_PYTHON STREQUAL "AUTO" AND NOT A2A3SIM_PYTHON)
  return()
endif()

# The distribution's interpreter has its torch and numpy; one that comes first on PATH often has not.
if(NOT DEFINED Python3_EXECUTABLE AND EXISTS /usr/bin/python3)
  set(Python3_EXECUTABLE /usr/bin/python3 CACHE FILEPATH "Interpreter of the Python front end")
endif()
find_package(Python3 3.9 QUIET COMPONENTS Interpreter Development.Module)
if(Python3_FOUND)  # without it pybind11 looks for an interpreter of its own, and fails hard
  find_package(pybind11 2.10 CONFIG QUIET)
endif()
if(Python3_FOUND AND pybind11_FOUND)
  set(A2A3SIM_PYTHON_ENABLED ON)
  message(STATUS "Python front end: on, for ${Python3_EXECUTABLE} ${Python3_VERSION}")
elseif(NOT A2A3SIM_PYTHON STREQUAL "AUTO")
  message(FATAL_ERROR "A2A3SIM_PYTHON=${A2A3SIM_PYTHON} needs Python 3.9 or newer with headers (python3-dev) "
                      "and pybind11 2.10 or newer (pybind11-dev); set Python3_EXECUTABLE to choose an interpreter")
else()
  message(STATUS "Python front end: off (needs python3-dev and pybind11-dev)")
endif()

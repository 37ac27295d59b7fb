# One static library per folder of src/, and one test program per room that has *_test.cpp files.

# Third-party libraries by room. A room also gets every room above it, in the order of FOREBAY_ROOMS.
set(FOREBAY_LINK_base Boost::headers fmt::fmt Threads::Threads)
set(FOREBAY_LINK_observe spdlog::spdlog)
set(FOREBAY_LINK_config yaml-cpp Boost::json Boost::url)
set(FOREBAY_LINK_net OpenSSL::SSL OpenSSL::Crypto ${URING_LIBRARY})
set(FOREBAY_LINK_wire OpenSSL::Crypto ${UTF8PROC_LIBRARY})
set(FOREBAY_LINK_backend PostgreSQL::PostgreSQL)
set(FOREBAY_LINK_sql ${PG_QUERY_LIBRARY} Boost::json)

add_library(forebay_flags INTERFACE)
target_compile_options(forebay_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                                               -fno-omit-frame-pointer)
target_include_directories(forebay_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(FOREBAY_SANITIZE)
  target_compile_options(forebay_flags INTERFACE -fsanitize=${FOREBAY_SANITIZE} -fno-sanitize-recover=undefined)
  target_link_options(forebay_flags INTERFACE -fsanitize=${FOREBAY_SANITIZE})
endif()

# forebay_precompiled has cmake/precompiled.hpp, forebay_precompiled_test GoogleTest as well. Most of the time that a
# file of `http` takes is Boost.Asio's, so that room has one of its own. `libraries`: whose headers are read.
function(forebay_precompiled name libraries)
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
  target_link_libraries(${name} PRIVATE forebay_flags ${FOREBAY_LINK_base} ${libraries})
  target_compile_options(${name} PRIVATE -fpch-preprocess)  # ccache asks for it
  target_precompile_headers(${name} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled.hpp ${ARGN})
endfunction()
if(FOREBAY_PRECOMPILED)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cpp CONTENT "")
  forebay_precompiled(forebay_precompiled "")
  forebay_precompiled(
    forebay_precompiled_http "Boost::json;OpenSSL::SSL" <boost/asio/awaitable.hpp> <boost/asio/io_context.hpp>
    <boost/asio/ssl/context.hpp> <boost/asio/steady_timer.hpp> <boost/json/array.hpp> <boost/json/object.hpp>)
  if(FOREBAY_TESTS)
    # Of gtest_main comes a definition.
    forebay_precompiled(forebay_precompiled_test GTest::gtest_main <gtest/gtest.h>)
  endif()
endif()

# The target does not read what `precompiled` has read.
function(forebay_reuse target precompiled)
  if(FOREBAY_PRECOMPILED)
    target_compile_options(${target} PRIVATE -fpch-preprocess)
    target_precompile_headers(${target} REUSE_FROM ${precompiled})
  endif()
endfunction()

set(FOREBAY_ROOMS "")

function(forebay_room name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$|_benchmark\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  file(GLOB benchmarks CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*_benchmark.cpp)

  if(NOT sources)  # a room of headers only: a static library needs one source
    set(sources ${CMAKE_BINARY_DIR}/no_sources.cpp)
    file(CONFIGURE OUTPUT ${sources} CONTENT "")
  endif()
  add_library(forebay_${name} STATIC ${sources})
  target_link_libraries(forebay_${name} PUBLIC forebay_flags ${FOREBAY_LINK_${name}})
  foreach(above IN LISTS FOREBAY_ROOMS)
    target_link_libraries(forebay_${name} PUBLIC forebay_${above})
  endforeach()
  if(name STREQUAL http)
    forebay_reuse(forebay_${name} forebay_precompiled_http)
  else()
    forebay_reuse(forebay_${name} forebay_precompiled)
  endif()
  if(FOREBAY_BREAK AND name STREQUAL cache)
    target_compile_definitions(forebay_cache PUBLIC FOREBAY_BREAK)
  endif()
  set(FOREBAY_ROOMS ${FOREBAY_ROOMS} ${name} PARENT_SCOPE)

  if(FOREBAY_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE forebay_${name} GTest::gtest GTest::gtest_main)
    forebay_reuse(${name}_test forebay_precompiled_test)
    add_test(NAME unit.${name} COMMAND ${name}_test --gtest_brief=1)
  endif()
  if(FOREBAY_BENCHMARKS AND benchmarks)
    add_executable(${name}_benchmark ${benchmarks})
    target_link_libraries(${name}_benchmark PRIVATE forebay_${name} benchmark::benchmark_main)
  endif()
endfunction()

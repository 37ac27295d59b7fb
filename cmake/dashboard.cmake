# The dashboard of web/, as sources of the room http: its files as bytes, and a table of them. It is built again when
# anything in web/ has changed.
enable_language(ASM)
find_program(NPM npm REQUIRED)
file(GLOB_RECURSE dashboard_inputs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/src/*)
list(FILTER dashboard_inputs EXCLUDE REGEX "\\.test\\.ts$")
file(GLOB dashboard_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/*.*)
set(dashboard ${CMAKE_BINARY_DIR}/web)
add_custom_command(
  OUTPUT ${dashboard}/dashboard_files.cpp ${dashboard}/dashboard_files.S
  COMMAND ${CMAKE_SOURCE_DIR}/scripts/dashboard.sh ${dashboard}
  DEPENDS ${dashboard_inputs} ${dashboard_files} ${CMAKE_SOURCE_DIR}/scripts/dashboard.sh
  COMMENT "Building the dashboard"
  VERBATIM)
target_sources(forebay_http PRIVATE ${dashboard}/dashboard_files.cpp ${dashboard}/dashboard_files.S)

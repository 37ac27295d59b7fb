# The rules of alerts that the program comes with, as a source of the room config: config/rules/NAME.yaml and
# profiles/NAME/alerts.yaml, each as text under its name.
file(GLOB rule_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/config/rules/*.yaml
     ${CMAKE_SOURCE_DIR}/profiles/*/alerts.yaml)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${rule_files})
set(entries "")
foreach(file IN LISTS rule_files)
  get_filename_component(name ${file} NAME_WE)
  if(name STREQUAL alerts)
    get_filename_component(folder ${file} DIRECTORY)
    get_filename_component(name ${folder} NAME)
  endif()
  file(READ ${file} text)
  string(APPEND entries "    {\"${name}\", R\"yaml(${text})yaml\"},\n")
endforeach()
file(
  CONFIGURE
  OUTPUT ${CMAKE_BINARY_DIR}/rules/rule_sets.cpp
  CONTENT
    "#include \"config/rule_sets.hpp\"

namespace forebay::config {

std::span<const RuleSetFile> rule_set_files() {
  static constexpr RuleSetFile kFiles[] = {
@entries@  };
  return kFiles;
}

}  // namespace forebay::config
"
  @ONLY)
target_sources(forebay_config PRIVATE ${CMAKE_BINARY_DIR}/rules/rule_sets.cpp)

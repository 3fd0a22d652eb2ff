// Any bytes as a document through every step that needs no file, and the first line as a pattern: nothing may crash,
// hang, or leave a text whose measures a second run of the same chain contradicts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "athanor/base/error.h"
#include "athanor/clean/step.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nlohmann::json;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  json spec = json::array();
  for (const athanor::StepEntry& entry : athanor::clean_steps()) {
    try {
      json one = {{entry.name, json::object()}};
      athanor::CleanChain chain(json::array({one}));
      spec.push_back(one);
    } catch (const athanor::Error&) {  // it needs a file or a name
    }
  }
  const athanor::CleanChain chain(spec);
  std::string first(bytes);
  std::string second(bytes);
  if (chain.run(first).reason != chain.run(second).reason || first != second) {
    std::abort();
  }
  try {
    const std::string line(bytes.substr(0, std::min<size_t>(bytes.find('\n'), 200)));
    json options = {{"patterns", {line}}, {"action", "remove_lines"}};
    std::string text(bytes);
    athanor::CleanChain(json::array({json{{"pattern", options}}})).run(text);
  } catch (const athanor::Error&) {
  } catch (const json::exception&) {  // the pattern is no UTF-8
  }
  return 0;
}

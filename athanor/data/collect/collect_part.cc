#include "athanor/data/collect/collect_part.h"

#include <nlohmann/json.hpp>

#include "athanor/base/error.h"

namespace athanor {

using Json = nlohmann::json;

Json pin_json(const SourcePin& pin) { return {{"name", pin.name}, {"bytes", pin.bytes}, {"digest", pin.digest}}; }

std::string CollectPart::dump() const {
  Json json = {{"documents", documents}, {"text_bytes", text_bytes}, {"rejected", reasons},
               {"skipped", skipped},     {"notes", notes},           {"last", last},
               {"pins", Json::array()}};
  if (!last) {
    json["next"] = next.to_json();
  }
  for (const SourcePin& pin : pins) {
    json["pins"].push_back(pin_json(pin));
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

CollectPart CollectPart::load(const fs::path& folder) {
  try {
    const Json json = Json::parse(read_file(folder / kFileName, uint64_t{1} << 30));
    CollectPart part;
    part.documents = json.at("documents");
    part.text_bytes = json.at("text_bytes");
    part.reasons = json.at("rejected").get<std::map<std::string, uint64_t>>();
    part.skipped = json.at("skipped").get<std::map<std::string, uint64_t>>();
    part.notes = json.value("notes", std::vector<std::string>());
    part.last = json.at("last");
    if (!part.last) {
      part.next = UnitPlace::from_json(json.at("next"));
    }
    for (const Json& pin : json.at("pins")) {
      part.pins.push_back({pin.at("name"), pin.at("bytes"), pin.at("digest")});
    }
    return part;
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kInput, "a kept part is damaged", folder.string(), "run the same command with --force");
  }
}

}  // namespace athanor

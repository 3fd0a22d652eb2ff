// part.json: what one part of a collect holds, and where the next piece of its unit begins. Private to collect_parts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "athanor/data/sources/source_unit.h"

namespace athanor {

struct CollectPart {
  static constexpr const char* kFileName = "part.json";

  uint64_t documents = 0;
  uint64_t text_bytes = 0;
  std::map<std::string, uint64_t> reasons;
  std::map<std::string, uint64_t> skipped;
  std::vector<std::string> notes;
  bool last = false;  // of its unit
  UnitPlace next;     // where the next piece begins
  std::vector<SourcePin> pins;

  std::string dump() const;
  // Error(kInput) for what dump() does not write.
  static CollectPart load(const fs::path& folder);
};

nlohmann::json pin_json(const SourcePin& pin);

}  // namespace athanor

// One document of an artifact by its id, the dropped ones too.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "athanor/data/documents/documents.h"

namespace athanor {

struct FoundDocument {
  uint64_t row = 0;
  bool kept = false;
  Document document;
  std::map<std::string, nlohmann::json> columns;  // the extra ones: numbers and texts
};

// The first row whose id begins so. Reads the ids of every shard, then one shard.
std::optional<FoundDocument> find_document(const Documents& documents, std::string_view id_prefix);

}  // namespace athanor

// The README.md of a data set, in the form of Hugging Face's dataset cards (YAML front matter, then Markdown;
// https://huggingface.co/docs/hub/datasets-cards), filled with what is known and nothing else.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace athanor {

struct DataCard {
  std::string name;
  std::string description;
  std::string license;                // an identifier of the Hub's list, or ""
  std::vector<std::string> language;  // ISO 639; empty: from the statistics, where documents name theirs
};

// statistics: as in statistics.json.
std::string data_card(const DataCard& card, const nlohmann::json& statistics);

// "n<1K", "1K<n<10K", ...: the Hub's own spelling.
std::string size_category(uint64_t documents);

}  // namespace athanor

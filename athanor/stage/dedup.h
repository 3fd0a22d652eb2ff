// The options of dedup, for its two halves: whole documents (dedup.cc), and what is cut out of them (dedup_repeats.cc).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/run/verb.h"

namespace athanor {

struct DedupRecipe {
  std::string unit = "document";
  std::string method = "minhash";
  int64_t bands = 14;
  int64_t rows = 8;
  int64_t band_sets = 2;
  int64_t ngram = 5;
  double threshold = 0.8;
  int64_t hamming = 3;
  std::string compare = "plain";
  int64_t seed = 1;
  std::vector<std::string> keep{"longest", "id"};
  std::string quality_column;
  std::vector<std::string> source_priority;
  int64_t min_chars = 100;
  int64_t min_words = 50;
  bool save_index = false;
  int64_t memory_mb = 1024;
  int64_t threads = 0;
  static void fields(Fields<DedupRecipe>& f);
};

// The execute function for unit: paragraph, line, passage.
nlohmann::json dedup_repeats(StageContext& context, const DedupRecipe& recipe);

}  // namespace athanor

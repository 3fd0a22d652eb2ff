// Options of `evaluate`, `generate` and `chat`. Torch-free.
#pragma once

#include "athanor/run/fields.h"

namespace athanor {

struct EvaluateOptions {
  int64_t sequence_length = 0;
  int64_t batch_size = 16;
  std::string precision = "fp32";
  // Of estimators of tables.
  std::string label_field;
  std::vector<std::string> slices;
  std::vector<std::string> explain;
  int64_t replicas = 1000;
  int64_t seed = 1;
  int64_t threads = 0;
  static void fields(Fields<EvaluateOptions>& f);
};

struct GenerateOptions {
  std::vector<std::string> prompts = {"The"};
  double temperature = 0.8;
  int64_t top_k = 50;
  double top_p = 1.0;
  int64_t max_tokens = 120;
  int64_t seed = 1;
  std::string precision = "fp32";
  int64_t threads = 0;
  static void fields(Fields<GenerateOptions>& f);
};

struct ChatOptions : GenerateOptions {
  std::string system;  // the first message, for models with a chat template
  static void fields(Fields<ChatOptions>& f);
};

}  // namespace athanor

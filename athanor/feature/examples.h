// What a network reads, as plain numbers: documents after their preprocessing, many in few vectors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace athanor {

enum class InputKind { kText, kTable, kSeries, kImage };

// "text", "table", "series", "image".
const char* name_of(InputKind kind);

// What a network must know of its input.
struct InputShape {
  InputKind kind = InputKind::kText;
  int64_t vocab_size = 0;           // text
  int64_t num_values = 0;           // table: numeric columns; series: values a step
  std::vector<int64_t> categories;  // table: sizes of the categorical columns, 0 (not known) included
  int64_t channels = 0;             // image
  int64_t size = 0;                 // image: height and width
  std::vector<double> mean;         // image: of each channel, pixels in [0, 1]
  std::vector<double> deviation;
};

// Examples one behind another. Which vectors are used depends on the kind.
struct Examples {
  std::vector<int32_t> ids;             // text: tokens; table: one index a categorical column
  std::vector<float> values;            // table: one a numeric column; series: steps x values; standardised
  std::vector<uint8_t> pixels;          // image: channels x height x width
  std::vector<uint64_t> offsets = {0};  // text: into ids; series: in steps. One more than examples
  uint64_t count = 0;
  uint64_t cut = 0;                     // examples that were longer than the limit

  uint64_t size() const { return count; }
  // Tokens or steps of an example; 1 for what has no length.
  int64_t length(uint64_t i) const {
    return offsets.size() > i + 1 ? static_cast<int64_t>(offsets[i + 1] - offsets[i]) : 1;
  }
  uint64_t bytes() const {
    return ids.size() * sizeof(int32_t) + values.size() * sizeof(float) + pixels.size() + offsets.size() * sizeof(uint64_t);
  }
};

// With what is to be answered.
struct LabelledExamples {
  Examples examples;
  std::vector<int32_t> labels;         // classification: ids of labels
  std::vector<float> targets;          // regression: standardised
  std::vector<std::string> documents;  // ids, for messages
};

}  // namespace athanor

// The file of a fastText classifier (facebookresearch/fastText, versions 11 and 12): .bin with dense matrices, .ftz with
// product-quantised ones. Little-endian: magic, version, arguments, dictionary, input matrix, output matrix.
//
//   FastTextModel model = FastTextModel::read("lid.176.ftz");
//   model.write("copy.ftz");            // the same bytes again
//
// Reading checks every length, id and float before it is used: what read() gives cannot lead predict() astray.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "athanor/base/file.h"

namespace athanor {

enum class FastTextLoss : int32_t { kHierarchicalSoftmax = 1, kNegativeSampling = 2, kSoftmax = 3, kOneVsAll = 4 };

// In the order of the file. model 3 is "supervised", the only one read here.
struct FastTextArgs {
  int32_t dim = 100;
  int32_t ws = 5;
  int32_t epoch = 5;
  int32_t min_count = 1;
  int32_t neg = 5;
  int32_t word_ngrams = 1;
  int32_t loss = static_cast<int32_t>(FastTextLoss::kSoftmax);
  int32_t model = 3;
  int32_t bucket = 0;
  int32_t minn = 0;
  int32_t maxn = 0;
  int32_t lr_update_rate = 100;
  double t = 1e-4;
};

struct FastTextEntry {
  std::string word;  // labels with their prefix
  int64_t count = 0;
  bool is_label = false;
};

// Product quantiser (Jegou et al. 2011): a row of dim floats is num_parts codes of one byte, each naming one of 256
// centroids of part_dim floats (the last part has last_dim).
struct FastTextQuantizer {
  int32_t dim = 0;
  int32_t num_parts = 0;
  int32_t part_dim = 0;
  int32_t last_dim = 0;
  std::vector<float> centroids;  // dim * 256

  const float* centroid(int32_t part, uint8_t code) const {
    const size_t base = static_cast<size_t>(part) * 256 * static_cast<size_t>(part_dim);
    return centroids.data() + base + static_cast<size_t>(code) * static_cast<size_t>(width(part));
  }
  int32_t width(int32_t part) const { return part + 1 == num_parts ? last_dim : part_dim; }
};

struct FastTextMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> values;  // dense: rows * columns
  bool quantised = false;
  bool has_norms = false;
  std::vector<uint8_t> codes;  // quantised: rows * quantizer.num_parts
  FastTextQuantizer quantizer;
  std::vector<uint8_t> norm_codes;  // rows, when has_norms
  FastTextQuantizer norm_quantizer;

  void copy_row(int64_t row, float* out) const;  // columns floats
};

struct FastTextModel {
  FastTextArgs args;
  int32_t version = 12;
  std::vector<FastTextEntry> entries;  // words, then labels
  int32_t num_words = 0;
  int32_t num_labels = 0;
  int64_t num_tokens = 0;
  // Negative: every bucket has a row. Else `pruned` maps a bucket to its row after the words.
  int64_t prune_size = -1;
  std::vector<std::pair<int32_t, int32_t>> pruned;
  FastTextMatrix input;   // (num_words + buckets) x dim
  FastTextMatrix output;  // num_labels x dim

  const FastTextEntry& label(int32_t i) const { return entries[static_cast<size_t>(num_words + i)]; }

  // Error(kInput) names the file, what is wrong and the offset.
  static FastTextModel read(const fs::path& path);
  static FastTextModel parse(std::string_view bytes, const std::string& where);
  std::string to_bytes() const;
  void write(const fs::path& path) const;
};

}  // namespace athanor

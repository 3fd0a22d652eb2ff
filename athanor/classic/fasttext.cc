#include "athanor/classic/fasttext.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/fasttext_line.h"
#include "athanor/classic/fasttext_tree.h"
#include "athanor/classic/vector_sum.h"

namespace athanor {

namespace {

constexpr uint64_t kMaxDenseBytes = uint64_t{1} << 28;  // quantised input rows are unpacked up to here
constexpr uint64_t kMaxOutputBytes = uint64_t{1} << 30;
constexpr size_t kFilterBits = 1 << 21;

// fastText's: the logarithm of a float, taken in double, kept in float.
float log_of(float x) { return static_cast<float>(std::log(static_cast<double>(x) + 1e-5)); }

using Candidate = std::pair<float, int32_t>;
bool better(const Candidate& a, const Candidate& b) { return a.first > b.first; }

// The k best so far, as a heap whose front is the worst of them. Ties fall as in fastText: same heap, same order.
class Best {
 public:
  explicit Best(size_t k) : k_(k) {}
  bool full() const { return heap_.size() == k_; }
  float worst() const { return heap_.front().first; }
  void push(float score, int32_t label) {
    heap_.emplace_back(score, label);
    std::push_heap(heap_.begin(), heap_.end(), better);
    if (heap_.size() > k_) {
      std::pop_heap(heap_.begin(), heap_.end(), better);
      heap_.pop_back();
    }
  }
  std::vector<Candidate>& sorted() {
    std::sort_heap(heap_.begin(), heap_.end(), better);
    return heap_;
  }

 private:
  size_t k_;
  std::vector<Candidate> heap_;
};

// The sigmoid that fastText reads from a table of 513 values.
class SigmoidTable {
 public:
  SigmoidTable() {
    for (int i = 0; i <= kSize; ++i) {
      const float x = static_cast<float>(i * 2 * kMax) / kSize - kMax;
      values_[static_cast<size_t>(i)] = static_cast<float>(1.0 / (1.0 + std::exp(-x)));
    }
  }
  float operator()(float x) const {
    if (x < -kMax) {
      return 0;
    }
    if (x > kMax) {
      return 1;
    }
    return values_[static_cast<size_t>((x + kMax) * kSize / kMax / 2)];
  }

 private:
  static constexpr int kSize = 512;
  static constexpr int kMax = 8;
  std::array<float, kSize + 1> values_;
};

// Token -> entry.
class TokenTable {
 public:
  explicit TokenTable(const std::vector<FastTextEntry>& entries)
      : entries_(entries), slots_(std::bit_ceil(2 * entries.size() + 2)) {
    for (size_t i = 0; i < entries.size(); ++i) {
      Slot& slot = slots_[place(entries[i].word, fasttext_hash(entries[i].word))];
      slot = {fasttext_hash(entries[i].word), static_cast<int32_t>(i)};
    }
  }
  // -1: unknown
  int32_t find(std::string_view token, uint32_t hash) const { return slots_[place(token, hash)].entry; }

 private:
  struct Slot {
    uint32_t hash = 0;
    int32_t entry = -1;
  };
  size_t place(std::string_view token, uint32_t hash) const {
    const size_t mask = slots_.size() - 1;
    size_t at = (hash * uint64_t{0x9e3779b97f4a7c15}) >> (64 - std::countr_zero(slots_.size()));
    while (slots_[at].entry >= 0 &&
           (slots_[at].hash != hash || entries_[static_cast<size_t>(slots_[at].entry)].word != token)) {
      at = (at + 1) & mask;
    }
    return at;
  }

  const std::vector<FastTextEntry>& entries_;
  std::vector<Slot> slots_;
};

// Bucket -> row of a pruned model. Most buckets have none: a bit filter answers those from the nearest cache.
class PrunedRows {
 public:
  PrunedRows() = default;
  explicit PrunedRows(const std::vector<std::pair<int32_t, int32_t>>& pairs)
      : filter_(kFilterBits / 64), slots_(std::bit_ceil(2 * pairs.size() + 2)) {
    for (const auto& [bucket, row] : pairs) {
      filter_[(static_cast<uint32_t>(bucket) % kFilterBits) / 64] |= uint64_t{1} << (bucket % 64);
      slots_[place(bucket)] = {bucket, row};
    }
  }
  int32_t find(int32_t bucket) const {
    if ((filter_[(static_cast<uint32_t>(bucket) % kFilterBits) / 64] >> (bucket % 64) & 1) == 0) {
      return -1;
    }
    return slots_[place(bucket)].row;
  }

 private:
  struct Slot {
    int32_t bucket = -1;
    int32_t row = -1;
  };
  size_t place(int32_t bucket) const {
    const size_t mask = slots_.size() - 1;
    size_t at = (static_cast<uint32_t>(bucket) * uint64_t{0x9e3779b97f4a7c15}) >> (64 - std::countr_zero(slots_.size()));
    while (slots_[at].bucket >= 0 && slots_[at].bucket != bucket) {
      at = (at + 1) & mask;
    }
    return at;
  }

  std::vector<uint64_t> filter_;
  std::vector<Slot> slots_;
};

std::vector<float> unpack(const FastTextMatrix& matrix) {
  std::vector<float> values(static_cast<size_t>(matrix.rows * matrix.columns));
  for (int64_t row = 0; row < matrix.rows; ++row) {
    matrix.copy_row(row, values.data() + row * matrix.columns);
  }
  return values;
}

bool fits(const FastTextMatrix& matrix, uint64_t limit) {
  return static_cast<uint64_t>(matrix.rows) <= limit / 4 / static_cast<uint64_t>(matrix.columns);
}

}  // namespace

struct FastText::State {
  explicit State(FastTextModel source)
      : model(std::move(source)),
        table(model.entries),
        ngrams(model.args.minn, model.args.maxn, model.args.word_ngrams, model.args.bucket) {
    std::vector<int64_t> counts;
    for (int32_t i = 0; i < model.num_labels; ++i) {
      const auto& entry = model.label(i);
      labels.push_back(entry.word.starts_with(kFastTextLabelPrefix) ? entry.word.substr(kFastTextLabelPrefix.size())
                                                                    : entry.word);
      counts.push_back(entry.count);
    }
    if (model.prune_size > 0) {
      pruned = PrunedRows(model.pruned);
    }
    if (loss() == FastTextLoss::kHierarchicalSoftmax) {
      tree = std::make_unique<FastTextTree>(counts);
    }
    if (!fits(model.output, kMaxOutputBytes)) {
      throw Error(ErrorKind::kInput, "the classifier's output matrix is larger than 1 GiB", "", "use a smaller model");
    }
    if (model.output.quantised) {
      model.output.values = unpack(model.output);
    }
    if (model.input.quantised && fits(model.input, kMaxDenseBytes)) {
      model.input.values = unpack(model.input);
    }
  }

  FastTextLoss loss() const { return static_cast<FastTextLoss>(model.args.loss); }
  size_t dim() const { return static_cast<size_t>(model.args.dim); }

  int32_t row_of_bucket(uint32_t bucket) const {
    if (model.prune_size < 0) {
      return model.num_words + static_cast<int32_t>(bucket);
    }
    const int32_t row = model.prune_size == 0 ? -1 : pruned.find(static_cast<int32_t>(bucket));
    return row < 0 ? -1 : model.num_words + row;
  }

  void hidden_of(const std::vector<int32_t>& ids, std::vector<float>& hidden) const {
    hidden.assign(dim(), 0);
    if (!model.input.values.empty()) {
      sum_rows(model.input.values.data(), dim(), ids.data(), ids.size(), hidden.data());
    } else {
      std::vector<float> row(dim());
      for (const int32_t id : ids) {
        model.input.copy_row(id, row.data());
        add_scaled(hidden.data(), row.data(), 1, dim());
      }
    }
    const auto factor = static_cast<float>(1.0 / static_cast<double>(ids.size()));
    for (float& x : hidden) {
      x *= factor;
    }
  }

  void softmax(std::vector<float>& output) const {
    const float top = *std::max_element(output.begin(), output.end());
    float sum = 0;
    for (float& x : output) {
      x = std::exp(x - top);
      sum += x;
    }
    for (float& x : output) {
      x /= sum;
    }
  }

  void flat(const std::vector<float>& hidden, float threshold, Best& best) const {
    std::vector<float> output(static_cast<size_t>(model.num_labels));
    dot_rows(model.output.values.data(), dim(), output.size(), hidden.data(), output.data());
    if (loss() == FastTextLoss::kSoftmax) {
      softmax(output);
    } else {
      for (float& x : output) {
        x = sigmoid(x);
      }
    }
    for (size_t i = 0; i < output.size(); ++i) {
      if (output[i] >= threshold && !(best.full() && log_of(output[i]) < best.worst())) {
        best.push(log_of(output[i]), static_cast<int32_t>(i));
      }
    }
  }

  // Depth first, left before right, cut where a path is already worse than what is held.
  void descend(const std::vector<float>& hidden, float threshold, Best& best) const {
    std::vector<std::pair<int32_t, float>> stack{{tree->root(), 0.0f}};
    const float floor = log_of(threshold);
    while (!stack.empty()) {
      const auto [node, score] = stack.back();
      stack.pop_back();
      if (score < floor || (best.full() && score < best.worst())) {
        continue;
      }
      if (tree->is_leaf(node)) {
        best.push(score, node);
        continue;
      }
      float f = 0;
      dot_rows(model.output.values.data() + static_cast<size_t>(tree->row(node)) * dim(), dim(), 1, hidden.data(), &f);
      f = static_cast<float>(1.0 / (1 + std::exp(-f)));
      stack.emplace_back((*tree)[node].right, score + log_of(f));
      stack.emplace_back((*tree)[node].left, score + log_of(static_cast<float>(1.0 - f)));
    }
  }

  FastTextModel model;
  TokenTable table;
  FastTextNgrams ngrams;
  PrunedRows pruned;
  SigmoidTable sigmoid;
  std::unique_ptr<FastTextTree> tree;
  std::vector<std::string> labels;
};

FastText FastText::open(const fs::path& path) { return FastText(FastTextModel::read(path)); }
FastText::FastText(FastTextModel model) : state_(std::make_unique<const State>(std::move(model))) {}
FastText::~FastText() = default;
FastText::FastText(FastText&&) noexcept = default;
FastText& FastText::operator=(FastText&&) noexcept = default;

const std::vector<std::string>& FastText::labels() const { return state_->labels; }
int32_t FastText::dim() const { return state_->model.args.dim; }
const FastTextArgs& FastText::args() const { return state_->model.args; }

void FastText::row_ids(std::string_view text, std::vector<int32_t>& out) const {
  const State& s = *state_;
  out.clear();
  std::vector<int32_t> hashes;
  const bool word_ngrams = s.model.args.word_ngrams > 1;
  std::string padded;
  const auto add = [&](uint32_t bucket) {
    if (const int32_t row = s.row_of_bucket(bucket); row >= 0) {
      out.push_back(row);
    }
  };
  each_fasttext_token(text, [&](std::string_view token, uint32_t hash) {
    const int32_t entry = s.table.find(token, hash);
    if (entry >= s.model.num_words || (entry < 0 && token.starts_with(kFastTextLabelPrefix))) {
      return;  // a label
    }
    if (entry >= 0) {
      out.push_back(entry);
    }
    if (token != kFastTextEnd) {
      s.ngrams.each_subword(token, padded, add);
    }
    if (word_ngrams) {
      hashes.push_back(static_cast<int32_t>(hash));
    }
  });
  if (word_ngrams) {
    s.ngrams.each_word_ngram(hashes, add);
  }
}

void FastText::predict(std::string_view text, int k, float threshold, std::vector<Score>& out) const {
  out.clear();
  std::vector<int32_t> ids;
  row_ids(text, ids);
  if (ids.empty()) {
    return;
  }
  std::vector<float> hidden;
  state_->hidden_of(ids, hidden);
  const auto num_labels = state_->labels.size();
  Best best(k < 1 ? num_labels : std::min(num_labels, static_cast<size_t>(k)));
  if (state_->tree) {
    state_->descend(hidden, threshold, best);
  } else {
    state_->flat(hidden, threshold, best);
  }
  for (const auto& [score, label] : best.sorted()) {
    out.push_back({label, std::exp(score)});
  }
}

std::vector<FastText::Prediction> FastText::predict(std::string_view text, int k, float threshold) const {
  std::vector<Score> scores;
  predict(text, k, threshold, scores);
  std::vector<Prediction> list;
  for (const auto& score : scores) {
    list.push_back({state_->labels[static_cast<size_t>(score.label)], score.probability});
  }
  return list;
}

}  // namespace athanor

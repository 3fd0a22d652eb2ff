#include "athanor/classic/trees/boosting_tree.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/classic/trees/exact_sum.h"

namespace athanor {

namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr int kSumBits = 31;
constexpr uint64_t kFewestHistograms = 3;  // of a leaf and its two children
constexpr uint64_t kWorthThreads =
    400'000;  // updates of a histogram that are worth waking a thread
constexpr uint64_t kBinsWorthThreads = 40'000;
constexpr size_t kRowsATask = 16384;

double shrink(double g, double l1) {
  return g > l1 ? g - l1 : (g < -l1 ? g + l1 : 0);
}

// The largest of values[rows] and, with a unit it decides, their sum: both the same in any order.
struct Size {
  double largest = 0;
  double sum = 0;
};
Size size_of(const std::vector<double>& values, const std::vector<uint32_t>& rows) {
  Size size;
  for (const uint32_t row : rows) {
    size.largest = std::max(size.largest, std::fabs(values[row]));
  }
  const double scale = std::ldexp(1.0, fixed_point_shift(size.largest, 1, 36));
  int64_t sum = 0;
  for (const uint32_t row : rows) {
    sum += static_cast<int64_t>(std::fabs(values[row]) * scale + 1);  // rounded up
  }
  size.sum = static_cast<double>(sum) / scale;
  return size;
}

// The power of two that keeps the sum of `rows` rounded values below 2^31.
double scale_for(const Size& size, size_t rows) {
  if (!(size.largest > 0)) {
    return 1;
  }
  const double room = std::ldexp(1.0, kSumBits) - 2 - static_cast<double>(rows);
  return std::ldexp(1.0, std::clamp(std::ilogb(room / size.sum), -900, 900));
}

}  // namespace

BoostingGrower::BoostingGrower(const BinCuts& cuts, const BinnedMatrix& bins,
                               const BoostingTreeOptions& options, ThreadPool& pool)
    : cuts_(cuts), bins_(bins), options_(options), pool_(pool) {
  offsets_.push_back(0);
  uint64_t cells = 0;
  for (uint64_t c = 0; c < bins.columns; ++c) {
    cells += cuts.bins(c) + 1;
  }
  const uint64_t bytes = std::max<uint64_t>(1, cells * sizeof(PackedSum));
  if (kFewestHistograms * bytes > options.most_bytes || cells > UINT32_MAX) {
    throw Error(ErrorKind::kResource,
                "the histograms of a tree would take " + human_bytes(static_cast<double>(kFewestHistograms * bytes)), "",
                "select features first, or reduce them by truncated_svd");
  }
  most_histograms_ = std::max<uint64_t>(kFewestHistograms, options.histogram_bytes / bytes);
  offsets_.reserve(bins.columns + 1);
  for (uint64_t c = 0; c < bins.columns; ++c) {
    offsets_.push_back(offsets_.back() + cuts.bins(c) + 1);
  }
  options_.max_depth = options_.max_depth == 0
                           ? kMaxTreeDepth
                           : std::min<int64_t>(options_.max_depth, kMaxTreeDepth);
  packed_.resize(bins.rows);
}

void BoostingGrower::quantise(const Slopes& slopes, const std::vector<uint32_t>& rows) {
  const double g_scale = scale_for(size_of(slopes.g, rows), rows.size());
  const double h_scale = scale_for(size_of(slopes.h, rows), rows.size());
  gradient_unit_ = 1 / g_scale;
  weight_unit_ = 1 / h_scale;
  // Adding 1.5 * 2^52 rounds to the nearest integer, which then stands in the lower bits.
  constexpr double kRound = 0x1.8p52;
  const int64_t zero = std::bit_cast<int64_t>(kRound);
  for (const uint32_t row : rows) {
    const int64_t g = std::bit_cast<int64_t>(slopes.g[row] * g_scale + kRound) - zero;
    const int64_t h = std::bit_cast<int64_t>(slopes.h[row] * h_scale + kRound) - zero;
    packed_[row] = pack(g, h);
  }
}

std::vector<PackedSum> BoostingGrower::take_buffer() {
  if (buffers_.empty()) {
    return std::vector<PackedSum>(offsets_.back());
  }
  std::vector<PackedSum> buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void BoostingGrower::give_buffer(OpenLeaf& leaf) {
  if (!leaf.histogram.empty()) {
    buffers_.push_back(std::move(leaf.histogram));
    leaf.histogram.clear();
  }
}

// Room for one more split: its two children hold two histograms where their parent held one.
void BoostingGrower::give_up_histograms(std::vector<OpenLeaf>& leaves) {
  const auto held = [](const OpenLeaf& leaf) { return !leaf.histogram.empty(); };
  for (auto count = static_cast<size_t>(std::count_if(leaves.begin(), leaves.end(), held)); count + 2 > most_histograms_;
       --count) {
    OpenLeaf* last = nullptr;
    for (OpenLeaf& leaf : leaves) {
      if (held(leaf) && (last == nullptr || leaf.gain < last->gain)) {
        last = &leaf;
      }
    }
    if (last == nullptr) {
      return;
    }
    give_buffer(*last);
  }
}

void BoostingGrower::build_histogram(OpenLeaf& leaf, const std::vector<uint32_t>& rows) {
  leaf.histogram = take_buffer();
  std::fill(leaf.histogram.begin(), leaf.histogram.end(), 0);
  if (bins_.is_sparse) {
    build_sparse_histogram(leaf, rows);
    return;
  }
  const auto add = [&](const BinnedMatrix::Block& block, uint32_t begin, uint32_t end,
                       PackedSum* histogram) {
    PackedSum* tables[kBlockColumns];
    for (uint32_t k = 0; k < block.width; ++k) {
      tables[k] = histogram + offsets_[block.first + k];
    }
    add_rows_to_histograms(block.bins.data(), block.width, rows.data() + begin, end - begin,
                           packed_.data(), tables);
  };
  const auto threads = static_cast<uint32_t>(pool_.num_threads());
  const auto blocks = static_cast<uint32_t>(bins_.blocks.size());
  if (threads == 1 || leaf.rows() * bins_.columns < kWorthThreads) {
    for (const auto& block : bins_.blocks) {
      add(block, leaf.begin, leaf.end, leaf.histogram.data());
    }
    return;
  }
  if (blocks >= threads) {
    pool_.parallel_for(blocks, [&](size_t b) {
      add(bins_.blocks[b], leaf.begin, leaf.end, leaf.histogram.data());
    });
    return;
  }
  // Each part of the rows has histograms of its own; integers add up to the same in any grouping.
  std::vector<std::vector<PackedSum>> parts(threads);
  for (uint32_t t = 1; t < threads; ++t) {
    parts[t] = take_buffer();
  }
  pool_.parallel_for(threads, [&](size_t t) {
    PackedSum* to = leaf.histogram.data();
    if (t > 0) {
      std::fill(parts[t].begin(), parts[t].end(), 0);
      to = parts[t].data();
    }
    const auto from = static_cast<uint32_t>(uint64_t{leaf.rows()} * t / threads);
    const auto until = static_cast<uint32_t>(uint64_t{leaf.rows()} * (t + 1) / threads);
    for (const auto& block : bins_.blocks) {
      add(block, leaf.begin + from, leaf.begin + until, to);
    }
  });
  for (uint32_t t = 1; t < threads; ++t) {
    for (size_t i = 0; i < leaf.histogram.size(); ++i) {
      leaf.histogram[i] += parts[t][i];
    }
    buffers_.push_back(std::move(parts[t]));
  }
}

double BoostingGrower::value_of(PackedSum sum) const {
  const double h = weight_of(sum) * weight_unit_ + options_.l2;
  return h > 0 ? -shrink(gradient_of(sum) * gradient_unit_, options_.l1) / h : 0;
}

double BoostingGrower::value_of(const OpenLeaf& leaf) const {
  return std::clamp(value_of(leaf.sum), leaf.low, leaf.high);
}

double BoostingGrower::score_of(PackedSum sum) const {
  const double g = shrink(gradient_of(sum) * gradient_unit_, options_.l1);
  const double h = weight_of(sum) * weight_unit_ + options_.l2;
  return h > 0 ? g * g / h : 0;
}

bool BoostingGrower::may_split(const OpenLeaf& leaf) const {
  return leaf.depth < options_.max_depth && leaf.rows() >= 2 * options_.min_samples_leaf &&
         weight_of(leaf.sum) * weight_unit_ >= 2 * options_.min_child_weight;
}

// Rows of a child are judged by its share of the second derivative while searching; exactly once
// the rows are parted.
SplitRules BoostingGrower::rules_for(const OpenLeaf& leaf) const {
  SplitRules rules{gradient_unit_, weight_unit_, options_.l1, options_.l2, 1};
  const double a_row = static_cast<double>(weight_of(leaf.sum)) / leaf.rows();
  rules.least_weight = std::max({1.0, options_.min_child_weight / weight_unit_,
                                 (static_cast<double>(options_.min_samples_leaf) - 0.5) * a_row});
  return rules;
}

void BoostingGrower::find_split(OpenLeaf& leaf, const std::vector<uint8_t>& active) {
  leaf.column = -1;
  leaf.gain = 0;
  const SplitRules rules = rules_for(leaf);
  const auto columns = static_cast<uint32_t>(bins_.columns);
  std::vector<ColumnSplit> found(columns);
  const auto search = [&](uint32_t begin, uint32_t end) {
    for (uint32_t c = begin; c < end; ++c) {
      if (!active.empty() && active[c] == 0) {
        continue;
      }
      const bool free =
          options_.monotone.empty() && leaf.low == -kInfinite && leaf.high == kInfinite;
      found[c] = cuts_.is_category(c) ? category_cut(leaf, c, nullptr)
                 : free               ? best_cut(leaf.histogram.data() + offsets_[c], cuts_.bins(c),
                                 cuts_.has_missing[c] != 0, leaf.sum, rules)
                                      : careful_cut(leaf, c, nullptr);
    }
  };
  if (pool_.num_threads() > 1 && offsets_.back() >= kBinsWorthThreads) {
    constexpr uint32_t kColumnsATask = 64;
    pool_.parallel_for((columns + kColumnsATask - 1) / kColumnsATask, [&](size_t task) {
      const auto begin = static_cast<uint32_t>(task) * kColumnsATask;
      search(begin, std::min(columns, begin + kColumnsATask));
    });
  } else {
    search(0, columns);
  }
  for (uint32_t c = 0; c < columns; ++c) {
    if (found[c].score >= 0 && (leaf.column < 0 || found[c].score > leaf.split.score)) {
      leaf.column = static_cast<int32_t>(c);
      leaf.split = found[c];
    }
  }
  if (leaf.column >= 0) {
    leaf.gain = leaf.split.score - score_of(leaf.sum);
    // A gain that rounding alone can make is none.
    const double least = std::max(options_.min_gain, 1e-12 * leaf.split.score);
    leaf.column = leaf.gain > least ? leaf.column : -1;
  }
}

// Rows of the leaf that go left come first, both sides in the order they had. Gives the number that
// went left.
uint32_t BoostingGrower::partition(const OpenLeaf& leaf, std::vector<uint32_t>& rows) {
  const auto column = static_cast<uint32_t>(leaf.column);
  const auto cut = static_cast<uint32_t>(leaf.split.bin);
  // Missing values stand behind all bins; wrapping makes them the least where they go left.
  const uint32_t turn = leaf.split.missing_left ? 256 - cuts_.missing_bin(column) : 0;
  const uint32_t bound = leaf.split.missing_left ? cut + turn : cut;
  scratch_.resize(std::max<size_t>(scratch_.size(), leaf.rows()));
  uint32_t* left = rows.data() + leaf.begin;
  uint32_t* right = scratch_.data();
  const uint32_t* in = rows.data() + leaf.begin;
  const auto part_by = [&](const auto& bin_of, const auto& goes) {
    for (uint32_t i = 0; i < leaf.rows(); ++i) {
      const uint32_t row = in[i];
      const uint32_t goes_left = goes(bin_of(row)) ? 1 : 0;
      *left = row;
      *right = row;
      left += goes_left;
      right += 1 - goes_left;
    }
  };
  const auto part = [&](const auto& goes) {
    if (bins_.is_sparse) {
      part_by([&](uint32_t row) { return bins_.sparse_at(row, column); }, goes);
      return;
    }
    const auto& block = bins_.blocks[column / bins_.columns_a_block];
    const uint8_t* bins = block.bins.data() + (column - block.first);
    const uint32_t width = block.width;
    part_by([&](uint32_t row) { return uint32_t{bins[static_cast<size_t>(row) * width]}; }, goes);
  };
  if (leaf.split.by_category) {
    part([&](uint32_t bin) { return leaf.split.goes_left(bin); });
  } else {
    part([&](uint32_t bin) { return ((bin + turn) & 255) <= bound; });
  }
  std::copy(scratch_.data(), right, left);
  return static_cast<uint32_t>(left - (rows.data() + leaf.begin));
}

void BoostingGrower::grow(const Slopes& slopes, std::vector<uint32_t>& rows,
                          const std::vector<uint8_t>& active, double learning_rate, TreeSet& trees,
                          const Spread& spread) {
  quantise(slopes, rows);
  std::vector<OpenLeaf> leaves;
  leaves.reserve(static_cast<size_t>(options_.max_leaves));
  OpenLeaf root;
  root.node = trees.begin_tree();
  root.end = static_cast<uint32_t>(rows.size());
  root.low = -kInfinite;
  root.high = kInfinite;
  for (const uint32_t row : rows) {
    root.sum += packed_[row];
  }
  trees.cover.own()[root.node] = static_cast<float>(weight_of(root.sum) * weight_unit_);
  if (may_split(root) && options_.max_leaves > 1) {
    build_histogram(root, rows);
    find_split(root, active);
  }
  leaves.push_back(std::move(root));
  while (static_cast<int64_t>(leaves.size()) < options_.max_leaves) {
    OpenLeaf* best = nullptr;
    for (OpenLeaf& leaf : leaves) {
      if (leaf.column >= 0 && (best == nullptr || leaf.gain > best->gain)) {
        best = &leaf;
      }
    }
    if (best == nullptr) {
      break;
    }
    OpenLeaf right;
    const bool last = static_cast<int64_t>(leaves.size()) + 1 == options_.max_leaves;
    if (divide(*best, rows, active, last, trees, right)) {
      leaves.push_back(std::move(right));
      give_up_histograms(leaves);
    }
  }
  std::sort(leaves.begin(), leaves.end(),
            [](const OpenLeaf& a, const OpenLeaf& b) { return a.node < b.node; });
  for (OpenLeaf& leaf : leaves) {
    double value = value_of(leaf) * learning_rate;
    spread({rows.data() + leaf.begin, leaf.rows()}, value);
    trees.make_leaf(leaf.node, {&value, 1});
    give_buffer(leaf);
  }
}

}  // namespace athanor

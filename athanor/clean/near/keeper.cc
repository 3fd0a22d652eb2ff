#include "athanor/clean/near/keeper.h"

#include <cmath>

namespace athanor {

namespace {

// Ranks of rows: all in memory when they fit, else read one at a time.
class Ranks {
 public:
  Ranks(const PartSet& parts, uint64_t memory_bytes) : parts_(parts) {
    if (parts.num_rows() * sizeof(RowRank) > memory_bytes) {
      return;
    }
    all_.reserve(parts.num_rows());
    for (const SignedPart& part : parts.parts()) {
      constexpr uint64_t kRowsARead = uint64_t{1} << 16;
      for (uint64_t first = 0; first < part.num_rows(); first += kRowsARead) {
        const std::vector<RowRank> some = part.ranks(first, std::min(kRowsARead, part.num_rows() - first));
        all_.insert(all_.end(), some.begin(), some.end());
      }
    }
  }
  RowRank operator[](uint64_t row) const {
    if (!all_.empty()) {
      return all_[row];
    }
    const auto [part, at] = parts_.locate(row);
    return part->ranks(at, 1)[0];
  }

 private:
  const PartSet& parts_;
  std::vector<RowRank> all_;
};

class Judge {
 public:
  Judge(const PartSet& parts, const DedupOptions& options)
      : parts_(parts), rule_(options.keep), ranks_(parts, options.memory_bytes) {}

  // Whether row a is the one to keep of two different rows.
  bool better(uint64_t a, uint64_t b) const {
    const bool held_a = a < parts_.num_held();
    const bool held_b = b < parts_.num_held();
    if (held_a != held_b) {
      return held_a;
    }
    const RowRank x = ranks_[a];
    const RowRank y = ranks_[b];
    for (const KeepRule::By by : rule_.order) {
      switch (by) {
        case KeepRule::By::kQuality: {
          const bool has_x = !std::isnan(x.quality);
          const bool has_y = !std::isnan(y.quality);
          if (has_x != has_y) {
            return has_x;
          }
          if (has_x && x.quality != y.quality) {
            return x.quality > y.quality;
          }
          break;
        }
        case KeepRule::By::kSource:
          if (x.source != y.source) {
            return x.source < y.source;
          }
          break;
        case KeepRule::By::kLongest:
          if (x.bytes != y.bytes) {
            return x.bytes > y.bytes;
          }
          break;
        case KeepRule::By::kId:
          break;
      }
    }
    const std::string id_a = parts_.id(a);
    const std::string id_b = parts_.id(b);
    return id_a != id_b ? id_a < id_b : a < b;
  }

 private:
  const PartSet& parts_;
  const KeepRule rule_;
  const Ranks ranks_;
};

}  // namespace

const char* name_of(DropReason reason) {
  switch (reason) {
    case DropReason::kKept:
      return "";
    case DropReason::kExact:
      return "exact duplicate";
    case DropReason::kNear:
      return "near duplicate";
    case DropReason::kHeldExact:
      return "exact duplicate of the index";
    case DropReason::kHeldNear:
      return "near duplicate of the index";
  }
  return "";
}

Duplicates choose_keepers(const PartSet& parts, const TextTable& texts, const UnionFind& clusters,
                          const DedupOptions& options) {
  const uint32_t num_texts = static_cast<uint32_t>(texts.first_row.size());
  std::vector<uint32_t> size(num_texts);  // of the cluster, at its root
  for (const uint32_t text : texts.text_of_row) {
    ++size[clusters.root(text)];
  }
  const Judge judge(parts, options);
  std::vector<uint32_t> best_row = texts.first_row;  // of each text
  for (uint64_t row = 0; row < parts.num_rows(); ++row) {
    uint32_t& best = best_row[texts.text_of_row[row]];
    if (row != best && judge.better(row, best)) {
      best = static_cast<uint32_t>(row);
    }
  }
  std::vector<uint32_t> best_text(num_texts);  // of each cluster, at its root, which is its smallest text
  Duplicates result;
  for (uint32_t text = 0; text < num_texts; ++text) {
    const uint32_t root = clusters.root(text);
    result.num_clusters += root == text ? 1 : 0;
    if (root == text || judge.better(best_row[text], best_row[best_text[root]])) {
      best_text[root] = text;
    }
  }
  result.num_held = parts.num_held();
  result.num_texts = num_texts;
  const size_t count = static_cast<size_t>(parts.num_rows() - parts.num_held());
  result.keeper.resize(count);
  result.cluster_size.resize(count);
  result.reason.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t row = parts.num_held() + i;
    const uint32_t text = texts.text_of_row[row];
    const uint32_t root = clusters.root(text);
    const uint32_t keeper = best_row[best_text[root]];
    const bool exact = best_row[text] != row;  // another row of the same text comes before it
    const bool held = keeper < parts.num_held();
    result.keeper[i] = keeper;
    result.cluster_size[i] = size[root];
    result.reason[i] = keeper == row ? DropReason::kKept
                       : held        ? (exact ? DropReason::kHeldExact : DropReason::kHeldNear)
                                     : (exact ? DropReason::kExact : DropReason::kNear);
    ++result.counts[static_cast<size_t>(result.reason[i])];
  }
  return result;
}

}  // namespace athanor

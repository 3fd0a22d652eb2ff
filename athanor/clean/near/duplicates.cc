#include "athanor/clean/near/duplicates.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>

#include "athanor/base/error.h"
#include "athanor/clean/near/bucket_search.h"
#include "athanor/clean/near/keeper.h"
#include "athanor/clean/near/shingle.h"
#include "athanor/clean/near/simhash.h"
#include "athanor/clean/near/sort_runs.h"
#include "athanor/clean/near/union_find.h"

namespace athanor {

namespace {

constexpr uint64_t kRowsARead = uint64_t{1} << 16;
constexpr uint64_t kMaxCachedShingles = uint64_t{4} << 20;  // for each thread: 16 MiB

struct DigestEntry {
  TextDigest digest;
  uint32_t row;
  bool operator<(const DigestEntry& other) const {
    return digest != other.digest ? digest < other.digest : row < other.row;
  }
};

struct KeyEntry {
  uint64_t key;
  uint32_t text;
  bool operator<(const KeyEntry& other) const { return key != other.key ? key < other.key : text < other.text; }
};

// Compares shingle sets, each read once as long as they fit.
class ShingleComparer : public BucketSearch::Comparer {
 public:
  ShingleComparer(const PartSet& parts, const TextTable& texts, double threshold,
                  std::span<const BucketSearch::Member> members)
      : parts_(parts), texts_(texts), threshold_(threshold), members_(members), sets_(members.size()) {}

  bool alike(size_t x, size_t y) override {
    if (cached_ > kMaxCachedShingles) {
      for (std::vector<uint32_t>& set : sets_) {
        std::vector<uint32_t>().swap(set);
      }
      cached_ = 0;
    }
    const std::vector<uint32_t>& a = set(x);
    const std::vector<uint32_t>& b = set(y);
    const size_t least = std::min(a.size(), b.size());
    const size_t most = std::max(a.size(), b.size());
    if (static_cast<double>(least) < threshold_ * static_cast<double>(most)) {
      return false;
    }
    return jaccard(a.data(), a.size(), b.data(), b.size()) >= threshold_;
  }

 private:
  const std::vector<uint32_t>& set(size_t i) {
    if (sets_[i].empty()) {  // no member has an empty set
      const auto [part, row] = parts_.locate(texts_.first_row[members_[i].text]);
      part->shingles(row, sets_[i]);
      cached_ += sets_[i].size();
    }
    return sets_[i];
  }

  const PartSet& parts_;
  const TextTable& texts_;
  const double threshold_;
  const std::span<const BucketSearch::Member> members_;
  std::vector<std::vector<uint32_t>> sets_;
  uint64_t cached_ = 0;
};

class HammingComparer : public BucketSearch::Comparer {
 public:
  HammingComparer(std::span<const BucketSearch::Member> members, int hamming) : members_(members), hamming_(hamming) {}
  bool alike(size_t x, size_t y) override {
    return std::popcount(members_[x].value ^ members_[y].value) <= hamming_;
  }

 private:
  const std::span<const BucketSearch::Member> members_;
  const int hamming_;
};

class Finder {
 public:
  Finder(const PartSet& parts, const DedupOptions& options, ThreadPool& pool, const DuplicatesProgress& progress)
      : parts_(parts), options_(options), pool_(pool), progress_(progress) {}

  Duplicates run() {
    sort_digests();
    clusters_ = UnionFind(texts_.first_row.size());
    if (options_.method == "minhash") {
      search_bands();
    } else if (options_.method == "simhash") {
      search_tables();
    }
    std::vector<bool>().swap(signed_);
    report(0.9, "choosing keepers");
    Duplicates result = choose_keepers(parts_, texts_, clusters_, options_);
    result.compared = compared_;
    return result;
  }

 private:
  void report(double share, const char* what) const {
    if (progress_) {
      progress_(share, what);
    }
  }

  void sort_digests();
  void search_bands();
  void search_tables();
  // Calls fn(row, key) for the rows that stand for their texts and have tokens.
  template <class Fn>
  void for_each_key(size_t key, Fn&& fn) const;
  std::vector<BucketSearch::Member> crowd_order(size_t band, std::vector<BucketSearch::Member> members) const;

  const PartSet& parts_;
  const DedupOptions& options_;
  ThreadPool& pool_;
  const DuplicatesProgress& progress_;
  TextTable texts_;
  std::vector<bool> signed_;  // the row stands for its text and has tokens
  UnionFind clusters_{0};
  uint64_t compared_ = 0;
};

void Finder::sort_digests() {
  if (parts_.num_rows() >= std::numeric_limits<uint32_t>::max() - 1) {
    throw Error(ErrorKind::kResource, "more than 4294967293 documents", "dedup", "dedup by shards");
  }
  report(0, "sorting digests");
  RunSorter<DigestEntry> sorter(options_.memory_bytes, options_.scratch, pool_);
  for (size_t i = 0; i < parts_.parts().size(); ++i) {
    const SignedPart& part = parts_.parts()[i];
    for (uint64_t first = 0; first < part.num_rows(); first += kRowsARead) {
      const std::vector<TextDigest> digests = part.digests(first, std::min(kRowsARead, part.num_rows() - first));
      for (size_t k = 0; k < digests.size(); ++k) {
        sorter.add({digests[k], static_cast<uint32_t>(parts_.first_row(i) + first + k)});
      }
    }
  }
  texts_.text_of_row.resize(parts_.num_rows());
  TextDigest last{};
  sorter.drain([&](const DigestEntry& entry) {
    if (texts_.first_row.empty() || entry.digest != last) {
      texts_.first_row.push_back(entry.row);
      last = entry.digest;
    }
    texts_.text_of_row[entry.row] = static_cast<uint32_t>(texts_.first_row.size() - 1);
  });
  if (options_.method == "exact") {
    return;
  }
  signed_.resize(parts_.num_rows());
  for (size_t i = 0; i < parts_.parts().size(); ++i) {
    const SignedPart& part = parts_.parts()[i];
    for (uint64_t first = 0; first < part.num_rows(); first += kRowsARead) {
      const std::vector<RowRank> ranks = part.ranks(first, std::min(kRowsARead, part.num_rows() - first));
      for (size_t k = 0; k < ranks.size(); ++k) {
        const uint64_t row = parts_.first_row(i) + first + k;
        signed_[row] = ranks[k].num_shingles > 0 && texts_.first_row[texts_.text_of_row[row]] == row;
      }
    }
  }
}

template <class Fn>
void Finder::for_each_key(size_t key, Fn&& fn) const {
  for (size_t i = 0; i < parts_.parts().size(); ++i) {
    const SignedPart& part = parts_.parts()[i];
    for (uint64_t first = 0; first < part.num_rows(); first += kRowsARead) {
      const std::vector<uint64_t> keys = part.keys(key, first, std::min(kRowsARead, part.num_rows() - first));
      for (size_t k = 0; k < keys.size(); ++k) {
        const uint64_t row = parts_.first_row(i) + first + k;
        if (signed_[row]) {
          fn(row, keys[k]);
        }
      }
    }
  }
}

// Texts that are alike in more than one band side by side, so that the window meets them.
std::vector<BucketSearch::Member> Finder::crowd_order(size_t band, std::vector<BucketSearch::Member> members) const {
  const size_t num_keys = dedup_num_keys(options_);
  struct Place {
    uint64_t next, after;
    BucketSearch::Member member;
  };
  std::vector<Place> places;
  places.reserve(members.size());
  for (const BucketSearch::Member& member : members) {
    const auto [part, row] = parts_.locate(texts_.first_row[member.text]);
    places.push_back({part->keys((band + 1) % num_keys, row, 1)[0], part->keys((band + 2) % num_keys, row, 1)[0], member});
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.next != b.next     ? a.next < b.next
           : a.after != b.after ? a.after < b.after
                                : a.member.text < b.member.text;
  });
  for (size_t i = 0; i < places.size(); ++i) {
    members[i] = places[i].member;
  }
  return members;
}

void Finder::search_bands() {
  const size_t num_keys = dedup_num_keys(options_);
  for (size_t band = 0; band < num_keys; ++band) {
    report(0.1 + 0.8 * static_cast<double>(band) / static_cast<double>(num_keys), "comparing candidates");
    BucketSearch search(clusters_, pool_, [this](std::span<const BucketSearch::Member> members) {
      return std::make_unique<ShingleComparer>(parts_, texts_, options_.threshold, members);
    });
    RunSorter<KeyEntry> sorter(options_.memory_bytes, options_.scratch, pool_);
    for_each_key(band, [&](uint64_t row, uint64_t key) { sorter.add({key, texts_.text_of_row[row]}); });
    std::vector<BucketSearch::Member> bucket;
    uint64_t bucket_key = 0;
    const auto end_bucket = [&] {
      if (bucket.size() > Duplicates::kMaxBucket) {
        search.add(crowd_order(band, std::move(bucket)), Duplicates::kBucketWindow);
      } else if (bucket.size() > 1) {
        search.add(bucket, bucket.size());
      }
      bucket.clear();
    };
    sorter.drain([&](const KeyEntry& entry) {
      if (entry.key != bucket_key) {
        end_bucket();
        bucket_key = entry.key;
      }
      bucket.push_back({entry.text, 0});
    });
    end_bucket();
    search.flush();
    compared_ += search.compared();
  }
}

void Finder::search_tables() {
  const SimHashTables tables(static_cast<int>(options_.hamming));
  for (size_t table = 0; table < tables.num_tables(); ++table) {
    report(0.1 + 0.8 * static_cast<double>(table) / static_cast<double>(tables.num_tables()), "comparing candidates");
    BucketSearch search(clusters_, pool_, [this](std::span<const BucketSearch::Member> members) {
      return std::make_unique<HammingComparer>(members, static_cast<int>(options_.hamming));
    });
    RunSorter<KeyEntry> sorter(options_.memory_bytes, options_.scratch, pool_);
    for_each_key(0, [&](uint64_t row, uint64_t hash) {
      sorter.add({tables.permute(hash, table), texts_.text_of_row[row]});
    });
    const int shift = 64 - tables.key_bits(table);
    std::vector<BucketSearch::Member> bucket;
    uint64_t bucket_key = 0;
    const auto end_bucket = [&] {
      if (bucket.size() > 1) {
        search.add(bucket, bucket.size() > Duplicates::kMaxBucket ? Duplicates::kBucketWindow : bucket.size());
      }
      bucket.clear();
    };
    sorter.drain([&](const KeyEntry& entry) {
      const uint64_t key = shift == 64 ? 0 : entry.key >> shift;
      if (key != bucket_key) {
        end_bucket();
        bucket_key = key;
      }
      bucket.push_back({entry.text, entry.key});
    });
    end_bucket();
    search.flush();
    compared_ += search.compared();
  }
}

}  // namespace

Duplicates find_duplicates(const PartSet& parts, const DedupOptions& options, ThreadPool& pool,
                           const DuplicatesProgress& progress) {
  DedupOptions checked = options;
  checked.scratch = scratch_folder(options.scratch);
  check_dedup_options(checked);
  for (const SignedPart& part : parts.parts()) {
    if (part.signature() != dedup_signature(checked) || part.num_keys() != dedup_num_keys(checked)) {
      throw Error(ErrorKind::kInput, "was signed with other options: " + part.signature(), part.path().string(),
                  "run the step that made it again with --force");
    }
  }
  return Finder(parts, checked, pool, progress).run();
}

}  // namespace athanor

#include "athanor/clean/near/dedup.h"

#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <unordered_map>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/clean/near/minhash.h"
#include "athanor/clean/near/shingle.h"
#include "athanor/clean/near/shingle_store.h"
#include "athanor/clean/near/union_find.h"

namespace athanor {

namespace {

constexpr size_t kBatchBytes = size_t{8} << 20;
constexpr size_t kBatchRows = 8192;
constexpr size_t kTextsATask = 32;      // so that scratch memory is not made anew for every text
constexpr size_t kPairsARound = 4096;   // verified in parallel between two looks at the clusters

struct Digest {
  uint64_t low, high;
  bool operator==(const Digest&) const = default;
};
struct DigestHash {
  size_t operator()(const Digest& digest) const { return static_cast<size_t>(digest.low); }
};

struct Waiting {  // a row of the batch
  std::string id;
  std::string text;  // replaced by its lower_and_collapse form
  uint64_t bytes = 0;
  Digest digest{};
  bool is_new = false;  // the first of its text
  std::vector<uint64_t> shingles;
  std::vector<uint64_t> keys;
};

struct Distinct {  // one text, equal rows together
  int64_t first_row;
  uint64_t bytes;       // of the best row so far
  int64_t best_row;
  std::string best_id;
};

struct BandEntry {
  uint64_t key;
  uint32_t text;
};

struct Pair {
  uint32_t x, y;
};

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::kUsage, what, "dedup", hint);
}

DedupOptions checked(DedupOptions options) {
  if (options.method != "exact" && options.method != "minhash") {
    refuse("method is '" + options.method + "'", did_you_mean(options.method, {"exact", "minhash"}));
  }
  if (options.ngram < 1 || options.ngram > 64) {
    refuse("ngram is " + std::to_string(options.ngram) + ", it must be from 1 to 64", "the usual choice is 5");
  }
  if (!(options.threshold >= 0 && options.threshold <= 1)) {
    refuse("threshold is " + std::to_string(options.threshold) + ", it must be from 0 to 1",
           "the usual choice is 0.8");
  }
  if (options.scratch.empty()) {
    std::error_code ignored;
    options.scratch = std::filesystem::temp_directory_path(ignored).string();
    if (options.scratch.empty()) {
      options.scratch = "/tmp";
    }
  }
  return options;
}

}  // namespace

struct Deduper::Impl {
  Impl(DedupOptions given, ThreadPool& threads)
      : options(checked(std::move(given))),
        pool(threads),
        minhash(options.bands, options.rows, options.seed),
        store(options.memory_bytes, options.scratch),
        near(options.method == "minhash") {}

  const DedupOptions options;
  ThreadPool& pool;
  const MinHash minhash;
  const FoldTable folds;
  ShingleStore store;
  const bool near;

  std::vector<Waiting> batch;
  size_t batch_bytes = 0;

  std::vector<uint32_t> text_of_row;
  std::vector<Distinct> texts;
  std::unordered_map<Digest, uint32_t, DigestHash> text_of_digest;
  std::vector<uint64_t> keys;  // [text][band]

  void flush();
  void digest_batch();
  void take_rows();
  void sign_batch();

  bool better(uint64_t bytes, std::string_view id, int64_t row, const Distinct& than) const {
    if (bytes != than.bytes) {
      return bytes > than.bytes;
    }
    return id != than.best_id ? id < than.best_id : row < than.best_row;
  }

  const uint64_t* keys_of(uint32_t text) const { return keys.data() + text * minhash.num_bands(); }
  std::vector<BandEntry> sorted_band(size_t band) const;
  void search_band(size_t band, const std::vector<BandEntry>& entries);
  void offer(Pair pair, size_t band);
  void verify();
  Result result();

  UnionFind clusters{0};
  std::vector<bool> crowded;  // texts that were in a bucket above kMaxBucket
  std::vector<Pair> pairs;    // not yet verified
  uint64_t candidates = 0;
};

void Deduper::Impl::digest_batch() {
  const size_t tasks = (batch.size() + kTextsATask - 1) / kTextsATask;
  pool.parallel_for(tasks, [this](size_t task) {
    std::string lowered;
    const size_t end = std::min(batch.size(), (task + 1) * kTextsATask);
    for (size_t i = task * kTextsATask; i < end; ++i) {
      lower_and_collapse(batch[i].text, lowered);
      const XXH128_hash_t hash = XXH3_128bits(lowered.data(), lowered.size());
      batch[i].digest = {hash.low64, hash.high64};
      if (near) {
        batch[i].text.swap(lowered);
      }
    }
  });
}

// Gives every row its text's number. Serial: it decides which row of equal ones is signed.
void Deduper::Impl::take_rows() {
  for (Waiting& waiting : batch) {
    const int64_t row = static_cast<int64_t>(text_of_row.size());
    if (texts.size() == std::numeric_limits<uint32_t>::max()) {
      throw Error(ErrorKind::kResource, "more than 4294967295 different texts", "dedup", "dedup by shards");
    }
    const auto [found, is_new] =
        text_of_digest.try_emplace(waiting.digest, static_cast<uint32_t>(texts.size()));
    text_of_row.push_back(found->second);
    waiting.is_new = is_new;
    if (is_new) {
      texts.push_back({row, waiting.bytes, row, std::move(waiting.id)});
    } else if (Distinct& text = texts[found->second]; better(waiting.bytes, waiting.id, row, text)) {
      text.bytes = waiting.bytes;
      text.best_row = row;
      text.best_id = std::move(waiting.id);
    }
  }
}

void Deduper::Impl::sign_batch() {
  const size_t tasks = (batch.size() + kTextsATask - 1) / kTextsATask;
  pool.parallel_for(tasks, [this](size_t task) {
    ShingleScratch scratch;
    std::vector<uint64_t> signature(minhash.num_hashes());
    const size_t end = std::min(batch.size(), (task + 1) * kTextsATask);
    for (size_t i = task * kTextsATask; i < end; ++i) {
      Waiting& row = batch[i];
      if (!row.is_new) {
        continue;
      }
      make_shingles(row.text, static_cast<size_t>(options.ngram), folds, scratch, row.shingles);
      minhash.sign(row.shingles.data(), row.shingles.size(), signature.data());
      row.keys.resize(minhash.num_bands());
      minhash.band_keys(signature.data(), row.keys.data());
    }
  });
  for (const Waiting& row : batch) {
    if (row.is_new) {
      store.append(row.shingles);
      keys.insert(keys.end(), row.keys.begin(), row.keys.end());
    }
  }
}

void Deduper::Impl::flush() {
  digest_batch();
  take_rows();
  if (near) {
    sign_batch();
  }
  batch.clear();
  batch_bytes = 0;
}

std::vector<BandEntry> Deduper::Impl::sorted_band(size_t band) const {
  std::vector<BandEntry> entries;
  entries.reserve(texts.size());
  for (uint32_t text = 0; text < texts.size(); ++text) {
    if (!store.empty(text)) {
      entries.push_back({keys_of(text)[band], text});
    }
  }
  std::sort(entries.begin(), entries.end(), [](const BandEntry& a, const BandEntry& b) {
    return a.key != b.key ? a.key < b.key : a.text < b.text;
  });
  return entries;
}

// One pair of texts that share this band: counted and compared in the first band that they share.
void Deduper::Impl::offer(Pair pair, size_t band) {
  const uint64_t* const x = keys_of(pair.x);
  const uint64_t* const y = keys_of(pair.y);
  const bool both_crowded = crowded[pair.x] && crowded[pair.y];  // an earlier window may have left them out
  for (size_t b = 0; b < band && !both_crowded; ++b) {
    if (x[b] == y[b]) {
      return;
    }
  }
  ++candidates;
  if (clusters.find(pair.x) == clusters.find(pair.y)) {
    return;
  }
  pairs.push_back(pair);
  if (pairs.size() == kPairsARound) {
    verify();
  }
}

void Deduper::Impl::verify() {
  std::vector<uint8_t> same(pairs.size());
  const size_t tasks = (pairs.size() + kTextsATask - 1) / kTextsATask;
  pool.parallel_for(tasks, [&](size_t task) {
    std::vector<uint64_t> buffer_x;
    std::vector<uint64_t> buffer_y;
    const size_t end = std::min(pairs.size(), (task + 1) * kTextsATask);
    for (size_t i = task * kTextsATask; i < end; ++i) {
      const std::span<const uint64_t> x = store.get(pairs[i].x, buffer_x);
      const std::span<const uint64_t> y = store.get(pairs[i].y, buffer_y);
      same[i] = jaccard(x.data(), x.size(), y.data(), y.size()) >= options.threshold;
    }
  });
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (same[i]) {
      clusters.join(pairs[i].x, pairs[i].y);
    }
  }
  pairs.clear();
}

void Deduper::Impl::search_band(size_t band, const std::vector<BandEntry>& entries) {
  std::vector<uint32_t> members;
  for (size_t begin = 0; begin < entries.size();) {
    size_t end = begin + 1;
    while (end < entries.size() && entries[end].key == entries[begin].key) {
      ++end;
    }
    members.clear();
    for (size_t i = begin; i < end; ++i) {
      members.push_back(entries[i].text);
    }
    begin = end;
    size_t window = members.size();
    if (members.size() > kMaxBucket) {
      window = kBucketWindow + 1;
      std::sort(members.begin(), members.end(), [this](uint32_t a, uint32_t b) {
        const int order = std::memcmp(keys_of(a), keys_of(b), minhash.num_bands() * sizeof(uint64_t));
        return order != 0 ? order < 0 : better(texts[a].bytes, texts[a].best_id, texts[a].best_row, texts[b]);
      });
      for (const uint32_t text : members) {
        crowded[text] = true;
      }
    }
    for (size_t i = 0; i < members.size(); ++i) {
      for (size_t j = i + 1; j < std::min(members.size(), i + window); ++j) {
        offer({members[i], members[j]}, band);
      }
    }
  }
}

Deduper::Result Deduper::Impl::result() {
  // Texts are numbered by first appearance, so a root, the smallest text, holds the cluster's smallest row.
  std::vector<uint32_t> best(texts.size());
  std::iota(best.begin(), best.end(), uint32_t{0});
  uint64_t num_clusters = 0;
  for (uint32_t text = 0; text < texts.size(); ++text) {
    const uint32_t root = clusters.find(text);
    num_clusters += root == text;
    const Distinct& mine = texts[text];
    if (better(mine.bytes, mine.best_id, mine.best_row, texts[best[root]])) {
      best[root] = text;
    }
  }
  Result result;
  result.cluster.resize(text_of_row.size());
  result.keep.resize(text_of_row.size());
  for (size_t row = 0; row < text_of_row.size(); ++row) {
    const uint32_t root = clusters.find(text_of_row[row]);
    result.cluster[row] = texts[root].first_row;
    result.keep[row] = texts[best[root]].best_row == static_cast<int64_t>(row);
  }
  result.exact_duplicates = text_of_row.size() - texts.size();
  result.near_duplicates = texts.size() - num_clusters;
  result.candidates = candidates;
  return result;
}

Deduper::Deduper(DedupOptions options, ThreadPool& pool) : impl_(std::make_unique<Impl>(std::move(options), pool)) {}
Deduper::~Deduper() = default;

void Deduper::add(std::string_view id, std::string_view text) {
  Waiting& row = impl_->batch.emplace_back();
  row.id = id;
  row.text = text;
  row.bytes = text.size();
  impl_->batch_bytes += text.size();
  if (impl_->batch_bytes >= kBatchBytes || impl_->batch.size() >= kBatchRows) {
    impl_->flush();
  }
}

Deduper::Result Deduper::finish() {
  Impl& impl = *impl_;
  impl.flush();
  impl.text_of_digest.clear();
  impl.clusters = UnionFind(impl.texts.size());
  impl.crowded.assign(impl.texts.size(), false);
  const size_t num_bands = impl.near ? impl.minhash.num_bands() : 0;
  const size_t at_once = static_cast<size_t>(impl.pool.num_threads());
  for (size_t first = 0; first < num_bands; first += at_once) {
    std::vector<std::vector<BandEntry>> sorted(std::min(at_once, num_bands - first));
    impl.pool.parallel_for(sorted.size(), [&](size_t i) { sorted[i] = impl.sorted_band(first + i); });
    for (size_t i = 0; i < sorted.size(); ++i) {
      impl.search_band(first + i, sorted[i]);
      impl.verify();
    }
  }
  return impl.result();
}

}  // namespace athanor

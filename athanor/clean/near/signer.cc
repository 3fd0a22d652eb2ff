#include "athanor/clean/near/signer.h"

#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/clean/near/minhash.h"
#include "athanor/clean/near/shingle.h"
#include "athanor/clean/near/simhash.h"

namespace athanor {

namespace {

constexpr size_t kTextsATask = 32;      // so that scratch memory is not made anew for every text
constexpr size_t kRowsAtOnce = 4096;    // signed before they go to the writer

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::kUsage, what, "dedup", hint);
}

}  // namespace

void check_dedup_options(const DedupOptions& options) {
  if (options.method != "exact" && options.method != "minhash" && options.method != "simhash") {
    refuse("method is '" + options.method + "'", did_you_mean(options.method, {"exact", "minhash", "simhash"}));
  }
  if (options.ngram < 1 || options.ngram > 64) {
    refuse("ngram is " + std::to_string(options.ngram) + ", it must be from 1 to 64", "the usual choice is 5");
  }
  if (!(options.threshold >= 0 && options.threshold <= 1)) {
    refuse("threshold is " + std::to_string(options.threshold) + ", it must be from 0 to 1",
           "the usual choice is 0.8");
  }
  if (options.hamming < 0 || options.hamming > 8) {
    refuse("hamming is " + std::to_string(options.hamming) + ", it must be from 0 to 8", "the usual choice is 3");
  }
  MinHash(options.bands, options.rows, options.seed, SimdLevel::kScalar, options.band_sets);
  Shingler(options.compare, 1);
}

std::string dedup_signature(const DedupOptions& options) {
  nlohmann::json json{{"method", options.method}};
  if (options.method != "exact") {
    json["compare"] = options.compare;
    json["ngram"] = options.ngram;
  }
  if (options.method == "minhash") {
    json["bands"] = options.bands;
    json["rows"] = options.rows;
    json["band_sets"] = options.band_sets;
    json["seed"] = options.seed;
  }
  return json.dump();
}

size_t dedup_num_keys(const DedupOptions& options) {
  return options.method == "minhash"   ? static_cast<size_t>(options.bands * options.band_sets)
         : options.method == "simhash" ? 1
                                       : 0;
}

struct Signer::Impl {
  Impl(const DedupOptions& given, ThreadPool& threads)
      : options(given),
        pool(threads),
        minhash(given.bands, given.rows, given.seed, best_simd_level(), given.band_sets),
        shingler(given.compare, static_cast<size_t>(given.ngram)) {}

  struct Done {
    TextDigest digest;
    std::vector<uint64_t> keys;
    std::vector<uint32_t> shingles;
  };

  void sign(const TextRow& row, std::string& lowered, ShingleScratch& scratch, std::vector<uint64_t>& shingles,
            std::vector<uint64_t>& signature, Done& done) const;

  const DedupOptions options;
  ThreadPool& pool;
  const MinHash minhash;
  const Shingler shingler;
};

void Signer::Impl::sign(const TextRow& row, std::string& lowered, ShingleScratch& scratch,
                        std::vector<uint64_t>& shingles, std::vector<uint64_t>& signature, Done& done) const {
  lower_and_collapse(row.text, lowered);
  const XXH128_hash_t hash = XXH3_128bits(lowered.data(), lowered.size());
  done.digest = {hash.high64, hash.low64};
  if (options.method == "exact") {
    return;
  }
  shingler.shingles(lowered, scratch, shingles);
  if (options.method == "simhash") {
    done.keys = {simhash(shingles)};
    done.shingles.assign(shingles.empty() ? 0 : 1, 0);  // only whether there are any is asked later
    return;
  }
  minhash.sign(shingles.data(), shingles.size(), signature.data());
  done.keys.resize(minhash.num_keys());
  minhash.band_keys(signature.data(), done.keys.data());
  done.shingles.reserve(shingles.size());
  for (const uint64_t shingle : shingles) {
    done.shingles.push_back(static_cast<uint32_t>(shingle >> 32));
  }
}

Signer::Signer(const DedupOptions& options, ThreadPool& pool) {
  check_dedup_options(options);
  impl_ = std::make_unique<Impl>(options, pool);
}
Signer::~Signer() = default;

void Signer::sign(std::span<const TextRow> rows, SignedPartWriter& writer) {
  for (size_t first = 0; first < rows.size(); first += kRowsAtOnce) {
    const std::span<const TextRow> some = rows.subspan(first, std::min(kRowsAtOnce, rows.size() - first));
    std::vector<Impl::Done> done(some.size());
    impl_->pool.parallel_for((some.size() + kTextsATask - 1) / kTextsATask, [&](size_t task) {
      std::string lowered;
      ShingleScratch scratch;
      std::vector<uint64_t> shingles;
      std::vector<uint64_t> signature(impl_->minhash.num_hashes());
      for (size_t i = task * kTextsATask; i < std::min(some.size(), (task + 1) * kTextsATask); ++i) {
        impl_->sign(some[i], lowered, scratch, shingles, signature, done[i]);
      }
    });
    for (size_t i = 0; i < some.size(); ++i) {
      const RowRank rank{some[i].quality, some[i].text.size(), some[i].source, 0};
      writer.add({done[i].digest, rank, done[i].keys, done[i].shingles, some[i].id});
    }
  }
}

}  // namespace athanor

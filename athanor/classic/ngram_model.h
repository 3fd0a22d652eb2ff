// Queries on a backoff n-gram model: log10 probabilities and perplexities of sentences and documents.
//
//   NgramModel::write(tables, "model.ngram", {.quantise = true});
//   const NgramModel model = NgramModel::open("model.ngram");         // memory-mapped
//   model.score_sentence("the furnace feeds itself").log10_p;         // "</s>" included, as KenLM's score()
//   const NgramModel other = NgramModel::from_tables(read_arpa("lm.arpa"));
//
// The file (version 1, little-endian, docs/data/models.md): a header, the vocabulary with its hash table, unigram
// weights, and an open-addressing table an order: 16 bytes a place (64-bit key, two floats), or 8 quantised (32-bit
// key, two 16-bit levels; an error of at most 1/131070 of the range of the weights). A checksum stands over all of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/classic/ngram_train.h"
#include "athanor/classic/text_tokens.h"

namespace athanor {

struct NgramScore {
  double log10_p = 0;
  uint64_t num_tokens = 0;   // "</s>" of each sentence included
  uint64_t num_unknown = 0;  // of them not in the vocabulary: each scored as "<unk>"
  // 10^(-log10_p / num_tokens), as KenLM and CCNet; 1 when there is no token.
  double perplexity() const;
  NgramScore& operator+=(const NgramScore& other);
};

struct NgramFileOptions {
  bool quantise = false;
};

class NgramModel {
 public:
  // Error(kInput): a wrong length, checksum or field. All queries are thread-safe.
  static NgramModel open(const fs::path& path);
  static NgramModel from_tables(const NgramTables& tables);
  static void write(const NgramTables& tables, const fs::path& path, const NgramFileOptions& options);

  ~NgramModel();
  NgramModel(NgramModel&&) noexcept;
  NgramModel& operator=(NgramModel&&) noexcept;

  int order() const;
  uint64_t vocabulary_size() const;  // the three special words included
  uint64_t size(int n) const;        // n-grams of order n

  // Tokens parted by blanks; "<s>", "</s>" and "<unk>" among them are left out.
  NgramScore score_sentence(std::string_view tokens) const;
  // Each line that holds a token is a sentence.
  NgramScore score(std::string_view text, const TextTokens& tokens = {}) const;
  double log10_probability(std::string_view text) const { return score(text).log10_p; }
  double perplexity(std::string_view text) const { return score(text).perplexity(); }

  // Word by word: log10 p(word | context), context oldest first ("<s>" may begin it), "</s>" as a word.
  double log10_probability(const std::vector<std::string>& context, std::string_view word) const;

 private:
  struct State;
  explicit NgramModel(std::unique_ptr<const State> state);
  static NgramModel from_image(std::string image, const std::string& where);
  std::unique_ptr<const State> state_;
};

// An ARPA file of an order up to 5, perhaps compressed (gz, zst). Contexts and suffixes that it lacks (SRILM's pruned
// models) are put in with the weights that backing off gives, so the tables may hold more n-grams than the file.
// Error(kInput) with the line for anything else.
NgramTables read_arpa(const fs::path& path);
NgramTables parse_arpa(std::string_view text, const std::string& where);

// CCNet's three parts of a language's documents by perplexity (Wenzek et al. 2020): head (at most the 1/3 quantile),
// middle, tail (above the 2/3 quantile). Lower is more like the texts that the model learned from.
struct PerplexityBuckets {
  double head = 0;  // largest perplexity of the head
  double tail = 0;  // what lies above is the tail
  const char* name_of(double perplexity) const;  // "head", "middle", "tail"; NaN is "tail"
};
// Nearest-rank quantiles; NaN and infinities are left out. An empty list gives 0, 0.
PerplexityBuckets perplexity_buckets(std::vector<double> perplexities, double head = 1.0 / 3, double tail = 2.0 / 3);

}  // namespace athanor

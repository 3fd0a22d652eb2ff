// Word2Vec: vectors of words from the words around them (Mikolov et al. 2013a, "Efficient Estimation of Word Representations in
// Vector Space"; 2013b, "Distributed Representations of Words and Phrases": negative sampling, subsampling).
//
//   WordCorpus corpus;                                   // words as numbers, sentence after sentence
//   WordVectors vectors = train_word_vectors(corpus, options, pool);
//   vectors.nearest(vectors.find("king"), 5)
//
// The same bytes for any number of threads. Threads do not race over rows, as in the original: they own columns. A batch of
// 64 positions goes through two phases: every thread takes its columns' part of all inner products, and, when all parts are
// there, moves its columns of all rows. So inner products within a batch are up to 64 positions old (with Hogwild and some
// threads they are about as old), and each core keeps half of every row in its cache. Columns are four groups: at most 4
// threads are used.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/run/fields.h"

namespace athanor {

struct WordVectorOptions {
  std::string method = "cbow";
  int64_t size = 100;
  int64_t window = 5;
  int64_t min_count = 5;
  int64_t negative = 5;
  int64_t epochs = 5;
  double sample = 1e-3;
  double rate = 0.025;
  static void fields(Fields<WordVectorOptions>& f) {
    f.add("method", &WordVectorOptions::method, "cbow: the words around tell the word; skip_gram: the word tells those around")
        .choices({"cbow", "skip_gram"});
    f.add("size", &WordVectorOptions::size, "numbers a vector").range(1, 4096);
    f.add("window", &WordVectorOptions::window, "words to each side, at most; how many is drawn at each place").range(1, 100);
    f.add("min_count", &WordVectorOptions::min_count, "rarer words are left out").range(1, 1e9);
    f.add("negative", &WordVectorOptions::negative, "words drawn as wrong answers").range(1, 100);
    f.add("epochs", &WordVectorOptions::epochs, "times over the text").range(1, 10'000);
    f.add("sample", &WordVectorOptions::sample, "words more frequent than this share are left out at random; 0: none").range(0, 1);
    f.add("rate", &WordVectorOptions::rate, "learning rate at first; falls to a ten-thousandth").range(1e-9, 10);
  }
};

// Words as numbers into `words`, in the order of falling counts (ties: by their bytes), the rare ones left out.
struct WordCorpus {
  std::vector<std::string> words;
  std::vector<uint64_t> counts;
  std::vector<uint32_t> ids;
  std::vector<uint64_t> ends;  // of sentences, in ids

  // From the words of documents; longer sentences than 10,000 words are cut.
  class Builder {
   public:
    void add(std::string_view word);  // one word of the sentence that is open
    void end_sentence();
    WordCorpus finish(int64_t min_count);

   private:
    std::unordered_map<std::string, uint32_t> index_;
    std::vector<std::string> words_;
    std::vector<uint64_t> counts_;
    std::vector<uint32_t> ids_;
    std::vector<uint64_t> ends_;
  };
};

struct WordVectors {
  std::vector<std::string> words;
  std::vector<uint64_t> counts;
  int64_t size = 0;
  std::vector<float> values;  // words x size

  static constexpr uint32_t kNone = UINT32_MAX;
  void index_words();                           // after words were filled
  uint32_t find(std::string_view word) const;   // kNone: not there
  const float* row(uint32_t word) const { return values.data() + static_cast<size_t>(word) * static_cast<size_t>(size); }
  // By cosine, the nearest first, the word itself left out.
  std::vector<std::pair<uint32_t, double>> nearest(uint32_t word, size_t count) const;
  // a is to b as c is to the answer: the word nearest to b - a + c (unit vectors), those three left out.
  uint32_t analogy(uint32_t a, uint32_t b, uint32_t c) const;

 private:
  std::unordered_map<std::string, uint32_t> index_;
};

// Error(kInput) when no word is frequent enough.
WordVectors train_word_vectors(const WordCorpus& corpus, const WordVectorOptions& options, uint64_t seed, ThreadPool& pool,
                               const std::function<void(double done)>& progress = [](double) {});

// Pairs of words that stand together more often than by chance, as one word "new_york" (Mikolov 2013b; gensim's default score:
// (count of the pair - min_count) x words / (count of the one x count of the other) above threshold).
struct Phrases {
  std::unordered_map<std::string, double> scores;  // "new york" -> score
};
Phrases find_phrases(const std::vector<std::vector<std::string_view>>& sentences, int64_t min_count, double threshold);
// Joins what is a phrase, from left to right.
std::vector<std::string> join_phrases(const std::vector<std::string_view>& sentence, const Phrases& phrases);

}  // namespace athanor

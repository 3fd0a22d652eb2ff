// The encoder word2vec: a text as the mean of its words' vectors (vectors/word_vectors.h), learnt
// from the texts themselves.
#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/feature/kinds.h"
#include "athanor/feature/text/analyzer.h"
#include "athanor/feature/text/counts.h"
#include "athanor/feature/vectors/word_vectors.h"

namespace athanor {

namespace {

constexpr size_t kStretchBytes = size_t{1} << 20;
constexpr int64_t kMinPairs = 5;  // a rarer pair is no phrase

struct Word2VecOptions : WordVectorOptions {
  bool phrases = false;
  double phrase_threshold = 10;
  bool lowercase = true;
  std::string chinese = "auto";
  static void fields(Fields<Word2VecOptions>& f) {
    f.add("method", &Word2VecOptions::method,
          "cbow: the words around tell the word; skip_gram: the word tells those around")
        .choices({"cbow", "skip_gram"});
    f.add("size", &Word2VecOptions::size, "numbers a vector").range(1, 4096);
    f.add("window", &Word2VecOptions::window, "words to each side, at most").range(1, 100);
    f.add("min_count", &Word2VecOptions::min_count, "rarer words are left out").range(1, 1e9);
    f.add("negative", &Word2VecOptions::negative, "words drawn as wrong answers").range(1, 100);
    f.add("epochs", &Word2VecOptions::epochs, "times over the text").range(1, 10'000);
    f.add("sample", &Word2VecOptions::sample,
          "words more frequent than this share are left out at random; 0: none")
        .range(0, 1);
    f.add("rate", &Word2VecOptions::rate, "learning rate at first; falls to a ten-thousandth")
        .range(1e-9, 10);
    f.add("phrases", &Word2VecOptions::phrases, "words that often stand together become one");
    f.add("phrase_threshold", &Word2VecOptions::phrase_threshold,
          "how much more often than their counts explain")
        .range(0, 1e9);
    f.add("lowercase", &Word2VecOptions::lowercase, "lower-case the text first");
    f.add("chinese", &Word2VecOptions::chinese,
          "cut Chinese into its words; auto: when a fifth of the letters are Chinese")
        .choices({"auto", "yes", "no"});
  }
};

TextOptions text_options(const Word2VecOptions& options) {
  TextOptions text;
  text.lowercase = options.lowercase;
  text.chinese = options.chinese;
  return text;
}

class Word2Vec : public Encoder {
 public:
  explicit Word2Vec(Word2VecOptions options)
      : options_(std::move(options)), analyzer_(text_options(options_)) {}

  Matrix fit(std::span<const TableColumn* const> columns, const Target*,
             FitContext& context) override {
    const auto& texts = columns[0]->texts;
    column_ = columns[0]->name;
    analyzer_.decide_chinese(texts);
    phrases_ = {};
    if (options_.phrases) {
      learn_phrases(texts);
    }
    WordCorpus::Builder builder;
    Analyzer::Scratch scratch;
    std::vector<std::string> words;
    for (const std::string& text : texts) {
      for_each_word(text, scratch, words, [&](std::string_view word) { builder.add(word); });
      builder.end_sentence();
    }
    const WordVectors vectors = train_word_vectors(builder.finish(options_.min_count), options_,
                                                   context.seed, context.pool, context.progress);
    set(vectors.words, vectors.values);
    return apply(columns, context.pool);
  }

  // Zeros for a text without a known word.
  Matrix apply(std::span<const TableColumn* const> columns, ThreadPool& pool) const override {
    const auto& texts = columns[0]->texts;
    Matrix out = Matrix::dense(texts.size(), static_cast<uint64_t>(options_.size));
    const auto ranges = stretches_of(texts, kStretchBytes);
    pool.parallel_for(ranges.size(), [&](size_t i) {
      Analyzer::Scratch scratch;
      std::vector<std::string> words;
      for (size_t text = ranges[i].first; text < ranges[i].second; ++text) {
        double* to = out.row(text);
        double count = 0;
        for_each_word(texts[text], scratch, words, [&](std::string_view word) {
          const int32_t id = words_.find(word);
          if (id >= 0) {
            const float* from = vectors_.data() + static_cast<int64_t>(id) * options_.size;
            std::transform(from, from + options_.size, to, to,
                           [](float value, double sum) { return sum + value; });
            count += 1;
          }
        });
        std::for_each(to, to + options_.size,
                      [&](double& value) { value /= std::max(1.0, count); });
      }
    });
    for (int64_t i = 0; i < options_.size; ++i) {
      out.names.push_back(column_ + ".meaning " + std::to_string(i));
    }
    return out;
  }

  void save(SavedWriter& out) const override {
    out.json()["column"] = column_;
    out.json()["chinese"] = analyzer_.cuts_chinese();
    std::vector<std::string> words, phrases;
    for (int32_t id = 0; id < words_.size(); ++id) {
      words.emplace_back(words_.term(id));
    }
    for (const auto& [phrase, score] : phrases_.scores) {
      phrases.push_back(phrase);
    }
    std::sort(phrases.begin(), phrases.end());
    out.put("words", words);
    out.put("phrases", phrases);
    out.put("vectors", std::span<const float>(vectors_));
  }

  void load(const SavedReader& in) override {
    column_ = in.get<std::string>("column");
    analyzer_.set_chinese(in.get<bool>("chinese"));
    const std::vector<std::string> words = in.strings("words");
    const auto vectors = in.floats("vectors", words.size() * static_cast<size_t>(options_.size));
    set(words, {vectors.begin(), vectors.end()});
    if (static_cast<size_t>(words_.size()) != words.size()) {
      in.fail("a word stands twice");
    }
    phrases_ = {};
    for (const std::string& phrase : in.strings("phrases")) {
      phrases_.scores.emplace(phrase, 0);
    }
  }

 private:
  // words: room for the words of a text, when phrases are wanted.
  template <class Fn>
  void for_each_word(const std::string& text, Analyzer::Scratch& scratch,
                     std::vector<std::string>& words, const Fn& fn) const {
    if (phrases_.scores.empty()) {
      analyzer_.for_each_term(text, scratch, fn);
      return;
    }
    words.clear();
    analyzer_.for_each_term(text, scratch,
                            [&](std::string_view word) { words.emplace_back(word); });
    for (const std::string& word : join_phrases({words.begin(), words.end()}, phrases_)) {
      fn(std::string_view(word));
    }
  }

  void learn_phrases(const std::vector<std::string>& texts) {
    Analyzer::Scratch scratch;
    TermTable table;
    std::vector<std::vector<int32_t>> ids(texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      analyzer_.for_each_term(texts[i], scratch,
                              [&](std::string_view word) { ids[i].push_back(table.add(word)); });
    }
    std::vector<std::vector<std::string_view>> sentences;
    for (const auto& text : ids) {
      sentences.emplace_back();
      for (const int32_t id : text) {
        sentences.back().push_back(table.term(id));
      }
    }
    phrases_ = find_phrases(sentences, kMinPairs, options_.phrase_threshold);
  }

  void set(const std::vector<std::string>& words, std::vector<float> vectors) {
    words_ = TermTable();
    for (const std::string& word : words) {
      words_.add(word);
    }
    vectors_ = std::move(vectors);
  }

  Word2VecOptions options_;
  Analyzer analyzer_;
  std::string column_;
  Phrases phrases_;
  TermTable words_;
  std::vector<float> vectors_;  // words x size
};

}  // namespace

EncoderKind word2vec_kind() {
  return make_encoder_kind<Word2Vec, Word2VecOptions>(
      "word2vec", "texts as the mean of their words' vectors, learnt from the texts",
      {ColumnKind::kText});
}

}  // namespace athanor

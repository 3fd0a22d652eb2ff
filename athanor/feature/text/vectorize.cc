// Texts as sparse rows of term counts (scikit-learn's CountVectorizer), weighted by how rare a term
// is (TfidfVectorizer), or by a hash of the term, without a vocabulary (HashingVectorizer).
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/feature/kinds.h"
#include "athanor/feature/text/counts.h"
#include "athanor/feature/text/murmur.h"

namespace athanor {

namespace {

constexpr size_t kNamedAtApply = 4096;  // names of more features cost more than one row's counts
constexpr size_t kHashStretchBytes = size_t{1} << 20;

struct WordsOptions : TextOptions {
  double min_df = 1, max_df = 1;
  int64_t max_features = 0;
  bool binary = false;

  template <class T>
  static void add_limits(Fields<T>& f) {
    f.add("min_df", &T::min_df, "texts that hold a term at least: below 1 a share, else a number")
        .range(0, 1e12);
    f.add("max_df", &T::max_df, "texts that hold it at most: up to 1 a share, else a number")
        .range(0, 1e12);
    f.add("max_features", &T::max_features, "the most frequent terms; 0: all").range(0, 1e9);
    f.add("binary", &T::binary, "1 for any count");
  }
  static void fields(Fields<WordsOptions>& f) {
    add_fields(f);
    add_limits(f);
  }
};

struct TfidfOptions : WordsOptions {
  bool sublinear = false;
  bool idf = true;
  bool smooth = true;
  std::string norm = "l2";
  static void fields(Fields<TfidfOptions>& f) {
    add_fields(f);
    add_limits(f);
    f.add("sublinear", &TfidfOptions::sublinear, "1 + log(count) in place of the count");
    f.add("idf", &TfidfOptions::idf, "times log(texts / texts that hold it) + 1");
    f.add("smooth", &TfidfOptions::smooth, "as if one more text held every term");
    f.add("norm", &TfidfOptions::norm, "each row to this length").choices({"l2", "l1", "none"});
  }
};

struct HashingOptions : TextOptions {
  int64_t features = 1 << 20;
  bool alternate_sign = true;
  bool binary = false;
  std::string norm = "l2";
  static void fields(Fields<HashingOptions>& f) {
    add_fields(f);
    f.add("features", &HashingOptions::features, "columns").range(1, 2147483647);
    f.add("alternate_sign", &HashingOptions::alternate_sign,
          "half of the terms count below 0, so that collisions cancel out");
    f.add("binary", &HashingOptions::binary, "1 for any count");
    f.add("norm", &HashingOptions::norm, "each row to this length").choices({"l2", "l1", "none"});
  }
};

const std::vector<std::string>& texts_of(std::span<const TableColumn* const> columns) {
  if (columns.size() != 1) {
    throw Error(ErrorKind::kInternal, "an encoder of texts reads one column");
  }
  return columns[0]->texts;
}

void normalize(SparseRows& rows, uint64_t row, const std::string& norm) {
  double length = 0;
  for (uint64_t i = rows.offsets[row]; i < rows.offsets[row + 1]; ++i) {
    length += norm == "l2" ? rows.values[i] * rows.values[i] : std::fabs(rows.values[i]);
  }
  length = norm == "l2" ? std::sqrt(length) : length;
  for (uint64_t i = rows.offsets[row]; i < rows.offsets[row + 1] && length > 0; ++i) {
    rows.values[i] /= length;
  }
}

template <class Fn>
void for_each_row(SparseRows& rows, ThreadPool& pool, const Fn& fn) {
  constexpr uint64_t kRows = 256;
  pool.parallel_for((rows.rows() + kRows - 1) / kRows, [&](size_t part) {
    for (uint64_t row = part * kRows; row < std::min(rows.rows(), (part + 1) * kRows); ++row) {
      fn(row);
    }
  });
}

// Counts by a vocabulary; weigh() is what a kind makes of them.
class Vocabulary : public Encoder {
 public:
  explicit Vocabulary(const WordsOptions& options) : limits_(options), analyzer_(options) {}

  Matrix fit(std::span<const TableColumn* const> columns, const Target*,
             FitContext& context) override {
    const auto& texts = texts_of(columns);
    column_ = columns[0]->name;
    analyzer_.decide_chinese(texts);
    CountedTexts counted = count_terms(
        texts, analyzer_,
        {limits_.min_df, limits_.max_df, static_cast<uint64_t>(limits_.max_features)}, context);
    if (counted.terms.size() == 0) {
      throw Error(ErrorKind::kInput, "the texts of column '" + column_ + "' hold no terms", "",
                  "look at min_df, max_df and stop_words");
    }
    documents_ = std::move(counted.documents);
    num_texts_ = static_cast<int64_t>(texts.size());
    terms_ = std::move(counted.terms);
    learn_weights();
    weigh(counted.rows, context.pool);
    Matrix out = Matrix::from_sparse(std::move(counted.rows), documents_.size());
    out.names = names(context.pool);
    return out;
  }

  Matrix apply(std::span<const TableColumn* const> columns, ThreadPool& pool) const override {
    SparseRows rows = count_known(texts_of(columns), analyzer_, terms_, pool);
    weigh(rows, pool);
    Matrix out = Matrix::from_sparse(std::move(rows), documents_.size());
    if (out.columns <= kNamedAtApply) {
      out.names = names(pool);
    }
    return out;
  }

  void save(SavedWriter& out) const override {
    out.json()["column"] = column_;
    out.json()["texts"] = num_texts_;
    out.json()["chinese"] = analyzer_.cuts_chinese();
    std::vector<std::string> terms;
    for (int32_t id = 0; id < terms_.size(); ++id) {
      terms.emplace_back(terms_.term(id));
    }
    out.put("terms", terms);
    out.put("documents", std::span<const int64_t>(documents_));
  }

  void load(const SavedReader& in) override {
    column_ = in.get<std::string>("column");
    num_texts_ = in.get<int64_t>("texts");
    analyzer_.set_chinese(in.get<bool>("chinese"));
    const std::vector<std::string> terms = in.strings("terms");
    const auto documents = in.int64s("documents", terms.size());
    documents_.assign(documents.begin(), documents.end());
    set_terms(terms);
    if (static_cast<size_t>(terms_.size()) != terms.size()) {
      in.fail("a term stands twice");
    }
  }

 protected:
  virtual void weigh(SparseRows& rows, ThreadPool& pool) const {
    if (limits_.binary) {
      for_each_row(rows, pool, [&](uint64_t row) {
        std::fill(rows.values.begin() + static_cast<ptrdiff_t>(rows.offsets[row]),
                  rows.values.begin() + static_cast<ptrdiff_t>(rows.offsets[row + 1]), 1.0);
      });
    }
  }
  virtual void learn_weights() {}

  std::vector<int64_t> documents_;
  int64_t num_texts_ = 0;

 private:
  void set_terms(const std::vector<std::string>& terms) {
    terms_ = TermTable();
    for (const std::string& term : terms) {
      terms_.add(term);
    }
    learn_weights();
  }

  std::vector<std::string> names(ThreadPool& pool) const {
    constexpr size_t kAtOnce = 4096;
    std::vector<std::string> names(documents_.size());
    pool.parallel_for((names.size() + kAtOnce - 1) / kAtOnce, [&](size_t part) {
      for (size_t i = part * kAtOnce; i < std::min(names.size(), (part + 1) * kAtOnce); ++i) {
        const std::string_view term = terms_.term(static_cast<int32_t>(i));
        names[i].reserve(column_.size() + 1 + term.size());
        names[i].append(column_).append(":").append(term);
      }
    });
    return names;
  }

  WordsOptions limits_;
  Analyzer analyzer_;
  std::string column_;
  TermTable terms_;
};

class Words : public Vocabulary {
 public:
  explicit Words(const WordsOptions& options) : Vocabulary(options) {}
};

class Tfidf : public Vocabulary {
 public:
  explicit Tfidf(TfidfOptions options) : Vocabulary(options), options_(std::move(options)) {}

 protected:
  void learn_weights() override {
    idf_.clear();
    const double more = options_.smooth ? 1 : 0;
    for (const int64_t df : documents_) {
      idf_.push_back(options_.idf ? std::log((static_cast<double>(num_texts_) + more) /
                                             (static_cast<double>(df) + more)) +
                                        1
                                  : 1);
    }
  }
  void weigh(SparseRows& rows, ThreadPool& pool) const override {
    for_each_row(rows, pool, [&](uint64_t row) {
      for (uint64_t i = rows.offsets[row]; i < rows.offsets[row + 1]; ++i) {
        double& value = rows.values[i];
        value = options_.binary ? 1 : value;
        value = (options_.sublinear ? 1 + std::log(value) : value) * idf_[rows.indices[i]];
      }
      if (options_.norm != "none") {
        normalize(rows, row, options_.norm);
      }
    });
  }

 private:
  TfidfOptions options_;
  std::vector<double> idf_;
};

class Hashing : public Encoder {
 public:
  explicit Hashing(HashingOptions options) : options_(std::move(options)), analyzer_(options_) {}

  Matrix fit(std::span<const TableColumn* const> columns, const Target*,
             FitContext& context) override {
    analyzer_.decide_chinese(texts_of(columns));
    return apply(columns, context.pool);
  }

  Matrix apply(std::span<const TableColumn* const> columns, ThreadPool& pool) const override {
    const auto& texts = texts_of(columns);
    const auto ranges = stretches_of(texts, kHashStretchBytes);
    std::vector<RowsPart> parts(ranges.size());
    pool.parallel_for(ranges.size(), [&](size_t i) {
      parts[i] = hash_stretch({texts.data() + ranges[i].first, ranges[i].second - ranges[i].first});
    });
    SparseRows rows = joined(std::move(parts), pool);
    if (options_.norm != "none") {
      for_each_row(rows, pool, [&](uint64_t row) { normalize(rows, row, options_.norm); });
    }
    return Matrix::from_sparse(std::move(rows), static_cast<uint64_t>(options_.features));
  }

  void save(SavedWriter& out) const override { out.json()["chinese"] = analyzer_.cuts_chinese(); }
  void load(const SavedReader& in) override { analyzer_.set_chinese(in.get<bool>("chinese")); }

 private:
  // As scikit-learn's FeatureHasher: the column is the hash's size, the sign its sign. Terms of a
  // stretch are hashed once.
  RowsPart hash_stretch(std::span<const std::string> texts) const {
    const StretchTerms terms = read_stretch(texts, analyzer_);
    std::vector<uint32_t> columns(terms.size(), kNoTerm);
    std::vector<uint8_t> below(options_.alternate_sign ? terms.size() : 0);
    std::string room;
    for (uint32_t number = 0; number < terms.size(); ++number) {
      if (!terms.runs.empty() && terms.runs[number].length < analyzer_.ngrams_from()) {
        continue;  // only the beginning of terms
      }
      const uint32_t place = place_of(terms.text_of(number, room));
      columns[number] = place & 0x7fffffffU;
      if (options_.alternate_sign) {
        below[number] = static_cast<uint8_t>(place >> 31);
      }
    }
    RowsPart part = rows_of(terms, columns, below);
    if (options_.binary) {
      std::fill(part.values.begin(), part.values.end(), 1.0);
    }
    return part;
  }

  uint32_t place_of(std::string_view term) const {
    const auto hash = static_cast<int32_t>(murmur3_32(term, 0));
    const int64_t columns = options_.features;
    const int64_t place = hash == INT32_MIN ? (2147483647 - (columns - 1)) % columns
                                            : std::abs(static_cast<int64_t>(hash)) % columns;
    return static_cast<uint32_t>(place) | (hash < 0 ? 0x80000000u : 0u);
  }

  HashingOptions options_;
  Analyzer analyzer_;
};

}  // namespace

EncoderKind words_kind() {
  return make_encoder_kind<Words, WordsOptions>(
      "words", "how often each word, run of words or run of characters stands in a text",
      {ColumnKind::kText});
}
EncoderKind tfidf_kind() {
  return make_encoder_kind<Tfidf, TfidfOptions>(
      "tfidf", "the same, weighted by how few texts hold it", {ColumnKind::kText});
}
EncoderKind hashing_kind() {
  return make_encoder_kind<Hashing, HashingOptions>(
      "hashing", "the same by a hash of the term: no vocabulary, any number of terms",
      {ColumnKind::kText});
}

}  // namespace athanor

// ARPA files (Doug Paul's format as SRILM's ngram-format(5) and KenLM read it) into tables.
#include <charconv>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/classic/fasttext_line.h"
#include "athanor/classic/ngram_image.h"
#include "athanor/classic/ngram_model.h"
#include "athanor/data/stream/stream.h"

namespace athanor {

namespace {

constexpr uint64_t kMaxArpaBytes = uint64_t{1} << 36;
constexpr float kMissing = -100;  // KenLM's probability of "<unk>" when the file has none

struct KeyHash {
  size_t operator()(const std::array<uint64_t, 3>& key) const {
    return static_cast<size_t>(mix64(mix64(mix64(key[0]) ^ key[1]) ^ key[2]));
  }
};
// n-grams of one order: words reversed, as NgramTables sorts them.
using Ngrams = std::unordered_map<std::array<uint64_t, 3>, NgramTables::Weight, KeyHash>;

NgramRecord record_of(const std::array<uint64_t, 3>& key) {
  NgramRecord record;
  record.key = key;
  return record;
}

class ArpaParser {
 public:
  ArpaParser(std::string_view text, std::string where) : text_(text), where_(std::move(where)) {}

  NgramTables parse() {
    read_counts();
    for (int n = 1; n <= order_; ++n) {
      read_section(n);
    }
    need(next_line() == "\\end\\", "\\end\\ is missing");
    add_specials();
    close();
    return tables();
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kInput, "not a sound ARPA file: " + what, where_ + ":" + std::to_string(line_),
                "get the file again, or write it again");
  }
  void need(bool holds, const std::string& what) const {
    if (!holds) {
      fail(what);
    }
  }

  // The next line that is not blank; at the end "".
  std::string_view next_line() {
    if (!again_.empty()) {
      return std::exchange(again_, {});
    }
    while (!text_.empty()) {
      const size_t end = std::min(text_.find('\n'), text_.size());
      std::string_view line = text_.substr(0, end);
      text_.remove_prefix(std::min(end + 1, text_.size()));
      ++line_;
      while (!line.empty() && is_fasttext_blank(line.back())) {
        line.remove_suffix(1);
      }
      if (!line.empty()) {
        return line;
      }
    }
    return {};
  }

  void read_counts() {
    while (next_line() != "\\data\\") {
      need(!text_.empty(), "\\data\\ is missing");
    }
    std::string_view line = next_line();
    for (; line.starts_with("ngram "); line = next_line()) {
      const size_t equals = line.find('=');
      need(equals != std::string_view::npos, "a count without '='");
      const auto n = number<uint64_t>(line.substr(6, equals - 6), "a count's order");
      need(n == static_cast<uint64_t>(order_) + 1, "the orders do not follow each other");
      need(n <= kMaxNgramOrder, "an order above 5");
      counts_.push_back(number<uint64_t>(line.substr(equals + 1), "a count"));
      order_ = static_cast<int>(n);
    }
    again_ = line;
    need(order_ >= 1, "there are no counts");
    ngrams_.resize(static_cast<size_t>(order_) + 1);
  }

  template <class T>
  T number(std::string_view text, const char* what) const {
    while (text.starts_with(' ')) {
      text.remove_prefix(1);
    }
    T value{};
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    need(code == std::errc() && end == text.data() + text.size(), std::string(what) + " is not a number");
    return value;
  }
  float weight(std::string_view text, const char* what) const {
    const auto value = number<float>(text.starts_with('+') ? text.substr(1) : text, what);
    need(std::abs(value) < 1e6f, std::string(what) + " is out of range");  // false for NaN
    return value;
  }

  void read_section(int n) {
    const std::string head = "\\" + std::to_string(n) + "-grams:";
    need(next_line() == head, head + " is missing");
    const uint64_t count = counts_[static_cast<size_t>(n) - 1];
    std::vector<std::pair<std::string_view, uint32_t>> fields;
    for (uint64_t i = 0; i < count; ++i) {
      const std::string_view line = next_line();
      need(!line.empty() && line[0] != '\\', "fewer n-grams than the count of order " + std::to_string(n));
      fields.clear();
      each_blank_token(line, [&](std::string_view token, uint32_t hash) {
        fields.emplace_back(token, hash);
        return fields.size() < kMaxNgramOrder + 3;
      });
      const auto words = static_cast<size_t>(n);
      need(fields.size() == words + 1 || fields.size() == words + 2, "an n-gram with the wrong number of words");
      NgramTables::Weight found;
      found.log10_p = weight(fields[0].first, "a probability");
      need(found.log10_p <= 1e-4f, "a probability above 1");
      found.log10_backoff = fields.size() == words + 2 ? weight(fields[words + 1].first, "a backoff") : 0.0f;
      NgramRecord record;
      for (size_t j = 0; j < words; ++j) {
        record.set_word(n - 1 - static_cast<int>(j), id_of(fields[j + 1].first, fields[j + 1].second, n));
      }
      if (n > 1) {
        need(ngrams_[static_cast<size_t>(n)].emplace(record.key, found).second, "an n-gram stands twice");
      } else {
        const uint32_t id = record.word(0);
        need(!given_[id], "a word stands twice");
        given_[id] = true;
        unigrams_[id] = found;
      }
    }
  }

  uint32_t id_of(std::string_view word, uint32_t hash, int n) {
    if (words_.size() == 0) {
      for (const char* special : {"<unk>", "<s>", "</s>"}) {
        words_.add(special, fasttext_hash(special));
      }
      given_.assign(3, false);
      unigrams_.assign(3, {kMissing, 0});
    }
    if (word == "<UNK>") {
      word = "<unk>";
      hash = fasttext_hash(word);
    }
    const auto id = static_cast<size_t>(words_.add(word, hash));
    if (id == given_.size()) {
      need(n == 1, "a word that is not among the 1-grams");
      given_.push_back(false);
      unigrams_.push_back({});
    }
    return static_cast<uint32_t>(id);
  }

  void add_specials() {
    need(words_.size() > 0, "there are no words");
    if (!given_[kNgramBegin]) {
      unigrams_[kNgramBegin] = {0, 0};
    }
  }

  // Part of an n-gram without its last word (the context) or without its first (the suffix), n - 1 words long.
  static NgramRecord part(const NgramRecord& whole, int n, bool context) {
    NgramRecord record;
    for (int i = 0; i + 1 < n; ++i) {
      record.set_word(i, whole.word(context ? i + 1 : i));
    }
    return record;
  }

  // Every context and suffix of an n-gram gets a place, with the weight that backing off gives.
  void close() {
    std::vector<std::vector<std::array<uint64_t, 3>>> added(ngrams_.size());
    for (int n = order_; n > 2; --n) {
      auto& below = ngrams_[static_cast<size_t>(n) - 1];
      for (const auto& [key, ignored] : ngrams_[static_cast<size_t>(n)]) {
        for (const bool context : {true, false}) {
          const NgramRecord wanted = part(record_of(key), n, context);
          if (below.emplace(wanted.key, NgramTables::Weight{}).second) {
            added[static_cast<size_t>(n) - 1].push_back(wanted.key);
          }
        }
      }
    }
    for (int n = 2; n < order_; ++n) {
      for (const auto& key : added[static_cast<size_t>(n)]) {
        const NgramRecord whole = record_of(key);
        ngrams_[static_cast<size_t>(n)][key].log10_p =
            of(part(whole, n, true), n - 1).log10_backoff + of(part(whole, n, false), n - 1).log10_p;
      }
    }
  }
  NgramTables::Weight of(const NgramRecord& record, int n) const {
    return n == 1 ? unigrams_[record.word(0)] : ngrams_[static_cast<size_t>(n)].at(record.key);
  }

  NgramTables tables() {
    NgramTables result;
    result.order = order_;
    for (size_t i = 0; i < words_.size(); ++i) {
      result.words.push_back(words_.text(i));
    }
    result.unigrams = unigrams_;
    for (int n = 2; n <= order_; ++n) {
      auto& all = ngrams_[static_cast<size_t>(n)];
      std::vector<NgramRecord> sorted;
      for (const auto& [key, found] : all) {
        NgramRecord record = record_of(key);
        record.set_floats(found.log10_p, found.log10_backoff);
        sorted.push_back(record);
      }
      all = {};
      std::sort(sorted.begin(), sorted.end());
      auto list = std::make_unique<NgramList>(~uint64_t{0}, fs::path());
      for (const auto& record : sorted) {
        list->add(record);
      }
      result.append_order(std::move(list));
    }
    return result;
  }

  std::string_view text_;
  std::string_view again_;  // a line to be read once more
  std::string where_;
  uint64_t line_ = 0;
  int order_ = 0;
  std::vector<uint64_t> counts_;
  StringCounts words_;
  std::vector<bool> given_;
  std::vector<NgramTables::Weight> unigrams_;
  std::vector<Ngrams> ngrams_;  // [n], from 2
};

}  // namespace

NgramTables parse_arpa(std::string_view text, const std::string& where) { return ArpaParser(text, where).parse(); }

NgramTables read_arpa(const fs::path& path) {
  const auto stream = open_stream(path);
  const auto text = read_all(*stream, kMaxArpaBytes);
  if (!text || stream->fault()) {
    throw Error(ErrorKind::kInput, text ? "the file is damaged: " + stream->fault()->reason : "an ARPA file above 64 GiB",
                path.string(), "get the file again");
  }
  return parse_arpa(*text, path.string());
}

}  // namespace athanor

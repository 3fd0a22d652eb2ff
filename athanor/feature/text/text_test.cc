#include "athanor/base/rng.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/feature/test_fixture.h"
#include "athanor/feature/text/analyzer.h"
#include "athanor/feature/text/counts.h"
#include "athanor/feature/text/murmur.h"

namespace athanor {
namespace {

void expect_rows(const Matrix& x, const nlohmann::json& expected, bool named,
                 const std::vector<std::string>& terms) {
  ASSERT_EQ(x.rows, expected.size());
  for (uint64_t row = 0; row < x.rows; ++row) {
    ASSERT_EQ(x.sparse.offsets[row + 1] - x.sparse.offsets[row], expected[row].size())
        << "row " << row;
    x.for_each_in_row(row, [&](uint32_t column, double value) {
      const std::string key = named ? terms.at(column) : std::to_string(column);
      ASSERT_TRUE(expected[row].contains(key)) << "row " << row << " " << key;
      EXPECT_NEAR(value, expected[row][key].get<double>(), 1e-12) << "row " << row << " " << key;
    });
  }
}

TEST(Text, AsScikitLearn) {
  const nlohmann::json fixture = read_fixture("texts.json");
  const TableColumn texts = text_column("t", fixture["texts"]),
                    others = text_column("t", fixture["new"]);
  const TableColumn* columns[] = {&texts};
  const TableColumn* new_columns[] = {&others};
  const fs::path dir = scratch("text");
  for (const auto& one : fixture["cases"]) {
    SCOPED_TRACE(one["kind"].get<std::string>() + " " + one["options"].dump());
    ThreadPool pool(2);
    FitContext context{pool};
    auto encoder = make_encoder(one["kind"], one["options"], "test");
    const Matrix fitted = encoder->fit(columns, nullptr, context);
    ASSERT_EQ(fitted.columns, one["columns"].get<uint64_t>());
    const auto terms = one["terms"].get<std::vector<std::string>>();
    for (size_t i = 0; i < terms.size(); ++i) {
      EXPECT_EQ(fitted.names[i], "t:" + terms[i]);
    }
    expect_rows(fitted, one["fit"], !terms.empty(), terms);
    const Matrix applied = encoder->apply(new_columns, pool);
    expect_rows(applied, one["apply"], !terms.empty(), terms);

    auto again = make_encoder(one["kind"], one["options"], "test");
    save_and_load(*encoder, *again, dir);
    ThreadPool alone(1);
    const Matrix reloaded = again->apply(new_columns, alone);
    EXPECT_EQ(reloaded.sparse.indices, applied.sparse.indices);
    EXPECT_EQ(reloaded.sparse.values, applied.sparse.values);
    EXPECT_EQ(reloaded.sparse.offsets, applied.sparse.offsets);
  }
}

// Texts of everything that decides where a word ends: steps of 16 bytes, words of 64 bits, capitals,
// letters and marks beyond ASCII, bad bytes.
std::vector<std::string> odd_texts(int count) {
  const std::vector<std::string> pieces = {
      "a", "Z", "9", "_", " ", "-", ".", "ab", "Word", "THE", "of ", " the ", "\n", "x y", "0",
      "\xc3\xa9", "\xc3\x89t\xc3\xa9", "\xe2\x80\x9c", "\xce\xa3", "\xc4\xb0", "\xe4\xb8\xad", "\xff",
      "\xe4\xb8", "internationalisation", "\xcc\x81"};
  Rng rng(5);
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) {
    std::string text;
    for (uint64_t k = rng.below(60); k > 0; --k) {
      text += pieces[rng.below(pieces.size())];
    }
    texts.push_back(text);
  }
  return texts;
}

TEST(Text, WordsAreRunsOfWordCharacters) {
  Analyzer::Scratch scratch;
  const Analyzer analyzer{TextOptions()};
  for (const std::string& text : odd_texts(2000)) {
    std::string lower;
    for (const char *p = text.data(), *end = p + text.size(); p < end;) {
      const char32_t code = decode_utf8(p, end);
      append_lower(lower, code, lower, p, end);
    }
    std::vector<std::string> expected;
    std::string word;
    size_t characters = 0;
    for (const char *p = lower.data(), *end = p + lower.size(); p <= end;) {
      const char* const begin = p;
      if (p < end && is_word_character(decode_utf8(p, end))) {
        word.append(begin, p);
        ++characters;
        continue;
      }
      if (characters >= 2) {
        expected.push_back(word);
      }
      word.clear();
      characters = 0;
      if (begin == end) {
        break;
      }
    }
    std::vector<std::string> words;
    analyzer.for_each_word(text, scratch, [&](std::string_view one) { words.emplace_back(one); });
    ASSERT_EQ(words, expected) << text;
  }
}

// Counting by numbers gives what a map of texts gives, for any lengths of runs and any limits.
TEST(Text, CountsAsAMapDoes) {
  std::vector<std::string> texts = odd_texts(3000);
  texts.insert(texts.begin(), std::string(1200000, 'q') + " end");  // a stretch of its own
  for (const auto& [from, to] : {std::pair<int, int>{1, 1}, {1, 2}, {2, 2}, {1, 4}, {3, 5}}) {
    SCOPED_TRACE(std::to_string(from) + " to " + std::to_string(to));
    const nlohmann::json options{{"ngrams_from", from}, {"ngrams", to}, {"chinese", "no"}};
    TextOptions plain;
    plain.ngrams_from = from;
    plain.ngrams = to;
    const Analyzer analyzer(plain);
    Analyzer::Scratch scratch;
    std::map<std::string, std::map<size_t, double>> expected;
    for (size_t i = 0; i < texts.size(); ++i) {
      analyzer.for_each_term(texts[i], scratch,
                             [&](std::string_view term) { ++expected[std::string(term)][i]; });
    }
    const TableColumn column = text_column("t", texts);
    const TableColumn* columns[] = {&column};
    ThreadPool pool(3);
    FitContext context{pool};
    const auto encoder = make_encoder("words", options, "");
    const Matrix x = encoder->fit(columns, nullptr, context);
    ASSERT_EQ(x.columns, expected.size());
    std::map<std::string, std::map<size_t, double>> given;
    for (size_t i = 0; i < texts.size(); ++i) {
      x.for_each_in_row(i, [&](uint32_t at, double value) { given[x.names[at].substr(2)][i] = value; });
    }
    EXPECT_EQ(given, expected);
    EXPECT_TRUE(std::is_sorted(x.names.begin(), x.names.end()));
    const Matrix again = encoder->apply(columns, pool);
    EXPECT_EQ(again.sparse.indices, x.sparse.indices);
    EXPECT_EQ(again.sparse.values, x.sparse.values);
  }
}

TEST(Text, RunsOfTextsWithoutRuns) {
  const TableColumn column = text_column("t", {"one", "two", "", "one"});
  const TableColumn* columns[] = {&column};
  ThreadPool pool(2);
  FitContext context{pool};
  EXPECT_EQ(make_encoder("words", {{"ngrams", 3}}, "")->fit(columns, nullptr, context).columns, 2u);
  EXPECT_THROW(
      make_encoder("words", {{"ngrams", 2}, {"ngrams_from", 2}}, "")->fit(columns, nullptr, context),
      Error);
}

TEST(Text, ThreadsDoNotCount) {
  std::vector<std::string> many;
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (int k = 0; k < 30; ++k) {
      text += "w" + std::to_string((i * 31 + k * k * 7) % 5003) + " ";
    }
    many.push_back(text);
  }
  const TableColumn column = text_column("t", many);
  const TableColumn* columns[] = {&column};
  ASSERT_GT(stretches_of(many, size_t{1} << 20).size(), 3u);
  for (const char* kind : {"tfidf", "hashing"}) {
    for (const int ngrams : {1, 2}) {
      nlohmann::json options{{"ngrams", ngrams}};
      if (kind == std::string("tfidf")) {
        options["max_features"] = 900;
      }
      Matrix results[2];
      for (const int threads : {1, 3}) {
        ThreadPool pool(threads);
        FitContext context{pool};
        results[threads / 2] = make_encoder(kind, options, "")->fit(columns, nullptr, context);
      }
      EXPECT_EQ(results[0].sparse.indices, results[1].sparse.indices);
      EXPECT_EQ(results[0].sparse.values, results[1].sparse.values);
      EXPECT_EQ(results[0].names, results[1].names);
    }
  }
}

TEST(Text, ChineseWords) {
  Analyzer::Scratch scratch;
  TextOptions options;
  options.chinese = "yes";
  const Analyzer analyzer(options);
  std::vector<std::string> terms;
  analyzer.for_each_term("我们在北京大学学习人工智能，GPU很快。", scratch,
                         [&](std::string_view term) { terms.emplace_back(term); });
  EXPECT_EQ(terms, (std::vector<std::string>{"我们", "在", "北京大学", "学习", "人工智能", "gpu",
                                             "很快"}));

  Analyzer automatic{TextOptions()};
  automatic.decide_chinese({"an English text", "another"});
  EXPECT_FALSE(automatic.cuts_chinese());
  automatic.decide_chinese({"这是一个测试", "mixed 文字"});
  EXPECT_TRUE(automatic.cuts_chinese());
}

// F1 of the words of a reference segmentation: jieba 0.42.1, accurate mode, without its hidden
// Markov model and with it, on sentences written for this test
// (tests/parity/make_feature_fixtures.py). On real reviews: bench/features.py.
TEST(Text, ChineseWordsAgainstAReference) {
  const nlohmann::json fixture = read_fixture("chinese_words.json");
  const auto segmenter = WordSegmenter::chinese();
  for (const char* reference : {"dictionary", "hmm"}) {
    double right = 0, given = 0, wanted = 0;
    for (const auto& one : fixture["sentences"]) {
      const std::string text = one["text"];
      std::vector<size_t> ends;
      segmenter->cut(text, ends);
      std::vector<size_t> expected;
      for (const auto& word : one[reference]) {
        expected.push_back((expected.empty() ? 0 : expected.back()) +
                           word.get_ref<const std::string&>().size());
      }
      ASSERT_EQ(ends.back(), text.size());
      const auto has = [](const std::vector<size_t>& all, size_t end) {
        return end == 0 || std::binary_search(all.begin(), all.end(), end);
      };
      for (size_t i = 0; i < ends.size(); ++i) {
        const size_t begin = i == 0 ? 0 : ends[i - 1];
        const auto at = std::lower_bound(expected.begin(), expected.end(), ends[i]);
        right += at != expected.end() && *at == ends[i] && has(expected, begin) &&
                         (at == expected.begin() ? begin == 0 : *(at - 1) == begin)
                     ? 1
                     : 0;
      }
      given += static_cast<double>(ends.size());
      wanted += static_cast<double>(expected.size());
    }
    const double f1 = 2 * right / (given + wanted);
    RecordProperty(std::string("f1_") + reference, std::to_string(f1));
    EXPECT_GT(f1, reference == std::string("hmm") ? 0.94 : 0.999) << reference;
  }
}

TEST(Text, AnyBytes) {
  ThreadPool pool(1);
  FitContext context{pool};
  const TableColumn column =
      text_column("t", {"\xff\xfe bad \x80", "\xe4\xb8", std::string("a\0b cc", 6), "fine text"});
  const TableColumn* columns[] = {&column};
  for (const char* analyzer : {"words", "chars", "chars_wb"}) {
    EXPECT_EQ(make_encoder("words", {{"analyzer", analyzer}, {"ngrams", 2}}, "")
                  ->fit(columns, nullptr, context)
                  .rows,
              4u);
  }
  const TableColumn empty = text_column("t", {"", "!"});
  const TableColumn* empties[] = {&empty};
  EXPECT_THROW(make_encoder("tfidf", nlohmann::json::object(), "")->fit(empties, nullptr, context),
               Error);
  EXPECT_THROW(make_encoder("tfidf", {{"ngrams", 1}, {"ngrams_from", 2}}, ""), Error);
}

TEST(Text, Murmur) {
  EXPECT_EQ(murmur3_32("", 0), 0u);
  EXPECT_EQ(murmur3_32("hello", 0), 0x248bfa47u);
  EXPECT_EQ(murmur3_32("hello, world", 0), 0x149bbb7fu);
}

}  // namespace
}  // namespace athanor

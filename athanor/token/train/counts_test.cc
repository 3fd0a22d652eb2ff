// Counts on disk, cuts, suffix arrays.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <random>

#include "athanor/base/error.h"
#include "athanor/token/train/count_run.h"
#include "athanor/token/train/piece_source.h"
#include "athanor/token/train/suffix_array.h"
#include "athanor/token/train/trainer.h"

namespace athanor::token {
namespace {

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("athanor-counts-" + std::to_string(::getpid()))) {
    make_dirs(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::map<std::string, uint64_t> read_run(const fs::path& path) {
  std::map<std::string, uint64_t> counts;
  for (CountRunReader reader(path); reader.next();) {
    EXPECT_TRUE(counts.emplace(reader.piece(), reader.count()).second);
  }
  return counts;
}

TEST(CountRun, MergesWhatManyTablesHold) {
  const Folder folder;
  std::mt19937_64 random(5);
  std::map<std::string, uint64_t> wanted;
  std::vector<fs::path> runs;
  for (int run = 0; run < 300; ++run) {  // more than are open at a time
    PieceCounter counter;
    for (int i = 0; i < 40; ++i) {
      std::string piece;
      for (uint64_t k = random() % 5; k-- > 0;) {
        piece.push_back(static_cast<char>(random() % 3 == 0 ? random() : 'a' + random() % 4));
      }
      const int64_t count = i == 0 ? int64_t{1} << 40 : 1;
      counter.add(piece, count);
      wanted[piece] += static_cast<uint64_t>(count);
    }
    runs.push_back(folder.path() / std::to_string(run));
    counter.spill(runs.back());
    EXPECT_TRUE(counter.entries().empty());
  }
  merge_count_runs(runs, folder.path() / "all");
  EXPECT_EQ(read_run(folder.path() / "all"), wanted);
  const CountTotals totals = CountRunReader(folder.path() / "all").totals();
  uint64_t counted = 0;
  for (const auto& [piece, count] : wanted) {
    counted += count;
  }
  EXPECT_EQ(totals.pieces, wanted.size());
  EXPECT_EQ(totals.counted, counted);
  std::reverse(runs.begin(), runs.end());
  merge_count_runs(runs, folder.path() / "back");
  EXPECT_EQ(read_file(folder.path() / "all"), read_file(folder.path() / "back"));
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    EXPECT_EQ(entry.path().string().find(".step"), std::string::npos) << "left over: " << entry.path();
  }
}

TEST(CountRun, DamagedFilesAreErrors) {
  const Folder folder;
  PieceCounter counter;
  counter.add("hello", 7);
  counter.add("help", 300);
  counter.add("x", 1);
  const fs::path path = folder.path() / "run";
  counter.spill(path);
  const std::string whole = read_file(path);
  const auto read = [&](const std::string& bytes) {
    write_file_atomic(path, bytes);
    uint64_t sum = 0;
    for (CountRunReader reader(path); reader.next();) {
      sum += reader.count();
    }
    return sum;
  };
  EXPECT_EQ(read(whole), 308);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(read(whole.substr(0, size)), Error) << size;
  }
  for (size_t at = 0; at < whole.size(); ++at) {  // any flipped byte: an error or other counts, no crash
    std::string other = whole;
    other[at] = static_cast<char>(other[at] ^ 0xFF);
    try {
      read(other);
    } catch (const Error&) {
    }
  }
  EXPECT_THROW(CountRunReader(folder.path() / "none"), Error);
}

std::map<std::string, int64_t> cut(const PieceSource& source, std::string_view text) {
  PieceCounter counter;
  source.count(text, counter);
  std::map<std::string, int64_t> out;
  for (const auto& entry : counter.entries()) {
    out[std::string(entry.piece)] = entry.count;
  }
  return out;
}

TEST(PieceSource, Cuts) {
  using Counts = std::map<std::string, int64_t>;
  EXPECT_EQ(cut(PieceSource("", "metaspace"), "  ｆull  width\tx\n\nfull\n"),
            (Counts{{"▁full", 2}, {"▁width", 1}, {"▁x", 1}}));
  EXPECT_EQ(cut(PieceSource("", "metaspace", true), "a b\na"), (Counts{{"▁a", 1}, {"▁b\n", 1}, {"▁a\n", 1}}));
  EXPECT_EQ(cut(PieceSource("none", "metaspace"), "a▁b \x01"), (Counts{{"▁a", 1}, {"▁b", 1}, {"▁\x01", 1}}));
  EXPECT_EQ(cut(PieceSource("", "whitespace"), "don't 你好，x_1"),
            (Counts{{"don", 1}, {"'", 1}, {"t", 1}, {"你好", 1}, {"，", 1}, {"x_1", 1}}));
  EXPECT_EQ(cut(PieceSource("", "whitespace_split"), "don't \n x"), (Counts{{"don't", 1}, {"x", 1}}));
  EXPECT_EQ(cut(PieceSource("", "bert"), "Héllo, 你好!\x07"),
            (Counts{{"hello", 1}, {",", 1}, {"你", 1}, {"好", 1}, {"!", 1}}));
  EXPECT_EQ(cut(PieceSource("bert_cased", "bert"), "Héllo"), (Counts{{"Héllo", 1}}));
  EXPECT_EQ(cut(PieceSource("", "gpt2"), "a  b"), (Counts{{"a", 1}, {" ", 1}, {" b", 1}}));
  EXPECT_THROW(PieceSource("", "nope"), Error);
  EXPECT_THROW(PieceSource("nope", "gpt2"), Error);
}

TEST(SuffixArray, EqualsSortingOnRandomTexts) {
  std::mt19937 random(3);
  for (int round = 0; round < 400; ++round) {
    const int32_t alphabet = 1 + static_cast<int32_t>(random() % 5);
    std::vector<int32_t> text(random() % 60);
    for (int32_t& symbol : text) {
      symbol = static_cast<int32_t>(random() % static_cast<unsigned>(alphabet));
    }
    std::vector<int32_t> wanted(text.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      wanted[i] = static_cast<int32_t>(i);
    }
    std::sort(wanted.begin(), wanted.end(), [&](int32_t a, int32_t b) {
      return std::lexicographical_compare(text.begin() + a, text.end(), text.begin() + b, text.end());
    });
    const std::vector<int32_t> sa = suffix_array(text, alphabet);
    ASSERT_EQ(sa, wanted) << "round " << round;
    const std::vector<int32_t> lcp = common_prefixes(text, sa);
    for (size_t i = 1; i < sa.size(); ++i) {
      int32_t shared = 0;
      while (sa[i] + shared < static_cast<int32_t>(text.size()) &&
             sa[i - 1] + shared < static_cast<int32_t>(text.size()) &&
             text[sa[i] + shared] == text[sa[i - 1] + shared]) {
        ++shared;
      }
      ASSERT_EQ(lcp[i], shared);
    }
  }
}

TEST(SuffixArray, RepeatsAreTheInnerNodes) {
  // banana$: a (3 times), ana (2), na (2).
  const std::vector<int32_t> text{2, 1, 3, 1, 3, 1, 0};
  const std::vector<int32_t> sa = suffix_array(text, 4);
  std::vector<std::pair<int32_t, int32_t>> found;  // length, times
  for_each_repeat(common_prefixes(text, sa), [&](const RepeatedSubstring& node) {
    found.emplace_back(node.length, node.right - node.left);
  });
  EXPECT_EQ(found, (std::vector<std::pair<int32_t, int32_t>>{{3, 2}, {1, 3}, {2, 2}}));
}

TEST(WordTrainer, MostFrequentWords) {
  PieceCounter counter;
  PieceSource("", "whitespace").count("b a c a b a d", counter);
  const auto counts = [&](const CountVisitor& visit) {
    for (const char* word : {"a", "b", "c", "d"}) {
      for (const auto& entry : counter.entries()) {
        if (entry.piece == word) {
          visit(word, entry.count);
        }
      }
    }
  };
  nlohmann::json report;
  const auto json = nlohmann::json::parse(train_words(
      {.vocab_size = 5, .min_frequency = 1, .special_tokens = {"<s>"}, .pre_tokenizer = "whitespace"}, counts,
      report));
  EXPECT_EQ(json["model"]["vocab"], (nlohmann::json{{"<unk>", 0}, {"<s>", 1}, {"a", 2}, {"b", 3}, {"c", 4}}));
  EXPECT_NEAR(report["covered"].get<double>(), 6.0 / 7, 1e-9);
}

}  // namespace
}  // namespace athanor::token

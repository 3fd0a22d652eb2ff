// Speeds on one thread (by processor time, so that a busy machine does not matter much), for bench notes: build/clean_tests --gtest_also_run_disabled_tests --gtest_filter='*Speed*'
#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "athanor/base/file.h"
#include "athanor/base/rng.h"
#include "athanor/clean/near/dedup.h"
#include "athanor/clean/near/minhash.h"
#include "athanor/clean/near/shingle.h"
#include "athanor/clean/step.h"

namespace athanor {
namespace {

// About 16 MB of prose in documents of about 4 kB.
std::vector<std::string> documents(const std::string& file) {
  const char* data = std::getenv("ATHANOR_DATA");
  if (data == nullptr) {
    return {};
  }
  const std::string packed = read_file(fs::path(data) / "text" / file);
  std::string all(size_t{256} << 20, '\0');
  const size_t size = ZSTD_decompress(all.data(), all.size(), packed.data(), packed.size());
  all.resize(ZSTD_isError(size) ? 0 : size);
  std::vector<std::string> docs;
  std::istringstream in(all);
  const CleanChain normalize(nlohmann::json::array({"normalize"}));
  size_t bytes = 0;
  std::string text;
  for (std::string line; bytes < size_t{16} << 20 && std::getline(in, line);) {
    const nlohmann::json row = nlohmann::json::parse(line);
    text += row.at(row.contains("text") ? "text" : "modern").get<std::string>() + "\n";
    for (size_t end = text.find('\n', 4000); text.size() > 4000 && end != std::string::npos; end = text.find('\n', 4000)) {
      docs.push_back(text.substr(0, end));
      text.erase(0, end + 1);
      normalize.run(docs.back());  // the books have CR LF, which the published rules on lines take for text
      bytes += docs.back().size();
    }
  }
  return docs;
}

// 300 web pages, ten times.
std::vector<std::string> web_documents() {
  const char* data = std::getenv("ATHANOR_DATA");
  std::vector<std::string> docs;
  for (int round = 0; data != nullptr && round < 10; ++round) {
    std::ifstream in(fs::path(data) / "text" / "c4_demo.jsonl");
    for (std::string line; std::getline(in, line);) {
      docs.push_back(nlohmann::json::parse(line).at("text"));
    }
  }
  return docs;
}

template <typename Work>
void report(const char* what, const std::vector<std::string>& docs, const Work& work) {
  size_t bytes = 0;
  for (const std::string& doc : docs) {
    bytes += doc.size();
  }
  std::vector<double> speeds;
  for (int round = 0; round < 5; ++round) {
    const std::clock_t start = std::clock();
    work();
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    speeds.push_back(static_cast<double>(bytes) / seconds / 1e6);
  }
  std::sort(speeds.begin(), speeds.end());
  std::printf("%-44s %7.1f MB/s (median of 5; %.1f to %.1f)\n", what, speeds[2], speeds[0], speeds[4]);
}

void report_all(const std::vector<std::string>& docs) {
  size_t sink = 0;
  const std::vector<const char*> chains = {
      R"(["normalize"])", R"(["letters"])", R"(["gopher_repetition"])", R"(["gopher_quality"])", R"(["fineweb_quality"])",
      R"(["pii"])", R"(["c4"])", R"(["curator_english"])", R"(["zh_quality"])", R"(["boilerplate"])", R"(["unicode_repair"])",
      R"(["gopher_repetition", "gopher_quality", {"c4": {"filter_no_terminal_punct": false}}, "fineweb_quality"])"};
  for (const char* spec : chains) {
    const CleanChain chain(nlohmann::json::parse(spec));
    size_t kept = 0;
    for (const std::string& doc : docs) {
      std::string text = doc;
      kept += chain.run(text).keep;
    }
    std::printf("keeps %4.1f %%  ", 100.0 * static_cast<double>(kept) / static_cast<double>(docs.size()));
    report(spec, docs, [&] {
      for (const std::string& doc : docs) {
        std::string text = doc;
        sink += chain.run(text).keep;
      }
    });
  }
  const FoldTable folds;
  for (const SimdLevel level : {SimdLevel::kScalar, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (level > best_simd_level()) {
      continue;
    }
    const MinHash minhash(14, 8, 1, level);
    report(level == SimdLevel::kScalar ? "signature, scalar" : level == SimdLevel::kAvx2 ? "signature, AVX2" : "signature, AVX-512",
           docs, [&] {
             ShingleScratch scratch;
             std::string lowered;
             std::vector<uint64_t> shingles;
             std::vector<uint64_t> signature(minhash.num_hashes());
             for (const std::string& doc : docs) {
               lower_and_collapse(doc, lowered);
               make_shingles(lowered, 5, folds, scratch, shingles);
               minhash.sign(shingles.data(), shingles.size(), signature.data());
               sink += signature[0];
             }
           });
  }
  report("dedup end to end, 1 thread", docs, [&] {
    ThreadPool pool(1);
    Deduper deduper({}, pool);
    for (size_t i = 0; i < docs.size(); ++i) {
      deduper.add({std::to_string(i), docs[i]});
    }
    sink += deduper.finish().compared;
  });
  EXPECT_GT(sink, 0u);
}

// For bench/clean.py: the texts of a file through a chain; the answers to another file, the seconds to stdout.
TEST(Speed, DISABLED_ChainOnAFile) {
  const char* in = std::getenv("ATHANOR_BENCH_IN");
  const char* out = std::getenv("ATHANOR_BENCH_OUT");
  const char* spec = std::getenv("ATHANOR_BENCH_SPEC");
  if (in == nullptr || out == nullptr || spec == nullptr) {
    GTEST_SKIP() << "ATHANOR_BENCH_IN, _OUT and _SPEC are not set";
  }
  const CleanChain chain(nlohmann::json::parse(spec));
  std::vector<std::string> texts;
  std::ifstream file(in);
  for (std::string line; std::getline(file, line);) {
    texts.push_back(nlohmann::json::parse(line).at("text"));
  }
  std::vector<ChainVerdict> verdicts(texts.size());
  const std::clock_t start = std::clock();
  for (size_t i = 0; i < texts.size(); ++i) {
    verdicts[i] = chain.run(texts[i]);
  }
  std::printf("seconds %.6f\n", static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  std::ofstream answers(out);
  for (size_t i = 0; i < texts.size(); ++i) {
    const nlohmann::json answer = {
        {"step", verdicts[i].step}, {"reason", verdicts[i].reason}, {"score", verdicts[i].score}, {"text", texts[i]}};
    answers << answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  }
}

TEST(Speed, DISABLED_Web) { report_all(web_documents()); }
TEST(Speed, DISABLED_English) { report_all(documents("classics-en.jsonl.zst")); }
TEST(Speed, DISABLED_Chinese) { report_all(documents("classical-modern-zh.jsonl.zst")); }

}  // namespace
}  // namespace athanor

// What bench/dedup.py and bench/dedup_soak.py call; does nothing by itself.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "athanor/base/rng.h"
#include "athanor/clean/near/signer.h"
#include "athanor/data/documents/documents.h"

namespace athanor {
namespace {

constexpr uint64_t kFamily = 10;  // of ten documents seven are unlike; one equals the first, two are near it

std::vector<std::string> vocabulary() {
  std::vector<std::string> words;
  for (uint64_t i = 0; i < 50000; ++i) {
    std::string word;
    const uint64_t length = 2 + random_at(1, i) % 8;
    for (uint64_t k = 0; k < length; ++k) {
      word += static_cast<char>('a' + random_at(2, i, k) % 26);
    }
    words.push_back(std::move(word));
  }
  return words;
}

// About 100 words, the frequent ones first in the vocabulary. A variant above 0 has another word in one place.
std::string text_of(uint64_t base, uint64_t variant, const std::vector<std::string>& words) {
  std::string text;
  const uint64_t count = 80 + random_at(3, base) % 40;
  for (uint64_t i = 0; i < count; ++i) {
    const bool other = variant > 0 && i == 7;
    const double u = to_unit(random_at(other ? 4 + variant : 4, base, i));
    text += words[static_cast<size_t>(u * u * u * static_cast<double>(words.size()))];
    text += i + 1 == count ? '.' : i % 15 == 14 ? '\n' : ' ';
  }
  return text;
}

// The texts of a JSONL file through the signer on one thread; prints MB/s of processor time.
TEST(DedupBench, DISABLED_Signatures) {
  const char* file = std::getenv("ATHANOR_BENCH_TEXTS");
  ASSERT_TRUE(file != nullptr);
  std::vector<std::string> texts;
  size_t bytes = 0;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    texts.push_back(nlohmann::json::parse(line).at("text"));
    bytes += texts.back().size();
  }
  std::vector<TextRow> rows;
  for (const std::string& text : texts) {
    rows.push_back({"id", text});
  }
  ThreadPool pool(1);
  const DedupOptions options;
  Signer signer(options, pool);
  SignedPartWriter writer(dedup_num_keys(options), dedup_signature(options));
  const std::clock_t start = std::clock();
  signer.sign(rows, writer);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("MB/s %.3f\n", static_cast<double>(bytes) / seconds / 1e6);
}

// ATHANOR_SOAK_DOCUMENTS synthetic documents to ATHANOR_SOAK_FOLDER.
TEST(DedupBench, DISABLED_MakeDocuments) {
  const char* folder = std::getenv("ATHANOR_SOAK_FOLDER");
  const char* count = std::getenv("ATHANOR_SOAK_DOCUMENTS");
  ASSERT_TRUE(folder != nullptr && count != nullptr);
  const uint64_t total = std::strtoull(count, nullptr, 10);
  const std::vector<std::string> words = vocabulary();
  DocumentWriter writer(folder);
  for (uint64_t place = 0; place < total; ++place) {
    const uint64_t i = permute(place, total, 7);  // families are spread over the whole input
    const uint64_t member = i % kFamily;
    Document document;
    document.text = member < 7 ? text_of(i, 0, words) : text_of(i - i % kFamily, member - 7, words);
    if (member == 7) {
      document.text[0] = static_cast<char>(document.text[0] - 32);
    }
    document.source = "family" + std::to_string(i / kFamily);
    document.span_begin = i;
    document.span_end = i + 1;
    writer.add(document);
  }
  writer.finish();
}

}  // namespace
}  // namespace athanor

// For bench/tokenizer.py: encodes a text again and again with a fresh tokenizer, and writes one JSON object of times:
// processor seconds of the calling thread, but where it says otherwise.
//
//   tokenizer_speed TOKENIZER TEXT ROUNDS [IDS]     (IDS: a file for the ids, 32-bit words)
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>

#include "athanor/base/file.h"
#include "athanor/base/unicode.h"
#include "athanor/token/tokenizer.h"

namespace {

constexpr size_t kFullBytes = 4'000'000;  // for encode_full, which keeps some 40 bytes a token

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double processor_seconds() { return seconds(CLOCK_THREAD_CPUTIME_ID); }

// A fresh tokenizer on so many threads: wall and processor seconds of all, the text at first sight, then warm. It takes some
// calls until every thread has seen every part, since the parts go to whichever is free.
nlohmann::json parallel(const char* path, const std::string& text, int threads) {
  const athanor::Tokenizer tokenizer = athanor::Tokenizer::load(path);
  athanor::ThreadPool pool(threads);
  nlohmann::json result;
  std::vector<int32_t> ids;
  for (int round = 0; round < 9; ++round) {
    std::vector<int32_t>().swap(ids);
    const double wall = seconds(CLOCK_MONOTONIC), processor = seconds(CLOCK_PROCESS_CPUTIME_ID);
    tokenizer.encode_parallel(text, pool, ids);
    result["wall"].push_back(seconds(CLOCK_MONOTONIC) - wall);
    result["processor"].push_back(seconds(CLOCK_PROCESS_CPUTIME_ID) - processor);
  }
  return result;
}

uint64_t digest_of(const std::vector<int32_t>& ids) {
  uint64_t digest = 0xcbf29ce484222325;
  for (const int32_t id : ids) {
    digest = (digest ^ static_cast<uint32_t>(id)) * 0x100000001b3;
  }
  return digest;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: tokenizer_speed TOKENIZER TEXT ROUNDS [IDS]\n";
    return 2;
  }
  nlohmann::json result;
  double start = processor_seconds();
  const double clock = seconds(CLOCK_MONOTONIC);
  const athanor::Tokenizer tokenizer = athanor::Tokenizer::load(argv[1]);
  result["load"] = processor_seconds() - start;
  result["load_wall"] = seconds(CLOCK_MONOTONIC) - clock;
  const std::string text = athanor::read_file(argv[2], uint64_t{1} << 32);
  result["bytes"] = text.size();
  std::vector<int32_t> ids;
  for (int round = 0; round < std::atoi(argv[3]); ++round) {
    std::vector<int32_t>().swap(ids);
    start = processor_seconds();
    tokenizer.encode(text, ids);
    result["encode"].push_back(processor_seconds() - start);
  }
  result["ids"] = ids.size();
  result["digest"] = digest_of(ids);
  for (int round = 0; round < 3; ++round) {
    start = processor_seconds();
    const std::string back = tokenizer.decode(ids);
    result["decode"].push_back(processor_seconds() - start);
    result["round_trip"] = back == text;
  }
  const std::string_view some = athanor::utf8_prefix(text, kFullBytes);
  for (int round = 0; round < 3; ++round) {
    start = processor_seconds();
    result["full_ids"] = tokenizer.encode_full(some).size();
    const double full = processor_seconds() - start;
    result["full"] = round == 0 ? full : std::min(full, result["full"].get<double>());
  }
  result["full_bytes"] = some.size();
  start = processor_seconds();
  result["counted"] = tokenizer.count(text);
  result["count"] = processor_seconds() - start;
  result["one_thread"] = parallel(argv[1], text, 1);
  result["two_threads"] = parallel(argv[1], text, 2);
  if (argc > 4) {
    athanor::write_file_atomic(argv[4], {reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(int32_t)});
  }
  std::cout << result << "\n";
  return 0;
}

// Runs a fuzz target without a fuzzer: every file of its corpus as it is, then cut, flipped, doubled and spliced in a
// way that a fixed seed decides. So the corpora are replayed by ctest under any compiler and sanitizer.
//
//   <target> CORPUS [MUTATIONS_A_FILE [SECONDS]]
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/base/rng.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

std::string mutate(std::string bytes, const std::vector<std::string>& corpus, athanor::Rng& rng) {
  const uint64_t edits = 1 + rng.below(4);
  for (uint64_t i = 0; i < edits && !bytes.empty(); ++i) {
    const size_t at = rng.below(bytes.size());
    switch (rng.below(6)) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << rng.below(8)));
        break;
      case 2:
        bytes[at] = static_cast<char>(rng.below(256));
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, rng.below(64)));
        break;
      case 4:
        bytes.erase(at, 1 + rng.below(16));
        break;
      default: {
        const std::string& other = corpus[rng.below(corpus.size())];
        bytes = bytes.substr(0, at) + other.substr(other.empty() ? 0 : rng.below(other.size()));
      }
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS [MUTATIONS_A_FILE [SECONDS]]\n", argv[0]);
    return 2;
  }
  const long mutations = argc > 2 ? std::atol(argv[2]) : 300;
  const double seconds = argc > 3 ? std::atof(argv[3]) : 5;
  std::vector<std::string> corpus;
  for (const auto& path : athanor::glob(std::string(argv[1]) + "/*")) {
    corpus.push_back(athanor::read_file(path));
    run(corpus.back());
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "no corpus in %s\n", argv[1]);
    return 1;
  }
  run("");
  const auto begin = std::chrono::steady_clock::now();
  athanor::Rng rng(1);
  long done = 0;
  for (long i = 0; i < mutations * static_cast<long>(corpus.size()); ++i, ++done) {
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() > seconds) {
      break;
    }
    run(mutate(corpus[static_cast<size_t>(i) % corpus.size()], corpus, rng));
  }
  std::printf("%zu files, %ld mutations\n", corpus.size(), done);
  return 0;
}

// A file of signatures from outside (a part of a dedup index): opens or says why not; what opens can be read to its end.
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/clean/near/signed_part.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path = "/tmp/athanor-dedup-index-fuzz-" + std::to_string(::getpid());
  FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) {
    return 0;
  }
  std::fwrite(data, 1, size, file);
  std::fclose(file);
  try {
    const athanor::SignedPart part(path);
    part.ranks(0, part.num_rows());
    part.digests(0, part.num_rows());
    if (part.num_keys() > 0) {
      part.keys(part.num_keys() - 1, 0, part.num_rows());
    }
    std::vector<uint32_t> shingles;
    for (uint64_t row = 0; row < part.num_rows() && row < 1000; ++row) {
      part.id(row);
      part.shingles(row, shingles);
    }
    part.ids(0, part.num_rows());
    part.verify();
  } catch (const athanor::Error&) {
  }
  ::unlink(path.c_str());
  return 0;
}

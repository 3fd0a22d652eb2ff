// The scanners of the families that matter most, 64 bytes at a time (window.h), for the instruction set of the machine
// that it runs on. They cut as the scanners of scan.h do.
#pragma once

#include <span>

#include "athanor/token/split/split.h"

namespace athanor::token {

// With AVX-512, AVX2 or neither, whichever the machine has.
size_t scan_gpt2(std::string_view text, size_t begin, size_t* ends, size_t max);
size_t scan_llama3(std::string_view text, size_t begin, size_t* ends, size_t max);  // digits in threes
size_t scan_qwen2(std::string_view text, size_t begin, size_t* ends, size_t max);   // digits one by one
size_t scan_deepseek(std::string_view text, size_t begin, size_t* ends, size_t max);

// The ways that this machine can run, for tests: each of the four families, in the order above.
struct ScanPath {
  const char* name;
  Scan scans[4];
};
std::span<const ScanPath> scan_paths();

}  // namespace athanor::token

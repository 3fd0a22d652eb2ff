// Writes a map from byte strings to numbers as the double array that darts-clone reads (Yata et al. 2007, "A compact
// static double-array keeping character codes"; SentencePiece's charsmaps). Equal subtrees are held once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace athanor::token {

// Keys are not empty and hold no byte 0; values are below 2^31. Whole blocks of 256 units, as readers want it.
// Error(kUsage) when more than 2^21 units would be needed.
std::vector<uint32_t> double_array(const std::map<std::string, uint32_t>& keys);

}  // namespace athanor::token

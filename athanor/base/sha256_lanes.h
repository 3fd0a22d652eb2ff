// SHA-256 (FIPS 180-4) of several texts at once. One text alone waits for each round's result: the processor's SHA
// instructions could do about twice as much. Two texts side by side in one thread fill the gaps.
//
//   sha256_many({{{head, body}}, {{other}}})   // two digests, of head + body and of other
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

using TextPieces = std::vector<std::string_view>;  // one text, cut anywhere

// 64 lower-case hex digits for each text. Takes the texts in order, two at a time; without SHA instructions (x86 with SHA-NI)
// one after another through OpenSSL.
std::vector<std::string> sha256_many(std::span<const TextPieces> texts);

}  // namespace athanor

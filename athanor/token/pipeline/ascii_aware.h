// Normalizers for a text alone that leave most of ASCII as it is: that is copied, and only what stands around other
// characters goes through the step itself.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

namespace athanor::token {

// What a normalizer does to a text.
using TextFunction = std::function<std::string(std::string_view)>;

// A step that looks at one extended grapheme cluster after the other (Precompiled): two neighbours in ASCII are never
// in one, but for CR LF.
class AsciiAware {
 public:
  explicit AsciiAware(TextFunction step);
  std::string operator()(std::string_view text) const;

  // Whether the step leaves the ASCII character as it is, when another follows.
  bool keeps(char c) const { return static_cast<uint8_t>(c) < 128 && same_[static_cast<uint8_t>(c)]; }

 private:
  TextFunction step_;
  std::array<std::string, 128> to_;
  std::array<bool, 256> same_{};    // to_ is the character
  std::array<bool, 256> simple_{};  // ASCII other than CR
};

// Each run of two or more spaces becomes `content`: Replace of the regex " {2,}".
std::string replace_space_runs(std::string_view text, std::string_view content);

}  // namespace athanor::token

// An Encoding in the making: what truncation, post-processors and padding work on. The rules, for windows of
// overflowing tokens too, are those of HF tokenizers' Encoding.
#pragma once

#include <string>
#include <vector>

#include "athanor/token/encoding.h"
#include "athanor/token/file/json_field.h"

namespace athanor::token {

struct Draft {
  // What trim_offsets needs: how many characters at a token's ends are spaces, and where that many characters from
  // its begin and before its end are.
  struct Edges {
    uint32_t leading = 0, trailing = 0;
    uint32_t begin = 0, end = 0;
  };

  std::vector<int32_t> ids, type_ids, words;
  std::vector<TextSpan> offsets;
  std::vector<uint8_t> special, attention;
  std::vector<Edges> edges;  // empty when nothing will trim
  std::vector<Draft> overflowing;

  size_t size() const { return ids.size(); }
  void reserve(size_t size, bool with_edges);
  void push(int32_t id, int32_t type_id, int32_t word, TextSpan offset, bool is_special, const Edges* edge);
  void push_special(int32_t id, int32_t type_id);
  // Appends other; windows are combined with each other.
  void append(Draft other);
  Draft slice(size_t begin, size_t end) const;
  Encoding finish() &&;
};

struct Truncation {
  enum class Strategy { kLongestFirst, kOnlyFirst, kOnlySecond };
  bool left = false;
  size_t max_length = 512;
  Strategy strategy = Strategy::kLongestFirst;
  size_t stride = 0;
};
Truncation read_truncation(const Field& field);
// Cuts one or two texts to max_length tokens in all.
void truncate(std::vector<Draft>& drafts, Truncation truncation);

struct Padding {
  bool left = false;
  size_t fixed = 0;  // 0: to the longest of a batch
  size_t multiple = 0;
  int32_t id = 0, type_id = 0;
};
Padding read_padding(const Field& field);
size_t padded_length(const Padding& padding, size_t longest);
void pad(Draft& draft, const Padding& padding, size_t length);

}  // namespace athanor::token

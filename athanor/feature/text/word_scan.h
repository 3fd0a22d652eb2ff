// A text lower-cased and its words found, 16 bytes at a time: what counting words spends most of
// its time on. Words are runs of letters, digits and _ of at least two characters, as
// scikit-learn's token_pattern has them. Private to this room.
//
//   WordScan scan;
//   scan.read("An apple", true);          // text() is "an apple"
//   scan.edges()                          // 0, 2, 3, 8: begin and end of each word, in bytes
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

class WordScan {
 public:
  static constexpr size_t kPadding = 32;  // bytes behind the text that may be read

  void read(std::string_view text, bool lowercase);

  std::string_view text() const { return {buffer_.get(), size_}; }
  // Runs of word characters of two bytes or more. Where beyond_ascii(), a run may still be a single
  // character, or hold Chinese.
  std::span<const uint32_t> edges() const { return {edges_.data(), num_edges_}; }
  bool beyond_ascii() const { return beyond_ascii_; }

 private:
  void reserve(size_t bytes);
  const char* read_ascii(const char* p, const char* end, bool lowercase);
  const char* read_character(const char* p, const char* end, bool lowercase);
  void mark(uint64_t bits, size_t count);  // of the `count` bytes that were just written
  void find_edges();

  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t size_ = 0;
  std::vector<uint64_t> bits_;  // a bit a byte: it is of a word
  std::vector<uint32_t> edges_;  // room for them
  size_t num_edges_ = 0;
  std::string piece_;
  bool beyond_ascii_ = false;
};

// Character classes of Python's re and str that decide terms: \w and isspace().
bool is_word_character(char32_t code);
bool is_python_space(char32_t code);

// The lower case of `code` as str.lower() has it: `before` is what was written so far, p what
// follows (a capital sigma asks both; Unicode 3.13, Final_Sigma).
void append_lower(std::string& out, char32_t code, std::string_view before, const char* p,
                  const char* end);

}  // namespace athanor

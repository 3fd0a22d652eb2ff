// How fastText reads a line: tokens between blanks, 32-bit FNV-1a with the bytes taken as signed, character n-grams
// of "<word>", word n-grams. Shared by prediction and training. Bytes need not be valid UTF-8.
//
// One difference, on purpose: a newline is a blank here, so that a document is one line. The end-of-sentence token
// "</s>" that fastText adds at a newline follows the last token.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

inline constexpr std::string_view kFastTextEnd = "</s>";
inline constexpr std::string_view kFastTextLabelPrefix = "__label__";
inline constexpr uint32_t kFnvBasis = 2166136261U;

inline uint32_t fnv_step(uint32_t hash, char byte) {
  return (hash ^ static_cast<uint32_t>(static_cast<int8_t>(byte))) * 16777619U;
}
inline uint32_t fasttext_hash(std::string_view token) {
  uint32_t hash = kFnvBasis;
  for (const char byte : token) {
    hash = fnv_step(hash, byte);
  }
  return hash;
}

// ' ', \t, \n, \v, \f, \r, NUL
inline bool is_fasttext_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; }

// fn(token, hash) -> whether to go on, for each token of text.
template <class Fn>
void each_blank_token(std::string_view text, Fn fn) {
  const char* p = text.data();
  const char* end = p + text.size();
  while (p != end) {
    if (is_fasttext_blank(*p)) {
      ++p;
      continue;
    }
    const char* begin = p;
    uint32_t hash = kFnvBasis;
    while (p != end && !is_fasttext_blank(*p)) {
      hash = fnv_step(hash, *p++);
    }
    if (!fn(std::string_view(begin, static_cast<size_t>(p - begin)), hash)) {
      return;
    }
  }
}

// fn(token, hash) for each token of text, and for "</s>" at the end. A "</s>" in the text ends it, as in fastText.
template <class Fn>
void each_fasttext_token(std::string_view text, Fn fn) {
  each_blank_token(text, [&](std::string_view token, uint32_t hash) {
    if (token == kFastTextEnd) {
      return false;
    }
    fn(token, hash);
    return true;
  });
  fn(kFastTextEnd, fasttext_hash(kFastTextEnd));
}

// x % divisor by two multiplications (Lemire, Kaser, Kurz 2019).
class FastModulo {
 public:
  explicit FastModulo(uint32_t divisor = 1) : divisor_(divisor), inverse_(~uint64_t{0} / divisor + 1) {}
  uint32_t operator()(uint32_t x) const {
    return static_cast<uint32_t>((static_cast<unsigned __int128>(inverse_ * x) * divisor_) >> 64);
  }

 private:
  uint64_t divisor_;
  uint64_t inverse_;
};

// Character and word n-grams as bucket numbers in [0, bucket).
class FastTextNgrams {
 public:
  FastTextNgrams(int32_t minn, int32_t maxn, int32_t word_ngrams, int32_t bucket)
      : minn_(minn), maxn_(maxn), word_ngrams_(word_ngrams), bucket_(bucket > 0 ? static_cast<uint32_t>(bucket) : 1),
        modulo_(bucket_) {}

  bool has_subwords() const { return maxn_ > 0; }

  // fn(bucket) for each n-gram of minn to maxn characters of "<token>". padded: scratch.
  template <class Fn>
  void each_subword(std::string_view token, std::string& padded, Fn fn) const {
    if (maxn_ <= 0) {
      return;
    }
    padded.assign(1, '<');
    padded.append(token);
    padded.push_back('>');
    const char* begin = padded.data();
    const char* end = begin + padded.size();
    for (const char* start = begin; start != end; ++start) {
      if (is_continuation(*start)) {
        continue;
      }
      uint32_t hash = kFnvBasis;
      const char* p = start;
      for (int32_t n = 1; p != end && n <= maxn_; ++n) {
        hash = fnv_step(hash, *p++);
        while (p != end && is_continuation(*p)) {
          hash = fnv_step(hash, *p++);
        }
        if (n >= minn_ && !(n == 1 && (start == begin || p == end))) {
          fn(modulo_(hash));
        }
      }
    }
  }

  // fn(bucket) for each run of 2 to word_ngrams tokens, by the hashes of all tokens of a line.
  template <class Fn>
  void each_word_ngram(const std::vector<int32_t>& hashes, Fn fn) const {
    for (size_t i = 0; i < hashes.size(); ++i) {
      auto hash = static_cast<uint64_t>(static_cast<int64_t>(hashes[i]));
      for (size_t j = i + 1; j < hashes.size() && j < i + static_cast<size_t>(word_ngrams_); ++j) {
        hash = hash * 116049371U + static_cast<uint64_t>(static_cast<int64_t>(hashes[j]));
        fn(static_cast<uint32_t>(hash % bucket_));
      }
    }
  }

 private:
  static bool is_continuation(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

  int32_t minn_;
  int32_t maxn_;
  int32_t word_ngrams_;
  uint32_t bucket_;
  FastModulo modulo_;
};

}  // namespace athanor

// The steps of decoder chains. Those that come as Stream... do for a fused token, as it comes by, what the plain ones
// do for a whole one.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "athanor/base/unicode.h"
#include "athanor/token/model/byte_map.h"
#include "athanor/token/pipeline/decoder.h"
#include "athanor/token/pipeline/partial_utf8.h"

namespace athanor::token::decode_steps {

using Tokens = std::vector<std::string>;

inline std::string replace_all(const std::string& text, const std::string& from, const std::string& to) {
  std::string out;
  if (from.empty()) {  // then `to` stands before every character and at the end
    for (const char *p = text.data(), *end = p + text.size(); p != end;) {
      const char* const begin = p;
      decode_utf8(p, end);
      out += to;
      out.append(begin, p);
    }
    return out + to;
  }
  size_t done = 0;
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done);
    out += to;
    done = at + from.size();
  }
  return out.append(text, done);
}

// A change of one token whatever comes after it. A fused token is put together first.
class PerToken : public DecodeStep {
 public:
  // index: of the token, from 0.
  using Change = std::function<std::string(const std::string& token, size_t index)>;
  PerToken(Change change, bool fused) : change_(std::move(change)), fused_(fused) {}

  void push(std::string token, Tokens& out) override {
    if (fused_) {
      held_ += token;
    } else {
      out.push_back(change_(token, index_++));
    }
  }
  void finish(Tokens& out) override {
    if (fused_) {
      out.push_back(change_(held_, 0));
    }
  }

 private:
  Change change_;
  bool fused_;
  size_t index_ = 0;
  std::string held_;
};

class Fuse : public DecodeStep {
 public:
  void push(std::string token, Tokens& out) override { out.push_back(std::move(token)); }
};

class ByteLevel : public DecodeStep {
 public:
  void push(std::string token, Tokens& out) override {
    held_ += token_to_bytes(token);
    const size_t complete = complete_utf8_prefix(held_);
    out.push_back(repair_utf8(std::string_view(held_).substr(0, complete)));
    held_.erase(0, complete);
  }
  void finish(Tokens& out) override { out.push_back(repair_utf8(held_)); }

 private:
  std::string held_;
};

// <0xE4>: one byte. Bytes in a row that are UTF-8 become a token, else each becomes U+FFFD.
class ByteFallback : public DecodeStep {
 public:
  void push(std::string token, Tokens& out) override {
    const int byte = byte_of(token);
    if (byte >= 0) {
      held_ += static_cast<char>(byte);
      return;
    }
    finish(out);
    out.push_back(std::move(token));
  }
  void finish(Tokens& out) override {
    if (!is_valid_utf8(held_)) {
      out.insert(out.end(), held_.size(), "\uFFFD");
    } else if (!held_.empty()) {
      out.push_back(held_);
    }
    held_.clear();
  }

 private:
  static int byte_of(const std::string& token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') {
      return -1;
    }
    int value = 0;
    for (size_t i = token[3] == '+' ? 4 : 3; i < 5; ++i) {  // HF takes <0x+A>, too
      const char c = token[i], lower = static_cast<char>(c | 0x20);
      if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'f')) {
        return -1;
      }
      value = value * 16 + (c <= '9' ? c - '0' : lower - 'a' + 10);
    }
    return value;
  }

  std::string held_;
};

// The suffix becomes a space, but for the last token, so each token waits for the next.
class BpeSuffix : public DecodeStep {
 public:
  explicit BpeSuffix(std::string suffix) : suffix_(std::move(suffix)) {}
  void push(std::string token, Tokens& out) override {
    if (any_) {
      out.push_back(replace_all(held_, suffix_, " "));
    }
    held_ = std::move(token);
    any_ = true;
  }
  void finish(Tokens& out) override {
    if (any_) {
      out.push_back(replace_all(held_, suffix_, ""));
    }
  }

 private:
  std::string suffix_, held_;
  bool any_ = false;
};

// Up to `start` times the character at the beginning and `stop` times at the end.
inline std::string strip(const std::string& token, const std::string& character, size_t start, size_t stop) {
  std::string_view left = token;
  for (size_t i = 0; i < start && left.starts_with(character); ++i) {
    left.remove_prefix(character.size());
  }
  for (size_t i = 0; i < stop && left.ends_with(character); ++i) {
    left.remove_suffix(character.size());
  }
  return std::string(left);
}

// The same for a fused token, as it comes by.
class StreamStrip : public DecodeStep {
 public:
  StreamStrip(std::string character, size_t start, size_t stop)
      : character_(std::move(character)), left_(start), stop_(stop) {}
  void push(std::string token, Tokens& out) override {
    held_ += token;
    while (left_ > 0 && held_.starts_with(character_)) {
      held_.erase(0, character_.size());
      --left_;
    }
    if (left_ > 0 && character_.starts_with(held_)) {
      return;
    }
    left_ = 0;
    size_t keep = held_.size();
    for (size_t i = 0; i < stop_ && std::string_view(held_).substr(0, keep).ends_with(character_); ++i) {
      keep -= character_.size();
    }
    out.push_back(held_.substr(0, keep));
    held_.erase(0, keep);
  }
  void finish(Tokens& out) override { out.push_back(strip(held_, character_, left_, stop_)); }

 private:
  std::string character_, held_;
  size_t left_, stop_;
};

// A literal in a fused token: what may still become a match waits.
class StreamReplace : public DecodeStep {
 public:
  StreamReplace(std::string from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}
  void push(std::string token, Tokens& out) override {
    held_ += token;
    std::string done;
    size_t begin = 0;
    for (size_t at = held_.find(from_); at != std::string::npos; at = held_.find(from_, begin)) {
      done.append(held_, begin, at - begin);
      done += to_;
      begin = at + from_.size();
    }
    size_t keep = std::min(held_.size() - begin, from_.size() - 1);
    while (keep > 0 && !std::string_view(from_).starts_with(std::string_view(held_).substr(held_.size() - keep))) {
      --keep;
    }
    done.append(held_, begin, held_.size() - keep - begin);
    held_.erase(0, held_.size() - keep);
    out.push_back(std::move(done));
  }
  void finish(Tokens& out) override { out.push_back(held_); }

 private:
  std::string from_, to_, held_;
};

// WordPiece's English tidying, in this order.
inline std::string tidy(std::string text) {
  constexpr const char* kPairs[][2] = {{" .", "."},     {" ?", "?"},     {" !", "!"},           {" ,", ","},
                                       {" ' ", "'"},    {" n't", "n't"}, {" 'm", "'m"},         {" do not", " don't"},
                                       {" 's", "'s"},   {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kPairs) {
    if (text.find(from) != std::string::npos) {
      text = replace_all(text, from, to);
    }
  }
  return text;
}

// Equal tokens in a row are one; empty ones go.
class Ctc : public DecodeStep {
 public:
  Ctc(std::string pad, std::string delimiter, bool cleanup)
      : pad_(std::move(pad)), delimiter_(std::move(delimiter)), cleanup_(cleanup) {}
  void push(std::string token, Tokens& out) override {
    if (any_ && token == last_) {
      return;
    }
    any_ = true;
    last_ = token;
    token = replace_all(token, pad_, "");
    token = cleanup_ ? replace_all(tidy(std::move(token)), delimiter_, " ") : token;
    if (!token.empty()) {
      out.push_back(std::move(token));
    }
  }

 private:
  std::string pad_, delimiter_, last_;
  bool cleanup_, any_ = false;
};

// Waits for the whole of a fused token.
class Whole : public DecodeStep {
 public:
  explicit Whole(std::unique_ptr<DecodeStep> inner) : inner_(std::move(inner)) {}
  void push(std::string token, Tokens&) override { held_ += token; }
  void finish(Tokens& out) override {
    inner_->push(std::move(held_), out);
    inner_->finish(out);
  }

 private:
  std::unique_ptr<DecodeStep> inner_;
  std::string held_;
};

}  // namespace athanor::token::decode_steps

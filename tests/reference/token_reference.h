// A tokenizer as plain as can be, to hold the fast one against: cuts by PCRE2, merges by looking for the lowest rank
// again and again, longest matches by trying every length, the best path by trying every token at every place. No
// table, no cache, no scanner of the real one is used.
//
//   const ReferenceTokenizer reference(json);   // ByteLevel cuts or one Split regex; BPE, WordPiece or Unigram
//   reference.encode(text)
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace athanor::reference {

using Json = nlohmann::json;

class Pattern {
 public:
  explicit Pattern(const std::string& source) {
    int error = 0;
    size_t offset = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(), PCRE2_UTF | PCRE2_UCP, &error,
                              &offset, nullptr));
    if (!code_) {
      throw std::runtime_error("pattern " + source);
    }
    data_.reset(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
  }
  // The first match at or after begin that is not empty.
  bool find(std::string_view text, size_t begin, size_t& from, size_t& to) const {
    const int count = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), begin,
                                  PCRE2_NOTEMPTY, data_.get(), nullptr);
    if (count <= 0) {
      return false;
    }
    from = pcre2_get_ovector_pointer(data_.get())[0];
    to = pcre2_get_ovector_pointer(data_.get())[1];
    return true;
  }

 private:
  struct Free {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  };
  std::unique_ptr<pcre2_code, Free> code_;
  std::unique_ptr<pcre2_match_data, Free> data_;
};

inline size_t length_of(std::string_view text, size_t at) {
  const auto byte = static_cast<uint8_t>(text[at]);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

inline std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size(); at += out.back().size()) {
    out.emplace_back(text.substr(at, length_of(text, at)));
  }
  return out;
}

// GPT-2's spelling of bytes.
inline std::string spell(std::string_view bytes) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all(256);
    int next = 256;
    for (int byte = 0; byte < 256; ++byte) {
      const bool stays = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      const int code = stays ? byte : next++;
      all[byte] = code < 0x80 ? std::string(1, static_cast<char>(code))
                              : std::string{static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
    }
    return all;
  }();
  std::string out;
  for (const char byte : bytes) {
    out += names[static_cast<uint8_t>(byte)];
  }
  return out;
}

class ReferenceTokenizer {
 public:
  explicit ReferenceTokenizer(const Json& file) : model_(file["model"]), type_(model_["type"]) {
    if (type_ == "Unigram") {
      for (const Json& entry : model_["vocab"]) {
        scores_.emplace(entry[0].get<std::string>(), std::pair(entry[1].get<double>(), static_cast<int>(scores_.size())));
        lowest_ = std::min(lowest_, entry[1].get<double>());
      }
    } else {
      vocab_ = model_["vocab"].get<std::map<std::string, int>>();
    }
    if (type_ == "BPE") {
      for (const Json& merge : model_["merges"]) {
        ranks_.emplace(std::pair(merge[0].get<std::string>(), merge[1].get<std::string>()), static_cast<int>(ranks_.size()));
      }
    }
    read_cuts(file["pre_tokenizer"]);
  }

  // text: UTF-8.
  std::vector<int32_t> encode(const std::string& text) const {
    std::vector<int32_t> ids;
    for (const std::string& piece : pieces(text)) {
      if (type_ == "BPE") {
        merge(byte_level_ ? spell(piece) : piece, ids);
      } else if (type_ == "WordPiece") {
        longest(piece, ids);
      } else {
        best_path(piece, ids);
      }
    }
    return ids;
  }

 private:
  void read_cuts(const Json& section) {
    const std::string type = section["type"];
    if (type == "Sequence") {
      for (const Json& each : section["pretokenizers"]) {
        read_cuts(each);
      }
    } else if (type == "ByteLevel") {
      byte_level_ = true;
      if (section.value("use_regex", true)) {
        cuts_.emplace_back(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)");
      }
    } else if (type == "Metaspace") {
      metaspace_ = true;
    } else {
      cuts_.emplace_back(section["pattern"]["Regex"].get<std::string>());
      removes_ = section["behavior"] == "Removed";
    }
  }

  std::vector<std::string> pieces(const std::string& text) const {
    if (metaspace_) {
      return marked(text);
    }
    std::vector<std::string> all = {text};
    for (const Pattern& cut : cuts_) {
      std::vector<std::string> next;
      for (const std::string& piece : all) {
        size_t done = 0, from = 0, to = 0;
        while (cut.find(piece, done, from, to)) {
          next.push_back(piece.substr(done, from - done));
          if (!removes_) {
            next.push_back(piece.substr(from, to - from));
          }
          done = to;
        }
        next.push_back(piece.substr(done));
      }
      all = std::move(next);
    }
    std::erase(all, "");
    return all;
  }

  // prepend_scheme "always", split.
  static std::vector<std::string> marked(const std::string& text) {
    std::vector<std::string> out;
    for (const std::string& character : characters(text)) {
      const std::string mark = "\u2581", here = character == " " ? mark : character;
      if (out.empty() || here == mark) {
        out.push_back(here == mark ? "" : mark);
      }
      out.back() += here;
    }
    return out;
  }

  void merge(const std::string& piece, std::vector<int32_t>& ids) const {
    std::vector<std::string> symbols = characters(piece);
    for (;;) {
      int best = std::numeric_limits<int>::max();
      size_t where = 0;
      for (size_t i = 0; i + 1 < symbols.size(); ++i) {
        const auto found = ranks_.find({symbols[i], symbols[i + 1]});
        if (found != ranks_.end() && found->second < best) {
          best = found->second;
          where = i;
        }
      }
      if (best == std::numeric_limits<int>::max()) {
        break;
      }
      symbols[where] += symbols[where + 1];
      symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(where) + 1);
    }
    for (const std::string& symbol : symbols) {
      ids.push_back(vocab_.at(symbol));
    }
  }

  void longest(const std::string& piece, std::vector<int32_t>& ids) const {
    const int unknown = vocab_.at(model_["unk_token"]);
    if (characters(piece).size() > model_["max_input_chars_per_word"].get<size_t>()) {
      ids.push_back(unknown);
      return;
    }
    std::vector<int32_t> found;
    for (size_t at = 0; at < piece.size();) {
      size_t length = piece.size() - at;
      const auto name = [&] {
        return (at > 0 ? model_["continuing_subword_prefix"].get<std::string>() : "") + piece.substr(at, length);
      };
      while (length > 0 && !vocab_.contains(name())) {
        --length;
      }
      if (length == 0) {
        ids.push_back(unknown);
        return;
      }
      found.push_back(vocab_.at(name()));
      at += length;
    }
    ids.insert(ids.end(), found.begin(), found.end());
  }

  // Of equal paths the one whose last token began later is not taken: strictly better replaces.
  void best_path(const std::string& piece, std::vector<int32_t>& ids) const {
    const double none = -std::numeric_limits<double>::infinity();
    std::vector<double> score(piece.size() + 1, none);
    std::vector<std::pair<size_t, int>> from(piece.size() + 1);
    score[0] = 0;
    const int unknown = model_["unk_id"];
    for (size_t at = 0; at < piece.size(); at += length_of(piece, at)) {
      bool single = false;
      for (size_t end = at + 1; end <= piece.size(); ++end) {
        const auto found = scores_.find(piece.substr(at, end - at));
        if (found != scores_.end()) {
          single = single || end == at + length_of(piece, at);
          offer(score, from, at, end, score[at] + found->second.first, found->second.second);
        }
      }
      if (!single) {
        offer(score, from, at, at + length_of(piece, at), score[at] + lowest_ - 10, unknown);
      }
    }
    std::vector<int32_t> path;
    for (size_t end = piece.size(); end > 0; end = from[end].first) {
      if (path.empty() || path.back() != unknown || from[end].second != unknown) {  // unknowns in a row are one
        path.push_back(from[end].second);
      }
    }
    ids.insert(ids.end(), path.rbegin(), path.rend());
  }
  static void offer(std::vector<double>& score, std::vector<std::pair<size_t, int>>& from, size_t at, size_t end,
                    double value, int id) {
    if (value > score[end]) {
      score[end] = value;
      from[end] = {at, id};
    }
  }

  Json model_;
  std::string type_;
  std::map<std::string, int> vocab_;
  std::map<std::pair<std::string, std::string>, int> ranks_;
  std::map<std::string, std::pair<double, int>> scores_;
  double lowest_ = 0;
  std::vector<Pattern> cuts_;
  bool byte_level_ = false, metaspace_ = false, removes_ = false;
};

}  // namespace athanor::reference

#include "athanor/token/file/charsmap_builder.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <unordered_map>

#include "athanor/token/file/byte_automaton.h"

namespace athanor::token {

namespace {

using Codes = std::u32string;

constexpr char32_t kEndOfPlanes = 0x40000;  // nothing is assigned from here
constexpr char32_t kTags = 0xE0000, kEndOfTags = 0xE0200;  // but these
constexpr size_t kMostParts = 4;  // no character has more that compose

std::string utf8(const Codes& codes) {
  std::string out;
  for (const char32_t code : codes) {
    append_utf8(out, code);
  }
  return out;
}

Codes codes_of(std::string_view text) {
  Codes out;
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    out += decode_utf8(p, end);
  }
  return out;
}

std::string normal_form(std::string_view text, bool compose, bool compatible) {
  Aligned aligned = Aligned::of(text, 0, false, true);
  apply_normal_form(aligned, compose, compatible);
  return std::move(aligned.text);
}

template <typename Visit>
void for_each_character(const Visit& visit) {
  for (char32_t code = 1; code < kEndOfTags; ++code) {
    if (code == kEndOfPlanes) {
      code = kTags;
    }
    if (code < 0xD800 || code > 0xDFFF) {
      visit(code);
    }
  }
}

class Builder {
 public:
  explicit Builder(const std::vector<NormalizerStep>& steps) : steps_(steps) {
    for (const NormalizerStep& step : steps) {
      composes_ = composes_ || step.type == "NFC" || step.type == "NFKC";
      compatible_ = compatible_ || step.type == "NFKC" || step.type == "NFKD";
    }
  }

  std::map<std::string, std::string> rules() {
    for_each_character([&](char32_t code) {
      const std::string text = utf8({code});
      if (std::string normal = normalise(text); normal != text) {
        add(text, std::move(normal));
      }
    });
    if (composes_) {
      add_sequences();
    }
    return {rules_.begin(), rules_.end()};
  }

 private:
  std::string normalise(std::string_view text) const {
    Aligned aligned = Aligned::of(text, 0, false, true);
    for (const NormalizerStep& step : steps_) {
      step.apply(aligned);
    }
    return std::move(aligned.text);
  }

  void add(const std::string& text, std::string normal) {
    longest_ = std::max(longest_, text.size());
    rules_.emplace(text, std::move(normal));
  }

  // Every way to write a composed character: its parts, each as any character that stands for it.
  void add_sequences() {
    std::set<Codes> composed;
    for_each_character([&](char32_t code) {
      const std::string text = utf8({code});
      Codes parts = codes_of(normal_form(text, false, compatible_));
      if (parts.size() <= kMostParts) {
        const bool is_composed =
            parts.size() > 1 && count_code_points(normal_form(utf8(parts), true, compatible_)) == 1;
        if (is_composed) {
          composed.insert(parts);
        }
        if (parts.size() == 1 || is_composed) {
          written_[std::move(parts)] += code;
        }
      }
    });
    // Short ones first: a longer one is left out where the shorter make it.
    std::map<size_t, std::vector<Codes>> by_length;
    for (const Codes& parts : composed) {
      Codes order = parts;
      if (!std::all_of(order.begin() + 1, order.end(), is_mark)) {
        by_length[order.size()].push_back(order);
        continue;
      }
      std::sort(order.begin() + 1, order.end());
      do {
        by_length[order.size()].push_back(order);
      } while (std::next_permutation(order.begin() + 1, order.end()));
    }
    for (const auto& [length, all] : by_length) {
      for (const Codes& parts : all) {
        sequences_.clear();
        spell(parts, 0, {});
        std::sort(sequences_.begin(), sequences_.end(),
                  [](const Codes& a, const Codes& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; });
        add_spelt(normalise(utf8(parts)));
      }
    }
  }

  void spell(const Codes& parts, size_t at, const Codes& so_far) {
    if (at == parts.size()) {
      if (so_far.size() > 1) {
        sequences_.push_back(so_far);
      }
      return;
    }
    for (size_t end = at + 1; end <= parts.size(); ++end) {
      if (const auto found = written_.find(parts.substr(at, end - at)); found != written_.end()) {
        for (const char32_t code : found->second) {
          spell(parts, end, so_far + code);
        }
      }
    }
  }

  void add_spelt(const std::string& normal) {
    for (const Codes& codes : sequences_) {
      const std::string text = utf8(codes);
      if (applied(text) != normal && normalise(text) == normal) {
        add(text, normal);
      }
    }
  }

  // What the rules so far make of a text.
  std::string applied(std::string_view text) const {
    std::string out, key;
    for (size_t at = 0; at < text.size();) {
      size_t length = std::min(longest_, text.size() - at);
      auto found = rules_.end();
      for (; length > 0 && found == rules_.end(); length -= found == rules_.end()) {
        key.assign(text, at, length);
        found = rules_.find(key);
      }
      if (found != rules_.end()) {
        out += found->second;
        at += length;
      } else {
        out += text[at++];
      }
    }
    return out;
  }

  const std::vector<NormalizerStep>& steps_;
  bool composes_ = false, compatible_ = false;
  std::unordered_map<std::string, std::string> rules_;
  size_t longest_ = 0;
  std::map<Codes, Codes> written_;  // decomposed -> the characters that it is the decomposition of
  std::vector<Codes> sequences_;
};

}  // namespace

bool is_character_step(const std::string& type) {
  for (const char* each : {"NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents"}) {
    if (type == each) {
      return true;
    }
  }
  return false;
}

std::string build_charsmap(const std::vector<NormalizerStep>& steps) {
  std::string pool;
  std::map<std::string, uint32_t> places, keys;
  for (const auto& [text, normal] : Builder(steps).rules()) {
    const auto [found, is_new] = places.emplace(normal, static_cast<uint32_t>(pool.size()));
    if (is_new) {
      pool.append(normal).push_back('\0');
    }
    keys.emplace(text, found->second);
  }
  if (keys.empty()) {
    return "";
  }
  const std::vector<uint32_t> units = double_array(keys);
  const uint32_t bytes = static_cast<uint32_t>(units.size() * sizeof(uint32_t));
  std::string blob(sizeof(bytes) + bytes, '\0');
  std::memcpy(blob.data(), &bytes, sizeof(bytes));
  std::memcpy(blob.data() + sizeof(bytes), units.data(), bytes);
  return blob + pool;
}

}  // namespace athanor::token

#include "athanor/feature/text/stretch_terms.h"

#include <algorithm>
#include <array>

namespace athanor {

namespace {

constexpr size_t kBytesAToken = 5;  // to make room by

struct RunReader {
  const Analyzer& analyzer;
  StretchTerms& out;
  Analyzer::Scratch scratch;
  PairTable pairs;
  std::vector<uint32_t> words;        // of a text
  std::vector<uint32_t> run_of_word;  // words as runs

  void read(std::string_view text) {
    words.clear();
    analyzer.for_each_word(text, scratch, [&](std::string_view word) {
      const auto id = static_cast<uint32_t>(out.words.add(TermKey::of_padded(word)));
      if (id == run_of_word.size()) {
        run_of_word.push_back(static_cast<uint32_t>(out.runs.size()));
        out.runs.push_back({kNoTerm, id, 1});
      }
      words.push_back(id);
    });
    const size_t from = analyzer.ngrams_from(), to = analyzer.ngrams();
    for (size_t i = 0; i < words.size(); ++i) {
      uint32_t run = run_of_word[words[i]];
      if (from == 1) {
        out.ids.push_back(run);
      }
      for (size_t n = 2; n <= to && i + n <= words.size(); ++n) {
        run = longer(run, words[i + n - 1], static_cast<uint32_t>(n));
        if (n >= from) {
          out.ids.push_back(run);
        }
      }
    }
  }

  uint32_t longer(uint32_t run, uint32_t word, uint32_t length) {
    return pairs.add(run, word, [&] {
      out.runs.push_back({run, word, length});
      return static_cast<uint32_t>(out.runs.size() - 1);
    });
  }
};

// Numbers by their columns, those left out not among them.
std::vector<uint32_t> by_column(const std::vector<uint32_t>& column_of) {
  constexpr int kBits = 11;
  constexpr size_t kValues = size_t{1} << kBits;
  std::vector<uint32_t> order, other;
  uint32_t highest = 0;
  for (uint32_t number = 0; number < column_of.size(); ++number) {
    if (column_of[number] != kNoTerm) {
      order.push_back(number);
      highest = std::max(highest, column_of[number]);
    }
  }
  other.resize(order.size());
  for (int shift = 0; shift < 32 && (highest >> shift) != 0; shift += kBits) {
    std::array<uint32_t, kValues + 1> begins{};
    for (const uint32_t number : order) {
      ++begins[(column_of[number] >> shift & (kValues - 1)) + 1];
    }
    for (size_t i = 0; i < kValues; ++i) {
      begins[i + 1] += begins[i];
    }
    for (const uint32_t number : order) {
      other[begins[column_of[number] >> shift & (kValues - 1)]++] = number;
    }
    order.swap(other);
  }
  return order;
}

// Texts by term: those of each term are texts[begins[number], ends[number]), ascending.
struct Occurrences {
  std::vector<uint32_t> texts;
  std::vector<uint64_t> begins, ends;
};

Occurrences occurrences_of(const StretchTerms& stretch, const std::vector<uint32_t>& order) {
  Occurrences out;
  std::vector<uint64_t> count(stretch.size(), 0);
  for (const uint32_t id : stretch.ids) {
    ++count[id];
  }
  out.begins.assign(stretch.size(), 0);
  uint64_t at = 0;
  for (const uint32_t number : order) {
    out.begins[number] = at;
    at += std::exchange(count[number], 0);
  }
  for (size_t number = 0; number < count.size(); ++number) {  // what is left out goes behind
    if (count[number] > 0) {
      out.begins[number] = at;
      at += count[number];
    }
  }
  out.texts.resize(stretch.ids.size());
  out.ends = out.begins;
  for (size_t text = 0, i = 0; text < stretch.ends.size(); ++text) {
    for (; i < stretch.ends[text]; ++i) {
      out.texts[out.ends[stretch.ids[i]]++] = static_cast<uint32_t>(text);
    }
  }
  return out;
}

struct Sum {
  uint32_t column = kNoTerm;
  int32_t sum = 0;
};

}  // namespace

std::string_view StretchTerms::text_of(uint32_t number, std::string& out) const {
  if (runs.empty()) {
    return words.term(static_cast<int32_t>(number));
  }
  const Run& run = runs[number];
  if (run.before == kNoTerm) {
    out.clear();
  } else {
    text_of(run.before, out);
    out.push_back(' ');
  }
  out.append(words.term(static_cast<int32_t>(run.word)));
  return out;
}

StretchTerms read_stretch(std::span<const std::string> texts, const Analyzer& analyzer) {
  StretchTerms out;
  size_t bytes = 0;
  for (const std::string& text : texts) {
    bytes += text.size();
  }
  out.ids.reserve(bytes / kBytesAToken);
  out.ends.reserve(texts.size());
  RunReader runs{analyzer, out, {}, {}, {}, {}};
  for (const std::string& text : texts) {
    if (analyzer.makes_runs()) {
      runs.read(text);
    } else if (analyzer.makes_words()) {
      analyzer.for_each_word(text, runs.scratch, [&](std::string_view word) {
        out.ids.push_back(static_cast<uint32_t>(out.words.add(TermKey::of_padded(word))));
      });
    } else {
      analyzer.for_each_term(text, runs.scratch, [&](std::string_view term) {
        out.ids.push_back(static_cast<uint32_t>(out.words.add(term)));
      });
    }
    out.ends.push_back(out.ids.size());
  }
  return out;
}

RowsPart rows_of(const StretchTerms& stretch, const std::vector<uint32_t>& column_of,
                 const std::vector<uint8_t>& below) {
  const std::vector<uint32_t> order = by_column(column_of);
  const Occurrences found = occurrences_of(stretch, order);
  // Each text has room for all of its terms, behind one place that is no column.
  std::vector<Sum> sums(stretch.ids.size() + stretch.ends.size());
  std::vector<uint64_t> last(stretch.ends.size());
  for (size_t text = 0; text < last.size(); ++text) {
    last[text] = (text == 0 ? 0 : stretch.ends[text - 1]) + text;
  }
  for (const uint32_t number : order) {
    const uint32_t column = column_of[number];
    const int32_t one = !below.empty() && below[number] != 0 ? -1 : 1;
    for (uint64_t i = found.begins[number]; i < found.ends[number]; ++i) {
      uint64_t& at = last[found.texts[i]];
      const bool same = sums[at].column == column;
      at += same ? 0 : 1;
      sums[at] = {column, (same ? sums[at].sum : 0) + one};
    }
  }
  RowsPart part;
  part.ends.reserve(last.size());
  part.indices.reserve(stretch.ids.size());
  part.values.reserve(stretch.ids.size());
  for (size_t text = 0; text < last.size(); ++text) {
    for (uint64_t at = (text == 0 ? 0 : stretch.ends[text - 1]) + text + 1; at <= last[text]; ++at) {
      if (sums[at].sum != 0) {
        part.indices.push_back(sums[at].column);
        part.values.push_back(sums[at].sum);
      }
    }
    part.ends.push_back(part.indices.size());
  }
  return part;
}

}  // namespace athanor

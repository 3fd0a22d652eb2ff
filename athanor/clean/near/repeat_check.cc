#include "athanor/clean/near/repeat_check.h"

#include <algorithm>

#include "athanor/base/error.h"

namespace athanor {

namespace {

// The words of a stretch, cut where append_token() ends each.
std::vector<std::string_view> split_words(std::string_view words) {
  std::vector<std::string_view> list;
  while (!words.empty()) {
    const size_t end = words.find(kTokenEnd);
    list.push_back(words.substr(0, end));
    words.remove_prefix(end + 1);
  }
  return list;
}

}  // namespace

void run_words(const TokenScanner& scanner, std::string_view text, const std::vector<TokenSpan>& tokens, size_t first,
               size_t count, std::string& words) {
  words.clear();
  if (first + count > tokens.size()) {
    throw Error(ErrorKind::kInput, "a text is not the one that was hashed", "dedup", "run the step again with --force");
  }
  for (size_t i = first; i < first + count; ++i) {
    scanner.append_token(text, tokens[i], words);
  }
}

bool RepeatCheck::ByKeeper::operator<(const ByKeeper& other) const {
  return keeper_row != other.keeper_row       ? keeper_row < other.keeper_row
         : keeper_place != other.keeper_place ? keeper_place < other.keeper_place
         : length != other.length             ? length < other.length
         : row != other.row                   ? row < other.row
                                              : place < other.place;
}

RepeatCheck::RepeatCheck(const RepeatOptions& options, ThreadPool& pool)
    : options_(options),
      pool_(pool),
      scratch_(scratch_folder(options.scratch)),
      window_(static_cast<size_t>(options.min_words)),
      stretches_(options.memory_bytes / 4, scratch_, pool),
      words_(scratch_) {}

void RepeatCheck::add(uint32_t row, uint32_t place, uint32_t keeper_row, uint32_t keeper_place) {
  RepeatStretch& last = stretch_;
  if (last.length > 0 && row == last.row && place == last.place + last.length && keeper_row == last.keeper_row &&
      keeper_place == last.keeper_place + last.length) {
    ++last.length;
    return;
  }
  end_stretch();
  stretch_ = {row, place, keeper_row, keeper_place, 1};
}

void RepeatCheck::end_stretch() {
  if (stretch_.length > 0) {
    stretches_.add({stretch_});
  }
}

void RepeatCheck::write_words(const RepeatTexts& texts, uint64_t num_rows, RunSorter<Expected>& expected) {
  end_stretch();
  RecordFile<RepeatStretch> stretches(scratch_);
  std::vector<bool> wanted(num_rows);
  stretches_.drain([&](const ByKeeper& stretch) {
    stretches.add(stretch);
    wanted[stretch.keeper_row] = true;
  });
  std::vector<TokenSpan> tokens;
  std::string words;
  texts(wanted, [&](uint64_t row, std::string_view text) {
    scanner_.scan(text, tokens);
    RepeatStretch last{};
    for (const RepeatStretch* next; (next = stretches.peek()) != nullptr && next->keeper_row == row; stretches.skip()) {
      if (next->keeper_place != last.keeper_place || next->length != last.length) {  // else they are there already
        run_words(scanner_, text, tokens, next->keeper_place, next->length + window_.width() - 1, words);
        words_.append(words.data(), words.size());
      }
      last = *next;
      expected.add({last.row, last.place, last.length, words_.size() - words.size(), words.size()});
    }
  });
}

// The hashes of the runs of a stretch that hold a word which should be another.
void RepeatCheck::add_hashes(const std::vector<TokenSpan>& tokens, const Expected& stretch, std::string_view has,
                             std::string_view wanted, std::unordered_set<uint64_t>& shared) const {
  const auto is = split_words(has);
  const auto should = split_words(wanted);
  const std::vector<TokenSpan> part(tokens.begin() + stretch.place,
                                    tokens.begin() + stretch.place + static_cast<std::ptrdiff_t>(is.size()));
  window_.for_each(part, [&](size_t first, uint64_t hash) {
    for (size_t i = first; i < first + window_.width(); ++i) {
      if (i >= should.size() || is[i] != should[i]) {
        shared.insert(hash & options_.hash_mask);
        return;
      }
    }
  });
}

std::unordered_set<uint64_t> RepeatCheck::shared_hashes(const RepeatTexts& texts, uint64_t num_rows) {
  RunSorter<Expected> sorter(options_.memory_bytes / 4, scratch_, pool_);
  write_words(texts, num_rows, sorter);
  RecordFile<Expected> expected(scratch_);
  std::vector<bool> wanted(num_rows);
  sorter.drain([&](const Expected& stretch) {
    expected.add(stretch);
    wanted[stretch.row] = true;
  });
  std::unordered_set<uint64_t> shared;
  std::vector<TokenSpan> tokens;
  std::string has, should;
  texts(wanted, [&](uint64_t row, std::string_view text) {
    scanner_.scan(text, tokens);
    for (const Expected* next; (next = expected.peek()) != nullptr && next->row == row; expected.skip()) {
      run_words(scanner_, text, tokens, next->place, next->length + window_.width() - 1, has);
      should.resize(next->bytes);
      words_.read_at(next->offset, should.data(), next->bytes);
      if (has != should) {
        add_hashes(tokens, *next, has, should, shared);
      }
    }
  });
  if (expected.peek() != nullptr) {
    throw Error(ErrorKind::kInternal, "not every repeat was compared with its text", "dedup");
  }
  return shared;
}

}  // namespace athanor

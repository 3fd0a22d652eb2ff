#include "athanor/token/pipeline/draft.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/token/huge_pages.h"
#include "athanor/token/pipeline/fields.h"

namespace athanor::token {

namespace {

constexpr size_t kMaxWindows = 20000;
constexpr int64_t kMaxLength = int64_t{1} << 53;  // of truncation
constexpr int64_t kMaxPadding = int64_t{1} << 22;

template <typename T>
void append_all(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

template <typename T>
std::vector<T> part(const std::vector<T>& all, size_t begin, size_t end) {
  return {all.begin() + static_cast<std::ptrdiff_t>(begin), all.begin() + static_cast<std::ptrdiff_t>(end)};
}

// One text to max_length tokens, what is over in windows that share `stride` tokens.
void truncate_one(Draft& draft, size_t max_length, size_t stride, bool left) {
  const size_t size = draft.size();
  if (max_length >= size) {
    return;
  }
  if (max_length == 0) {
    Draft all = std::move(draft);
    draft = Draft();
    draft.overflowing.push_back(std::move(all));
    return;
  }
  if (stride >= max_length) {
    throw Error(ErrorKind::kInput, "truncation's stride of " + std::to_string(stride) + " is not less than the " +
                                       std::to_string(max_length) + " tokens that are left for the text");
  }
  const size_t step = max_length - stride;
  if ((size - 1) / step >= kMaxWindows) {
    throw Error(ErrorKind::kInput, "truncation to " + std::to_string(max_length) + " tokens gives more than " +
                                       std::to_string(kMaxWindows) + " windows");
  }
  std::vector<Draft> windows;
  for (size_t i = 0;; i += step) {
    const size_t stop = left ? size - i : std::min(i + max_length, size);
    const size_t start = left ? (stop > max_length ? stop - max_length : 0) : i;
    windows.push_back(draft.slice(start, stop));
    if (left ? start == 0 : stop == size) {
      break;
    }
  }
  draft = std::move(windows.front());
  draft.overflowing.assign(std::make_move_iterator(windows.begin() + 1), std::make_move_iterator(windows.end()));
}

}  // namespace

// As push_back would: doubling, so that many small additions stay linear.
void Draft::reserve(size_t size, bool with_edges) {
  const auto grow = [size](auto& all) {
    if (size > all.capacity()) {
      all.reserve(std::max(size, 2 * all.capacity()));
      prefer_huge_pages(all.data() + all.size(), (all.capacity() - all.size()) * sizeof(*all.data()));
    }
  };
  grow(ids);
  grow(type_ids);
  grow(words);
  grow(offsets);
  grow(special);
  grow(attention);
  if (with_edges) {
    grow(edges);
  }
}

void Draft::push(int32_t id, int32_t type_id, int32_t word, TextSpan offset, bool is_special,
                 const Edges* edge) {
  if (edge != nullptr && edges.size() == size()) {
    edges.push_back(*edge);
  }
  ids.push_back(id);
  type_ids.push_back(type_id);
  words.push_back(word);
  offsets.push_back(offset);
  special.push_back(is_special);
  attention.push_back(1);
}

void Draft::push_special(int32_t id, int32_t type_id) {
  const Edges none;
  push(id, type_id, -1, TextSpan(), true, &none);
}

Draft Draft::slice(size_t begin, size_t end) const {
  Draft out;
  out.ids = part(ids, begin, end);
  out.type_ids = part(type_ids, begin, end);
  out.words = part(words, begin, end);
  out.offsets = part(offsets, begin, end);
  out.special = part(special, begin, end);
  out.attention = part(attention, begin, end);
  if (edges.size() == size()) {
    out.edges = part(edges, begin, end);
  }
  return out;
}

void Draft::append(Draft other) {
  if (size() == 0 && overflowing.empty()) {
    *this = std::move(other);
    return;
  }
  std::vector<Draft> windows;
  const size_t count = overflowing.size() * (1 + other.overflowing.size()) + other.overflowing.size();
  if (count > kMaxWindows) {
    throw Error(ErrorKind::kInput, "truncation gives more than " + std::to_string(kMaxWindows) + " windows");
  }
  const Draft alone = overflowing.empty() ? Draft() : other.slice(0, other.size());
  const auto add = [&windows](Draft first, const Draft& second) {
    first.overflowing.clear();
    first.append(second);
    windows.push_back(std::move(first));
  };
  for (const Draft& mine : overflowing) {
    add(mine, alone);
    for (const Draft& theirs : other.overflowing) {
      add(mine, theirs);
    }
  }
  for (const Draft& theirs : other.overflowing) {
    add(slice(0, size()), theirs);
  }
  if (edges.size() == size() && other.edges.size() == other.size()) {
    append_all(edges, other.edges);
  } else {
    edges.clear();
  }
  append_all(ids, other.ids);
  append_all(type_ids, other.type_ids);
  append_all(words, other.words);
  append_all(offsets, other.offsets);
  append_all(special, other.special);
  append_all(attention, other.attention);
  overflowing = std::move(windows);
}

Encoding Draft::finish() && {
  Encoding out{std::move(ids),     std::move(type_ids),  std::move(offsets), std::move(words),
               std::move(special), std::move(attention), {}};
  for (Draft& window : overflowing) {
    out.overflowing.push_back(std::move(window).finish());
  }
  return out;
}

Truncation read_truncation(const Field& field) {
  refuse_other_fields(field, {"direction", "max_length", "strategy", "stride"});
  Truncation out;
  if (const std::optional<Field> direction = field.find("direction")) {
    out.left = direction->string() == "Left";
    if (!out.left && direction->string() != "Right") {
      direction->fail("must be \"Left\" or \"Right\"");
    }
  }
  out.max_length = static_cast<size_t>(field.at("max_length").integer(0, kMaxLength));
  out.stride = static_cast<size_t>(field.at("stride").integer(0, kMaxLength));
  const Field strategy = field.at("strategy");
  const std::string& name = strategy.string();
  if (name != "LongestFirst" && name != "OnlyFirst" && name != "OnlySecond") {
    strategy.fail("must be \"LongestFirst\", \"OnlyFirst\" or \"OnlySecond\"");
  }
  out.strategy = name == "OnlyFirst"    ? Truncation::Strategy::kOnlyFirst
                 : name == "OnlySecond" ? Truncation::Strategy::kOnlySecond
                                        : Truncation::Strategy::kLongestFirst;
  return out;
}

void truncate(std::vector<Draft>& drafts, Truncation truncation) {
  const bool two = drafts.size() > 1;
  const auto cut_to = [&](size_t index, size_t length) {
    truncate_one(drafts[index], length, truncation.stride, truncation.left);
  };
  if (truncation.max_length == 0) {
    for (size_t i = 0; i < drafts.size(); ++i) {
      cut_to(i, 0);
    }
    return;
  }
  const size_t total = drafts[0].size() + (two ? drafts[1].size() : 0);
  if (total <= truncation.max_length) {
    return;
  }
  if (truncation.strategy == Truncation::Strategy::kLongestFirst) {
    if (!two) {
      return cut_to(0, truncation.max_length);
    }
    size_t shorter = std::min(drafts[0].size(), drafts[1].size());
    size_t longer = shorter > truncation.max_length ? shorter : std::max(shorter, truncation.max_length - shorter);
    if (shorter + longer > truncation.max_length) {
      shorter = truncation.max_length / 2;
      longer = shorter + truncation.max_length % 2;
    }
    const bool swapped = drafts[0].size() > drafts[1].size();
    cut_to(0, swapped ? longer : shorter);
    cut_to(1, swapped ? shorter : longer);
    return;
  }
  const size_t index = truncation.strategy == Truncation::Strategy::kOnlyFirst ? 0 : 1;
  const size_t over = total - truncation.max_length;
  if (index >= drafts.size()) {
    throw Error(ErrorKind::kInput, "truncation cuts the second text only, and there is none");
  }
  if (drafts[index].size() <= over) {
    throw Error(ErrorKind::kInput, "truncation to " + std::to_string(truncation.max_length) +
                                       " tokens cannot be had from the one text that it may cut");
  }
  cut_to(index, drafts[index].size() - over);
}

Padding read_padding(const Field& field) {
  refuse_other_fields(field, {"strategy", "direction", "pad_to_multiple_of", "pad_id", "pad_type_id", "pad_token"});
  Padding out;
  const Field strategy = field.at("strategy");
  if (strategy.value().is_object()) {
    refuse_other_fields(strategy, {"Fixed"});
    out.fixed = static_cast<size_t>(strategy.at("Fixed").integer(1, kMaxPadding));
  } else if (strategy.string() != "BatchLongest") {
    strategy.fail("must be \"BatchLongest\" or {\"Fixed\": length}");
  }
  const Field direction = field.at("direction");
  out.left = direction.string() == "Left";
  if (!out.left && direction.string() != "Right") {
    direction.fail("must be \"Left\" or \"Right\"");
  }
  if (const std::optional<Field> multiple = field.find("pad_to_multiple_of")) {
    out.multiple = static_cast<size_t>(multiple->integer(0, kMaxPadding));
  }
  out.id = static_cast<int32_t>(field.at("pad_id").integer(0, INT32_MAX));
  out.type_id = static_cast<int32_t>(field.at("pad_type_id").integer(0, INT32_MAX));
  field.at("pad_token").string();
  return out;
}

size_t padded_length(const Padding& padding, size_t longest) {
  const size_t length = padding.fixed > 0 ? padding.fixed : longest;
  const size_t over = padding.multiple > 0 ? length % padding.multiple : 0;
  return over > 0 ? length + padding.multiple - over : length;
}

void pad(Draft& draft, const Padding& padding, size_t length) {
  for (Draft& window : draft.overflowing) {
    pad(window, padding, length);
  }
  if (draft.size() >= length) {
    return;
  }
  Draft filling;
  for (size_t i = draft.size(); i < length; ++i) {
    filling.push_special(padding.id, padding.type_id);
    filling.attention.back() = 0;
  }
  std::vector<Draft> windows = std::move(draft.overflowing);
  draft.overflowing.clear();
  if (padding.left) {
    filling.append(draft);
    draft = std::move(filling);
  } else {
    draft.append(filling);
  }
  draft.overflowing = std::move(windows);
}

}  // namespace athanor::token

#include "athanor/token/model/windows.h"

#include <algorithm>

namespace athanor::token {

namespace {

struct Place {
  size_t index, byte;  // of a window's token: which one, and where it ends (or begins)
};

// The tokens of `before`, which begin at byte `begin` of it, and those of `window`, which begins there: the first token
// that both have in the same place, as Places of its end. False when there is none.
bool meet(const std::vector<int32_t>& before, Place begin, const std::vector<int32_t>& window,
          std::span<const uint16_t> token_bytes, Place& in_before, Place& in_window) {
  size_t i = begin.index, j = 0, i_byte = 0, j_byte = 0;
  while (i < before.size() && j < window.size()) {
    if (i_byte == j_byte && before[i] == window[j]) {
      const size_t end = j_byte + token_bytes[window[j]];
      in_before = {i + 1, begin.byte + end};
      in_window = {j + 1, end};
      return true;
    }
    if (i_byte <= j_byte) {
      i_byte += token_bytes[before[i++]];
    } else {
      j_byte += token_bytes[window[j++]];
    }
  }
  return false;
}

// The last place at or before the middle of the window where a token begins, but none before `from`.
Place next_begin(const std::vector<int32_t>& window, Place from, size_t middle, std::span<const uint16_t> token_bytes) {
  Place at = from;
  while (at.index < window.size() && at.byte + token_bytes[window[at.index]] <= middle) {
    at.byte += token_bytes[window[at.index++]];
  }
  return at;
}

}  // namespace

bool merges_in_order(std::span<const Merge> merges, int32_t num_ids) {
  std::vector<int32_t> last_rank(static_cast<size_t>(num_ids), -1);
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    last_rank[merges[rank].result] = static_cast<int32_t>(rank);
  }
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto before = static_cast<int32_t>(rank);
    if (last_rank[merges[rank].left] >= before || last_rank[merges[rank].right] >= before) {
      return false;
    }
  }
  return true;
}

bool encode_by_windows(std::string_view piece, const WindowRules& rules, size_t& allowance, Workspace& work,
                       std::vector<int32_t>& ids) {
  const size_t size = rules.window_bytes, first = ids.size();
  const auto merge = [&](std::string_view text, std::vector<int32_t>& out) {
    if (text.size() > allowance) {
      allowance = 0;
      ids.resize(first);
      return false;
    }
    allowance -= text.size();
    out.clear();
    rules.encode(text, out);
    return true;
  };
  std::vector<int32_t>&window = work.window, &before = work.window_before;
  std::string_view bytes = piece.substr(0, size);
  if (!merge(bytes, window)) {
    return false;
  }
  ids.insert(ids.end(), window.begin(), window.end());
  Place begin = next_begin(window, {0, 0}, size / 2, rules.token_bytes);
  size_t at = 0, dropped = 0, kept_from = 0, repeated_step = 0;
  while (at + bytes.size() < piece.size()) {
    const std::string_view next = piece.substr(at + begin.byte, size);
    if (repeated_step != 0 && next == bytes) {  // what was done the last time
      ids.resize(ids.size() - dropped);
      ids.insert(ids.end(), window.begin() + static_cast<std::ptrdiff_t>(kept_from), window.end());
      at += begin.byte;
      continue;
    }
    window.swap(before);
    if (!merge(next, window)) {
      return false;
    }
    Place in_before, in_window;
    if (!meet(before, begin, window, rules.token_bytes, in_before, in_window)) {
      ids.resize(first);
      return false;
    }
    dropped = before.size() - in_before.index;
    kept_from = in_window.index;
    ids.resize(ids.size() - dropped);
    ids.insert(ids.end(), window.begin() + static_cast<std::ptrdiff_t>(kept_from), window.end());
    at += begin.byte;
    const size_t step = begin.byte;
    begin = next_begin(window, in_window, size / 2, rules.token_bytes);
    // the same again only if the windows were the same, cut in the same place
    repeated_step = next == bytes && begin.byte == step ? step : 0;
    bytes = next;
  }
  return true;
}

}  // namespace athanor::token

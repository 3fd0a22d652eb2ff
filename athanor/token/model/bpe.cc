#include "athanor/token/model/bpe.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <limits>
#include <mutex>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/model/backtrack.h"
#include "athanor/token/model/byte_joins.h"
#include "athanor/token/model/byte_map.h"
#include "athanor/token/model/merge_loop.h"
#include "athanor/token/model/merge_table.h"
#include "athanor/token/model/windows.h"

namespace athanor::token {

namespace {

constexpr uint32_t kNone = MergeTable::kNone;
constexpr size_t kShortPiece = 48;  // up to here a linear search for the lowest rank beats a heap
constexpr size_t kLongestWindowed = 512;            // bytes of the longest token with which windows are used
constexpr size_t kBeforeTables = size_t{1} << 16;   // bytes of long pieces merged by windows before tables are worth it
constexpr size_t kWindowsToTry = 4;                 // once there are tables: windows that must show a repetition

struct Rules {  // of merge_long
  static constexpr uint32_t kNone = MergeTable::kNone;
  uint32_t find(int32_t left, int32_t right) const { return table.find(left, right); }
  int32_t result(uint32_t rank) const { return merges[rank].result; }
  size_t size() const { return merges.size(); }

  const std::vector<Merge>& merges;
  const MergeTable& table;
};

class Bpe : public TokenModel {
 public:
  Bpe(const Vocabulary& vocabulary, std::vector<Merge> merges, const std::array<int32_t, 256>& byte_ids,
      bool ignore_merges)
      : vocabulary_(vocabulary),
        merges_(std::move(merges)),
        table_(merges_.size()),
        joins_{.ids = byte_ids, .pairs = std::vector<ByteMerge>(256 * 256, {kNone, 0})},
        ignore_merges_(ignore_merges) {
    for (size_t rank = 0; rank < merges_.size(); ++rank) {
      table_.insert(merges_[rank].left, merges_[rank].right, static_cast<uint32_t>(rank));
    }
    std::vector<int16_t> byte_of(vocabulary_.size(), -1);
    for (int16_t byte = 0; byte < 256; ++byte) {
      byte_of[joins_.ids[byte]] = byte;
    }
    for (size_t rank = 0; rank < merges_.size(); ++rank) {
      const int left = byte_of[merges_[rank].left], right = byte_of[merges_[rank].right];
      if (left >= 0 && right >= 0) {
        joins_.pairs[left << 8 | right] = {static_cast<uint32_t>(rank), merges_[rank].result};
        ByteJoins::add(joins_.merges, static_cast<uint32_t>(left), static_cast<uint32_t>(right));
      }
    }
    joins_.table = &table_;
    if (ignore_merges_) {
      prepare_windows();
    }
  }

  void encode(std::string_view piece, Workspace& work, std::vector<int32_t>& ids) const override {
    if (ignore_merges_ && piece.size() <= longest_) {
      const std::optional<int32_t> whole = vocabulary_.find(bytes_to_token(piece));
      if (whole) {
        ids.push_back(*whole);
        return;
      }
    }
    if (merges_.empty()) {
      for (const char byte : piece) {
        ids.push_back(joins_.ids[static_cast<uint8_t>(byte)]);
      }
    } else if (piece.size() <= kShortPiece) {
      encode_short(piece, ids);
    } else {
      encode_long(piece, work, ids);
    }
  }

  bool keeps_bytes() const override { return true; }
  bool has_seams() const override { return true; }
  bool has_byte_joins() const override { return !ignore_merges_; }
  const ByteJoins* byte_joins() const override {
    std::call_once(touches_made_, [this] { find_touches(); });
    return &joins_;
  }
  const Seams* seams() const override {
    std::call_once(seams_made_, [this] {
      seams_.emplace();
      for (int32_t id = 0; id < vocabulary_.size(); ++id) {
        std::string_view token = vocabulary_.token(id);
        token.remove_prefix(token.starts_with("\xC4\xA0") ? 2 : 0);  // a space
        if (std::any_of(token.begin(), token.end(), [](char c) { return static_cast<uint8_t>(c) >= 0x80; })) {
          seams_->add(token_to_bytes(vocabulary_.token(id)));
        }
      }
    });
    return &*seams_;
  }

  // A byte is one character of a token's spelling.
  void encode_spans(std::string_view piece, Workspace& work, std::vector<int32_t>& ids,
                    std::vector<Span>& spans) const override {
    size_t i = ids.size();
    encode(piece, work, ids);
    uint32_t begin = 0;
    for (; i < ids.size(); ++i) {
      const std::string& token = vocabulary_.token(ids[i]);
      const auto is_lead = [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; };
      const uint32_t end = begin + static_cast<uint32_t>(std::count_if(token.begin(), token.end(), is_lead));
      spans.push_back({begin, end});
      begin = end;
    }
  }

  void encode_sampled(std::string_view piece, const Sampling& sampling, Rng& rng, Workspace& work,
                      std::vector<int32_t>& ids) const override {
    if (sampling.dropout <= 0) {
      return encode(piece, work, ids);
    }
    work.symbols.clear();
    for (const char byte : piece) {
      work.symbols.push_back(joins_.ids[static_cast<uint8_t>(byte)]);
    }
    merge_long(Rules{merges_, table_}, work, sampling.dropout, &rng);
    for (uint32_t i = 0; i < work.symbols.size(); i = work.next[i]) {
      ids.push_back(work.symbols[i]);
    }
  }

  void write(const Vocabulary& vocabulary, std::string& out) const override {
    vocabulary.write(out);
    out += ",\n    \"merges\": [";
    const char* separator = "\n";
    for (const Merge& merge : merges_) {
      out += separator;
      out += "      [" + json_string(vocabulary.token(merge.left)) + ", " + json_string(vocabulary.token(merge.right)) + "]";
      separator = ",\n";
    }
    out += merges_.empty() ? "]" : "\n    ]";
  }

 private:
  // By id, the first and the last byte, as the merges make them: mostly one pass, since they stand in order.
  void find_touches() const {
    constexpr int16_t kUnknown = -1;
    std::vector<int16_t> firsts(static_cast<size_t>(vocabulary_.size()), kUnknown), lasts = firsts;
    for (int16_t byte = 0; byte < 256; ++byte) {
      firsts[joins_.ids[byte]] = lasts[joins_.ids[byte]] = byte;
    }
    for (bool made = true, skipped = true; made && skipped;) {
      made = skipped = false;
      for (const Merge& merge : merges_) {
        if (firsts[merge.left] == kUnknown || firsts[merge.right] == kUnknown) {
          skipped = true;  // not made so far, or never
          continue;
        }
        made = made || firsts[merge.result] == kUnknown;
        firsts[merge.result] = firsts[merge.left];
        lasts[merge.result] = lasts[merge.right];
        const auto left = static_cast<uint32_t>(lasts[merge.left]), right = static_cast<uint32_t>(firsts[merge.right]);
        joins_.add_touch(left, right, ByteJoins::has(joins_.merges, left, right) != 0);
      }
    }
  }

  const Backtracker& backtracker() const {
    std::call_once(backtracker_made_, [this] {
      backtracker_.emplace(merges_, table_, joins_.ids, vocabulary_.size());
      has_backtracker_.store(true, std::memory_order_release);
    });
    return *backtracker_;
  }

  // By windows while few long pieces have come, and what repeats itself ever after; else by backtracking, whose tables
  // take 10 to 30 ms to make.
  void encode_long(std::string_view piece, Workspace& work, std::vector<int32_t>& ids) const {
    prepare_windows();
    const size_t window_bytes = std::max<size_t>(4 * longest_, 256);
    const bool has_tables = has_backtracker_.load(std::memory_order_acquire);
    if (windows_hold_ && (!has_tables || piece.size() > 2 * kWindowsToTry * window_bytes)) {
      const size_t merged = merged_by_windows_.load(std::memory_order_relaxed);
      const size_t allowed = has_tables || merged >= kBeforeTables ? kWindowsToTry * window_bytes : kBeforeTables - merged;
      size_t left = allowed;
      const bool done = encode_by_windows(piece, {window_bytes, token_bytes_, [&](std::string_view text, std::vector<int32_t>& out) {
        text.size() <= kShortPiece ? encode_short(text, out) : encode_by_heap(text, work, out);
      }}, left, work, ids);
      merged_by_windows_.fetch_add(allowed - left, std::memory_order_relaxed);
      if (done) {
        return;
      }
    }
    if (backtracker().usable()) {
      backtracker_->encode(piece, work, ids);
    } else {
      encode_by_heap(piece, work, ids);
    }
  }

  void prepare_windows() const {
    std::call_once(windows_ready_, [this] {
      token_bytes_.reserve(static_cast<size_t>(vocabulary_.size()));
      for (int32_t id = 0; id < vocabulary_.size(); ++id) {
        const size_t bytes = count_code_points(vocabulary_.token(id));  // a byte is one character of its spelling
        longest_ = std::max(longest_, bytes);
        token_bytes_.push_back(static_cast<uint16_t>(std::min<size_t>(bytes, UINT16_MAX)));
      }
      windows_hold_ = longest_ <= kLongestWindowed && merges_in_order(merges_, vocabulary_.size());
    });
  }

  void encode_short(std::string_view piece, std::vector<int32_t>& ids) const {
    if (piece.size() == 2 && ByteJoins::has(joins_.merges, piece.data()) != 0) {
      ids.push_back(joins_.pair(piece.data()).result);
      return;
    }
    int32_t symbols[kShortPiece];
    uint32_t ranks[kShortPiece];  // of the pair that begins here
    size_t count = piece.size();
    for (size_t i = 0; i < count; ++i) {
      symbols[i] = joins_.ids[static_cast<uint8_t>(piece[i])];
    }
    uint64_t any = 0;
    for (size_t i = 0; i + 1 < count; ++i) {
      const uint64_t joins = ByteJoins::has(joins_.merges, piece.data() + i);
      ranks[i] = joins != 0 ? joins_.pair(piece.data() + i).rank : kNone;
      any |= joins;
    }
    while (any != 0 && count > 1) {
      size_t best = 0;
      for (size_t i = 1; i + 1 < count; ++i) {
        best = ranks[i] < ranks[best] ? i : best;
      }
      if (ranks[best] == kNone) {
        break;
      }
      symbols[best] = merges_[ranks[best]].result;
      --count;
      for (size_t i = best + 1; i < count; ++i) {
        symbols[i] = symbols[i + 1];
        ranks[i - 1] = ranks[i];
      }
      if (best + 1 < count) {
        ranks[best] = table_.find(symbols[best], symbols[best + 1]);
      }
      if (best > 0) {
        ranks[best - 1] = table_.find(symbols[best - 1], symbols[best]);
      }
    }
    for (size_t i = 0; i < count; ++i) {  // few, and just written one by one: a copy by wide words would wait for them
      ids.push_back(symbols[i]);
    }
  }

  // A linked list of symbols and a heap of (rank, position); an entry is stale when the rank there has changed.
  void encode_by_heap(std::string_view piece, Workspace& w, std::vector<int32_t>& ids) const {
    const size_t size = piece.size();
    if (size >= std::numeric_limits<uint32_t>::max()) {
      throw Error(ErrorKind::kInput, "one pre-token of 4 GiB or more");
    }
    const uint32_t end = static_cast<uint32_t>(size);
    w.symbols.resize(size);
    w.ranks.resize(size);
    w.previous.resize(size);
    w.next.resize(size);
    for (uint32_t i = 0; i < end; ++i) {
      w.symbols[i] = joins_.ids[static_cast<uint8_t>(piece[i])];
      w.previous[i] = i - 1;
      w.next[i] = i + 1;
    }
    w.heap.clear();
    for (uint32_t i = 0; i < end; ++i) {
      w.ranks[i] = i + 1 < end ? table_.find(w.symbols[i], w.symbols[i + 1]) : kNone;
      if (w.ranks[i] != kNone) {
        w.heap.push_back(uint64_t{w.ranks[i]} << 32 | i);
      }
    }
    std::make_heap(w.heap.begin(), w.heap.end(), std::greater<>());
    while (!w.heap.empty()) {
      std::pop_heap(w.heap.begin(), w.heap.end(), std::greater<>());
      const uint32_t rank = static_cast<uint32_t>(w.heap.back() >> 32);
      const uint32_t at = static_cast<uint32_t>(w.heap.back());
      w.heap.pop_back();
      if (w.ranks[at] != rank) {
        continue;
      }
      const uint32_t gone = w.next[at];
      w.symbols[at] = merges_[rank].result;
      w.ranks[gone] = kNone;
      w.next[at] = w.next[gone];
      if (w.next[at] < end) {
        w.previous[w.next[at]] = at;
      }
      update_pair(at, end, w);
      if (at > 0) {
        update_pair(w.previous[at], end, w);
      }
    }
    for (uint32_t i = 0; i < end; i = w.next[i]) {
      ids.push_back(w.symbols[i]);
    }
  }

  void update_pair(uint32_t at, uint32_t end, Workspace& w) const {
    const uint32_t next = w.next[at];
    w.ranks[at] = next < end ? table_.find(w.symbols[at], w.symbols[next]) : kNone;
    if (w.ranks[at] != kNone) {
      w.heap.push_back(uint64_t{w.ranks[at]} << 32 | at);
      std::push_heap(w.heap.begin(), w.heap.end(), std::greater<>());
    }
  }

  const Vocabulary& vocabulary_;  // the tokenizer's, which outlives its model
  std::vector<Merge> merges_;     // by rank
  MergeTable table_;
  mutable std::once_flag touches_made_;
  mutable ByteJoins joins_;
  mutable std::once_flag seams_made_;
  mutable std::optional<Seams> seams_;  // made when the first text comes that may have some
  mutable std::once_flag windows_ready_;
  mutable std::vector<uint16_t> token_bytes_;  // by id
  mutable size_t longest_ = 0;                 // of them
  mutable bool windows_hold_ = false;
  mutable std::atomic<size_t> merged_by_windows_{0};
  mutable std::atomic<bool> has_backtracker_{false};
  mutable std::once_flag backtracker_made_;
  mutable std::optional<Backtracker> backtracker_;  // made when the first long piece comes
  bool ignore_merges_;
};

void refuse_unsupported(const Field& model) {
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const std::optional<Field> text = model.find(name);
    if (text && !text->string().empty()) {
      text->fail("is not supported with byte-level BPE");
    }
  }
  const std::optional<Field> dropout = model.find("dropout");
  if (dropout && dropout->value() != 0) {
    dropout->fail("is not supported: encoding is deterministic");
  }
}

}  // namespace

std::unique_ptr<TokenModel> make_bpe(const Field& model, bool byte_level, Vocabulary& vocabulary) {
  if (!byte_level) {
    model.at("vocab").fail("is a BPE over characters: only byte-level BPE is supported",
                           "the pre_tokenizer must be ByteLevel, or a Sequence that ends with it");
  }
  refuse_unsupported(model);
  vocabulary.read(model.at("vocab"));
  std::array<int32_t, 256> byte_ids;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string token = bytes_to_token(std::string(1, static_cast<char>(byte)));
    const std::optional<int32_t> id = vocabulary.find(token);
    if (!id) {
      model.at("vocab").fail("lacks the byte " + std::to_string(byte) + " (token " + json_string(token) + ")");
    }
    byte_ids[byte] = *id;
  }
  std::vector<Merge> merges = read_merges(model.at("merges"), vocabulary);
  return std::make_unique<Bpe>(vocabulary, std::move(merges), byte_ids, model.flag("ignore_merges", false));
}

}  // namespace athanor::token

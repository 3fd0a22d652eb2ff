#include "athanor/train/loading/masked_rows.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {

namespace {

// Places for random_at, apart from those of other rows.
constexpr uint64_t kHideDraw = 8;
constexpr uint64_t kPairDraw = 9;
constexpr uint64_t kOrderDraw = 10;
constexpr uint64_t kShortest = 4;  // tokens of a text that may be a pair: two a side

double unit_at(uint64_t seed, uint64_t sample, uint64_t place) { return to_unit(random_at(seed, kHideDraw, sample, place)); }

}  // namespace

struct MaskedRows::Row {
  std::vector<int64_t> tokens;
  std::vector<int64_t> targets;
  std::vector<int64_t> types;
  std::vector<int32_t> pieces;
  bool follows = true;
  int64_t text = 0;  // tokens that may be hidden
};

MaskedRows::MaskedRows(const TokenSet& tokens, MaskedVocabulary vocabulary, const MaskingOptions& options)
    : tokens_(tokens), vocabulary_(std::move(vocabulary)), options_(options) {
  const std::pair<int32_t, const char*> wanted[] = {
      {vocabulary_.begin, "[CLS] or <s>"}, {vocabulary_.separator, "[SEP] or </s>"}, {vocabulary_.mask, "[MASK] or <mask>"}};
  for (const auto& [id, name] : wanted) {
    if (id < 0 || id >= vocabulary_.vocab_size) {
      throw Error(ErrorKind::kUsage, std::string("the tokenizer has no token ") + name, "tokenizer",
                  "masked language modelling wants one trained with special_tokens [CLS], [SEP], [MASK], [PAD] (bert) or <s>, <pad>, "
                  "</s>, <unk>, <mask> (roberta)");
    }
  }
  if (options_.sequence_length < 8) {
    throw Error(ErrorKind::kUsage, "must be at least 8 for masked language modelling", "sequence_length");
  }
  const auto length = static_cast<uint64_t>(options_.sequence_length);
  uint64_t rows = 0;
  if (options_.next_sentence) {
    const uint64_t longest = length - 3;
    for (uint64_t document = 0; document < tokens.num_documents(); ++document) {
      first_piece_.push_back(rows);
      const uint64_t text = text_length(document);
      rows += text / longest + (text % longest >= kShortest ? 1 : 0);
    }
    first_piece_.push_back(rows);
  } else {
    packing_ = std::make_unique<DocumentPacking>(
        tokens.num_documents(), [this](uint64_t document) { return text_length(document); },
        PackingOptions{.capacity = length, .overhead = 2, .seed = static_cast<uint64_t>(options_.seed)});
    rows = packing_->num_rows();
  }
  if (rows == 0) {
    throw Error(ErrorKind::kInput, "the set has no text to hide tokens of", "",
                "of " + std::to_string(tokens.num_documents()) + " documents none is long enough");
  }
}

MaskedRows::~MaskedRows() = default;

uint64_t MaskedRows::num_rows() const { return packing_ ? packing_->num_rows() : first_piece_.back(); }

// Without the end_of_text that closes it, if the set has one.
uint64_t MaskedRows::text_length(uint64_t document) const {
  const uint64_t stored = tokens_.document_end(document) - tokens_.document_begin(document);
  return tokens_.end_of_text() >= 0 && stored > 0 ? stored - 1 : stored;
}

void MaskedRows::append(Row& row, const Piece& piece) const {
  std::vector<int32_t> ids(piece.length);
  tokens_.read(tokens_.document_begin(piece.document) + piece.begin, piece.length, ids.data());
  row.tokens.insert(row.tokens.end(), ids.begin(), ids.end());
}

MaskedRows::Row MaskedRows::packed_row(uint64_t sample) const {
  Row row;
  int32_t mark = 0;
  for (const Piece& piece : packing_->row(sample)) {
    row.tokens.push_back(vocabulary_.begin);
    append(row, piece);
    row.tokens.push_back(vocabulary_.separator);
    row.pieces.resize(row.tokens.size(), mark++);
  }
  return row;
}

MaskedRows::Pair MaskedRows::pair_of(uint64_t sample) const {
  const auto seed = static_cast<uint64_t>(options_.seed);
  const uint64_t rows = num_rows();
  const uint64_t longest = static_cast<uint64_t>(options_.sequence_length) - 3;
  const auto piece_at = [&](uint64_t index) {
    const auto after = std::upper_bound(first_piece_.begin(), first_piece_.end() - 1, index);
    const auto document = static_cast<uint64_t>(after - first_piece_.begin()) - 1;
    const uint64_t begin = (index - first_piece_[document]) * longest;
    return Piece{document, static_cast<uint32_t>(begin),
                 static_cast<uint32_t>(std::min(longest, text_length(document) - begin))};
  };
  const Piece whole = piece_at(permute(sample % rows, rows, random_at(seed, sample / rows, kOrderDraw, 3)));
  const auto cut = static_cast<uint32_t>(1 + random_at(seed, kPairDraw, sample, 1) % (whole.length - 1));
  Pair pair{{whole.document, whole.begin, cut}, {whole.document, whole.begin + cut, whole.length - cut}, true};
  const bool other = to_unit(random_at(seed, kPairDraw, sample, 2)) < 0.5;
  for (uint64_t attempt = 0; other && pair.follows && attempt < 8; ++attempt) {  // of one document alone no other is drawn
    const Piece drawn = piece_at(random_at(seed, kPairDraw, sample, 3 + attempt) % rows);
    if (drawn.document != whole.document) {
      pair.second = {drawn.document, drawn.begin, std::min(drawn.length, pair.second.length)};
      pair.follows = false;
    }
  }
  return pair;
}

MaskedRows::Row MaskedRows::pair_row(uint64_t sample) const {
  const Pair pair = pair_of(sample);
  Row row;
  row.follows = pair.follows;
  row.tokens.push_back(vocabulary_.begin);
  append(row, pair.first);
  row.tokens.push_back(vocabulary_.separator);
  row.types.resize(row.tokens.size(), 0);
  append(row, pair.second);
  row.tokens.push_back(vocabulary_.separator);
  row.types.resize(row.tokens.size(), 1);
  return row;
}

void MaskedRows::hide(uint64_t sample, Row& row) const {
  const auto seed = static_cast<uint64_t>(options_.seed);
  const auto vocab = static_cast<uint64_t>(vocabulary_.vocab_size);
  row.targets.assign(row.tokens.size(), -1);
  bool chosen = false;
  bool inside = false;  // the token before was of the text
  for (size_t t = 0; t < row.tokens.size(); ++t) {
    const auto id = static_cast<size_t>(row.tokens[t]);
    const bool goes_on = options_.whole_words && inside && vocabulary_.continues[id];
    inside = !vocabulary_.special[id];
    row.text += inside ? 1 : 0;
    if (!goes_on) {
      chosen = inside && unit_at(seed, sample, 4 * t) < options_.share;
    }
    if (!chosen) {
      continue;
    }
    row.targets[t] = row.tokens[t];
    const double fate = unit_at(seed, sample, 4 * t + 1);
    if (fate < 0.8) {
      row.tokens[t] = vocabulary_.mask;
    } else if (fate < 0.9) {
      uint64_t draw = 0;
      do {  // special tokens are few: a second draw is rare
        row.tokens[t] = static_cast<int64_t>(random_at(seed, kHideDraw, sample, 4 * t + 2 + (draw << 32)) % vocab);
      } while (vocabulary_.special[static_cast<size_t>(row.tokens[t])] && ++draw < 64);
    }
  }
}

MaskedBatch MaskedRows::batch(uint64_t first, int64_t count) const {
  const int64_t length = options_.sequence_length;
  MaskedBatch batch;
  batch.tokens_BT = at::full({count, length}, vocabulary_.padding, at::kLong);
  batch.targets_BT = at::full({count, length}, -1, at::kLong);
  if (options_.next_sentence) {
    batch.types_BT = at::zeros({count, length}, at::kLong);
    batch.length_B = at::empty({count}, at::kLong);
    batch.follows_B = at::empty({count}, at::kLong);
    batch.text_B = at::empty({count}, at::kFloat);
  } else {
    batch.document_BT = at::empty({count, length}, at::kInt);
  }
  for (int64_t b = 0; b < count; ++b) {
    const uint64_t sample = first + static_cast<uint64_t>(b);
    Row row = packing_ ? packed_row(sample) : pair_row(sample);
    hide(sample, row);
    const auto put = [&](const auto& values, const at::Tensor& into) {
      using Value = typename std::decay_t<decltype(values)>::value_type;
      std::copy(values.begin(), values.end(), into.mutable_data_ptr<Value>() + b * length);
    };
    put(row.tokens, batch.tokens_BT);
    put(row.targets, batch.targets_BT);
    if (options_.next_sentence) {
      put(row.types, batch.types_BT);
      batch.length_B.mutable_data_ptr<int64_t>()[b] = static_cast<int64_t>(row.tokens.size());
      batch.follows_B.mutable_data_ptr<int64_t>()[b] = row.follows ? 0 : 1;
      batch.text_B.mutable_data_ptr<float>()[b] = static_cast<float>(row.text);
    } else {  // what is left is a piece of its own
      row.pieces.resize(static_cast<size_t>(length), row.pieces.empty() ? 0 : row.pieces.back() + 1);
      put(row.pieces, batch.document_BT);
    }
  }
  return batch;
}

void MaskedRows::documents(uint64_t sample, const std::function<void(uint64_t)>& see) const {
  if (packing_) {
    for (const Piece& piece : packing_->row(sample)) {
      see(piece.document);
    }
    return;
  }
  const Pair pair = pair_of(sample);
  see(pair.first.document);
  if (!pair.follows) {
    see(pair.second.document);
  }
}

}  // namespace athanor

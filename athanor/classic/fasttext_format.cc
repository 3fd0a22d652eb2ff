#include "athanor/classic/fasttext_format.h"

#include <cmath>
#include <cstring>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr int32_t kMagic = 793712314;
constexpr float kMaxMagnitude = 1e6f;  // so that no sum of products can overflow
constexpr int64_t kMaxLabelCount = 1'000'000'000'000'000;  // fastText's "infinite" count in the Huffman tree
constexpr int32_t kMaxDim = 1 << 16;

// Reads fixed-size values and never past the end.
class Cursor {
 public:
  Cursor(std::string_view bytes, std::string where) : bytes_(bytes), where_(std::move(where)) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kInput, "not a sound fastText model: " + what + " (byte " + std::to_string(at_) + ")", where_,
                "get the file again; a classifier (.bin or .ftz) of fastText 0.2 or later is wanted");
  }
  void need(bool holds, const char* what) const {
    if (!holds) {
      fail(what);
    }
  }
  template <class T>
  T get(const char* what) {
    need(bytes_.size() - at_ >= sizeof(T), what);
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  bool flag(const char* what) {
    const auto value = get<uint8_t>(what);
    need(value <= 1, what);
    return value == 1;
  }
  std::string text(const char* what) {
    const size_t end = bytes_.find('\0', at_);
    need(end != std::string_view::npos, what);
    std::string value(bytes_.substr(at_, end - at_));
    at_ = end + 1;
    return value;
  }
  // count values; the length is checked before memory is taken.
  template <class T>
  std::vector<T> list(int64_t count, const char* what) {
    need(count >= 0 && static_cast<uint64_t>(count) <= (bytes_.size() - at_) / sizeof(T), what);
    std::vector<T> values(static_cast<size_t>(count));
    if (count > 0) {
      std::memcpy(values.data(), bytes_.data() + at_, values.size() * sizeof(T));
    }
    at_ += values.size() * sizeof(T);
    return values;
  }
  std::vector<float> floats(int64_t count, const char* what) {
    auto values = list<float>(count, what);
    for (const float value : values) {
      need(std::abs(value) <= kMaxMagnitude, what);  // false for NaN
    }
    return values;
  }
  size_t left() const { return bytes_.size() - at_; }

 private:
  std::string_view bytes_;
  std::string where_;
  size_t at_ = 0;
};

FastTextArgs read_args(Cursor& in, int32_t version) {
  FastTextArgs args;
  for (int32_t* field : {&args.dim, &args.ws, &args.epoch, &args.min_count, &args.neg, &args.word_ngrams, &args.loss,
                         &args.model, &args.bucket, &args.minn, &args.maxn, &args.lr_update_rate}) {
    *field = in.get<int32_t>("the arguments are cut off");
  }
  args.t = in.get<double>("the arguments are cut off");
  in.need(args.model == 3, "it holds word vectors, not a classifier");
  in.need(args.dim >= 1 && args.dim <= kMaxDim, "dim is out of range");
  in.need(args.loss >= 1 && args.loss <= 4, "an unknown loss");
  in.need(args.bucket >= 0, "bucket is negative");
  in.need(args.word_ngrams >= 0 && args.word_ngrams <= 64, "wordNgrams is out of range");
  in.need(args.minn >= 0 && args.maxn >= 0 && args.maxn <= 64 && args.minn <= 64, "minn or maxn is out of range");
  if (version == 11) {
    args.maxn = 0;  // classifiers of that version had no character n-grams, whatever the field says
  }
  in.need(args.bucket > 0 || (args.maxn == 0 && args.word_ngrams <= 1), "n-grams without buckets");
  return args;
}

void read_dictionary(Cursor& in, FastTextModel& model) {
  const char* cut = "the dictionary is cut off";
  const auto size = in.get<int32_t>(cut);
  model.num_words = in.get<int32_t>(cut);
  model.num_labels = in.get<int32_t>(cut);
  model.num_tokens = in.get<int64_t>(cut);
  model.prune_size = in.get<int64_t>(cut);
  in.need(model.num_words >= 0 && model.num_labels >= 1 &&
              int64_t{size} == int64_t{model.num_words} + int64_t{model.num_labels},
          "the counts of words and labels do not agree");
  in.need(static_cast<uint64_t>(size) <= in.left() / 10, cut);  // an entry has at least 10 bytes
  int64_t label_total = 0;
  for (int32_t i = 0; i < size; ++i) {
    FastTextEntry entry;
    entry.word = in.text(cut);
    entry.count = in.get<int64_t>(cut);
    const auto type = in.get<int8_t>(cut);
    in.need(type == (i < model.num_words ? 0 : 1), "words and labels are mixed");
    in.need(entry.count >= 0, "a negative count");
    entry.is_label = type == 1;
    if (entry.is_label) {
      in.need(entry.count <= kMaxLabelCount - label_total, "a count is out of range");
      label_total += entry.count;
    }
    model.entries.push_back(std::move(entry));
  }
  in.need(model.prune_size <= 0 || static_cast<uint64_t>(model.prune_size) <= in.left() / 8, cut);
  for (int64_t i = 0; i < model.prune_size; ++i) {
    const auto bucket = in.get<int32_t>(cut);
    const auto row = in.get<int32_t>(cut);
    in.need(bucket >= 0 && bucket < std::max(1, model.args.bucket) && row >= 0 && row < model.prune_size,
            "a pruned bucket is out of range");
    model.pruned.emplace_back(bucket, row);
  }
}

FastTextQuantizer read_quantizer(Cursor& in, int64_t columns) {
  const char* bad = "a quantiser's shape is wrong";
  FastTextQuantizer q;
  q.dim = in.get<int32_t>(bad);
  q.num_parts = in.get<int32_t>(bad);
  q.part_dim = in.get<int32_t>(bad);
  q.last_dim = in.get<int32_t>(bad);
  in.need(q.dim == columns && q.num_parts >= 1 && q.part_dim >= 1 && q.last_dim >= 1 && q.last_dim <= q.part_dim &&
              int64_t{q.num_parts - 1} * q.part_dim + q.last_dim == q.dim,
          bad);
  q.centroids = in.floats(int64_t{q.dim} * 256, "a quantiser is cut off or not finite");
  return q;
}

FastTextMatrix read_matrix(Cursor& in, bool quantised, int32_t dim) {
  FastTextMatrix m;
  m.quantised = quantised;
  m.has_norms = quantised && in.flag("a matrix is cut off");
  m.rows = in.get<int64_t>("a matrix is cut off");
  m.columns = in.get<int64_t>("a matrix is cut off");
  in.need(m.columns == dim, "a matrix's width is not dim");
  in.need(m.rows >= 0 && static_cast<uint64_t>(m.rows) <= in.left(), "a matrix is cut off");
  if (!quantised) {
    m.values = in.floats(m.rows * m.columns, "a matrix is cut off or not finite");
    return m;
  }
  const auto code_bytes = in.get<int32_t>("a matrix is cut off");
  m.codes = in.list<uint8_t>(code_bytes, "a matrix is cut off");
  m.quantizer = read_quantizer(in, m.columns);
  in.need(m.rows * m.quantizer.num_parts == code_bytes, "a matrix has the wrong number of codes");
  if (m.has_norms) {
    m.norm_codes = in.list<uint8_t>(m.rows, "a matrix is cut off");
    m.norm_quantizer = read_quantizer(in, 1);
  }
  return m;
}

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <class T>
void put_list(std::string& out, const std::vector<T>& values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

void put_quantizer(std::string& out, const FastTextQuantizer& q) {
  for (const int32_t field : {q.dim, q.num_parts, q.part_dim, q.last_dim}) {
    put(out, field);
  }
  put_list(out, q.centroids);
}

void put_matrix(std::string& out, const FastTextMatrix& m) {
  if (!m.quantised) {
    put(out, m.rows);
    put(out, m.columns);
    put_list(out, m.values);
    return;
  }
  put(out, static_cast<uint8_t>(m.has_norms));
  put(out, m.rows);
  put(out, m.columns);
  put(out, static_cast<int32_t>(m.codes.size()));
  put_list(out, m.codes);
  put_quantizer(out, m.quantizer);
  if (m.has_norms) {
    put_list(out, m.norm_codes);
    put_quantizer(out, m.norm_quantizer);
  }
}

}  // namespace

void FastTextMatrix::copy_row(int64_t row, float* out) const {
  const auto width = static_cast<size_t>(columns);
  if (!quantised) {
    std::memcpy(out, values.data() + static_cast<size_t>(row) * width, width * sizeof(float));
    return;
  }
  const auto at = static_cast<size_t>(row);
  const float norm = has_norms ? norm_quantizer.centroid(0, norm_codes[at])[0] : 1.0f;
  const uint8_t* code = codes.data() + at * static_cast<size_t>(quantizer.num_parts);
  for (int32_t part = 0; part < quantizer.num_parts; ++part) {
    const float* centroid = quantizer.centroid(part, code[part]);
    for (int32_t i = 0; i < quantizer.width(part); ++i) {
      *out++ = norm * centroid[i];
    }
  }
}

FastTextModel FastTextModel::parse(std::string_view bytes, const std::string& where) {
  Cursor in(bytes, where);
  FastTextModel model;
  in.need(in.get<int32_t>("it is empty") == kMagic, "the magic number is not fastText's");
  model.version = in.get<int32_t>("the version is cut off");
  in.need(model.version == 11 || model.version == 12, "a version other than 11 or 12");
  model.args = read_args(in, model.version);
  read_dictionary(in, model);
  const bool quantised = in.flag("the input matrix is cut off");
  in.need(quantised || model.prune_size < 0, "a pruned dictionary with a dense matrix");
  model.input = read_matrix(in, quantised, model.args.dim);
  const bool quantised_output = in.flag("the output matrix is cut off");
  model.output = read_matrix(in, quantised && quantised_output, model.args.dim);
  const int64_t extra = model.prune_size >= 0 ? model.prune_size : model.args.bucket;
  const bool uses_buckets = model.args.maxn > 0 || model.args.word_ngrams > 1;
  in.need(model.input.rows >= int64_t{model.num_words} + (uses_buckets ? extra : 0) && model.input.rows < (int64_t{1} << 31),
          "the input matrix has too few rows");
  in.need(model.output.rows == model.num_labels, "the output matrix does not have a row a label");
  in.need(in.left() == 0, "bytes follow the end");
  return model;
}

FastTextModel FastTextModel::read(const fs::path& path) {
  const MappedFile file(path);
  return parse(file.text(), path.string());
}

std::string FastTextModel::to_bytes() const {
  std::string out;
  put(out, kMagic);
  put(out, version);
  for (const int32_t field : {args.dim, args.ws, args.epoch, args.min_count, args.neg, args.word_ngrams, args.loss,
                              args.model, args.bucket, args.minn, args.maxn, args.lr_update_rate}) {
    put(out, field);
  }
  put(out, args.t);
  put(out, static_cast<int32_t>(entries.size()));
  put(out, num_words);
  put(out, num_labels);
  put(out, num_tokens);
  put(out, prune_size);
  for (const auto& entry : entries) {
    out.append(entry.word);
    out.push_back('\0');
    put(out, entry.count);
    put(out, static_cast<int8_t>(entry.is_label ? 1 : 0));
  }
  for (const auto& [bucket, row] : pruned) {
    put(out, bucket);
    put(out, row);
  }
  put(out, static_cast<uint8_t>(input.quantised));
  put_matrix(out, input);
  put(out, static_cast<uint8_t>(output.quantised));
  put_matrix(out, output);
  return out;
}

void FastTextModel::write(const fs::path& path) const { write_file_atomic(path, to_bytes()); }

}  // namespace athanor

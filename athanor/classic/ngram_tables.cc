#include <charconv>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/ngram_train.h"

namespace athanor {

namespace {

// Plain probabilities with the backoffs that belong to them, as logarithms. Both come in suffix order.
class WeightStream : public NgramStream {
 public:
  WeightStream(std::unique_ptr<NgramStream> probabilities, std::unique_ptr<NgramStream> backoffs)
      : probabilities_(std::move(probabilities)), backoffs_(std::move(backoffs)) {
    has_backoff_ = backoffs_->next(backoff_);
  }
  bool next(NgramRecord& record) override {
    if (!probabilities_->next(record)) {
      return false;
    }
    while (has_backoff_ && backoff_ < record) {
      has_backoff_ = backoffs_->next(backoff_);
    }
    const bool known = has_backoff_ && backoff_.key == record.key;
    record.set_floats(std::log10(record.first()), known ? std::log10(backoff_.first()) : 0.0f);
    return true;
  }

 private:
  std::unique_ptr<NgramStream> probabilities_;
  std::unique_ptr<NgramStream> backoffs_;
  NgramRecord backoff_;
  bool has_backoff_ = false;
};

void put_float(std::string& out, float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value == 0 ? 0.0f : value).ptr;  // never "-0"
  out.append(text, end);
}

}  // namespace

uint64_t NgramTables::size(int n) const {
  return n == 1 ? unigrams.size() : orders_.at(static_cast<size_t>(n - 2)).probabilities->size();
}

std::unique_ptr<NgramStream> NgramTables::read(int n) const {
  const Order& at = orders_.at(static_cast<size_t>(n - 2));
  if (!at.backoffs) {
    return at.probabilities->read();
  }
  return std::make_unique<WeightStream>(at.probabilities->read(), at.backoffs->read());
}

void NgramTables::append_order(std::unique_ptr<NgramList> list) { orders_.push_back({std::move(list), nullptr}); }

void NgramTables::write_arpa(const fs::path& path) const {
  constexpr size_t kFlushBytes = 1 << 20;
  FileWriter file(path);
  std::string out = "\\data\\\n";
  for (int n = 1; n <= order; ++n) {
    out += "ngram " + std::to_string(n) + "=" + std::to_string(size(n)) + "\n";
  }
  const auto line = [&](float p, float backoff, const std::vector<uint32_t>& ids) {
    put_float(out, p);
    for (size_t i = 0; i < ids.size(); ++i) {
      out += i == 0 ? '\t' : ' ';
      out += words[ids[i]];
    }
    if (static_cast<int>(ids.size()) < order) {
      out += '\t';
      put_float(out, backoff);
    }
    out += '\n';
    if (out.size() > kFlushBytes) {
      file.write(out);
      out.clear();
    }
  };
  out += "\n\\1-grams:\n";
  for (uint32_t id = 0; id < unigrams.size(); ++id) {
    line(unigrams[id].log10_p, unigrams[id].log10_backoff, {id});
  }
  for (int n = 2; n <= order; ++n) {
    out += "\n\\" + std::to_string(n) + "-grams:\n";
    const auto stream = read(n);
    std::vector<uint32_t> ids(static_cast<size_t>(n));
    for (NgramRecord record; stream->next(record);) {
      for (int i = 0; i < n; ++i) {
        ids[static_cast<size_t>(n - 1 - i)] = record.word(i);
      }
      line(record.first(), record.second(), ids);
    }
  }
  out += "\n\\end\\\n";
  file.write(out);
  file.close();
}

}  // namespace athanor

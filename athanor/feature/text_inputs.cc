// Text as token ids.
#include "athanor/base/error.h"
#include "athanor/base/lower.h"
#include "athanor/base/unicode.h"
#include "athanor/feature/inputs.h"

namespace athanor {

namespace {

std::string lower_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const char* p = text.data();
  const char* end = p + text.size();
  while (p < end) {
    append_utf8(out, to_lower(decode_utf8(p, end)));
  }
  return out;
}

class TextInputs : public Inputs {
 public:
  TextInputs(const InputOptions& options, const Tokenizer* tokenizer) : options_(options), tokenizer_(tokenizer) {
    if (tokenizer_ == nullptr) {
      throw Error(ErrorKind::kUsage, "a network that reads text wants a tokenizer", "from",
                  "from: {train: STEP, tokenizer: STEP}; for numbers over time, reads: series");
    }
  }

  InputShape shape() const override {
    InputShape shape;
    shape.kind = InputKind::kText;
    shape.vocab_size = tokenizer_->vocab_size();
    return shape;
  }

  void see(const Document&) override {}
  void finish() override {}

  bool add(const Document& document, Examples& out, std::string& reason) const override {
    const size_t begin = out.ids.size();
    tokenizer_->encode(options_.lowercase ? lower_case(document.text) : document.text, out.ids);
    const size_t limit = begin + static_cast<size_t>(options_.max_length);
    if (out.ids.size() == begin) {
      reason = "no tokens";
      return false;
    }
    if (out.ids.size() > limit) {
      out.ids.resize(limit);
      ++out.cut;
    }
    out.offsets.push_back(out.ids.size());
    ++out.count;
    return true;
  }

  nlohmann::json to_json() const override {
    return {{"kind", "text"}, {"options", dump_options(options_, true)}};
  }

 private:
  InputOptions options_;
  const Tokenizer* tokenizer_;
};

}  // namespace

std::unique_ptr<Inputs> make_text_inputs(const InputOptions& options, const Tokenizer* tokenizer) {
  return std::make_unique<TextInputs>(options, tokenizer);
}

}  // namespace athanor

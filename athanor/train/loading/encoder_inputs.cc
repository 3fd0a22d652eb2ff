#include "athanor/train/loading/encoder_inputs.h"

#include "athanor/base/error.h"

namespace athanor {

namespace {

class EncoderInputs : public Inputs {
 public:
  EncoderInputs(const EncoderInputOptions& options, const Tokenizer* tokenizer, const EncoderMarks& marks)
      : options_(options), tokenizer_(tokenizer), marks_(marks) {
    if (tokenizer_ == nullptr) {
      throw Error(ErrorKind::kUsage, "an encoder wants a tokenizer", "from", "from: {train: STEP, tokenizer: STEP}");
    }
    if (marks_.begin < 0 || marks_.separator < 0) {
      throw Error(ErrorKind::kUsage, "the tokenizer has no tokens that frame a text ([CLS] and [SEP], or <s> and </s>)",
                  "from.tokenizer", "train it with kind: wordpiece, or with special_tokens that name them");
    }
    if (options_.max_length <= num_marks()) {
      throw Error(ErrorKind::kUsage, "max_length = " + std::to_string(options_.max_length) + " leaves no room for a text",
                  "inputs.max_length", "at least " + std::to_string(num_marks() + 1));
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
    std::vector<int32_t> first;
    std::vector<int32_t> second;
    tokenizer_->encode(document.text, first);
    if (pairs()) {
      const auto meta = nlohmann::json::parse(document.meta, nullptr, false);
      const auto it = meta.is_object() ? meta.find(options_.pair_field) : meta.end();
      if (!meta.is_object() || it == meta.end() || !it->is_string()) {
        reason = "no second text";
        return false;
      }
      tokenizer_->encode(it->get_ref<const std::string&>(), second);
    }
    if (first.empty() || (pairs() && second.empty())) {
      reason = "no tokens";
      return false;
    }
    const auto room = static_cast<size_t>(options_.max_length - num_marks());
    if (first.size() + second.size() > room) {
      shorten(first, second, room);
      ++out.cut;
    }
    append(first, second, out);
    return true;
  }

  nlohmann::json to_json() const override {
    return {{"kind", "text"}, {"options", {{"max_length", options_.max_length}}}, {"pair_field", options_.pair_field}};
  }

 private:
  bool pairs() const { return !options_.pair_field.empty(); }
  bool roberta() const { return options_.family == "roberta"; }
  int64_t num_marks() const { return !pairs() ? 2 : roberta() ? 4 : 3; }

  static void shorten(std::vector<int32_t>& first, std::vector<int32_t>& second, size_t room) {
    while (first.size() + second.size() > room) {
      (first.size() >= second.size() ? first : second).pop_back();
    }
  }

  void append(const std::vector<int32_t>& first, const std::vector<int32_t>& second, Examples& out) const {
    const size_t begin = out.ids.size();
    out.ids.push_back(marks_.begin);
    out.ids.insert(out.ids.end(), first.begin(), first.end());
    out.ids.push_back(marks_.separator);
    if (pairs()) {
      if (roberta()) {
        out.ids.push_back(marks_.separator);
      } else {
        out.values.push_back(static_cast<float>(out.ids.size() - begin));
      }
      out.ids.insert(out.ids.end(), second.begin(), second.end());
      out.ids.push_back(marks_.separator);
    }
    out.offsets.push_back(out.ids.size());
    ++out.count;
  }

  EncoderInputOptions options_;
  const Tokenizer* tokenizer_;
  EncoderMarks marks_;
};

}  // namespace

std::unique_ptr<Inputs> make_encoder_inputs(const EncoderInputOptions& options, const Tokenizer* tokenizer,
                                            const EncoderMarks& marks) {
  return std::make_unique<EncoderInputs>(options, tokenizer, marks);
}

EncoderInputOptions encoder_input_options(const nlohmann::json& json, const std::string& family,
                                          const std::string& where) {
  try {
    return {family, json.at("options").at("max_length").get<int64_t>(), json.value("pair_field", "")};
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput, std::string("the description of the inputs is damaged: ") + error.what(), where);
  }
}

}  // namespace athanor

#include "athanor/token/pipeline/text_encoder.h"

#include "athanor/base/unicode.h"
#include "athanor/base/utf8_valid.h"
#include "athanor/token/pipeline/bert_text.h"
#include "athanor/token/split/metaspace.h"

namespace athanor::token {

namespace {

enum class Prepend {
  kNever,
  kAlways,       // Prepend: whatever the text begins with
  kUnlessThere,  // Metaspace "always": when the text begins with no marker
  kFirst,        // the same, at the beginning of the input only
};

class MarkerEncoder : public TextEncoder {
 public:
  MarkerEncoder(Scan scan, Marking marking, Prepend prepend, const TokenModel& model)
      : scan_(scan), prepend_(prepend), model_(model, marking), pieces_(scan, model_) {}

  void encode(std::string_view text, bool first, std::vector<int32_t>& ids) const override {
    each_part(text, first, prepend_, [&](std::string_view part) { pieces_.encode(part, ids); });
  }

  void encode_normal(std::string_view text, bool first, std::vector<int32_t>& ids) const override {
    const Prepend prepend = prepend_ == Prepend::kAlways ? Prepend::kNever : prepend_;  // it was a normalizer's
    each_part(text, first, prepend, [&](std::string_view part) { pieces_.encode(part, ids); });
  }

  void encode_sampled(std::string_view text, bool first, const Sampling& sampling, Rng& rng,
                      std::vector<int32_t>& ids) const override {
    each_part(text, first, prepend_,
              [&](std::string_view part) { token::encode_sampled(scan_, model_, part, sampling, rng, ids); });
  }

 private:
  // The text, or, when a marker goes before it, its first piece with that and then the rest.
  template <typename Encode>
  void each_part(std::string_view text, bool first, Prepend when, const Encode& encode) const {
    std::string repaired;
    if (!is_valid_utf8_fast(text)) {
      repaired = repair_utf8(text);
      text = repaired;
    }
    if (text.empty()) {
      return;
    }
    const bool there = text.starts_with(' ') || text.starts_with(kMarker);
    const bool prepend = when == Prepend::kAlways || (when == Prepend::kUnlessThere && !there) ||
                         (when == Prepend::kFirst && first && !there);
    if (prepend) {
      size_t end;
      scan_(text, 0, &end, 1);
      encode(" " + std::string(text.substr(0, end)));
      text.remove_prefix(end);
    }
    if (!text.empty()) {
      encode(text);
    }
  }

  Scan scan_;
  Prepend prepend_;
  MarkerModel model_;
  PieceEncoder pieces_;
};

// A Sequence taken apart; the parts of a field that is none, or no object, are nothing.
void flatten(const Field& field, const char* list, std::vector<Field>& out) {
  if (field.at("type").string() == "Sequence") {
    const Field parts = field.at(list);
    for (size_t i = 0; i < parts.list().size(); ++i) {
      flatten(parts.item(i), list, out);
    }
  } else {
    out.push_back(field);
  }
}

std::vector<Field> parts_of(const Field& root, const char* section, const char* list) {
  std::vector<Field> parts;
  if (const std::optional<Field> field = root.find(section)) {
    flatten(*field, list, parts);
  }
  return parts;
}

bool is_type(const std::vector<Field>& parts, size_t index, const char* type) {
  return index < parts.size() && parts[index].at("type").string() == type;
}

bool is_text(const Field& field, const char* name, std::string_view wanted) {
  const std::optional<Field> text = field.find(name);
  return text && text->value().is_string() && text->string() == wanted;
}

// {"type": "Replace", "pattern": {"String": " "}, "content": marker}
bool replaces_spaces(const Field& field) {
  const std::optional<Field> pattern = field.find("pattern");
  return field.at("type").string() == "Replace" && pattern && pattern->value().is_object() &&
         is_text(*pattern, "String", " ") && is_text(field, "content", kMarker);
}

// A Split at spaces, of which there are none once they are markers.
bool splits_at_spaces(const Field& field) {
  const std::optional<Field> pattern = field.find("pattern");
  return field.at("type").string() == "Split" && pattern && pattern->value().is_object() &&
         is_text(*pattern, "String", " ") && !field.flag("invert", false);
}

std::optional<Prepend> prepend_of(const Field& metaspace) {
  if (!is_text(metaspace, "replacement", kMarker)) {
    return std::nullopt;
  }
  if (!metaspace.flag("add_prefix_space", true) || is_text(metaspace, "prepend_scheme", "never")) {
    return Prepend::kNever;
  }
  return is_text(metaspace, "prepend_scheme", "first") ? Prepend::kFirst : Prepend::kUnlessThere;
}

TextPath bert_path(const std::vector<Field>& normalizers, const TokenModel& model, const TextFunction& exact) {
  const Field& field = normalizers.back();
  BertOptions options;
  options.clean_text = field.flag("clean_text", true);
  options.handle_chinese_chars = field.flag("handle_chinese_chars", true);
  options.lowercase = field.flag("lowercase", true);
  options.strip_accents = field.flag("strip_accents", options.lowercase);
  return {std::make_unique<BertEncoder>(options, exact, model), normalizers.size() - 1};
}

// Metaspace, alone or after WhitespaceSplit.
TextPath metaspace_path(const std::vector<Field>& cuts, size_t normalizers, const TokenModel& model,
                        const Vocabulary& vocabulary) {
  const Field& metaspace = cuts.back();
  const std::optional<Prepend> prepend = prepend_of(metaspace);
  const bool split = metaspace.flag("split", true);
  Scan scan = split ? &scan_markers : scan_within_tokens(model, vocabulary);
  Marking marking = Marking::kSpaces;
  if (cuts.size() == 2) {
    scan = split && prepend == Prepend::kUnlessThere ? &scan_white_markers : nullptr;
    marking = Marking::kWords;
  }
  if (!prepend || scan == nullptr) {
    return {};
  }
  return {std::make_unique<MarkerEncoder>(scan, marking, marking == Marking::kWords ? Prepend::kNever : *prepend, model),
          normalizers};
}

}  // namespace

TextPath make_text_path(const Field& root, const TokenModel& model, const Vocabulary& vocabulary,
                        const TextFunction& bert) {
  const std::vector<Field> normalizers = parts_of(root, "normalizer", "normalizers");
  const std::vector<Field> cuts = parts_of(root, "pre_tokenizer", "pretokenizers");
  const size_t count = normalizers.size();
  if (count >= 1 && is_type(normalizers, count - 1, "BertNormalizer") && cuts.size() == 1 &&
      is_type(cuts, 0, "BertPreTokenizer") && bert != nullptr) {
    return bert_path(normalizers, model, bert);
  }
  if ((cuts.size() == 1 && is_type(cuts, 0, "Metaspace")) ||
      (cuts.size() == 2 && is_type(cuts, 0, "WhitespaceSplit") && is_type(cuts, 1, "Metaspace"))) {
    return metaspace_path(cuts, count, model, vocabulary);
  }
  const bool whole = cuts.empty() || (cuts.size() == 1 && splits_at_spaces(cuts[0]));
  if (whole && count >= 1 && replaces_spaces(normalizers[count - 1])) {
    const Scan scan = scan_within_tokens(model, vocabulary);
    const bool prepends = count >= 2 && is_type(normalizers, count - 2, "Prepend") &&
                          is_text(normalizers[count - 2], "prepend", kMarker);
    if (scan != nullptr) {
      return {std::make_unique<MarkerEncoder>(scan, Marking::kSpaces, prepends ? Prepend::kAlways : Prepend::kNever,
                                              model),
              count - (prepends ? 2 : 1)};
    }
  }
  return {};
}

void encode_sampled(Scan scan, const TokenModel& model, std::string_view text, const Sampling& sampling, Rng& rng,
                    std::vector<int32_t>& ids) {
  Workspace work;
  size_t end;
  for (size_t begin = 0; scan(text, begin, &end, 1) != 0; begin = end) {
    model.encode_sampled(text.substr(begin, end - begin), sampling, rng, work, ids);
  }
}

}  // namespace athanor::token

#include "athanor/token/pipeline/text_encoder.h"

#include "athanor/base/unicode.h"
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

// Steps of SentencePiece's own normalizer, for a text alone.
struct Normalizing {
  std::vector<TextFunction> steps;
  const AsciiAware* characters = nullptr;  // the step that looks at all characters, if there is one
};

class MarkerEncoder : public TextEncoder {
 public:
  MarkerEncoder(Normalizing normalizing, Scan scan, Marking marking, Prepend prepend, const TokenModel& model)
      : normalizing_(std::move(normalizing)),
        scan_(scan),
        prepend_(prepend),
        model_(model, marking),
        pieces_(scan, model_) {}

  bool keeps_front(std::string_view text) const override {
    const auto keeps = [&](size_t at) {
      const bool visible = text[at] > ' ' && text[at] < 0x7F;
      return visible && (normalizing_.characters == nullptr || normalizing_.characters->keeps(text[at]));
    };
    return !text.empty() && keeps(0) && (text.size() == 1 || static_cast<uint8_t>(text[1]) < 0x80);
  }

  void encode(std::string_view text, bool first, std::vector<int32_t>& ids) const override {
    std::string scratch;
    each_part(normalise(text, scratch), first, prepend_, [&](std::string_view part) { pieces_.encode(part, ids); });
  }

  void encode_normal(std::string_view text, bool first, std::vector<int32_t>& ids) const override {
    const Prepend prepend = prepend_ == Prepend::kAlways ? Prepend::kNever : prepend_;  // it was a normalizer's
    each_part(text, first, prepend, [&](std::string_view part) { pieces_.encode(part, ids); });
  }

 private:
  std::string_view normalise(std::string_view text, std::string& scratch) const {
    if (!is_valid_utf8(text)) {
      scratch = repair_utf8(text);
      text = scratch;
    }
    for (const TextFunction& step : normalizing_.steps) {
      scratch = step(text);
      text = scratch;
    }
    return text;
  }

  // The text, or, when a marker goes before it, its first piece with that and then the rest.
  template <typename Encode>
  void each_part(std::string_view text, bool first, Prepend when, const Encode& encode) const {
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

  Normalizing normalizing_;
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

TextFunction alone(const NormalizerStep& step) {
  if (step.plain) {
    return step.plain;
  }
  return [apply = step.apply](std::string_view text) {
    Aligned aligned = Aligned::of(text, 0, false, false);
    apply(aligned);
    return std::move(aligned.text);
  };
}

// Strip, which looks at the ends only.
TextFunction alone_at_ends(const NormalizerStep& step) {
  const auto is_visible = [](char c) { return c > ' ' && c < 0x7F; };
  return [exact = alone(step), is_visible](std::string_view text) {
    const bool same = !text.empty() && is_visible(text.front()) && is_visible(text.back());
    return same ? std::string(text) : exact(text);
  };
}

// The last steps, as many as are of the kinds that are fast here; left: how many come before them.
Normalizing fast_steps(const std::vector<Field>& fields, const std::vector<NormalizerStep>& steps, size_t& left) {
  Normalizing out;
  for (left = fields.size(); left > 0; --left) {
    const Field& field = fields[left - 1];
    const std::string& type = field.at("type").string();
    const std::optional<Field> pattern = field.find("pattern");
    TextFunction step;
    if (type == "Precompiled" && out.characters == nullptr) {
      const auto aware = std::make_shared<const AsciiAware>(alone(steps[left - 1]));
      out.characters = aware.get();
      step = [aware](std::string_view text) { return (*aware)(text); };
    } else if (type == "Strip") {
      step = alone_at_ends(steps[left - 1]);
    } else if (type == "Replace" && pattern && pattern->value().is_object() && is_text(*pattern, "Regex", " {2,}")) {
      step = [content = field.at("content").string()](std::string_view text) {
        return replace_space_runs(text, content);
      };
    } else {
      break;
    }
    out.steps.insert(out.steps.begin(), std::move(step));
  }
  return out;
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
TextPath metaspace_path(const std::vector<Field>& cuts, const std::vector<Field>& normalizers,
                        const std::vector<NormalizerStep>& steps, const TokenModel& model,
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
  size_t left = 0;
  Normalizing normalizing = fast_steps(normalizers, steps, left);
  return {std::make_unique<MarkerEncoder>(std::move(normalizing), scan, marking,
                                          marking == Marking::kWords ? Prepend::kNever : *prepend, model),
          left};
}

}  // namespace

TextPath make_text_path(const Field& root, const std::vector<NormalizerStep>& steps, const TokenModel& model,
                        const Vocabulary& vocabulary) {
  const std::vector<Field> normalizers = parts_of(root, "normalizer", "normalizers");
  const std::vector<Field> cuts = parts_of(root, "pre_tokenizer", "pretokenizers");
  const size_t count = normalizers.size();
  if (count >= 1 && is_type(normalizers, count - 1, "BertNormalizer") && cuts.size() == 1 &&
      is_type(cuts, 0, "BertPreTokenizer")) {
    return bert_path(normalizers, model, alone(steps.back()));
  }
  if ((cuts.size() == 1 && is_type(cuts, 0, "Metaspace")) ||
      (cuts.size() == 2 && is_type(cuts, 0, "WhitespaceSplit") && is_type(cuts, 1, "Metaspace"))) {
    return metaspace_path(cuts, normalizers, steps, model, vocabulary);
  }
  const bool whole = cuts.empty() || (cuts.size() == 1 && splits_at_spaces(cuts[0]));
  if (whole && count >= 1 && replaces_spaces(normalizers[count - 1])) {
    const Scan scan = scan_within_tokens(model, vocabulary);
    const bool prepends = count >= 2 && is_type(normalizers, count - 2, "Prepend") &&
                          is_text(normalizers[count - 2], "prepend", kMarker);
    if (scan != nullptr) {
      return {std::make_unique<MarkerEncoder>(Normalizing{}, scan, Marking::kSpaces,
                                              prepends ? Prepend::kAlways : Prepend::kNever, model),
              count - (prepends ? 2 : 1)};
    }
  }
  return {};
}

}  // namespace athanor::token

#include "athanor/token/pipeline/post_processor.h"

#include <algorithm>
#include <map>
#include <memory>

#include "athanor/token/pipeline/fields.h"

namespace athanor::token {

namespace {

using Step = PostProcessor::Step;

void for_each_window(Draft& draft, const std::function<void(Draft&)>& visit) {
  visit(draft);
  for (Draft& window : draft.overflowing) {
    visit(window);
  }
}

// Offsets without the spaces at a token's ends. The one space that add_prefix_space put in front is not of the text.
void trim(Draft& draft, bool add_prefix_space) {
  for (size_t i = 0; i < draft.size(); ++i) {
    TextSpan& offset = draft.offsets[i];
    const Draft::Edges& edges = draft.edges[i];
    const bool first = i == 0 || offset.begin == 0;
    if (edges.leading > 0 && !(first && add_prefix_space && edges.leading == 1)) {
      offset.begin = std::min(edges.begin, offset.end);
    }
    if (edges.trailing > 0) {
      offset.end = std::max(edges.end, offset.begin);
    }
  }
}

void trim_all(std::vector<Draft>& drafts, bool add_prefix_space) {
  for (Draft& draft : drafts) {
    for_each_window(draft, [=](Draft& each) { trim(each, add_prefix_space); });
  }
}

Step make_byte_level(const Field& field) {
  const bool wanted = field.flag("trim_offsets", true);
  const bool prefix = field.flag("add_prefix_space", true);
  const auto apply = [=](std::vector<Draft>& drafts, bool) {
    if (wanted) {
      trim_all(drafts, prefix);
    }
  };
  return {"ByteLevel", 0, 0, apply};
}

// Puts a special token in front (unless front < 0) and one behind, in every window.
void surround(Draft& draft, int32_t front, int32_t back, int32_t type_id) {
  for_each_window(draft, [=](Draft& each) {
    Draft out;
    if (front >= 0) {
      out.push_special(front, type_id);
    }
    std::vector<Draft> windows = std::move(each.overflowing);
    each.overflowing.clear();
    Draft inner = std::move(each);
    std::fill(inner.special.begin(), inner.special.end(), 0);
    out.append(std::move(inner));
    out.push_special(back, type_id);
    out.overflowing = std::move(windows);
    each = std::move(out);
  });
}

// ["[SEP]", 102]
int32_t read_special(const Field& field) {
  if (field.list().size() != 2) {
    field.fail("must be [token, id]");
  }
  field.item(0).string();
  return static_cast<int32_t>(field.item(1).integer(0, INT32_MAX));
}

Step make_bert(const Field& field) {
  const int32_t sep = read_special(field.at("sep"));
  const int32_t cls = read_special(field.at("cls"));
  const auto apply = [=](std::vector<Draft>& drafts, bool add) {
    for (size_t i = 0; add && i < drafts.size(); ++i) {
      surround(drafts[i], i == 0 ? cls : -1, sep, i == 0 ? 0 : 1);
    }
  };
  return {"BertProcessing", 2, 3, apply};
}

Step make_roberta(const Field& field) {
  const int32_t sep = read_special(field.at("sep"));
  const int32_t cls = read_special(field.at("cls"));
  const bool wanted = field.at("trim_offsets").boolean();
  const bool prefix = field.at("add_prefix_space").boolean();
  const auto apply = [=](std::vector<Draft>& drafts, bool add) {
    if (wanted) {
      trim_all(drafts, prefix);
    }
    for (size_t i = 0; i < drafts.size(); ++i) {
      const auto clear = [](Draft& each) { std::fill(each.type_ids.begin(), each.type_ids.end(), 0); };
      if (add) {
        for_each_window(drafts[i], clear);
        surround(drafts[i], i == 0 ? cls : sep, sep, 0);
      } else {
        clear(drafts[i]);
      }
    }
  };
  return {"RobertaProcessing", 2, 4, apply};
}

struct TemplatePiece {
  int text = -1;  // 0 or 1; -1: special tokens
  int32_t type_id = 0;
  std::vector<int32_t> ids;
};
using SpecialTokens = std::map<std::string, std::vector<int32_t>>;

SpecialTokens read_special_tokens(const Field& field) {
  SpecialTokens out;
  for (const auto& [name, value] : field.object().items()) {
    const Field token(value, field.path() + "." + json_string(name), field.where());
    refuse_other_fields(token, {"id", "ids", "tokens"});
    const Field ids = token.at("ids");
    if (ids.list().size() != token.at("tokens").list().size()) {
      token.fail("must have as many tokens as ids");
    }
    std::vector<int32_t>& list = out[token.at("id").string()];
    for (size_t i = 0; i < ids.value().size(); ++i) {
      list.push_back(static_cast<int32_t>(ids.item(i).integer(0, INT32_MAX)));
    }
  }
  return out;
}

std::vector<TemplatePiece> read_template(const Field& field, const SpecialTokens& specials, int num_texts) {
  std::vector<TemplatePiece> out;
  for (size_t i = 0; i < field.list().size(); ++i) {
    const Field item = field.item(i);
    const bool is_text = item.object().contains("Sequence");
    refuse_other_fields(item, {is_text ? "Sequence" : "SpecialToken"});
    const Field inner = item.at(is_text ? "Sequence" : "SpecialToken");
    refuse_other_fields(inner, {"id", "type_id"});
    const Field id = inner.at("id");
    TemplatePiece piece;
    piece.type_id = static_cast<int32_t>(inner.at("type_id").integer(0, INT32_MAX));
    if (is_text) {
      piece.text = id.string() == "A" ? 0 : 1;
      if ((id.string() != "A" && id.string() != "B") || piece.text >= num_texts) {
        id.fail("is " + json_string(id.string()) + ", which this template has no text for");
      }
    } else {
      const auto found = specials.find(id.string());
      if (found == specials.end()) {
        id.fail("is " + json_string(id.string()) + ", which is not among special_tokens");
      }
      piece.ids = found->second;
    }
    out.push_back(piece);
  }
  return out;
}

size_t num_special(const std::vector<TemplatePiece>& pieces) {
  size_t count = 0;
  for (const TemplatePiece& piece : pieces) {
    count += piece.ids.size();
  }
  return count;
}

Step make_template(const Field& field) {
  const SpecialTokens specials = read_special_tokens(field.at("special_tokens"));
  const std::vector<TemplatePiece> single = read_template(field.at("single"), specials, 1);
  const std::vector<TemplatePiece> pair = read_template(field.at("pair"), specials, 2);
  const auto apply = [=](std::vector<Draft>& drafts, bool add) {
    std::vector<Draft> out;
    const std::vector<TemplatePiece>& pieces = drafts.size() > 1 ? pair : single;
    for (size_t at = 0; at < pieces.size(); ++at) {
      const TemplatePiece& piece = pieces[at];
      Draft draft;
      if (piece.text >= 0) {
        Draft& text = drafts[static_cast<size_t>(piece.text)];
        std::fill(text.type_ids.begin(), text.type_ids.end(), piece.type_id);
        const auto is_same = [&](const TemplatePiece& other) { return other.text == piece.text; };
        const bool again = std::any_of(pieces.begin() + static_cast<std::ptrdiff_t>(at) + 1, pieces.end(), is_same);
        draft = again ? text : std::move(text);
      }
      for (size_t i = 0; add && i < piece.ids.size(); ++i) {
        draft.push_special(piece.ids[i], piece.type_id);
      }
      out.push_back(std::move(draft));
    }
    drafts = std::move(out);
  };
  return {"TemplateProcessing", num_special(single), num_special(pair), apply};
}

struct PostProcessorKind {
  const char* type;
  Step (*make)(const Field&);
  std::initializer_list<const char*> fields;  // beside "type"
};
const PostProcessorKind kPostProcessors[] = {
    // Command R's file has ByteLevel's members here, too, which mean nothing.
    {"TemplateProcessing", &make_template,
     {"single", "pair", "special_tokens", "add_prefix_space", "trim_offsets", "use_regex"}},
    {"BertProcessing", &make_bert, {"sep", "cls"}},
    {"RobertaProcessing", &make_roberta, {"sep", "cls", "trim_offsets", "add_prefix_space"}},
    {"ByteLevel", &make_byte_level, {"add_prefix_space", "trim_offsets", "use_regex"}},
};

void read_into(const Field& field, PostProcessor& out) {
  std::vector<Step>& steps = out.steps;
  const Field type = field.at("type");
  if (type.string() == "Sequence") {
    refuse_other_fields(field, {"processors"});
    const Field list = field.at("processors");
    for (size_t i = 0; i < list.list().size(); ++i) {
      read_into(list.item(i), out);
    }
    return;
  }
  for (const PostProcessorKind& kind : kPostProcessors) {
    if (type.string() == kind.type) {
      refuse_other_fields(field, kind.fields);
      const bool adds = type.string() != "ByteLevel";
      const bool has_one = std::any_of(steps.begin(), steps.end(), [](const Step& s) { return s.type != "ByteLevel"; });
      if (adds && has_one) {
        type.fail("is a second processor that adds tokens, which is not supported");
      }
      steps.push_back(kind.make(field));
      const bool may_trim = type.string() == "ByteLevel" || type.string() == "RobertaProcessing";
      out.trims = out.trims || (may_trim && field.flag("trim_offsets", true));
      return;
    }
  }
  type.fail("is " + json_string(type.string()) + ", which is not supported", "supported: " + post_processor_types());
}

}  // namespace

size_t PostProcessor::num_added(bool pair) const {
  size_t count = 0;
  for (const Step& step : steps) {
    count += pair ? step.added_pair : step.added_single;
  }
  return count;
}

Draft PostProcessor::apply(std::vector<Draft> drafts, bool add_special_tokens) const {
  for (size_t i = 0; !steps.empty() && i < drafts.size(); ++i) {
    std::fill(drafts[i].type_ids.begin(), drafts[i].type_ids.end(), static_cast<int32_t>(i));
  }
  for (const Step& step : steps) {
    step.apply(drafts, add_special_tokens);
  }
  Draft out;
  for (Draft& draft : drafts) {
    out.append(std::move(draft));
  }
  return out;
}

PostProcessor read_post_processor(const Field& field) {
  PostProcessor out;
  read_into(field, out);
  return out;
}

std::string post_processor_types() {
  std::string names;
  for (const PostProcessorKind& kind : kPostProcessors) {
    names += kind.type + std::string(", ");
  }
  return names + "Sequence";
}

}  // namespace athanor::token

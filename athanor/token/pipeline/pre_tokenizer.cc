#include "athanor/token/pipeline/pre_tokenizer.h"

#include <algorithm>

#include "athanor/token/model/byte_map.h"
#include "athanor/token/pipeline/cut.h"
#include "athanor/token/pipeline/fields.h"
#include "athanor/token/pipeline/regex.h"
#include "athanor/token/split/class_table.h"
#include "athanor/token/split/scan.h"
#include "athanor/token/split/script_table.h"

namespace athanor::token {

namespace {

using Step = std::function<void(Pieces&)>;

struct BehaviorName {
  const char* name;
  Behavior behavior;
};
constexpr BehaviorName kBehaviors[] = {{"Removed", Behavior::kRemoved},
                                       {"Isolated", Behavior::kIsolated},
                                       {"MergedWithPrevious", Behavior::kMergedWithPrevious},
                                       {"MergedWithNext", Behavior::kMergedWithNext},
                                       {"Contiguous", Behavior::kContiguous}};

Behavior read_behavior(const Field& field) {
  for (const BehaviorName& each : kBehaviors) {
    if (field.string() == each.name) {
      return each.behavior;
    }
  }
  field.fail("is " + json_string(field.string()) + ", which is not supported",
             "one of: Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous");
}

// Each character of the class is a match of its own.
Step cut_at_class(ClassBit bit, Behavior behavior) {
  return [bit, behavior](Pieces& pieces) {
    cut(pieces, behavior, false, [bit](std::string_view text, const FoundMatch& found) {
      for (const char *p = text.data(), *end = p + text.size(); p != end;) {
        const char* const begin = p;
        if (has_class(decode_utf8(p, end), bit)) {
          found(static_cast<size_t>(begin - text.data()), static_cast<size_t>(p - text.data()));
        }
      }
    });
  };
}

Step make_split(const Field& field) {
  const Finder finder = read_pattern(field.at("pattern"));
  const Behavior behavior = read_behavior(field.at("behavior"));
  const bool invert = field.at("invert").boolean();
  return naming(field, [=](Pieces& pieces) {
    cut(pieces, behavior, invert,
        [&](std::string_view text, const FoundMatch& found) { finder.for_each(text, found); });
  });
}

// \w+|[^\w\s]+
void find_words(std::string_view text, const FoundMatch& found) {
  const char* const end = text.data() + text.size();
  const char* begin = text.data();
  int kind = 0;  // of what begins there: 0 space, 1 word, 2 other
  for (const char* p = begin;;) {
    const char* const at = p;
    int here = 0;
    if (p != end) {
      const uint16_t bits = class_bits(decode_utf8(p, end));
      here = (bits & kPlainWordBit) != 0 ? 1 : (bits & kWhiteBit) != 0 ? 0 : 2;
    }
    if (here != kind || at == end) {
      if (kind != 0) {
        found(static_cast<size_t>(begin - text.data()), static_cast<size_t>(at - text.data()));
      }
      begin = at;
      kind = here;
    }
    if (at == end) {
      return;
    }
  }
}
Step make_whitespace(const Field&) {
  return [](Pieces& pieces) { cut(pieces, Behavior::kRemoved, true, &find_words); };
}

Step make_whitespace_split(const Field&) { return cut_at_class(kWhiteBit, Behavior::kRemoved); }

Step make_punctuation(const Field& field) {
  const std::optional<Field> behavior = field.find("behavior");
  return cut_at_class(kPunctuationBit, behavior ? read_behavior(*behavior) : Behavior::kIsolated);
}

Step make_bert(const Field&) {
  const Step spaces = cut_at_class(kWhiteBit, Behavior::kRemoved);
  const Step marks = cut_at_class(kPunctuationBit, Behavior::kIsolated);
  return [spaces, marks](Pieces& pieces) {
    spaces(pieces);
    marks(pieces);
  };
}

Step make_digits(const Field& field) {
  const bool individual = field.at("individual_digits").boolean();
  return cut_at_class(kNumericBit, individual ? Behavior::kIsolated : Behavior::kContiguous);
}

Step cut_at_character(char32_t code, Behavior behavior) {
  std::string literal;
  append_utf8(literal, code);
  return [finder = Finder(literal), behavior](Pieces& pieces) {
    cut(pieces, behavior, false, [&](std::string_view text, const FoundMatch& found) { finder.for_each(text, found); });
  };
}
Step make_char_delimiter(const Field& field) {
  return cut_at_character(read_character(field.at("delimiter")), Behavior::kRemoved);
}

Step make_fixed_length(const Field& field) {
  const std::optional<Field> given = field.find("length");
  const int64_t length = given ? given->integer(1, INT32_MAX) : 5;
  return [length](Pieces& pieces) {
    cut(pieces, Behavior::kIsolated, false, [length](std::string_view text, const FoundMatch& found) {
      const char* const end = text.data() + text.size();
      for (const char* p = text.data(); p != end;) {
        const char* const begin = p;
        for (int64_t i = 0; i < length && p != end; ++i) {
          decode_utf8(p, end);
        }
        found(static_cast<size_t>(begin - text.data()), static_cast<size_t>(p - text.data()));
      }
    });
  };
}

Step make_unicode_scripts(const Field&) {
  return [](Pieces& pieces) {
    cut(pieces, Behavior::kRemoved, true, [](std::string_view text, const FoundMatch& found) {
      const char* const end = text.data() + text.size();
      size_t begin = std::string_view::npos;  // where the first character with a script stands, as HF has it
      int last = 0;
      for (const char* p = text.data(); p != end;) {
        const size_t at = static_cast<size_t>(p - text.data());
        const int group = script_group(decode_utf8(p, end));
        if (group != 0 && group != last) {
          if (begin != std::string_view::npos) {
            found(begin, at);
          }
          begin = at;
          last = group;
        }
      }
      if (begin != std::string_view::npos) {
        found(begin, text.size());
      }
    });
  };
}

enum class PrependScheme { kFirst, kNever, kAlways };

PrependScheme read_prepend_scheme(const Field& field) {
  const std::optional<Field> scheme = field.find("prepend_scheme");
  const std::string name = scheme ? scheme->string() : "always";
  const bool off = !field.flag("add_prefix_space", true);  // the older spelling
  if (name != "first" && name != "never" && name != "always") {
    scheme->fail("is " + json_string(name) + ", which is not supported", "one of: first, never, always");
  }
  if (off && scheme && name != "never") {
    field.at("add_prefix_space").fail("is false, which does not go with prepend_scheme " + json_string(name));
  }
  return off || name == "never" ? PrependScheme::kNever
         : name == "first"      ? PrependScheme::kFirst
                                : PrependScheme::kAlways;
}

Step make_metaspace(const Field& field) {
  std::string mark;
  append_utf8(mark, read_character(field.at("replacement")));
  const PrependScheme scheme = read_prepend_scheme(field);
  Step cut_before = [](Pieces&) {};
  if (field.flag("split", true)) {
    cut_before = cut_at_character(read_character(field.at("replacement")), Behavior::kMergedWithNext);
  }
  return [=](Pieces& pieces) {
    rebuild(pieces, [&](const Piece& piece, std::string_view text, Rebuilt& out) {
      const bool wanted = scheme == PrependScheme::kAlways || (scheme == PrependScheme::kFirst && piece.at_start);
      if (wanted && !text.starts_with(' ') && !text.starts_with(mark)) {
        out.put(mark, 0);
      }
      for (size_t begin = 0; begin < text.size();) {
        const size_t space = std::min(text.find(' ', begin), text.size());
        out.copy(begin, space);
        if (space < text.size()) {
          out.put(mark, space);
        }
        begin = space + 1;
      }
    });
    cut_before(pieces);
  };
}

// Adds the space and cuts; the map comes after, and only when another step sees it.
Step make_byte_level(const Field& field) {
  const bool prefix = field.flag("add_prefix_space", true);
  const bool regex = field.flag("use_regex", true);
  return [=](Pieces& pieces) {
    if (prefix) {
      rebuild(pieces, [](const Piece&, std::string_view text, Rebuilt& out) {
        if (!text.starts_with(' ')) {
          out.put(" ", 0);
        }
        out.copy(0, text.size());
      });
    }
    if (regex) {
      cut(pieces, Behavior::kIsolated, false, [](std::string_view text, const FoundMatch& found) {
        size_t end;
        for (size_t begin = 0; scan<Gpt2Scanner>(text, begin, &end, 1) != 0; begin = end) {
          found(begin, end);
        }
      });
    }
  };
}

struct PreTokenizerKind {
  const char* type;
  Step (*make)(const Field&);
  std::initializer_list<const char*> fields;  // beside "type"
};
const PreTokenizerKind kPreTokenizers[] = {
    {"ByteLevel", &make_byte_level, {"add_prefix_space", "trim_offsets", "use_regex"}},
    {"Split", &make_split, {"pattern", "behavior", "invert"}},
    {"Whitespace", &make_whitespace, {}},
    {"WhitespaceSplit", &make_whitespace_split, {}},
    {"Punctuation", &make_punctuation, {"behavior"}},
    {"Digits", &make_digits, {"individual_digits"}},
    {"Metaspace", &make_metaspace, {"replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"}},
    {"CharDelimiterSplit", &make_char_delimiter, {"delimiter"}},
    {"UnicodeScripts", &make_unicode_scripts, {}},
    {"BertPreTokenizer", &make_bert, {}},
    {"FixedLength", &make_fixed_length, {"length"}},
};

void read_into(const Field& field, PreTokenizerChain& chain) {
  const Field type = field.at("type");
  if (type.string() == "Sequence") {
    refuse_other_fields(field, {"pretokenizers"});
    const Field list = field.at("pretokenizers");
    for (size_t i = 0; i < list.list().size(); ++i) {
      read_into(list.item(i), chain);
    }
    return;
  }
  for (const PreTokenizerKind& kind : kPreTokenizers) {
    if (type.string() != kind.type) {
      continue;
    }
    refuse_other_fields(field, kind.fields);
    if (chain.byte_level && type.string() == "Metaspace") {
      type.fail("is \"Metaspace\" after \"ByteLevel\", which is not supported");
    }
    if (chain.byte_level && !chain.mapped) {
      chain.steps.push_back({"the byte map", &map_bytes});  // this step sees what ByteLevel made
      chain.mapped = true;
    }
    chain.steps.push_back({kind.type, kind.make(field)});
    const bool byte_level = type.string() == "ByteLevel";
    if (byte_level && chain.byte_level) {
      type.fail("is a second \"ByteLevel\"");
    }
    chain.byte_level = chain.byte_level || byte_level;
    chain.needs_start = chain.needs_start ||
                        (type.string() == "Metaspace" && read_prepend_scheme(field) == PrependScheme::kFirst);
    return;
  }
  type.fail("is " + json_string(type.string()) + ", which is not supported", "supported: " + pre_tokenizer_types());
}

}  // namespace

PreTokenizerChain read_pre_tokenizer_chain(const Field& field) {
  PreTokenizerChain chain;
  read_into(field, chain);
  return chain;
}

std::string pre_tokenizer_types() {
  std::string names;
  for (const PreTokenizerKind& kind : kPreTokenizers) {
    names += kind.type + std::string(", ");
  }
  return names + "Sequence";
}

void map_bytes(Pieces& pieces) {
  rebuild(pieces, [](const Piece&, std::string_view text, Rebuilt& out) {
    for (size_t i = 0; i < text.size(); ++i) {
      out.put(bytes_to_token(text.substr(i, 1)), i);
    }
  });
}

void unmap_bytes(Pieces& pieces) {
  rebuild(pieces, [](const Piece&, std::string_view text, Rebuilt& out) {
    for (const char *p = text.data(), *end = p + text.size(); p != end;) {
      const size_t at = static_cast<size_t>(p - text.data());
      const char byte = static_cast<char>(byte_of_character(decode_utf8(p, end)));
      out.put(std::string_view(&byte, 1), at);
    }
  });
}

}  // namespace athanor::token

// The filter pprint: Python's pprint.pformat with its usual width of 80.
#include <algorithm>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/filters.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

constexpr int64_t kWidth = 80;

// Where a type's name puts a key among keys that it cannot be compared with: Python sorts those by "<class '...'>".
int type_order(const Value& key) {
  switch (key.kind) {
    case Kind::kNone:
      return 0;  // NoneType
    case Kind::kStr:
      return key.str->markup ? 2 : 3;  // markupsafe.Markup, str
    case Kind::kTuple:
      return 4;
    default:
      return 1;  // bool, float, int
  }
}

bool has_order(const Value& key) {
  if (key.is(Kind::kTuple)) {
    return std::all_of(key.list->items, key.list->items + key.list->size, has_order);
  }
  const bool nan = key.is(Kind::kFloat) && key.real != key.real;
  return key.is(Kind::kNone) || key.is_str() || (key.is_number() && !nan);
}

class PrettyPrinter {
 public:
  explicit PrettyPrinter(Interp& interp) : interp_(interp), out_(interp.limits().output_bytes) {}

  Value run(const Value& value) {
    format(value, 0, 0, 1);
    return Value::of(out_.finish(interp_.arena()));
  }

 private:
  // Can it be written over several lines?
  static bool is_divisible(const Value& value) {
    return value.is(Kind::kList) || value.is(Kind::kDict) || (value.is(Kind::kTuple) && !value.list->group) ||
           (value.is_str() && !value.str->markup);
  }

  // indent: columns before; allowance: columns that closing brackets and a comma need after it.
  void format(const Value& value, int64_t indent, int64_t allowance, int level) {
    const Interp::Deeper deeper(interp_);
    if (!is_divisible(value)) {
      interp_.write_repr(out_, value);
      return;
    }
    if (add_if_fits(value, kWidth - indent - allowance)) {
      return;
    }
    if (value.is_str()) {
      format_str(*value.str, indent, allowance, level);
    } else if (value.is(Kind::kDict)) {
      format_dict(*value.dict, indent, allowance, level);
    } else {
      format_list(value, indent, allowance, level);
    }
  }

  bool add_if_fits(const Value& value, int64_t width) {
    Out line(interp_.limits().output_bytes);
    const bool fits = write_line(line, value, std::max<int64_t>(width, 0)) && num_chars(line) <= width;
    if (fits) {
      out_.add(*line.finish(interp_.arena()));
    }
    return fits;
  }

  static int64_t num_chars(const Out& text) { return static_cast<int64_t>(count_code_points(text.view())); }

  // repr() with the keys of dicts in order. Stops, and gives false, when it is sure to pass `most` code points.
  bool write_line(Out& line, const Value& value, int64_t most) {
    const Interp::Deeper deeper(interp_);
    interp_.step();
    if (!is_divisible(value)) {
      interp_.write_repr(line, value);
    } else if (value.is_str()) {
      if (count_chars(*value.str) > most) {
        return false;
      }
      interp_.write_repr(line, value);
    } else if (value.is(Kind::kDict)) {
      if (!write_pairs(line, *value.dict, most)) {
        return false;
      }
    } else {
      const bool tuple = value.is(Kind::kTuple);
      line.add(tuple ? '(' : '[', kTemplate);
      for (uint32_t i = 0; i < value.list->size; ++i) {
        line.add(i > 0 ? ", " : "", kTemplate);
        if (!write_line(line, value.list->items[i], most)) {
          return false;
        }
      }
      line.add(tuple ? (value.list->size == 1 ? ",)" : ")") : "]", kTemplate);
    }
    return most > kNoLimit / 8 || static_cast<int64_t>(line.size()) <= 4 * most || num_chars(line) <= most;
  }

  bool write_pairs(Out& line, const Dict& dict, int64_t most) {
    line.add('{', kTemplate);
    bool first = true;
    for (const DictEntry& entry : sorted(dict)) {
      line.add(first ? "" : ", ", kTemplate);
      first = false;
      if (!write_line(line, entry.key, most)) {
        return false;
      }
      line.add(": ", kTemplate);
      if (!write_line(line, entry.value, most)) {
        return false;
      }
    }
    line.add('}', kTemplate);
    return true;
  }

  std::vector<DictEntry> sorted(const Dict& dict) {
    interp_.step(dict.size);
    std::vector<DictEntry> entries(dict.entries, dict.entries + dict.size);
    if (entries.size() > 1 && !std::all_of(entries.begin(), entries.end(), [](auto& e) { return has_order(e.key); })) {
      Interp::fail("pprint of a dict whose keys have no order", "Python's order of them depends on the interpreter");
    }
    std::stable_sort(entries.begin(), entries.end(), [&](const DictEntry& a, const DictEntry& b) {
      const int order_a = type_order(a.key);
      const int order_b = type_order(b.key);
      const bool both_text = a.key.is_str() && b.key.is_str();
      return order_a != order_b && !both_text ? order_a < order_b
                                              : order_a > 0 && interp_.order(a.key, b.key, "<") == -1;
    });
    return entries;
  }

  void new_line(int64_t indent) {
    interp_.charge_text(static_cast<size_t>(indent));
    out_.add("\n" + std::string(static_cast<size_t>(indent), ' '), kTemplate);
  }

  void format_list(const Value& value, int64_t indent, int64_t allowance, int level) {
    const bool tuple = value.is(Kind::kTuple);
    const std::string_view close = !tuple ? "]" : value.list->size == 1 ? ",)" : ")";
    out_.add(tuple ? '(' : '[', kTemplate);
    for (uint32_t i = 0; i < value.list->size; ++i) {
      if (i > 0) {
        out_.add(',', kTemplate);
        new_line(indent + 1);
      }
      const bool last = i + 1 == value.list->size;
      format(value.list->items[i], indent + 1, last ? allowance + static_cast<int64_t>(close.size()) : 1, level + 1);
    }
    out_.add(close, kTemplate);
  }

  void format_dict(const Dict& dict, int64_t indent, int64_t allowance, int level) {
    out_.add('{', kTemplate);
    const std::vector<DictEntry> entries = sorted(dict);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) {
        out_.add(',', kTemplate);
        new_line(indent + 1);
      }
      Out key(interp_.limits().output_bytes);
      write_line(key, entries[i].key, kNoLimit);
      out_.add(*key.finish(interp_.arena()));
      out_.add(": ", kTemplate);
      format(entries[i].value, indent + 1 + num_chars(key) + 2, i + 1 == entries.size() ? allowance + 1 : 1, level + 1);
    }
    out_.add('}', kTemplate);
  }

  int64_t repr_size(const Str& str) {
    Out text(interp_.limits().output_bytes);
    interp_.write_repr(text, Value::of(&str));
    return num_chars(text);
  }

  // Python's string literals one below the other: of lines, or of as many words as fit.
  void format_str(const Str& str, int64_t indent, int64_t allowance, int level) {
    if (str.size == 0) {
      interp_.write_repr(out_, Value::of(&str));
      return;
    }
    if (level == 1) {  // of the whole text: in brackets
      ++indent;
      ++allowance;
    }
    std::vector<const Str*> parts;
    const std::vector<Value> lines = split_lines(interp_, str, true);
    for (size_t i = 0; i < lines.size(); ++i) {
      const int64_t less = i + 1 == lines.size() ? allowance : 0;
      const Str& line = *lines[i].str;
      if (count_chars(line) <= kWidth - indent - less && repr_size(line) <= kWidth - indent - less) {
        parts.push_back(&line);
      } else {
        fill(line, kWidth - indent, less, parts);
      }
    }
    const bool brackets = level == 1 && parts.size() > 1;
    out_.add(brackets ? "(" : "", kTemplate);
    for (size_t i = 0; i < parts.size(); ++i) {
      if (i > 0) {
        new_line(indent);
      }
      interp_.write_repr(out_, Value::of(parts[i]));
    }
    out_.add(brackets ? ")" : "", kTemplate);
  }

  // Cuts a line after white space, so that each part fits in `width`, the last one in `width - less`.
  void fill(const Str& line, int64_t width, int64_t less, std::vector<const Str*>& parts) {
    size_t begin = 0;
    for (size_t at = 0; at < line.size;) {
      const size_t word = at;
      at = end_of_word(line.view(), at);
      const int64_t fits = at == line.size ? width - less : width;
      const Str& longer = *part_of(interp_.arena(), line, begin, at);
      interp_.step();
      if (word > begin && (count_chars(longer) > fits || repr_size(longer) > fits)) {
        parts.push_back(part_of(interp_.arena(), line, begin, word));
        begin = word;
      }
    }
    parts.push_back(part_of(interp_.arena(), line, begin, line.size));
  }

  // What the regex \S*\s* takes.
  static size_t end_of_word(std::string_view text, size_t at) {
    bool space = false;
    while (at < text.size()) {
      const char* p = text.data() + at;
      const bool is_space = py_space(decode_utf8(p, text.data() + text.size()));
      if (space && !is_space) {
        break;
      }
      space = is_space;
      at = static_cast<size_t>(p - text.data());
    }
    return at;
  }

  static constexpr int64_t kNoLimit = int64_t{1} << 40;
  Interp& interp_;
  Out out_;
};

Value pretty_print(Interp& interp, const Value& value, const Bind&) { return PrettyPrinter(interp).run(value); }

}  // namespace

std::vector<Filter> pretty_filters() { return {{"pprint", pretty_print}}; }

}  // namespace athanor::chat

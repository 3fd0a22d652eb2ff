// Global functions: jinja2's, and those that transformers adds.
#include <algorithm>
#include <iterator>

#include "athanor/token/chat/interp.h"

namespace athanor::chat {
namespace {

enum Function { kCycler, kDict, kJoiner, kLipsum, kNamespace, kRaise, kRange, kStrftime };
constexpr std::string_view kNames[] = {"cycler", "dict",            "joiner", "lipsum",
                                       "namespace", "raise_exception", "range",  "strftime_now"};

int64_t need_int(const Value& value) {
  if (!value.is_integral()) {
    Interp::fail(std::string("range() needs integers, not a ") + type_name(value));
  }
  return value.to_integer();
}

Value make_range(Interp& interp, const Args& args) {
  const Bind bound = interp.bind("range", args, {"start", "stop", "step"}, 1);
  Range range{0, need_int(bound[0]), 1};
  if (!bound[1].is(Kind::kMissing)) {
    range.start = range.stop;
    range.stop = need_int(bound[1]);
  }
  range.step = bound[2].is(Kind::kMissing) ? 1 : need_int(bound[2]);
  constexpr int64_t kMost = int64_t{1} << 60;
  if (range.step == 0) {
    Interp::fail("range() with step 0");
  }
  if (std::max(range.start, range.stop) > kMost || std::min(range.start, range.stop) < -kMost ||
      range.step > kMost || range.step < -kMost || range.size() > kMaxRange) {
    Interp::fail("range() of more than " + std::to_string(kMaxRange) + " items");
  }
  Value value = Value::of(Kind::kRange);
  value.range = interp.arena().make<Range>(range);
  return value;
}

// dict(mapping or pairs, name=value, ...)
Dict* make_dict_of(Interp& interp, const Args& args) {
  if (args.size > 1) {
    Interp::fail("dict() takes at most one argument without a name");
  }
  Dict* dict = make_dict(interp.arena(), 0);
  const auto set = [&](const Value& key, const Value& value) {
    if (!is_hashable(key)) {
      Interp::fail(std::string("a ") + type_name(key) + " cannot be a key of a dict");
    }
    interp.step();
    set_item(interp.arena(), *dict, key, value);
  };
  if (args.size == 1 && args.items[0].is(Kind::kDict)) {
    const Dict& from = *args.items[0].dict;
    for (uint32_t i = 0; i < from.size; ++i) {
      set(from.entries[i].key, from.entries[i].value);
    }
  } else if (args.size == 1) {
    interp.check_defined(args.items[0]);
    for (const Value& item : interp.to_vector(args.items[0])) {
      const std::vector<Value> both = interp.to_vector(item);
      if (both.size() != 2) {
        Interp::fail("dict() needs pairs");
      }
      set(both[0], both[1]);
    }
  }
  for (size_t i = 0; i < args.num_named; ++i) {
    set(interp.new_str(args.named[i].name), args.named[i].value);
  }
  return dict;
}

Value make_namespace(Interp& interp, const Args& args) {
  Value value = Value::of(Kind::kNamespace);
  value.space = make_dict_of(interp, args);
  for (uint32_t i = 0; i < value.space->size; ++i) {
    const Value& key = value.space->entries[i].key;
    if (key.is_str() && key.text().starts_with('_')) {
      Interp::fail("a namespace cannot hold '" + std::string(key.text()) + "': it starts with an underscore");
    }
  }
  return value;
}

Value strftime(Interp& interp, const Args& args) {
  const Bind bound = interp.bind("strftime_now", args, {"format"}, 1);
  if (!bound[0].is_str()) {
    Interp::fail("strftime_now() needs a string");
  }
  if (!interp.now()) {
    Interp::fail("the template asks for the date, and none was given", "set now in the request");
  }
  // A naive datetime has no zone, and microseconds are not known here.
  std::string format;
  const std::string_view asked = bound[0].text();
  for (size_t i = 0; i < asked.size(); ++i) {
    if (asked[i] != '%' || i + 1 == asked.size()) {
      format += asked[i];
      continue;
    }
    const char c = asked[++i];
    format += c == 'f' ? "000000" : c == 'z' || c == 'Z' ? "" : std::string("%") + c;
  }
  if (format.empty()) {
    return interp.new_str("");
  }
  char buffer[1024];
  const size_t size = std::strftime(buffer, sizeof buffer, format.c_str(), &*interp.now());
  if (size == 0) {
    Interp::fail("strftime_now() with a format that gives no text, or more than 1023 bytes");
  }
  return interp.new_str({buffer, size});
}

}  // namespace

int find_function(std::string_view name) {
  const auto* found = std::find(std::begin(kNames), std::end(kNames), name);
  return found == std::end(kNames) ? -1 : static_cast<int>(found - kNames);
}

std::string_view function_name(int id) { return kNames[id]; }

Value Interp::call_function(int id, const Args& args) {
  switch (static_cast<Function>(id)) {
    case kCycler: {
      if (args.size == 0 || args.num_named > 0) {
        fail("cycler() needs at least one item, and no names");
      }
      Value value = Value::of(Kind::kCycler);
      value.cycler = arena_.make<Cycler>(Cycler{make_list(arena_, args.items, args.size)});
      return value;
    }
    case kDict:
      return Value::of(static_cast<const Dict*>(make_dict_of(*this, args)));
    case kJoiner: {
      const Bind bound = bind("joiner", args, {"sep"}, 0);
      Value value = Value::of(Kind::kJoiner);
      const Str* separator = bound[0].is(Kind::kMissing) ? copy_str(arena_, ", ", kTemplate) : to_str(bound[0]);
      value.joiner = arena_.make<Joiner>(Joiner{separator});
      return value;
    }
    case kLipsum:
      fail("lipsum() is refused: its text is random");
    case kNamespace:
      return make_namespace(*this, args);
    case kRaise: {
      const Bind bound = bind("raise_exception", args, {"message"}, 1);
      fail(std::string(text_of(bound[0]).substr(0, 2000)), "the template refuses this conversation: change its messages");
    }
    case kRange:
      return make_range(*this, args);
    case kStrftime:
      return strftime(*this, args);
  }
  fail("an unknown function");
}

}  // namespace athanor::chat

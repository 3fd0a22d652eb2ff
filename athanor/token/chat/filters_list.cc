// Filters over sequences.
#include <algorithm>

#include "athanor/token/chat/filters.h"

namespace athanor::chat {
namespace {

// What map, select and reject do with each item; lazy, as Python's generators are.
class Selection final : public Iter {
 public:
  Selection(Iter* source, int test, const Args& args, const Value& attribute, bool want)
      : Iter("generator"), source_(source), test_(test), args_(args), attribute_(attribute), want_(want) {}
  bool next(Interp& interp, Value& out) override {
    while (source_->next(interp, out)) {
      interp.step();
      const Value subject = interp.get_path(out, attribute_, nullptr);
      if ((test_ < 0 ? is_true(subject) : interp.call_test(test_, subject, args_)) == want_) {
        return true;
      }
    }
    return false;
  }

 private:
  Iter* source_;
  int test_;
  Args args_;
  Value attribute_;
  bool want_;
};

class Mapping final : public Iter {
 public:
  Mapping(Iter* source, int filter, const Args& args, const Value& attribute, const Value& otherwise)
      : Iter("generator"), source_(source), filter_(filter), args_(args), attribute_(attribute),
        otherwise_(otherwise) {}
  bool next(Interp& interp, Value& out) override {
    Value item;
    if (!source_->next(interp, item)) {
      return false;
    }
    interp.step();
    out = filter_ < 0 ? interp.get_path(item, attribute_, &otherwise_) : interp.call_filter(filter_, item, args_);
    return true;
  }

 private:
  Iter* source_;
  int filter_;
  Args args_;
  Value attribute_, otherwise_;
};

Args keep(Interp& interp, const Value* items, size_t size, const Keyword* named, size_t num_named) {
  auto* copy = interp.arena().array<Value>(size);
  std::copy_n(items, size, copy);
  auto* names = static_cast<Keyword*>(interp.arena().take(sizeof(Keyword) * num_named));
  std::copy_n(named, num_named, names);
  return {copy, size, names, num_named};
}

Value empty(Interp& interp) {
  return interp.from_iter(interp.iterate(Value::of(Kind::kTuple, make_list(interp.arena(), nullptr, 0))));
}

std::string name_argument(const Value& value, const char* what) {
  if (!value.is_str()) {
    Interp::fail(std::string(what) + " needs a name, not a " + type_name(value));
  }
  return std::string(value.text());
}

Value map_filter(Interp& interp, const Value& value, const Args& args) {
  if (!is_true(value)) {
    return empty(interp);
  }
  Iter* source = interp.iterate(value);
  if (args.size == 0) {
    Value attribute;
    Value otherwise = Value::none();
    for (size_t i = 0; i < args.num_named; ++i) {
      if (args.named[i].name == "attribute") {
        attribute = args.named[i].value;
      } else if (args.named[i].name == "default") {
        otherwise = args.named[i].value;
      } else {
        Interp::fail("map takes no argument '" + std::string(args.named[i].name.substr(0, 60)) + "'");
      }
    }
    if (attribute.is(Kind::kMissing)) {
      Interp::fail("map needs the name of a filter, or attribute=");
    }
    return interp.from_iter(interp.arena().make<Mapping>(source, -1, Args{}, attribute, otherwise));
  }
  const std::string name = name_argument(args.items[0], "map");
  const int filter = find_filter(name);
  if (filter < 0) {
    Interp::fail("no filter named '" + name.substr(0, 60) + "'");
  }
  const Args rest = keep(interp, args.items + 1, args.size - 1, args.named, args.num_named);
  return interp.from_iter(interp.arena().make<Mapping>(source, filter, rest, Value(), Value()));
}

Value select(Interp& interp, const Value& value, const Args& args, bool want, bool by_attribute) {
  if (!is_true(value)) {
    return empty(interp);
  }
  Iter* source = interp.iterate(value);
  if (by_attribute && args.size == 0) {
    Interp::fail("selectattr and rejectattr need the name of an attribute");
  }
  const size_t off = by_attribute ? 1 : 0;
  const Value attribute = by_attribute ? args.items[0] : Value();
  int test = -1;
  Args rest;
  if (args.size > off) {
    const std::string name = name_argument(args.items[off], "select");
    test = find_test(name);
    if (test < 0) {
      Interp::fail("no test named '" + name.substr(0, 60) + "'");
    }
    rest = keep(interp, args.items + off + 1, args.size - off - 1, args.named, args.num_named);
  }
  return interp.from_iter(interp.arena().make<Selection>(source, test, rest, attribute, want));
}

Value first(Interp& interp, const Value& value, const Bind&) {
  Value item;
  return interp.iterate(value)->next(interp, item) ? item
                                                   : interp.undefined(Undef::kHint, "first of an empty sequence");
}

Value last(Interp& interp, const Value& value, const Bind&) {
  if (size_of(value) < 0) {
    Interp::fail(std::string("last of a ") + type_name(value));
  }
  if (value.is_str() && value.str->size > 0) {
    return interp.get_item(value, Value::of(int64_t{-1}));
  }
  Value item;
  const Value back = value.is(Kind::kUndefined) ? value : interp.reversed(value);
  return interp.iterate(back)->next(interp, item) ? item : interp.undefined(Undef::kHint, "last of an empty sequence");
}

Value length(Interp&, const Value& value, const Bind&) {
  if (value.is(Kind::kNamespace) || size_of(value) < 0) {
    Interp::fail(std::string("a ") + type_name(value) + " has no length");
  }
  return Value::of(size_of(value));
}

Value loop_or_length(Interp& interp, const Value& value, const Bind& args) {
  return value.is(Kind::kLoop) ? Value::of(interp.loop_size(*value.loop)) : length(interp, value, args);
}

Value list(Interp& interp, const Value& value, const Bind&) { return interp.new_list(interp.to_vector(value)); }

Value join_filter(Interp& interp, const Value& value, const Bind& args) {
  std::vector<Value> items = interp.to_vector(value);
  if (!args[1].is(Kind::kMissing) && !args[1].is(Kind::kNone)) {
    for (Value& item : items) {
      item = interp.get_path(item, args[1], nullptr);
    }
  }
  const Str& separator = args[0].is(Kind::kMissing) ? *make_str(interp.arena(), "", kTemplate) : soft_str(interp, args[0]);
  return join(interp, separator, items, true);
}

Value items_filter(Interp& interp, const Value& value, const Bind&) {
  if (value.is(Kind::kUndefined)) {
    return empty(interp);
  }
  if (!value.is(Kind::kDict)) {
    Interp::fail(std::string("items needs a dict, not a ") + type_name(value));
  }
  Value view = Value::of(Kind::kView);
  view.dict_view = interp.arena().make<View>(View{value.dict, View::kItems});
  return interp.from_iter(interp.iterate(view));
}

Value batch(Interp& interp, const Value& value, const Bind& args) {
  const int64_t size = int_argument(args[0], 0, "batch");
  std::vector<Value> lines;
  std::vector<Value> line;
  for (const Value& item : interp.to_vector(value)) {
    if (static_cast<int64_t>(line.size()) == size) {
      lines.push_back(interp.new_list(line));
      line.clear();
    }
    line.push_back(item);
  }
  if (!line.empty()) {
    const bool fill = !args[1].is(Kind::kMissing) && !args[1].is(Kind::kNone);
    while (fill && static_cast<int64_t>(line.size()) < size) {
      interp.step();
      line.push_back(args[1]);
    }
    lines.push_back(interp.new_list(line));
  }
  return interp.from_iter(interp.iterate(interp.new_list(lines)));
}

Value slice_filter(Interp& interp, const Value& value, const Bind& args) {
  const std::vector<Value> items = interp.to_vector(value);
  const int64_t slices = int_argument(args[0], 0, "slice");
  if (slices == 0) {
    Interp::fail("division by zero");
  }
  const auto size = static_cast<int64_t>(items.size());
  std::vector<Value> out;
  for (int64_t n = 0, at = 0; n < slices; ++n) {
    interp.step();
    const int64_t end = at + size / slices + (n < size % slices ? 1 : 0);
    std::vector<Value> part(items.begin() + at, items.begin() + end);
    if (!args[1].is(Kind::kMissing) && !args[1].is(Kind::kNone) && n >= size % slices) {
      part.push_back(args[1]);
    }
    out.push_back(interp.new_list(part));
    at = end;
  }
  return interp.from_iter(interp.iterate(interp.new_list(out)));
}

Value sum(Interp& interp, const Value& value, const Bind& args) {
  Value total = args[1].is(Kind::kMissing) ? Value::of(int64_t{0}) : args[1];
  if (total.is_str()) {
    Interp::fail("sum cannot add strings: use join");
  }
  for (const Value& item : interp.to_vector(value)) {
    total = interp.binary(Operator::kAdd, total, interp.get_path(item, args[0], nullptr));
  }
  return total;
}

Value reverse(Interp& interp, const Value& value, const Bind&) { return interp.reversed(value); }

Value refuse_random(Interp&, const Value&, const Args&) { Interp::fail("the filter random is refused: it is random"); }

}  // namespace

std::vector<Filter> list_filters() {
  const auto choose = [](Interp& i, const Value& v, const Args& a) { return select(i, v, a, true, false); };
  const auto reject = [](Interp& i, const Value& v, const Args& a) { return select(i, v, a, false, false); };
  const auto choose_by = [](Interp& i, const Value& v, const Args& a) { return select(i, v, a, true, true); };
  const auto reject_by = [](Interp& i, const Value& v, const Args& a) { return select(i, v, a, false, true); };
  return {{"batch", batch, {"linecount", "fill_with"}, 1},
          {"count", loop_or_length},
          {"first", first},
          {"items", items_filter},
          {"join", join_filter, {"d", "attribute"}},
          {"last", last},
          {"length", loop_or_length},
          {"list", list},
          {"map", nullptr, {}, 0, map_filter},
          {"random", nullptr, {}, 0, refuse_random},
          {"reject", nullptr, {}, 0, reject},
          {"rejectattr", nullptr, {}, 0, reject_by},
          {"reverse", reverse},
          {"select", nullptr, {}, 0, choose},
          {"selectattr", nullptr, {}, 0, choose_by},
          {"slice", slice_filter, {"slices", "fill_with"}, 1},
          {"sum", sum, {"attribute", "start"}}};
}

}  // namespace athanor::chat

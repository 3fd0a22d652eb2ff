// Attributes, items and slices, with the rules of jinja2's immutable sandbox.
#include <algorithm>

#include "athanor/token/chat/interp.h"

namespace athanor::chat {
namespace {

// A slice's bounds as Python's slice.indices() gives them.
struct Bounds {
  int64_t start, stop, step, size;
};

Bounds bounds_of(int64_t length, const Value& start, const Value& stop, const Value& step) {
  const auto number = [](const Value& value, int64_t otherwise) {
    if (value.is(Kind::kNone)) {
      return otherwise;
    }
    if (!value.is_integral()) {
      Interp::fail(std::string("a slice takes integers or none, not a ") + type_name(value));
    }
    return value.to_integer();
  };
  Bounds bounds{};
  bounds.step = number(step, 1);
  if (bounds.step == 0) {
    Interp::fail("a slice with step 0");
  }
  bounds.step = std::max(bounds.step, -INT64_MAX);
  const bool back = bounds.step < 0;
  const auto place = [&](int64_t at) {
    at = at < 0 ? std::max(at + length, back ? int64_t{-1} : int64_t{0}) : at;
    return std::min(at, back ? length - 1 : length);
  };
  bounds.start = start.is(Kind::kNone) ? (back ? length - 1 : 0) : place(number(start, 0));
  bounds.stop = stop.is(Kind::kNone) ? (back ? -1 : length) : place(number(stop, 0));
  bounds.size = Range{bounds.start, bounds.stop, bounds.step}.size();
  return bounds;
}

}  // namespace

Value Interp::slice(const Value& object, const Value& start, const Value& stop, const Value& step_value) {
  check_defined(object);
  check_defined(start);
  check_defined(stop);
  check_defined(step_value);
  if (object.is_str()) {
    const Str& str = *object.str;
    charge_text(str.size);
    const Bounds bounds = bounds_of(count_chars(str), start, stop, step_value);
    if (bounds.size == 0) {
      return part(str, 0, 0);
    }
    if (bounds.step == 1) {
      return part(str, offset_of(str, bounds.start), offset_of(str, bounds.start + bounds.size));
    }
    const std::vector<Value> chars = to_vector(object);
    Buffer buffer(*this);
    for (int64_t i = 0; i < bounds.size; ++i) {
      out_->add(*chars[static_cast<size_t>(bounds.start + i * bounds.step)].str);
    }
    return markup_as(str, *buffer.finish().str);
  }
  if (object.is_sequence()) {
    const Bounds bounds = bounds_of(object.list->size, start, stop, step_value);
    step(bounds.size + 1);
    if (bounds.step == 1) {
      const List part{object.list->items + bounds.start, static_cast<uint32_t>(bounds.size)};
      return Value::of(object.kind, arena_.make<List>(part));
    }
    std::vector<Value> items;
    for (int64_t i = 0; i < bounds.size; ++i) {
      items.push_back(object.list->items[bounds.start + i * bounds.step]);
    }
    return new_list(items, object.kind);
  }
  if (object.is(Kind::kRange)) {
    const Range& range = *object.range;
    const Bounds bounds = bounds_of(range.size(), start, stop, step_value);
    Value part = Value::of(Kind::kRange);
    part.range = arena_.make<Range>(Range{range.start + bounds.start * range.step,
                                          range.start + bounds.stop * range.step, range.step * bounds.step});
    return part;
  }
  fail(std::string("a ") + type_name(object) + " cannot be sliced");
}

Value Interp::get_item(const Value& object, const Value& key) {
  check_defined(object);
  if (object.is(Kind::kDict) && is_hashable(key)) {
    step(key.is(Kind::kTuple) ? 100 : 1);
    if (const Value* found = find_item(*object.dict, key)) {
      return *found;
    }
  }
  if (key.is_integral()) {
    int64_t at = key.to_integer();
    const int64_t size = object.is_str() || object.is_sequence() || object.is(Kind::kRange) ? size_of(object) : -1;
    at += at < 0 ? size : 0;
    if (at >= 0 && at < size) {
      if (object.is_str()) {
        charge_text(object.str->num_chars == static_cast<int32_t>(object.str->size) ? 0 : object.str->size);
        const size_t begin = offset_of(*object.str, at);
        return part(*object.str, begin, offset_of(*object.str, at + 1));
      }
      return object.is(Kind::kRange) ? Value::of(object.range->start + at * object.range->step)
                                     : object.list->items[at];
    }
  }
  if (key.is_str()) {
    // What has no such item may have such an attribute.
    return get_attribute(object, key, find_method(key.text()));
  }
  Out name(limits_.output_bytes);
  const bool simple = key.is_number() || key.is(Kind::kNone);
  if (simple) {
    write_repr(name, key);
  }
  return undefined(Undef::kAttribute, simple ? arena_.copy(name.view()) : type_name(key), object.kind);
}

Value Interp::get_attribute(const Value& object, const Value& name, int method) {
  check_defined(object);
  const std::string_view text = name.text();
  if (method >= 0 && has_method(object.kind, method)) {
    if (is_mutating(object.kind, method)) {
      return undefined(Undef::kUnsafe, text, object.kind);
    }
    Value value = Value::of(Kind::kMethod);
    value.bound = arena_.make<Bound>(Bound{object, method});
    return value;
  }
  switch (object.kind) {
    case Kind::kDict:
      if (const Value* found = find_item(*object.dict, text)) {
        return *found;
      }
      break;
    case Kind::kNamespace:
      if (const Value* found = find_item(*object.space, text)) {
        return *found;
      }
      break;
    case Kind::kTuple:
      if (object.list->group && (text == "grouper" || text == "list")) {
        return object.list->items[text == "list" ? 1 : 0];
      }
      break;
    case Kind::kLoop:
      return loop_attribute(object, text);
    case Kind::kCycler:
      if (text == "current") {
        return object.cycler->items->items[object.cycler->at];
      }
      if (text == "next" || text == "reset") {
        Value value = Value::of(Kind::kMethod);
        value.bound = arena_.make<Bound>(Bound{object, text == "next" ? -1 : -2});
        return value;
      }
      break;
    case Kind::kMacro:
      if (text == "name" && object.macro->node->op == Op::kMacro) {
        return new_str(ast_.names[object.macro->node->name]);
      }
      break;
    default:
      if (const Value value = plain_attribute(object, text); !value.is(Kind::kMissing)) {
        return value;
      }
      break;
  }
  return undefined(Undef::kAttribute, text, object.kind);
}

Value Interp::loop_attribute(const Value& self, std::string_view name) {
  Loop& loop = *self.loop;
  const auto method = [&](int which) {
    Value value = Value::of(Kind::kMethod);
    value.bound = arena_.make<Bound>(Bound{self, which});
    return value;
  };
  if (name == "index") {
    return Value::of(loop.index0 + 1);
  }
  if (name == "index0") {
    return Value::of(loop.index0);
  }
  if (name == "first") {
    return Value::of(loop.index0 == 0);
  }
  if (name == "last") {
    return Value::of(loop_peek(loop).is(Kind::kMissing));
  }
  if (name == "length") {
    return Value::of(loop_size(loop));
  }
  if (name == "revindex") {
    return Value::of(loop_size(loop) - loop.index0);
  }
  if (name == "revindex0") {
    return Value::of(loop_size(loop) - loop.index0 - 1);
  }
  if (name == "previtem") {
    return loop.index0 == 0 ? undefined(Undef::kHint, "there is no previous item") : loop.before;
  }
  if (name == "nextitem") {
    const Value next = loop_peek(loop);
    return next.is(Kind::kMissing) ? undefined(Undef::kHint, "there is no next item") : next;
  }
  if (name == "depth" || name == "depth0") {
    return Value::of(int64_t{loop.depth0} + (name == "depth" ? 1 : 0));
  }
  if (name == "cycle" || name == "changed") {
    return method(name == "cycle" ? -1 : -2);
  }
  return undefined(Undef::kAttribute, arena_.copy(name), Kind::kLoop);
}

Value Interp::get_path(const Value& object, const Value& path, const Value* otherwise) {
  if (path.is(Kind::kNone) || path.is(Kind::kMissing)) {
    return object;
  }
  const auto get = [&](const Value& from, const Value& key) {
    const Value item = get_item(from, key);
    return otherwise != nullptr && !otherwise->is(Kind::kNone) && item.is(Kind::kUndefined) ? *otherwise : item;
  };
  if (!path.is_str()) {
    return get(object, path);
  }
  Value item = object;
  std::string_view text = path.text();
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    const std::string_view piece = text.substr(begin, end - begin);
    const bool digits = !piece.empty() && piece.size() < 18 &&
                        std::all_of(piece.begin(), piece.end(), [](char c) { return c >= '0' && c <= '9'; });
    item = get(item, digits ? Value::of(int64_t{std::stoll(std::string(piece))}) : part(*path.str, begin, end));
    begin = end + 1;
  }
  return item;
}

}  // namespace athanor::chat

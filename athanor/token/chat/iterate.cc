// Python's iteration.
#include <algorithm>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/interp.h"

namespace athanor::chat {
namespace {

class ListIter final : public Iter {
 public:
  ListIter(const Value* items, size_t size, const char* type) : Iter(type), items_(items), size_(size) {}
  bool next(Interp&, Value& out) override {
    if (at_ == size_) {
      return false;
    }
    out = items_[at_++];
    return true;
  }

 private:
  const Value* items_;
  size_t size_;
  size_t at_ = 0;
};

class StrIter final : public Iter {
 public:
  explicit StrIter(const Str* str) : Iter("str_iterator"), str_(str) {}
  bool next(Interp& interp, Value& out) override {
    if (at_ == str_->size) {
      return false;
    }
    size_t end = at_ + 1;
    while (end < str_->size && (static_cast<unsigned char>(str_->data[end]) & 0xC0) == 0x80) {
      ++end;
    }
    Str plain = *part_of(interp.arena(), *str_, at_, end);
    plain.markup = false;  // what Markup gives when it is iterated over is str
    out = Value::of(interp.arena().make<Str>(plain));
    at_ = end;
    return true;
  }

 private:
  const Str* str_;
  size_t at_ = 0;
};

class ViewIter final : public Iter {
 public:
  ViewIter(const Dict* dict, View::Part part) : Iter("dict_iterator"), dict_(dict), part_(part) {}
  bool next(Interp& interp, Value& out) override {
    if (at_ == dict_->size) {
      return false;
    }
    const DictEntry& entry = dict_->entries[at_++];
    out = part_ == View::kKeys ? entry.key : part_ == View::kValues ? entry.value : interp.pair(entry.key, entry.value);
    return true;
  }

 private:
  const Dict* dict_;
  View::Part part_;
  uint32_t at_ = 0;
};

class RangeIter final : public Iter {
 public:
  explicit RangeIter(const Range& range) : Iter("range_iterator"), at_(range.start), step_(range.step) {
    left_ = range.size();
  }
  bool next(Interp&, Value& out) override {
    if (left_ == 0) {
      return false;
    }
    out = Value::of(at_);
    at_ += --left_ > 0 ? step_ : 0;
    return true;
  }

 private:
  int64_t at_, step_, left_;
};

// Reading a loop variable as a sequence goes on with the loop itself, each item with the loop (as in jinja2).
class LoopIter final : public Iter {
 public:
  explicit LoopIter(Loop* loop) : Iter("LoopContext"), loop_(loop) {}
  bool next(Interp& interp, Value& out) override {
    Value item;
    if (!interp.loop_next(*loop_, item)) {
      return false;
    }
    Value self = Value::of(Kind::kLoop);
    self.loop = loop_;
    out = interp.pair(item, self);
    return true;
  }

 private:
  Loop* loop_;
};

}  // namespace

bool Interp::is_iterable(const Value& value) const {
  switch (value.kind) {
    case Kind::kUndefined:
    case Kind::kStr:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kDict:
    case Kind::kView:
    case Kind::kRange:
    case Kind::kIter:
    case Kind::kLoop:
      return true;
    default:
      return false;
  }
}

Iter* Interp::iterate(const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
      return arena_.make<ListIter>(nullptr, size_t{0}, "generator");
    case Kind::kStr:
      return arena_.make<StrIter>(value.str);
    case Kind::kList:
    case Kind::kTuple:
      return arena_.make<ListIter>(value.list->items, size_t{value.list->size}, "list_iterator");
    case Kind::kDict:
      return arena_.make<ViewIter>(value.dict, View::kKeys);
    case Kind::kView:
      return arena_.make<ViewIter>(value.dict_view->dict, value.dict_view->part);
    case Kind::kRange:
      return arena_.make<RangeIter>(*value.range);
    case Kind::kIter:
      return value.iter;
    case Kind::kLoop:
      return arena_.make<LoopIter>(value.loop);
    default:
      fail(std::string("a ") + type_name(value) + " cannot be iterated over");
  }
}

Value Interp::from_iter(Iter* iter) {
  Value value = Value::of(Kind::kIter);
  value.iter = iter;
  return value;
}

std::vector<Value> Interp::to_vector(const Value& value) {
  if (value.is_sequence()) {
    step(value.list->size);
    return {value.list->items, value.list->items + value.list->size};
  }
  std::vector<Value> items;
  Iter* iter = iterate(value);
  for (Value item; iter->next(*this, item);) {
    step();
    if (items.size() * sizeof(Value) > limits_.memory_bytes / 4) {
      fail("a list of more than " + std::to_string(items.size()) + " items",
           "a template that is meant for conversations makes no such list");
    }
    items.push_back(item);
  }
  return items;
}

Value Interp::reversed(const Value& value) {
  switch (value.kind) {
    case Kind::kStr: {
      const Str& str = *value.str;
      charge_text(str.size * 4);
      Buffer buffer(*this);
      for (size_t end = str.size; end > 0;) {
        size_t begin = end - 1;
        while (begin > 0 && (static_cast<unsigned char>(str.data[begin]) & 0xC0) == 0x80) {
          --begin;
        }
        out_->add_part(str, begin, end);
        end = begin;
      }
      return markup_as(str, *buffer.finish().str);
    }
    case Kind::kMissing:
    case Kind::kNone:
      fail("a NoneType cannot be reversed");
    default: {
      std::vector<Value> items = to_vector(value);
      std::reverse(items.begin(), items.end());
      const Value list = new_list(items);
      // Python's reversed() of a list, tuple, dict, view or range is an iterator; of other sequences jinja2 makes a list.
      const bool lazy = size_of(value) >= 0;
      return lazy ? from_iter(arena_.make<ListIter>(list.list->items, size_t{list.list->size}, "reversed")) : list;
    }
  }
}

bool Interp::loop_next(Loop& loop, Value& item) {
  if (!loop.after.is(Kind::kMissing)) {
    item = loop.after;
    loop.after = {};
  } else if (loop.ended || !loop.iter->next(*this, item)) {
    loop.ended = true;
    return false;
  }
  ++loop.index0;
  loop.before = loop.current;
  loop.current = item;
  return true;
}

Value Interp::loop_peek(Loop& loop) {
  if (loop.after.is(Kind::kMissing) && !loop.ended && !loop.iter->next(*this, loop.after)) {
    loop.ended = true;
    loop.after = {};
  }
  return loop.after;
}

int64_t Interp::loop_size(Loop& loop) {
  if (loop.known_size < 0) {
    const std::vector<Value> rest = to_vector(from_iter(loop.iter));
    const Value list = new_list(rest);
    loop.iter = iterate(list);
    const int64_t peeked = loop.after.is(Kind::kMissing) ? 0 : 1;
    loop.known_size = static_cast<int64_t>(rest.size()) + loop.index0 + 1 + peeked;
  }
  return loop.known_size;
}

}  // namespace athanor::chat

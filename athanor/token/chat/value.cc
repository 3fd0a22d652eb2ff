#include "athanor/token/chat/value.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "athanor/base/unicode.h"

namespace athanor::chat {
namespace {

constexpr uint32_t kSmallDict = 8;
constexpr int64_t kKeyWork = 1000;  // values within one key

void take_work(int64_t& work, int depth) {
  if (--work < 0 || depth <= 0) {
    throw Fail{"values are nested too deeply, or too large, to be compared"};
  }
}

uint64_t mix(uint64_t x) {
  x ^= x >> 32;
  x *= 0x9E3779B97F4A7C15ULL;
  return x ^ (x >> 29);
}

uint64_t hash_text(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325ULL ^ text.size();
  while (text.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, text.data(), 8);
    hash = mix(hash ^ word);
    text.remove_prefix(8);
  }
  uint64_t word = 0;
  if (!text.empty()) {
    std::memcpy(&word, text.data(), text.size());
  }
  return mix(hash ^ word);
}

// Equal values hash alike: 1, 1.0 and true.
uint64_t hash_of(const Value& value, int64_t& work, int depth = 100) {
  take_work(work, depth);
  switch (value.kind) {
    case Kind::kStr:
      return hash_text(value.text());
    case Kind::kBool:
    case Kind::kInt:
      return mix(static_cast<uint64_t>(value.to_integer()));
    case Kind::kFloat: {
      if (value.real == std::floor(value.real) && std::fabs(value.real) < 9e18) {
        return mix(static_cast<uint64_t>(static_cast<int64_t>(value.real)));
      }
      uint64_t bits;
      std::memcpy(&bits, &value.real, 8);
      return mix(bits);
    }
    case Kind::kTuple: {
      uint64_t hash = 77;
      for (uint32_t i = 0; i < value.list->size; ++i) {
        hash = mix(hash ^ hash_of(value.list->items[i], work, depth - 1));
      }
      return hash;
    }
    default:
      return mix(static_cast<uint64_t>(value.kind) + 1000);
  }
}

uint64_t hash_of(const Value& value) {
  int64_t work = kKeyWork;
  return hash_of(value, work);
}

void index_entry(Dict& dict, uint32_t entry) {
  uint64_t slot = hash_of(dict.entries[entry].key) & dict.mask;
  while (dict.table[slot] != 0) {
    slot = (slot + 1) & dict.mask;
  }
  dict.table[slot] = entry + 1;
}

void grow(Arena& arena, Dict& dict) {
  const uint32_t capacity = std::max<uint32_t>(4, dict.capacity * 2);
  auto* entries = arena.array<DictEntry>(capacity);
  std::copy_n(dict.entries, dict.size, entries);
  dict.entries = entries;
  dict.capacity = capacity;
}

void rebuild(Arena& arena, Dict& dict) {
  uint32_t slots = 32;
  while (slots < dict.capacity * 2) {
    slots *= 2;
  }
  dict.table = arena.array<uint32_t>(slots);
  std::fill_n(dict.table, slots, 0U);
  dict.mask = slots - 1;
  for (uint32_t i = 0; i < dict.size; ++i) {
    index_entry(dict, i);
  }
}

bool equal_int_float(int64_t a, double b) {
  return std::fabs(b) < 9.3e18 && b == std::floor(b) && b >= -9223372036854775808.0 &&
         b < 9223372036854775808.0 && static_cast<int64_t>(b) == a;
}

bool equal_items(const List& a, const List& b, int64_t& work, int depth) {
  if (a.size != b.size) {
    return false;
  }
  for (uint32_t i = 0; i < a.size; ++i) {
    if (!equal(a.items[i], b.items[i], work, depth)) {
      return false;
    }
  }
  return true;
}

bool equal_dicts(const Dict& a, const Dict& b, int64_t& work, int depth) {
  if (a.size != b.size) {
    return false;
  }
  for (uint32_t i = 0; i < a.size; ++i) {
    const Value* other = find_item(b, a.entries[i].key);
    if (other == nullptr || !equal(a.entries[i].value, *other, work, depth)) {
      return false;
    }
  }
  return true;
}

bool is_hashable_part(const Value& value, int64_t& work, int depth) {
  take_work(work, depth);
  if (value.is(Kind::kTuple)) {
    return std::all_of(value.list->items, value.list->items + value.list->size,
                       [&](const Value& item) { return is_hashable_part(item, work, depth - 1); });
  }
  return !value.is(Kind::kList) && !value.is(Kind::kDict) && !value.is(Kind::kView);
}

}  // namespace

int64_t Range::size() const {
  if (step > 0) {
    return start < stop ? (stop - start - 1) / step + 1 : 0;
  }
  return start > stop ? (start - stop - 1) / -step + 1 : 0;
}

const List* make_list(Arena& arena, const Value* items, size_t size) {
  auto* copy = arena.array<Value>(size);
  std::copy_n(items, size, copy);
  return arena.make<List>(List{copy, static_cast<uint32_t>(size)});
}

const List* join_list(Arena& arena, const List& left, const List& right) {
  ListTail* tail = left.tail;
  const uint32_t total = left.size + right.size;
  if (tail != nullptr && left.items + left.size == tail->items + tail->used &&
      tail->capacity - tail->used >= right.size) {
    std::copy_n(right.items, right.size, tail->items + tail->used);
    tail->used += right.size;
    return arena.make<List>(List{left.items, total, tail});
  }
  tail = arena.make<ListTail>();
  tail->capacity = total + total / 2 + 4;
  tail->items = arena.array<Value>(tail->capacity);
  tail->used = total;
  std::copy_n(left.items, left.size, tail->items);
  std::copy_n(right.items, right.size, tail->items + left.size);
  return arena.make<List>(List{tail->items, total, tail});
}

Dict* make_dict(Arena& arena, size_t capacity) {
  auto* dict = arena.make<Dict>();
  if (capacity > 0) {
    dict->entries = arena.array<DictEntry>(capacity);
    dict->capacity = static_cast<uint32_t>(capacity);
  }
  return dict;
}

void set_item(Arena& arena, Dict& dict, const Value& key, const Value& value) {
  if (const Value* old = find_item(dict, key); old != nullptr) {
    *const_cast<Value*>(old) = value;
    return;
  }
  const bool full = dict.size == dict.capacity;
  if (full) {
    grow(arena, dict);
  }
  dict.entries[dict.size++] = {key, value};
  if (dict.size > kSmallDict && (dict.table == nullptr || full)) {
    rebuild(arena, dict);
  } else if (dict.table != nullptr) {
    index_entry(dict, dict.size - 1);
  }
}

const Value* find_item(const Dict& dict, const Value& key) {
  if (key.is_str()) {
    return find_item(dict, key.text());
  }
  if (dict.table == nullptr) {
    for (uint32_t i = 0; i < dict.size; ++i) {
      if (equal(dict.entries[i].key, key)) {
        return &dict.entries[i].value;
      }
    }
    return nullptr;
  }
  for (uint64_t slot = hash_of(key) & dict.mask; dict.table[slot] != 0; slot = (slot + 1) & dict.mask) {
    const DictEntry& entry = dict.entries[dict.table[slot] - 1];
    if (equal(entry.key, key)) {
      return &entry.value;
    }
  }
  return nullptr;
}

const Value* find_item(const Dict& dict, std::string_view key) {
  if (dict.table == nullptr) {
    for (uint32_t i = 0; i < dict.size; ++i) {
      if (dict.entries[i].key.is_str() && dict.entries[i].key.text() == key) {
        return &dict.entries[i].value;
      }
    }
    return nullptr;
  }
  for (uint64_t slot = hash_text(key) & dict.mask; dict.table[slot] != 0; slot = (slot + 1) & dict.mask) {
    const DictEntry& entry = dict.entries[dict.table[slot] - 1];
    if (entry.key.is_str() && entry.key.text() == key) {
      return &entry.value;
    }
  }
  return nullptr;
}

bool is_hashable(const Value& value) {
  int64_t work = kKeyWork;
  return is_hashable_part(value, work, 100);
}

bool equal(const Value& a, const Value& b) {
  int64_t work = kKeyWork + (a.is_str() ? a.str->size : 0);
  return equal(a, b, work);
}

bool equal(const Value& a, const Value& b, int64_t& work, int depth) {
  take_work(work, depth);
  if (a.is_number() && b.is_number()) {
    if (a.is(Kind::kFloat) && b.is(Kind::kFloat)) {
      return a.real == b.real;
    }
    if (a.is(Kind::kFloat)) {
      return equal_int_float(b.to_integer(), a.real);
    }
    return b.is(Kind::kFloat) ? equal_int_float(a.to_integer(), b.real) : a.to_integer() == b.to_integer();
  }
  if (a.kind != b.kind) {
    return false;
  }
  switch (a.kind) {
    case Kind::kNone:
    case Kind::kUndefined:
      return true;
    case Kind::kStr:
      work -= a.str->size / 64;
      return a.text() == b.text();
    case Kind::kList:
    case Kind::kTuple:
      return equal_items(*a.list, *b.list, work, depth - 1);
    case Kind::kDict:
      return equal_dicts(*a.dict, *b.dict, work, depth - 1);
    case Kind::kRange: {
      const int64_t size = a.range->size();
      return size == b.range->size() &&
             (size == 0 || (a.range->start == b.range->start && (size == 1 || a.range->step == b.range->step)));
    }
    case Kind::kFunction:
      return a.integer == b.integer;
    default:
      return a.dict == b.dict;  // the same object
  }
}

int64_t size_of(const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
      return 0;
    case Kind::kStr:
      return count_chars(*value.str);
    case Kind::kList:
    case Kind::kTuple:
      return value.list->size;
    case Kind::kDict:
      return value.dict->size;
    case Kind::kView:
      return value.dict_view->dict->size;
    case Kind::kRange:
      return value.range->size();
    default:
      return -1;
  }
}

bool is_true(const Value& value) {
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return value.boolean;
    case Kind::kInt:
      return value.integer != 0;
    case Kind::kFloat:
      return value.real != 0;
    case Kind::kStr:
      return value.str->size != 0;
    default:
      return size_of(value) != 0;
  }
}

const char* type_name(const Value& value) {
  switch (value.kind) {
    case Kind::kMissing:
      return "nothing";
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kStr:
      return value.str->markup ? "Markup" : "str";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return "tuple";
    case Kind::kDict:
      return "dict";
    case Kind::kView:
      return value.dict_view->part == View::kKeys     ? "dict_keys"
             : value.dict_view->part == View::kValues ? "dict_values"
                                                      : "dict_items";
    case Kind::kRange:
      return "range";
    case Kind::kIter:
      return value.iter->type;
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kFunction:
      return "function";
    case Kind::kMethod:
      return "method";
    case Kind::kMacro:
      return "Macro";
    case Kind::kLoop:
      return "LoopContext";
    case Kind::kCycler:
      return "Cycler";
    case Kind::kJoiner:
      return "Joiner";
  }
  return "";
}

}  // namespace athanor::chat

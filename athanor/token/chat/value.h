// Values of the template language: Python's, as far as a template can see them. 16 bytes, trivially copyable; what
// they point to lives in an Arena (of the render, or of the parsed template) or in the caller's data, and never changes
// once made, except namespaces, cyclers, joiners and iterators.
//
// Every byte of a string carries marks: where it came from. They follow it through slices, joins, replace and the like.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "athanor/token/chat/arena.h"

namespace athanor::chat {

enum Mark : uint8_t {
  kTemplate = 0,   // written by the template, or by the tokenizer (bos_token and the like)
  kData = 1,       // from the caller's messages, tools, documents or arguments
  kReplyEven = 2,  // inside a {% generation %} block; neighbouring blocks alternate, so that they stay apart
  kReplyOdd = 4,
};

enum class Kind : uint8_t {
  kMissing,  // no value was given (an argument)
  kUndefined, kNone, kBool, kInt, kFloat, kStr, kList, kTuple, kDict,
  kView,  // dict.keys(), .values(), .items()
  kRange, kIter, kNamespace, kFunction, kMethod, kMacro, kLoop, kCycler, kJoiner
};

struct Value;
class Interp;

// A buffer that the newest string in it may grow in place: x = x + y in a loop stays linear.
struct TextTail {
  char* bytes;
  uint8_t* marks;  // as long as bytes, or null: all bytes have `mark` of the string
  uint32_t used;
  uint32_t capacity;
};

struct Str {
  const char* data = nullptr;
  const uint8_t* marks = nullptr;  // one a byte; null: each byte has `mark`
  TextTail* tail = nullptr;
  uint32_t size = 0;
  mutable int32_t num_chars = -1;  // code points, when counted
  uint8_t mark = kTemplate;
  bool markup = false;  // what |safe and |escape give: + escapes the other side

  std::string_view view() const { return {data, size}; }
  uint8_t mark_at(uint32_t i) const { return marks != nullptr ? marks[i] : mark; }
};

struct ListTail {
  Value* items;
  uint32_t used;
  uint32_t capacity;
};

struct List {  // also of a tuple
  Value* items;
  uint32_t size;
  ListTail* tail = nullptr;
  bool group = false;  // a tuple of groupby: .grouper and .list are its items
};

struct DictEntry;
struct Dict;
struct Undef;
struct View;
struct Range;
class Iter;
struct Bound;
struct Macro;
struct Loop;
struct Cycler;
struct Joiner;

struct Value {
  Kind kind = Kind::kMissing;
  union {
    bool boolean;
    int64_t integer = 0;
    double real;
    const Str* str;
    const List* list;
    const Dict* dict;
    Dict* space;  // of a namespace
    const Undef* undef;
    const View* dict_view;
    const Range* range;
    Iter* iter;
    const Bound* bound;
    const Macro* macro;
    Loop* loop;
    Cycler* cycler;
    Joiner* joiner;
  };

  static Value none() { return of(Kind::kNone); }
  static Value of(Kind kind) {
    Value value;
    value.kind = kind;
    return value;
  }
  static Value of(bool boolean) {
    Value value = of(Kind::kBool);
    value.boolean = boolean;
    return value;
  }
  static Value of(int64_t integer) {
    Value value = of(Kind::kInt);
    value.integer = integer;
    return value;
  }
  static Value of(double real) {
    Value value = of(Kind::kFloat);
    value.real = real;
    return value;
  }
  static Value of(const Str* str) {
    Value value = of(Kind::kStr);
    value.str = str;
    return value;
  }
  static Value of(Kind kind, const List* list) {  // kList or kTuple
    Value value = of(kind);
    value.list = list;
    return value;
  }
  static Value of(const Dict* dict) {
    Value value = of(Kind::kDict);
    value.dict = dict;
    return value;
  }

  bool is(Kind other) const { return kind == other; }
  bool is_str() const { return kind == Kind::kStr; }
  bool is_sequence() const { return kind == Kind::kList || kind == Kind::kTuple; }
  // Python's int: bool is one.
  bool is_integral() const { return kind == Kind::kInt || kind == Kind::kBool; }
  bool is_number() const { return is_integral() || kind == Kind::kFloat; }
  int64_t to_integer() const { return kind == Kind::kBool ? int64_t{boolean} : integer; }
  double to_real() const { return kind == Kind::kFloat ? real : static_cast<double>(to_integer()); }
  std::string_view text() const { return str->view(); }
};

struct DictEntry {
  Value key;
  Value value;
};

// In order of insertion. Small ones are searched in order, larger ones have a table.
struct Dict {
  DictEntry* entries = nullptr;
  uint32_t* table = nullptr;  // entry + 1, open addressing; null while small
  uint32_t size = 0;
  uint32_t capacity = 0;
  uint32_t mask = 0;
};

struct Undef {
  enum Form : uint8_t { kName, kAttribute, kUnsafe, kHint };
  Form form;
  Kind owner;             // whose attribute
  std::string_view name;  // or the whole hint
};

struct View {
  enum Part : uint8_t { kKeys, kValues, kItems };
  const Dict* dict;
  Part part;
};

struct Range {
  int64_t start, stop, step;
  int64_t size() const;
};

// A lazy sequence, used up by whoever reads it (Python's generators).
class Iter {
 public:
  explicit Iter(const char* name) : type(name) {}
  virtual bool next(Interp& interp, Value& out) = 0;
  const char* type;

 protected:
  ~Iter() = default;
};

struct Cycler {
  const List* items;
  uint32_t at = 0;
};

struct Joiner {
  const Str* separator;
  bool used = false;
};

// Strings.
const Str* make_str(Arena& arena, std::string_view text, uint8_t mark);  // text must outlive the arena
const Str* copy_str(Arena& arena, std::string_view text, uint8_t mark);
// Bytes [begin, end) of str, sharing them.
const Str* part_of(Arena& arena, const Str& str, size_t begin, size_t end);
const Str* join_str(Arena& arena, const Str& left, const Str& right, size_t limit_bytes);
int32_t count_chars(const Str& str);
// Byte offset of the index-th code point, 0 <= index <= count_chars.
size_t offset_of(const Str& str, int64_t index);

// Lists.
const List* make_list(Arena& arena, const Value* items, size_t size);
const List* join_list(Arena& arena, const List& left, const List& right);

// Dicts. Keys are hashable; a second set() of a key replaces the value and keeps the place.
Dict* make_dict(Arena& arena, size_t capacity);
void set_item(Arena& arena, Dict& dict, const Value& key, const Value& value);
const Value* find_item(const Dict& dict, const Value& key);
const Value* find_item(const Dict& dict, std::string_view key);
bool is_hashable(const Value& value);

// Python's ==. Takes one from `work` for each pair of values looked at (and more for long text), at most `depth`
// levels down: Fail when either is used up, since a list that holds one list twice, and so on, compares for ever.
bool equal(const Value& a, const Value& b, int64_t& work, int depth = 100);
bool equal(const Value& a, const Value& b);  // keys: little work allowed
bool is_true(const Value& value);
// len(); -1 when the type has none.
int64_t size_of(const Value& value);
// What Python calls the type: str, list, NoneType.
const char* type_name(const Value& value);

}  // namespace athanor::chat

// One render: walks the Ast over values. All that it makes lives in its arena.
#pragma once

#include <ctime>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/chat/ast.h"
#include "athanor/token/chat/builtins.h"
#include "athanor/token/chat/limits.h"
#include "athanor/token/chat/out.h"
#include "athanor/token/chat/value.h"

namespace athanor::chat {

struct Keyword {
  std::string_view name;
  Value value;
};

struct Args {
  const Value* items = nullptr;
  size_t size = 0;
  const Keyword* named = nullptr;
  size_t num_named = 0;
};

struct Scope {
  static constexpr uint32_t kInline = 6;
  struct Binding {
    NameId name;
    Value value;
  };
  Scope* parent;
  Binding* items;
  uint32_t size = 0;
  uint32_t capacity = kInline;
  bool captured = false;  // a macro holds it: it must stay as it is
  Binding inline_items[kInline];
};

struct Macro {
  const Node* node;  // kMacro or kCallBlock
  Scope* scope;
};

struct Bound {
  Value self;
  int method;  // of has_method(), or one of the kinds' own (loop.cycle)
};

struct Loop {
  Iter* iter;
  int64_t known_size;  // -1: not known
  int64_t index0 = -1;
  Value current = {}, before = {}, after = {};
  bool ended = false;
  Value last_changed = {};
  const Node* node = nullptr;  // of a recursive loop
  Scope* scope = nullptr;
  int depth0 = 0;
};

// Parameters of a builtin, in order: given values, kMissing where none.
constexpr size_t kMaxParameters = 6;
struct Bind {
  Value at[kMaxParameters];
  const Value& operator[](size_t i) const { return at[i]; }
};

class Interp {
 public:
  enum class Flow : uint8_t { kNext, kBreak, kContinue };

  Interp(const Ast& ast, const Limits& limits, std::vector<Value> context, const std::optional<std::tm>& now,
         Arena& arena);

  void run();  // the whole template, into out()
  Out& out() { return *out_; }
  size_t at() const { return at_; }  // where in the source it is, for errors

  Arena& arena() { return arena_; }
  const Limits& limits() const { return limits_; }
  void step(int64_t count = 1) {
    if ((steps_ -= count) < 0) {
      fail_steps();
    }
  }
  void charge_text(size_t bytes) { step(1 + static_cast<int64_t>(bytes / 64)); }
  [[noreturn]] static void fail(std::string what, std::string hint = "") {
    throw Fail{std::move(what), std::move(hint)};
  }

  // Nesting of calls and values.
  class Deeper {
   public:
    explicit Deeper(Interp& interp) : interp_(interp) {
      if (++interp_.depth_ > interp_.limits_.depth) {
        fail("calls, loops or values are nested too deeply", "a template that is meant for conversations does not nest so");
      }
    }
    ~Deeper() { --interp_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Interp& interp_;
  };

  // text.cc: str() and repr() as Python has them
  void write_str(Out& out, const Value& value);
  void write_repr(Out& out, const Value& value);
  const Str* to_str(const Value& value);
  std::string_view text_of(const Value& value) { return to_str(value)->view(); }
  Value new_str(std::string_view text, uint8_t mark = kTemplate) { return Value::of(copy_str(arena_, text, mark)); }
  Value part(const Str& str, size_t begin, size_t end) { return Value::of(part_of(arena_, str, begin, end)); }
  Value joined(const Str& left, const Str& right);
  Value markup_as(const Str& like, const Str& text);  // text, Markup where `like` is

  // values
  Value new_list(const std::vector<Value>& items, Kind kind = Kind::kList) {
    return Value::of(kind, make_list(arena_, items.data(), items.size()));
  }
  Value pair(const Value& a, const Value& b);
  Value undefined(Undef::Form form, std::string_view name, Kind owner = Kind::kNone);
  [[noreturn]] void fail_undefined(const Value& value);
  void check_defined(const Value& value) {
    if (value.is(Kind::kUndefined)) {
      fail_undefined(value);
    }
  }

  // iterate.cc
  Iter* iterate(const Value& value);  // Fail when it is not iterable
  bool is_iterable(const Value& value) const;
  std::vector<Value> to_vector(const Value& value);
  Value from_iter(Iter* iter);
  Value reversed(const Value& value);

  // operators.cc
  Value binary(Operator operation, const Value& a, const Value& b);
  bool compare(Operator operation, const Value& a, const Value& b);
  int order(const Value& a, const Value& b, const char* sign);  // <0, 0, >0, 2: a NaN is there; Fail: no order
  bool contains(const Value& item, const Value& in);
  Value negate(const Value& value, bool plus);

  // access.cc
  Value get_attribute(const Value& object, const Value& name, int method);
  Value get_item(const Value& object, const Value& key);
  Value get_path(const Value& object, const Value& path, const Value* otherwise);  // "a.0.b" of map and sort
  Value slice(const Value& object, const Value& start, const Value& stop, const Value& step);

  // call.cc
  Value call(const Value& callee, const Args& args);
  Value call_method(const Value& self, int method, const Args& args);   // methods.cc
  Value call_function(int id, const Args& args);                        // functions.cc
  Value call_filter(int id, const Value& subject, const Args& args);    // filters.cc
  bool call_test(int id, const Value& subject, const Args& args);       // tests.cc
  Bind bind(const char* callee, const Args& args, const std::string_view* names, size_t num_names, size_t required);
  Bind bind(const char* callee, const Args& args, std::initializer_list<std::string_view> names, size_t required) {
    return bind(callee, args, names.begin(), names.size(), required);
  }
  Value call_macro(const Macro& macro, const Args& args);
  Value call_loop(Loop& loop, const Value& items);
  bool loop_next(Loop& loop, Value& item);
  int64_t loop_size(Loop& loop);
  Value loop_attribute(const Value& self, std::string_view name);
  Value loop_peek(Loop& loop);

  // format.cc
  Value percent(const Value& format, const Value& args);      // "..." % x
  Value str_format(const Str& format, const Args& args);      // "...".format(...)
  void write_json(Out& out, const Value& value, const struct JsonStyle& style, int level);  // json_out.cc
  const Str* escape(const Value& value);                      // & < > ' "
  const std::optional<std::tm>& now() const { return now_; }

 private:
  friend class FilteredLoop;
  class Buffer;
  [[noreturn]] void fail_steps() const;

  // eval.cc
  Value eval(const Node* node);
  Value eval_compare(const Node* node);
  Value eval_call(const Node* node, const Value* caller);
  Value eval_filter(const Node* node);
  Value eval_test(const Node* node);
  Value eval_slice(const Node* node);
  Value eval_dict(const Node* node);
  Value lookup(NameId name);
  struct Evaluated {
    std::vector<Value> items;
    std::vector<Keyword> named;
    Args args() const { return {items.data(), items.size(), named.data(), named.size()}; }
  };
  void eval_arguments(const Node* node, Evaluated& out);
  Value filter_chain(const Node* filter, const Value& subject);

  // exec.cc
  Flow exec(const std::vector<const Node*>& body);
  Flow exec_for(const Node* node);
  Flow run_loop(const Node* node, const Value& items, Scope* outer, int depth0);
  Flow exec_if(const Node* node);
  Flow exec_buffered(const Node* node);
  Flow exec_with(const Node* node);
  void exec_generation(const Node* node);
  void assign(const Node* target, const Value& value);
  Scope* new_scope(Scope* parent);
  void store(Scope& scope, NameId name, const Value& value);
  void capture(Scope* scope);

  const Ast& ast_;
  const Limits& limits_;
  Arena& arena_;
  std::vector<Value> context_;  // by NameId; kMissing: not given
  const std::optional<std::tm>& now_;
  int64_t steps_;
  int depth_ = 0;
  uint32_t at_ = 0;
  Scope* scope_ = nullptr;
  Out* out_;
  Out main_;
  std::vector<std::unique_ptr<Out>> buffers_;  // for reuse; the first num_buffers_ are in use
  size_t num_buffers_ = 0;
  uint32_t num_generations_ = 0;
  Value block_text_;  // what a filter without subject works on
};

// methods_number.cc: of numbers and ranges. kMissing: no such attribute.
Value plain_attribute(const Value& object, std::string_view name);
Value call_number_method(Interp& interp, const Value& self, std::string_view name);

// Text of a block that does not go to the output at once.
class Interp::Buffer {
 public:
  explicit Buffer(Interp& interp) : interp_(interp), before_(interp.out_) {
    if (interp.num_buffers_ == interp.buffers_.size()) {
      interp.buffers_.push_back(std::make_unique<Out>(interp.limits_.output_bytes));
    }
    out_ = interp.buffers_[interp.num_buffers_++].get();
    out_->clear();
    interp.out_ = out_;
  }
  ~Buffer() {
    interp_.out_ = before_;
    --interp_.num_buffers_;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Value finish() { return Value::of(out_->finish(interp_.arena_)); }
  const Out& text() const { return *out_; }

 private:
  Interp& interp_;
  Out* before_;
  Out* out_;
};

}  // namespace athanor::chat

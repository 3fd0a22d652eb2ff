// Calls of functions, methods, macros and recursive loops.
#include <algorithm>

#include "athanor/token/chat/interp.h"

namespace athanor::chat {

Bind Interp::bind(const char* callee, const Args& args, const std::string_view* names, size_t num_names,
                  size_t required) {
  Bind bound;
  const std::string who = callee;
  if (args.size > num_names) {
    fail(who + "() takes at most " + std::to_string(num_names) + " arguments, not " + std::to_string(args.size));
  }
  std::copy_n(args.items, args.size, bound.at);
  for (size_t i = 0; i < args.num_named; ++i) {
    const auto* place = std::find(names, names + num_names, args.named[i].name);
    const size_t at = static_cast<size_t>(place - names);
    if (place == names + num_names || at < args.size) {
      fail(who + "() " + (place == names + num_names ? "takes no argument '" : "is given twice the argument '") +
           std::string(args.named[i].name.substr(0, 60)) + "'");
    }
    bound.at[at] = args.named[i].value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (bound.at[i].is(Kind::kMissing)) {
      fail(who + "() needs the argument '" + std::string(names[i]) + "'");
    }
  }
  return bound;
}

Value Interp::call(const Value& callee, const Args& args) {
  const Deeper deeper(*this);
  switch (callee.kind) {
    case Kind::kUndefined:
      fail_undefined(callee);
    case Kind::kFunction:
      return call_function(static_cast<int>(callee.integer), args);
    case Kind::kMacro:
      return call_macro(*callee.macro, args);
    case Kind::kLoop: {
      const Bind bound = bind("loop", args, {"iterable"}, 1);
      return call_loop(*callee.loop, bound[0]);
    }
    case Kind::kJoiner:
      bind("joiner", args, {}, 0);
      if (!callee.joiner->used) {
        callee.joiner->used = true;
        return new_str("");
      }
      return Value::of(callee.joiner->separator);
    case Kind::kMethod:
      break;
    default:
      fail(std::string("a ") + type_name(callee) + " cannot be called");
  }
  const Bound& bound = *callee.bound;
  if (bound.self.is(Kind::kCycler)) {
    bind("cycler", args, {}, 0);
    Cycler& cycler = *bound.self.cycler;
    const Value current = cycler.items->items[cycler.at];
    cycler.at = bound.method == -1 ? (cycler.at + 1) % cycler.items->size : 0;
    return bound.method == -1 ? current : Value::none();
  }
  if (!bound.self.is(Kind::kLoop)) {
    return call_method(bound.self, bound.method, args);
  }
  Loop& loop = *bound.self.loop;
  if (args.num_named > 0) {
    fail("loop.cycle() and loop.changed() take no named arguments");
  }
  if (bound.method == -1) {
    if (args.size == 0) {
      fail("loop.cycle() needs items");
    }
    return args.items[static_cast<size_t>(loop.index0) % args.size];
  }
  const Value now = Value::of(Kind::kTuple, make_list(arena_, args.items, args.size));
  const bool changed = loop.last_changed.is(Kind::kMissing) || !equal(loop.last_changed, now, steps_);
  loop.last_changed = now;
  return Value::of(changed);
}

Value Interp::call_loop(Loop& loop, const Value& items) {
  if (loop.node == nullptr) {
    fail("loop() needs a loop with the word 'recursive'");
  }
  Scope* before = scope_;
  Buffer buffer(*this);
  run_loop(loop.node, items, loop.scope, loop.depth0 + 1);
  scope_ = before;
  return buffer.finish();
}

Value Interp::call_macro(const Macro& macro, const Args& args) {
  const Node* node = macro.node;
  const bool block = node->op == Op::kCallBlock;
  const std::string who = block ? "caller" : std::string(ast_.names[node->name]);
  const auto names_of = [&](std::string_view name) { return ast_.name_ids.find(name); };
  Scope* before = scope_;
  Scope* scope = new_scope(macro.scope);
  std::vector<bool> used(args.num_named, false);
  const auto take_named = [&](std::string_view name) -> const Value* {
    for (size_t i = 0; i < args.num_named; ++i) {
      if (args.named[i].name == name && !used[i]) {
        used[i] = true;
        return &args.named[i].value;
      }
    }
    return nullptr;
  };
  scope_ = scope;
  const size_t num_parameters = node->named.size();
  std::vector<const Value*> given(num_parameters, nullptr);
  bool explicit_caller = false;
  for (size_t i = 0; i < num_parameters; ++i) {
    const std::string_view name = ast_.names[node->named[i].name];
    explicit_caller = explicit_caller || name == "caller";
    given[i] = i < args.size ? &args.items[i] : take_named(name);
  }
  // caller, kwargs and varargs are there when the body says their names; what it does not say, it does not take.
  if (!explicit_caller && (node->id & kSaysCaller) != 0) {
    const Value* caller = take_named("caller");
    store(*scope, names_of("caller")->second,
          caller != nullptr ? *caller : undefined(Undef::kHint, "no caller defined"));
  }
  if ((node->id & kSaysKwargs) != 0) {
    Dict* rest = make_dict(arena_, args.num_named);
    for (size_t i = 0; i < args.num_named; ++i) {
      if (!used[i]) {
        used[i] = true;
        set_item(arena_, *rest, new_str(args.named[i].name), args.named[i].value);
      }
    }
    store(*scope, names_of("kwargs")->second, Value::of(rest));
  }
  if (const auto left = std::find(used.begin(), used.end(), false); left != used.end()) {
    fail("macro '" + who + "' takes no argument '" +
         std::string(args.named[static_cast<size_t>(left - used.begin())].name.substr(0, 60)) + "'");
  }
  if ((node->id & kSaysVarargs) != 0) {
    const size_t taken = std::min(args.size, num_parameters);
    store(*scope, names_of("varargs")->second,
          Value::of(Kind::kTuple, make_list(arena_, args.items + taken, args.size - taken)));
  } else if (args.size > num_parameters) {
    fail("macro '" + who + "' takes at most " + std::to_string(num_parameters) + " arguments");
  }
  for (size_t i = 0; i < num_parameters; ++i) {
    const Named& parameter = node->named[i];
    Value value = given[i] != nullptr ? *given[i] : Value();
    if (value.is(Kind::kMissing)) {
      value = parameter.value != nullptr
                  ? eval(parameter.value)
                  : undefined(Undef::kHint, arena_.copy("parameter '" + std::string(ast_.names[parameter.name]) +
                                                        "' was not provided"));
    }
    store(*scope, parameter.name, value);
  }
  Buffer buffer(*this);
  exec(node->items);
  scope_ = before;
  return buffer.finish();
}

}  // namespace athanor::chat

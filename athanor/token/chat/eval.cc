// Expressions.
#include <algorithm>

#include "athanor/token/chat/interp.h"

namespace athanor::chat {

Interp::Interp(const Ast& ast, const Limits& limits, std::vector<Value> context, const std::optional<std::tm>& now,
               Arena& arena)
    : ast_(ast), limits_(limits), arena_(arena), context_(std::move(context)), now_(now), steps_(limits.steps),
      out_(&main_), main_(limits.output_bytes) {
  context_.resize(ast.names.size());
}

void Interp::fail_steps() const {
  fail("the template takes more than " + std::to_string(limits_.steps) + " steps",
       "shorten the conversation");
}

Value Interp::lookup(NameId name) {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    for (uint32_t i = 0; i < scope->size; ++i) {
      if (scope->items[i].name == name) {
        return scope->items[i].value;
      }
    }
  }
  if (!context_[name].is(Kind::kMissing)) {
    return context_[name];
  }
  if (ast_.functions[name] >= 0) {
    Value function = Value::of(Kind::kFunction);
    function.integer = ast_.functions[name];
    return function;
  }
  return undefined(Undef::kName, ast_.names[name]);
}

Value Interp::eval(const Node* node) {
  const Deeper deeper(*this);
  step();
  at_ = node->at;
  switch (node->op) {
    case Op::kConst:
      return node->value;
    case Op::kName:
      return lookup(node->name);
    case Op::kList:
    case Op::kTuple: {
      std::vector<Value> items;
      items.reserve(node->items.size());
      for (const Node* item : node->items) {
        items.push_back(eval(item));
      }
      return new_list(items, node->op == Op::kList ? Kind::kList : Kind::kTuple);
    }
    case Op::kDict:
      return eval_dict(node);
    case Op::kAttribute: {
      const Value object = eval(node->a);
      at_ = node->at;
      return get_attribute(object, node->value, node->id);
    }
    case Op::kItem: {
      const Value object = eval(node->a);
      const Value key = eval(node->b);
      at_ = node->at;
      return get_item(object, key);
    }
    case Op::kSlice:
      return eval_slice(node);
    case Op::kCall:
      return eval_call(node, nullptr);
    case Op::kFilter:
      return eval_filter(node);
    case Op::kTest:
      return eval_test(node);
    case Op::kNot:
      return Value::of(!is_true(eval(node->a)));
    case Op::kNegate:
    case Op::kPlus: {
      const Value value = eval(node->a);
      at_ = node->at;
      return negate(value, node->op == Op::kPlus);
    }
    case Op::kBinary: {
      const Value left = eval(node->a);
      const Value right = eval(node->b);
      at_ = node->at;
      return binary(node->operation, left, right);
    }
    case Op::kConcat: {
      const Str* text = to_str(eval(node->items[0]));
      for (size_t i = 1; i < node->items.size(); ++i) {
        const Str* more = to_str(eval(node->items[i]));
        text = joined(*text, *more).str;
      }
      if (text->markup) {
        Str plain = *text;
        plain.markup = false;
        text = arena_.make<Str>(plain);
      }
      return Value::of(text);
    }
    case Op::kCompare:
      return eval_compare(node);
    case Op::kAnd: {
      const Value left = eval(node->a);
      return is_true(left) ? eval(node->b) : left;
    }
    case Op::kOr: {
      const Value left = eval(node->a);
      return is_true(left) ? left : eval(node->b);
    }
    case Op::kCondition:
      if (is_true(eval(node->b))) {
        return eval(node->a);
      }
      return node->c != nullptr ? eval(node->c)
                                : undefined(Undef::kHint, "an inline if was false and has no else");
    default:
      fail("this is not an expression");
  }
}

Value Interp::eval_dict(const Node* node) {
  Dict* dict = make_dict(arena_, node->items.size() / 2);
  for (size_t i = 0; i < node->items.size(); i += 2) {
    const Value key = eval(node->items[i]);
    const Value value = eval(node->items[i + 1]);
    if (!is_hashable(key)) {
      at_ = node->items[i]->at;
      fail(std::string("a ") + type_name(key) + " cannot be a key of a dict");
    }
    set_item(arena_, *dict, key, value);
  }
  return Value::of(dict);
}

Value Interp::eval_slice(const Node* node) {
  const Value object = eval(node->a);
  Value bounds[3];
  for (size_t i = 0; i < 3; ++i) {
    bounds[i] = node->items[i] != nullptr ? eval(node->items[i]) : Value::none();
  }
  at_ = node->at;
  return slice(object, bounds[0], bounds[1], bounds[2]);
}

Value Interp::eval_compare(const Node* node) {
  Value left = eval(node->a);
  for (size_t i = 0; i < node->items.size(); ++i) {
    const Value right = eval(node->items[i]);
    at_ = node->at;
    if (!compare(node->operations[i], left, right)) {
      return Value::of(false);
    }
    left = right;
  }
  return Value::of(true);
}

void Interp::eval_arguments(const Node* node, Evaluated& out) {
  out.items.reserve(node->items.size());
  for (const Node* item : node->items) {
    out.items.push_back(eval(item));
  }
  for (const Named& named : node->named) {
    out.named.push_back({ast_.names[named.name], eval(named.value)});
  }
  if (node->b != nullptr) {
    for (const Value& value : to_vector(eval(node->b))) {
      out.items.push_back(value);
    }
  }
  if (node->c != nullptr) {
    const Value more = eval(node->c);
    if (!more.is(Kind::kDict)) {
      fail("** needs a dict");
    }
    for (uint32_t i = 0; i < more.dict->size; ++i) {
      const DictEntry& entry = more.dict->entries[i];
      if (!entry.key.is_str()) {
        fail("** needs a dict whose keys are strings");
      }
      for (const Keyword& named : out.named) {
        if (named.name == entry.key.text()) {
          fail("argument '" + std::string(named.name) + "' is given twice");
        }
      }
      out.named.push_back({entry.key.text(), entry.value});
    }
  }
}

Value Interp::eval_call(const Node* node, const Value* caller) {
  Evaluated evaluated;
  if (node->a->op == Op::kAttribute) {
    const Value self = eval(node->a->a);
    const int method = node->a->id;
    if (method >= 0 && has_method(self.kind, method) && !is_mutating(self.kind, method)) {
      eval_arguments(node, evaluated);
      at_ = node->at;
      return call_method(self, method, evaluated.args());
    }
    at_ = node->a->at;
    const Value callee = get_attribute(self, node->a->value, method);
    eval_arguments(node, evaluated);
    if (caller != nullptr) {
      evaluated.named.push_back({"caller", *caller});
    }
    at_ = node->at;
    return call(callee, evaluated.args());
  }
  const Value callee = eval(node->a);
  eval_arguments(node, evaluated);
  if (caller != nullptr) {
    evaluated.named.push_back({"caller", *caller});
  }
  at_ = node->at;
  return call(callee, evaluated.args());
}

Value Interp::eval_filter(const Node* node) {
  const Value subject = node->a != nullptr ? eval(node->a) : block_text_;
  if (node->id < 0) {
    at_ = node->at;
    fail("no filter named '" + std::string(node->value.text()) + "'");
  }
  Evaluated evaluated;
  eval_arguments(node, evaluated);
  at_ = node->at;
  return call_filter(node->id, subject, evaluated.args());
}

Value Interp::eval_test(const Node* node) {
  const Value subject = eval(node->a);
  if (node->id < 0) {
    at_ = node->at;
    fail("no test named '" + std::string(node->value.text()) + "'");
  }
  Evaluated evaluated;
  eval_arguments(node, evaluated);
  at_ = node->at;
  return Value::of(call_test(node->id, subject, evaluated.args()));
}

Value Interp::filter_chain(const Node* filter, const Value& subject) {
  const Value before = std::exchange(block_text_, subject);
  const Value result = eval(filter);
  block_text_ = before;
  return result;
}

}  // namespace athanor::chat

// Statements.
#include <algorithm>

#include "athanor/token/chat/interp.h"

namespace athanor::chat {

// A loop's own condition, asked as the loop goes on: {% for x in xs if x %}.
class FilteredLoop final : public Iter {
 public:
  FilteredLoop(Iter* source, const Node* node, Scope* outer)
      : Iter("generator"), source_(source), node_(node), outer_(outer) {}

  bool next(Interp& interp, Value& out) override {
    Scope* before = interp.scope_;
    const uint32_t at = interp.at_;
    bool found = false;
    while (!found && source_->next(interp, out)) {
      interp.step();
      interp.scope_ = interp.new_scope(outer_);
      interp.assign(node_->a, out);
      found = is_true(interp.eval(node_->c));
    }
    interp.scope_ = before;
    interp.at_ = at;
    return found;
  }

 private:
  Iter* source_;
  const Node* node_;
  Scope* outer_;
};

void Interp::run() {
  scope_ = new_scope(nullptr);
  exec(ast_.body);
}

Scope* Interp::new_scope(Scope* parent) {
  auto* scope = static_cast<Scope*>(arena_.take(sizeof(Scope)));
  scope->parent = parent;
  scope->items = scope->inline_items;
  scope->size = 0;
  scope->capacity = Scope::kInline;
  scope->captured = false;
  return scope;
}

void Interp::store(Scope& scope, NameId name, const Value& value) {
  for (uint32_t i = 0; i < scope.size; ++i) {
    if (scope.items[i].name == name) {
      scope.items[i].value = value;
      return;
    }
  }
  if (scope.size == scope.capacity) {
    auto* items = static_cast<Scope::Binding*>(arena_.take(sizeof(Scope::Binding) * scope.capacity * 2));
    std::copy_n(scope.items, scope.size, items);
    scope.items = items;
    scope.capacity *= 2;
  }
  scope.items[scope.size++] = {name, value};
}

void Interp::capture(Scope* scope) {
  for (; scope != nullptr && !scope->captured; scope = scope->parent) {
    scope->captured = true;
  }
}

void Interp::assign(const Node* target, const Value& value) {
  if (target->op == Op::kName) {
    store(*scope_, target->name, value);
    return;
  }
  at_ = target->at;
  if (target->op == Op::kSpaceRef) {
    const Value space = lookup(target->name);
    if (!space.is(Kind::kNamespace)) {
      fail("attributes can be set only on a namespace(), and '" + std::string(ast_.names[target->name]) + "' is a " +
           type_name(space));
    }
    if (target->value.text().starts_with('_')) {
      fail("a namespace cannot hold '" + std::string(target->value.text()) + "': it starts with an underscore");
    }
    set_item(arena_, *space.space, target->value, value);
    return;
  }
  const std::vector<Value> items = to_vector(value);
  if (items.size() != target->items.size()) {
    fail("cannot unpack " + std::to_string(items.size()) + " values into " + std::to_string(target->items.size()) +
         " names");
  }
  for (size_t i = 0; i < items.size(); ++i) {
    assign(target->items[i], items[i]);
  }
}

Interp::Flow Interp::exec(const std::vector<const Node*>& body) {
  const Deeper deeper(*this);
  for (const Node* node : body) {
    step();
    at_ = node->at;
    Flow flow = Flow::kNext;
    switch (node->op) {
      case Op::kText:
        charge_text(node->value.str->size);
        out_->add(*node->value.str);
        break;
      case Op::kPrint:
        for (const Node* item : node->items) {
          const Value value = eval(item);
          at_ = node->at;
          write_str(*out_, value);
        }
        break;
      case Op::kFor:
        flow = exec_for(node);
        break;
      case Op::kIf:
        flow = exec_if(node);
        break;
      case Op::kSet:
        assign(node->a, eval(node->b));
        break;
      case Op::kSetBlock:
      case Op::kFilterBlock:
        flow = exec_buffered(node);
        break;
      case Op::kMacro: {
        capture(scope_);
        Value macro = Value::of(Kind::kMacro);
        macro.macro = arena_.make<Macro>(Macro{node, scope_});
        store(*scope_, node->name, macro);
        break;
      }
      case Op::kCallBlock: {
        capture(scope_);
        Value caller = Value::of(Kind::kMacro);
        caller.macro = arena_.make<Macro>(Macro{node, scope_});
        write_str(*out_, eval_call(node->a, &caller));
        break;
      }
      case Op::kWith:
        flow = exec_with(node);
        break;
      case Op::kGeneration:
        exec_generation(node);
        break;
      case Op::kBreak:
        return Flow::kBreak;
      case Op::kContinue:
        return Flow::kContinue;
      default:
        eval(node);
    }
    if (flow != Flow::kNext) {
      return flow;
    }
  }
  return Flow::kNext;
}

Interp::Flow Interp::exec_if(const Node* node) {
  for (;;) {
    if (is_true(eval(node->a))) {
      return exec(node->items);
    }
    if (node->more.size() != 1 || node->more[0]->op != Op::kIf) {
      return exec(node->more);
    }
    node = node->more[0];  // elif, or an if that is alone in its else
    step();
  }
}

Interp::Flow Interp::exec_for(const Node* node) {
  const Value items = eval(node->b);
  at_ = node->at;
  if (!node->flag) {
    return run_loop(node, items, scope_, 0);
  }
  capture(scope_);
  const Str* text = nullptr;
  {
    Buffer buffer(*this);
    run_loop(node, items, scope_, 0);
    text = buffer.finish().str;
  }
  out_->add(*text);
  return Flow::kNext;
}

Interp::Flow Interp::run_loop(const Node* node, const Value& items, Scope* outer, int depth0) {
  static constexpr std::string_view kLoop = "loop";
  const auto loop_name = ast_.name_ids.find(kLoop);
  auto* loop = arena_.make<Loop>();
  loop->iter = iterate(items);
  loop->known_size = node->c == nullptr ? size_of(items) : -1;
  if (node->c != nullptr) {
    loop->iter = arena_.make<FilteredLoop>(loop->iter, node, outer);
  }
  loop->node = node->flag ? node : nullptr;
  loop->scope = outer;
  loop->depth0 = depth0;
  Value loop_value = Value::of(Kind::kLoop);
  loop_value.loop = loop;
  Scope* before = scope_;
  Scope* scope = new_scope(outer);
  bool completed = false;  // jinja2 takes the else branch when no iteration ran to its end
  Flow flow = Flow::kNext;
  for (Value item; flow != Flow::kBreak && loop_next(*loop, item);) {
    step();
    if (scope->captured) {
      scope = new_scope(outer);
    }
    scope->size = 0;
    scope_ = scope;
    assign(node->a, item);
    if (loop_name != ast_.name_ids.end()) {
      store(*scope, loop_name->second, loop_value);
    }
    flow = exec(node->items);
    completed = completed || flow == Flow::kNext;
    at_ = node->at;
    scope_ = outer;  // the next item's condition sees the scope around the loop
  }
  flow = Flow::kNext;
  if (!completed && !node->more.empty()) {
    scope_ = new_scope(outer);
    flow = exec(node->more);
  }
  scope_ = before;
  return flow;
}

Interp::Flow Interp::exec_buffered(const Node* node) {
  Scope* outer = scope_;
  scope_ = new_scope(outer);
  Value text;
  Flow flow;
  {
    Buffer buffer(*this);
    flow = exec(node->items);
    text = buffer.finish();
  }
  if (flow == Flow::kNext && node->b != nullptr) {
    text = filter_chain(node->b, text);
  }
  scope_ = outer;
  if (flow != Flow::kNext) {
    return flow;  // break or continue inside: Python leaves the block without its end
  }
  if (node->op == Op::kSetBlock) {
    assign(node->a, text);
  } else {
    write_str(*out_, text);
  }
  return Flow::kNext;
}

Interp::Flow Interp::exec_with(const Node* node) {
  Scope* outer = scope_;
  Scope* inner = new_scope(outer);
  for (size_t i = 0; i < node->heads.size(); ++i) {
    const Value value = eval(node->more[i]);  // sees the scope around the block
    scope_ = inner;
    assign(node->heads[i], value);
    scope_ = outer;
  }
  scope_ = inner;
  const Flow flow = exec(node->items);
  scope_ = outer;
  return flow;
}

void Interp::exec_generation(const Node* node) {
  Scope* outer = scope_;
  scope_ = new_scope(outer);
  const size_t begin = out_->size();
  exec(node->items);
  out_->mark_from(begin, num_generations_++ % 2 == 0 ? kReplyEven : kReplyOdd);
  scope_ = outer;
}

}  // namespace athanor::chat

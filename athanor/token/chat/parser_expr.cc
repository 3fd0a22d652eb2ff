// Expressions.
#include <algorithm>

#include "athanor/token/chat/builtins.h"
#include "athanor/token/chat/parser.h"

namespace athanor::chat {
namespace {

bool is_constant(std::string_view name, Value& value) {
  if (name == "true" || name == "True" || name == "false" || name == "False") {
    value = Value::of(name == "true" || name == "True");
    return true;
  }
  value = Value::none();
  return name == "none" || name == "None";
}

}  // namespace

const Node* Parser::parse_expression(bool with_condition) {
  const Deeper deeper(*this);
  return with_condition ? parse_condition() : parse_or();
}

const Node* Parser::parse_condition() {
  const size_t unknown = unknown_.size();
  const Node* value = parse_or();
  while (is_word("if")) {
    Node* node = make(Op::kCondition, take().at);
    node->a = value;
    node->b = parse_or();
    if (take_word("else")) {
      const Deeper deeper(*this);
      node->c = parse_condition();
    }
    soften(unknown);
    value = node;
  }
  return value;
}

const Node* Parser::parse_or() {
  const Node* left = parse_and();
  while (is_word("or")) {
    Node* node = make(Op::kOr, take().at);
    node->a = left;
    node->b = parse_and();
    left = node;
  }
  return left;
}

const Node* Parser::parse_and() {
  const Node* left = parse_not();
  while (is_word("and")) {
    Node* node = make(Op::kAnd, take().at);
    node->a = left;
    node->b = parse_not();
    left = node;
  }
  return left;
}

const Node* Parser::parse_not() {
  if (!is_word("not")) {
    return parse_compare();
  }
  const Deeper deeper(*this);
  Node* node = make(Op::kNot, take().at);
  node->a = parse_not();
  return node;
}

const Node* Parser::parse_compare() {
  static constexpr std::pair<std::string_view, Operator> kOps[] = {
      {"==", Operator::kEq}, {"!=", Operator::kNe}, {"<", Operator::kLt},
      {"<=", Operator::kLe}, {">", Operator::kGt},  {">=", Operator::kGe}};
  const Node* left = parse_sum();
  Node* node = nullptr;
  for (;;) {
    Operator operation = Operator::kIn;
    const size_t at = now().at;
    const auto* op = std::find_if(std::begin(kOps), std::end(kOps), [&](const auto& o) { return is_op(o.first); });
    if (op != std::end(kOps)) {
      operation = op->second;
    } else if (is_word("not") && look().kind == TokenKind::kName && look().text == "in") {
      take();
      operation = Operator::kNotIn;
    } else if (!is_word("in")) {
      return node != nullptr ? node : left;
    }
    take();
    if (node == nullptr) {
      node = make(Op::kCompare, at);
      node->a = left;
    }
    node->operations.push_back(operation);
    node->items.push_back(parse_sum());
  }
}

const Node* Parser::parse_sum() {
  const Node* left = parse_concat();
  while (is_op("+") || is_op("-")) {
    const Operator operation = is_op("+") ? Operator::kAdd : Operator::kSub;
    Node* node = make(Op::kBinary, take().at);
    node->operation = operation;
    node->a = left;
    node->b = parse_concat();
    left = node;
  }
  return left;
}

const Node* Parser::parse_concat() {
  const Node* first = parse_product();
  if (!is_op("~")) {
    return first;
  }
  Node* node = make(Op::kConcat, now().at);
  node->items.push_back(first);
  while (take_op("~")) {
    node->items.push_back(parse_product());
  }
  return node;
}

const Node* Parser::parse_product() {
  static constexpr std::pair<std::string_view, Operator> kOps[] = {
      {"*", Operator::kMul}, {"/", Operator::kDiv}, {"//", Operator::kFloorDiv}, {"%", Operator::kMod}};
  const Node* left = parse_power();
  for (;;) {
    const auto* op = std::find_if(std::begin(kOps), std::end(kOps), [&](const auto& o) { return is_op(o.first); });
    if (op == std::end(kOps)) {
      return left;
    }
    Node* node = make(Op::kBinary, take().at);
    node->operation = op->second;
    node->a = left;
    node->b = parse_power();
    left = node;
  }
}

const Node* Parser::parse_power() {
  const Node* left = parse_unary();
  while (is_op("**")) {
    Node* node = make(Op::kBinary, take().at);
    node->operation = Operator::kPow;
    node->a = left;
    node->b = parse_unary();
    left = node;
  }
  return left;
}

const Node* Parser::parse_unary(bool with_filter) {
  const Deeper deeper(*this);
  const Node* node = nullptr;
  if (is_op("-") || is_op("+")) {
    Node* sign = make(is_op("-") ? Op::kNegate : Op::kPlus, now().at);
    take();
    sign->a = parse_unary(false);
    node = sign;
  } else {
    node = parse_primary();
  }
  node = parse_postfix(node);
  return with_filter ? parse_filter_or_test(node) : node;
}

const Node* Parser::parse_primary(bool with_namespace) {
  const Token& token = now();
  switch (token.kind) {
    case TokenKind::kName: {
      take();
      Value constant;
      if (is_constant(token.text, constant)) {
        Node* node = make(Op::kConst, token.at);
        node->value = constant;
        return node;
      }
      Node* node = make(Op::kName, token.at);
      node->name = ast_.intern(token.text);
      if (token.text == "caller" || token.text == "kwargs" || token.text == "varargs") {
        const int16_t says = token.text == "caller" ? kSaysCaller : token.text == "kwargs" ? kSaysKwargs : kSaysVarargs;
        macro_says_ = static_cast<int16_t>(macro_says_ | says);
      }
      if (with_namespace && take_op(".")) {
        node->op = Op::kSpaceRef;
        node->value = text_value(expect_name());
      }
      return node;
    }
    case TokenKind::kString: {
      take();
      std::string_view text = token.text;
      if (now().kind == TokenKind::kString) {
        std::string joined(text);
        while (now().kind == TokenKind::kString) {
          joined += take().text;
        }
        text = ast_.arena.copy(joined);
      }
      Node* node = make(Op::kConst, token.at);
      node->value = text_value(text);
      return node;
    }
    case TokenKind::kInteger:
    case TokenKind::kFloat: {
      take();
      Node* node = make(Op::kConst, token.at);
      node->value = token.number;
      return node;
    }
    default:
      break;
  }
  if (take_op("(")) {
    const Deeper deeper(*this);
    const Node* node = parse_tuple({.parentheses = true});
    expect_op(")");
    return node;
  }
  if (is_op("[")) {
    return parse_list();
  }
  if (is_op("{")) {
    return parse_dict();
  }
  unexpected();
}

const Node* Parser::parse_tuple(const TupleRules& rules) {
  const size_t at = now().at;
  Body items;
  bool is_tuple = false;
  for (;;) {
    if (!items.empty()) {
      expect_op(",");
    }
    if (now().kind == TokenKind::kVariableEnd || now().kind == TokenKind::kBlockEnd || is_op(")") ||
        is_word(rules.ends)) {
      break;
    }
    items.push_back(rules.simple ? parse_primary(rules.with_namespace) : parse_expression(rules.with_condition));
    if (!is_op(",")) {
      break;
    }
    is_tuple = true;
  }
  if (!is_tuple) {
    if (!items.empty()) {
      return items[0];
    }
    if (!rules.parentheses) {
      unexpected();
    }
  }
  Node* node = make(Op::kTuple, at);
  node->items = std::move(items);
  return node;
}

const Node* Parser::parse_list() {
  const Deeper deeper(*this);
  Node* node = make(Op::kList, take().at);
  while (!is_op("]")) {
    if (!node->items.empty()) {
      expect_op(",");
      if (is_op("]")) {
        break;
      }
    }
    node->items.push_back(parse_expression());
  }
  take();
  return node;
}

const Node* Parser::parse_dict() {
  const Deeper deeper(*this);
  Node* node = make(Op::kDict, take().at);
  while (!is_op("}")) {
    if (!node->items.empty()) {
      expect_op(",");
      if (is_op("}")) {
        break;
      }
    }
    node->items.push_back(parse_expression());
    expect_op(":");
    node->items.push_back(parse_expression());
  }
  take();
  return node;
}

const Node* Parser::parse_postfix(const Node* node) {
  for (;;) {
    if (is_op(".") || is_op("[")) {
      node = parse_subscript(node);
    } else if (is_op("(")) {
      node = parse_call(node);
    } else {
      return node;
    }
  }
}

const Node* Parser::parse_filter_or_test(const Node* node) {
  for (;;) {
    if (is_op("|")) {
      node = parse_filter(node);
    } else if (is_word("is")) {
      node = parse_test(node);
    } else if (is_op("(")) {
      node = parse_call(node);
    } else {
      return node;
    }
  }
}

const Node* Parser::parse_slice(const Node* subject, size_t at, const Node* first) {
  Node* node = make(Op::kSlice, at);
  node->a = subject;
  node->items = {first, nullptr, nullptr};
  take();
  if (!is_op(":") && !is_op("]") && !is_op(",")) {
    node->items[1] = parse_expression();
  }
  if (take_op(":") && !is_op("]") && !is_op(",")) {
    node->items[2] = parse_expression();
  }
  return node;
}

const Node* Parser::parse_subscript(const Node* node) {
  const Token& open = take();
  if (open.text == ".") {
    const Token& name = take();
    if (name.kind == TokenKind::kInteger) {
      Node* item = make(Op::kItem, open.at);
      Node* index = make(Op::kConst, name.at);
      index->value = name.number;
      item->a = node;
      item->b = index;
      return item;
    }
    if (name.kind != TokenKind::kName) {
      fail("a name or number is expected after a dot", name.at);
    }
    Node* attribute = make(Op::kAttribute, open.at);
    attribute->a = node;
    attribute->value = text_value(name.text);
    attribute->id = static_cast<int16_t>(find_method(name.text));
    return attribute;
  }
  const Node* first = is_op(":") ? nullptr : is_op("]") ? make(Op::kTuple, open.at) : parse_expression();
  if (is_op(":")) {
    const Node* slice = parse_slice(node, open.at, first);
    if (is_op(",")) {
      fail("a slice of several dimensions is not supported", now().at);
    }
    expect_op("]");
    return slice;
  }
  Node* item = make(Op::kItem, open.at);
  item->a = node;
  item->b = first;
  if (is_op(",")) {
    Node* tuple = make(Op::kTuple, open.at);
    tuple->items.push_back(first);
    while (take_op(",")) {
      tuple->items.push_back(parse_expression());
    }
    item->b = tuple;
  }
  expect_op("]");
  return item;
}

}  // namespace athanor::chat

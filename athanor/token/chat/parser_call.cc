// Calls, filters, tests and targets of assignments.
#include <algorithm>

#include "athanor/token/chat/builtins.h"
#include "athanor/token/chat/parser.h"

namespace athanor::chat {

void Parser::check_keywords(const Node& node) const {
  for (size_t i = 0; i < node.named.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (node.named[i].name == node.named[j].name) {
        fail("argument '" + std::string(ast_.names[node.named[i].name]) + "' is given twice", node.named[i].value->at);
      }
    }
  }
}

void Parser::parse_arguments(Node& node) {
  const Deeper deeper(*this);
  const size_t at = now().at;
  const auto ensure = [&](bool good) {
    if (!good) {
      fail("wrong order of arguments", at);
    }
  };
  expect_op("(");
  for (bool first = true; !is_op(")"); first = false) {
    if (!first) {
      expect_op(",");
      if (is_op(")")) {
        break;
      }
    }
    if (take_op("*")) {
      ensure(node.b == nullptr && node.c == nullptr);
      node.b = parse_expression();
    } else if (take_op("**")) {
      ensure(node.c == nullptr);
      node.c = parse_expression();
    } else if (now().kind == TokenKind::kName && look().kind == TokenKind::kOperator && look().text == "=") {
      ensure(node.c == nullptr);
      const NameId name = ast_.intern(take().text);
      take();
      node.named.push_back({name, parse_expression()});
    } else {
      ensure(node.b == nullptr && node.c == nullptr && node.named.empty());
      node.items.push_back(parse_expression());
    }
  }
  take();
  check_keywords(node);
}

const Node* Parser::parse_call(const Node* callee) {
  Node* node = make(Op::kCall, now().at);
  node->a = callee;
  parse_arguments(*node);
  return node;
}

void Parser::note_unknown(const Node* node, std::string what) {
  what += " named '" + std::string(node->value.text().substr(0, 60)) + "'";
  unknown_.push_back({std::move(what), node->at, false});
}

const Node* Parser::parse_filter(const Node* subject, bool start_inline) {
  while (start_inline || is_op("|")) {
    if (!start_inline) {
      take();
    }
    Node* node = make(Op::kFilter, now().at);
    std::string name(expect_name());
    while (take_op(".")) {
      name += "." + std::string(expect_name());
    }
    node->a = subject;
    node->value = text_value(ast_.arena.copy(name));
    node->id = static_cast<int16_t>(find_filter(name));
    if (is_op("(")) {
      parse_arguments(*node);
    }
    if (node->id < 0) {
      note_unknown(node, "no filter");
    }
    subject = node;
    start_inline = false;
  }
  return subject;
}

const Node* Parser::parse_test(const Node* subject) {
  const size_t at = take().at;
  const bool negated = take_word("not");
  Node* node = make(Op::kTest, at);
  std::string name(expect_name());
  while (take_op(".")) {
    name += "." + std::string(expect_name());
  }
  node->a = subject;
  node->value = text_value(ast_.arena.copy(name));
  node->id = static_cast<int16_t>(find_test(name));
  const TokenKind kind = now().kind;
  if (is_op("(")) {
    parse_arguments(*node);
  } else if ((kind == TokenKind::kName || kind == TokenKind::kString || kind == TokenKind::kInteger ||
              kind == TokenKind::kFloat || is_op("[") || is_op("{")) &&
             !is_word({"else", "or", "and"})) {
    if (is_word("is")) {
      fail("tests cannot be chained with is", now().at);
    }
    node->items.push_back(parse_postfix(parse_primary()));
  }
  if (node->id < 0) {
    note_unknown(node, "no test");
  }
  if (!negated) {
    return node;
  }
  Node* invert = make(Op::kNot, at);
  invert->a = node;
  return invert;
}

const Node* Parser::parse_target(bool with_tuple, Words ends, bool with_namespace) {
  const Node* target = with_tuple
                           ? parse_tuple({.simple = true, .ends = ends, .with_namespace = with_namespace})
                           : parse_primary(with_namespace);
  std::vector<const Node*> open = {target};
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    if (node->op == Op::kTuple) {
      open.insert(open.end(), node->items.begin(), node->items.end());
    } else if (node->op == Op::kName) {
      loop_stores_ += ast_.names[node->name] == "loop" ? 1 : 0;
    } else if (node->op != Op::kSpaceRef) {
      fail("this cannot be assigned to", node->at);
    }
  }
  return target;
}

}  // namespace athanor::chat

// Statements.
#include "athanor/token/chat/parser.h"

#include <algorithm>
#include <set>

#include "athanor/token/chat/builtins.h"

namespace athanor::chat {

Parser::Parser(Ast& ast, const Limits& limits)
    : ast_(ast), limits_(limits), tokens_(tokenize(ast.source, ast.arena)) {}

void Parser::run() {
  ast_.body = statements({});
  for (const std::string_view name : ast_.names) {
    ast_.functions.push_back(find_function(name));
  }
  for (const Unknown& unknown : unknown_) {
    fail(unknown.what, unknown.at);
  }
}

bool Parser::is_word(Words words) const {
  return now().kind == TokenKind::kName && std::find(words.begin(), words.end(), now().text) != words.end();
}

bool Parser::take_op(std::string_view op) {
  if (!is_op(op)) {
    return false;
  }
  take();
  return true;
}

bool Parser::take_word(std::string_view word) {
  if (!is_word(word)) {
    return false;
  }
  take();
  return true;
}

void Parser::unexpected() const {
  switch (now().kind) {
    case TokenKind::kEnd:
      fail("unexpected end of the template", now().at);
    case TokenKind::kBlockEnd:
      fail("unexpected %}", now().at);
    case TokenKind::kVariableEnd:
      fail("unexpected }}", now().at);
    case TokenKind::kName:
    case TokenKind::kOperator:
      fail("unexpected '" + std::string(now().text.substr(0, 40)) + "'", now().at);
    default:
      fail("unexpected literal", now().at);
  }
}

void Parser::expect_op(std::string_view op) {
  if (!take_op(op)) {
    unexpected();
  }
}

void Parser::expect_word(std::string_view word) {
  if (!take_word(word)) {
    unexpected();
  }
}

std::string_view Parser::expect_name() {
  if (now().kind != TokenKind::kName) {
    unexpected();
  }
  return take().text;
}

Node* Parser::make(Op op, size_t at) {
  ast_.nodes.push_back(Node{.op = op, .at = static_cast<uint32_t>(at)});
  return &ast_.nodes.back();
}

Value Parser::text_value(std::string_view text) {
  const Str* str = make_str(ast_.arena, text, kTemplate);
  count_chars(*str);  // now: a parsed template is shared by threads
  return Value::of(str);
}

void Parser::soften(size_t since) {
  unknown_.erase(std::remove_if(unknown_.begin() + static_cast<std::ptrdiff_t>(since), unknown_.end(),
                                [](const Unknown& u) { return !u.firm; }),
                 unknown_.end());
}

void Parser::harden(size_t since) {
  for (size_t i = since; i < unknown_.size(); ++i) {
    unknown_[i].firm = true;
  }
}

void Parser::skip_block_end() {
  if (now().kind != TokenKind::kBlockEnd) {
    unexpected();
  }
  take();
}

Parser::Body Parser::statements(Words ends) {
  const Deeper deeper(*this);
  Body body;
  for (;;) {
    const Token& token = now();
    if (token.kind == TokenKind::kData) {
      Node* node = make(Op::kText, token.at);
      node->value = text_value(token.text);
      body.push_back(node);
      take();
    } else if (token.kind == TokenKind::kVariableBegin) {
      take();
      Node* node = make(Op::kPrint, token.at);
      node->items.push_back(parse_tuple({}));
      if (now().kind != TokenKind::kVariableEnd) {
        unexpected();
      }
      take();
      body.push_back(node);
    } else if (token.kind == TokenKind::kBlockBegin) {
      take();
      if (is_word(ends)) {
        return body;
      }
      body.push_back(statement());
      skip_block_end();
    } else {
      if (ends.size() != 0) {
        fail("unexpected end of the template; looking for {% " + std::string(*(ends.end() - 1)) + " %}", now().at);
      }
      return body;
    }
  }
}

// After the head of a block: an optional colon, %}, then statements up to one of ends.
Parser::Body Parser::inner_statements(Words ends, bool in_loop) {
  take_op(":");
  skip_block_end();
  const bool before = std::exchange(in_loop_, in_loop);
  Body body = statements(ends);
  in_loop_ = before;
  return body;
}

const Node* Parser::statement() {
  const Token& token = now();
  if (token.kind != TokenKind::kName) {
    fail("a tag name is expected after {%", token.at);
  }
  const std::string_view name = token.text;
  if (name == "break" || name == "continue") {
    if (!in_loop_) {
      fail("{% " + std::string(name) + " %} outside a loop", token.at);
    }
    take();
    return make(name == "break" ? Op::kBreak : Op::kContinue, token.at);
  }
  using Method = const Node* (Parser::*)();
  static constexpr std::pair<std::string_view, Method> kTags[] = {
      {"for", &Parser::parse_for},          {"if", &Parser::parse_if},
      {"set", &Parser::parse_set},          {"macro", &Parser::parse_macro},
      {"call", &Parser::parse_call_block},  {"filter", &Parser::parse_filter_block},
      {"with", &Parser::parse_with},        {"generation", &Parser::parse_generation},
      {"print", &Parser::parse_print}};
  for (const auto& [tag, method] : kTags) {
    if (tag == name) {
      return (this->*method)();
    }
  }
  if (is_word({"include", "import", "from", "extends", "block", "autoescape"})) {
    fail("{% " + std::string(name) + " %} is refused: a chat template is one text, without other files", token.at);
  }
  fail("unknown tag {% " + std::string(name.substr(0, 40)) + " %}", token.at);
}

const Node* Parser::parse_for() {
  Node* node = make(Op::kFor, take().at);
  const int stores = loop_stores_;
  node->a = parse_target(true, {"in"}, false);
  expect_word("in");
  node->b = parse_tuple({.with_condition = false, .ends = {"recursive"}});
  const size_t unknown = unknown_.size();
  if (take_word("if")) {
    node->c = parse_expression();
  }
  node->flag = take_word("recursive");
  node->items = inner_statements({"endfor", "else"}, true);
  if (take().text == "else") {
    node->more = inner_statements({"endfor"}, in_loop_ && !node->flag);
    take();
  }
  harden(unknown);
  if (loop_stores_ != stores) {
    fail("a loop must not assign to 'loop'", node->at);
  }
  return node;
}

const Node* Parser::parse_if() {
  const size_t unknown = unknown_.size();
  Node* first = make(Op::kIf, take().at);
  for (Node* node = first;;) {
    node->a = parse_tuple({.with_condition = false});
    node->items = inner_statements({"elif", "else", "endif"}, in_loop_);
    const Token& token = take();
    if (token.text == "elif") {
      Node* next = make(Op::kIf, token.at);
      node->more.push_back(next);
      node = next;
      continue;
    }
    if (token.text == "else") {
      node->more = inner_statements({"endif"}, in_loop_);
      take();
    }
    break;
  }
  soften(unknown);
  return first;
}

const Node* Parser::parse_set() {
  const size_t at = take().at;
  const Node* target = parse_target(true, {}, true);
  if (take_op("=")) {
    Node* node = make(Op::kSet, at);
    node->a = target;
    node->b = parse_tuple({});
    return node;
  }
  const size_t unknown = unknown_.size();
  Node* node = make(Op::kSetBlock, at);
  node->a = target;
  node->b = parse_filter(nullptr);
  node->items = inner_statements({"endset"}, in_loop_);
  take();
  harden(unknown);
  return node;
}

void Parser::parse_signature(Node& node) {
  expect_op("(");
  bool defaults = false;
  std::set<NameId> seen;
  while (!is_op(")")) {
    if (!node.named.empty()) {
      expect_op(",");
    }
    const size_t at = now().at;
    const NameId name = ast_.intern(expect_name());
    if (!seen.insert(name).second) {
      fail("a parameter is named twice", at);
    }
    const Node* value = nullptr;
    if (take_op("=")) {
      value = parse_expression();
      defaults = true;
    } else if (defaults) {
      fail("a parameter without default follows one with a default", at);
    }
    node.named.push_back({name, value});
  }
  take();
}

void Parser::parse_macro_body(Node& node, std::string_view end) {
  const int16_t outer = std::exchange(macro_says_, int16_t{0});
  node.items = inner_statements({end}, false);
  take();
  node.id = macro_says_;
  macro_says_ = static_cast<int16_t>(macro_says_ | outer);
  for (const Named& parameter : node.named) {
    const std::string_view name = ast_.names[parameter.name];
    if (name == "caller" && parameter.value == nullptr && (node.id & kSaysCaller) != 0) {
      fail("a parameter named 'caller' needs a default", node.at);
    }
    const int says = name == "kwargs" ? kSaysKwargs : name == "varargs" ? kSaysVarargs : 0;
    node.id = static_cast<int16_t>(node.id & ~says);
  }
}

const Node* Parser::parse_macro() {
  Node* node = make(Op::kMacro, take().at);
  const size_t unknown = unknown_.size();
  node->name = ast_.intern(expect_name());
  parse_signature(*node);
  parse_macro_body(*node, "endmacro");
  harden(unknown);
  return node;
}

const Node* Parser::parse_call_block() {
  Node* node = make(Op::kCallBlock, take().at);
  node->name = ast_.intern("caller");
  const size_t unknown = unknown_.size();
  if (is_op("(")) {
    parse_signature(*node);
    harden(unknown);
  }
  node->a = parse_expression();
  if (node->a->op != Op::kCall) {
    fail("{% call %} needs a call of a macro", node->at);
  }
  const size_t body = unknown_.size();
  parse_macro_body(*node, "endcall");
  harden(body);
  return node;
}

const Node* Parser::parse_filter_block() {
  Node* node = make(Op::kFilterBlock, take().at);
  const size_t unknown = unknown_.size();
  node->b = parse_filter(nullptr, true);
  node->items = inner_statements({"endfilter"}, in_loop_);
  take();
  harden(unknown);
  return node;
}

const Node* Parser::parse_with() {
  Node* node = make(Op::kWith, take().at);
  while (now().kind != TokenKind::kBlockEnd) {
    if (!node->heads.empty()) {
      expect_op(",");
    }
    const int stores = loop_stores_;
    node->heads.push_back(parse_target(true, {}, false));
    loop_stores_ = stores;  // a parameter, not an assignment
    expect_op("=");
    node->more.push_back(parse_expression());
  }
  const size_t unknown = unknown_.size();
  node->items = inner_statements({"endwith"}, in_loop_);
  take();
  harden(unknown);
  return node;
}

const Node* Parser::parse_generation() {
  Node* node = make(Op::kGeneration, take().at);
  ast_.has_generation = true;
  const size_t unknown = unknown_.size();
  node->items = inner_statements({"endgeneration"}, false);
  take();
  harden(unknown);
  return node;
}

const Node* Parser::parse_print() {
  Node* node = make(Op::kPrint, take().at);
  while (now().kind != TokenKind::kBlockEnd) {
    if (!node->items.empty()) {
      expect_op(",");
    }
    node->items.push_back(parse_expression());
  }
  return node;
}

}  // namespace athanor::chat

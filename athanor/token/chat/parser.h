// Tokens to Ast, by jinja2's grammar (and its order of precedence). include, import, extends, block and autoescape are
// refused: a chat template is one text.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/chat/ast.h"
#include "athanor/token/chat/lexer.h"
#include "athanor/token/chat/limits.h"

namespace athanor::chat {

class Parser {
 public:
  // ast.source is set. Throws LexFail.
  Parser(Ast& ast, const Limits& limits);
  void run();

 private:
  using Words = std::initializer_list<std::string_view>;
  using Body = std::vector<const Node*>;

  // tokens
  const Token& now() const { return tokens_[next_]; }
  const Token& look() const { return tokens_[next_ + (now().kind == TokenKind::kEnd ? 0 : 1)]; }
  const Token& take() { return tokens_[now().kind == TokenKind::kEnd ? next_ : next_++]; }
  bool is_op(std::string_view op) const { return now().kind == TokenKind::kOperator && now().text == op; }
  bool is_word(std::string_view word) const { return now().kind == TokenKind::kName && now().text == word; }
  bool is_word(Words words) const;
  bool take_op(std::string_view op);
  bool take_word(std::string_view word);
  void expect_op(std::string_view op);
  void expect_word(std::string_view word);
  std::string_view expect_name();
  [[noreturn]] void fail(std::string what, size_t at) const { throw LexFail{std::move(what), at}; }
  [[noreturn]] void unexpected() const;

  Node* make(Op op, size_t at);
  Value text_value(std::string_view text);  // text must live as long as the ast

  // statements (parser.cc)
  Body statements(Words ends);  // ends with the end word as the current token
  Body inner_statements(Words ends, bool in_loop);
  void skip_block_end();
  const Node* statement();
  const Node* parse_for();
  const Node* parse_if();
  const Node* parse_set();
  const Node* parse_macro();
  const Node* parse_call_block();
  const Node* parse_filter_block();
  const Node* parse_with();
  const Node* parse_generation();
  const Node* parse_print();
  void parse_signature(Node& node);
  void parse_macro_body(Node& node, std::string_view end);
  void check_keywords(const Node& node) const;

  // expressions (parser_expr.cc)
  const Node* parse_expression(bool with_condition = true);
  const Node* parse_condition();
  const Node* parse_or();
  const Node* parse_and();
  const Node* parse_not();
  const Node* parse_compare();
  const Node* parse_sum();
  const Node* parse_concat();
  const Node* parse_product();
  const Node* parse_power();
  const Node* parse_unary(bool with_filter = true);
  const Node* parse_primary(bool with_namespace = false);
  const Node* parse_postfix(const Node* node);
  const Node* parse_filter_or_test(const Node* node);
  const Node* parse_subscript(const Node* node);
  const Node* parse_slice(const Node* subject, size_t at, const Node* first);
  const Node* parse_call(const Node* node);
  const Node* parse_filter(const Node* node, bool start_inline = false);
  const Node* parse_test(const Node* node);
  const Node* parse_list();
  const Node* parse_dict();
  const Node* parse_target(bool with_tuple, Words ends, bool with_namespace);
  struct TupleRules {
    bool simple = false;  // only names and literals
    bool with_condition = true;
    Words ends = {};
    bool parentheses = false;
    bool with_namespace = false;
  };
  const Node* parse_tuple(const TupleRules& rules);
  void parse_arguments(Node& node);
  void note_unknown(const Node* node, std::string what);

  class Deeper;

  // A filter or test nobody knows: an error of the template unless it stands in a branch (an if that is not taken).
  struct Unknown {
    std::string what;
    size_t at;
    bool firm;
  };
  void soften(size_t since);
  void harden(size_t since);

  Ast& ast_;
  const Limits& limits_;
  std::vector<Token> tokens_;
  size_t next_ = 0;
  int depth_ = 0;
  bool in_loop_ = false;
  int16_t macro_says_ = 0;  // MacroSays of the macro body being read
  int loop_stores_ = 0;  // assignments to the name "loop" so far
  std::vector<Unknown> unknown_;
};

// Counts nesting, so that no template can overflow the stack.
class Parser::Deeper {
 public:
  explicit Deeper(Parser& parser) : parser_(parser) {
    if (++parser_.depth_ > parser_.limits_.parse_depth) {
      parser_.fail("nested more than " + std::to_string(parser_.limits_.parse_depth) + " levels deep",
                   parser_.now().at);
    }
  }
  ~Deeper() { --parser_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Parser& parser_;
};

}  // namespace athanor::chat

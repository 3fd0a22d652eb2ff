// lexbor's parser, kept within bounds. Private to this folder.
//
// What one page may cost is held by counting while the tree grows, not by a clock, so that a page's result is
// the same on every machine: elements and texts (the tree's memory), distinct names of tags and attributes
// (lexbor's tables have 128 buckets), nesting (looking for an open element walks the whole stack), attributes
// of one element (looking for a duplicate walks all). Attributes that no rule reads are dropped before they
// reach the tree.
#pragma once

#include <lexbor/html/parser.h>

#include <memory>
#include <string_view>

#include "athanor/data/html/extract.h"

namespace athanor::html {

class Parser {
 public:
  Parser();
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  // The document of a page in UTF-8; stands until the next call. nullptr when a bound was met: `fault` says
  // which.
  lxb_dom_node_t* parse(std::string_view page, const HtmlOptions& options, std::string& fault);

 private:
  struct State;
  bool open();
  void close();

  std::unique_ptr<State> state_;
};

}  // namespace athanor::html

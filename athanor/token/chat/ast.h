// The parsed template: one kind of node, read by eval.cc (expressions) and exec.cc (statements).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "athanor/token/chat/value.h"

namespace athanor::chat {

enum class Op : uint8_t {
  // expressions
  kConst, kName, kList, kTuple, kDict, kAttribute, kItem, kSlice, kCall, kFilter, kTest, kNot, kNegate, kPlus,
  kBinary, kConcat, kCompare, kAnd, kOr, kCondition,
  // only as a target
  kSpaceRef,
  // statements
  kText, kPrint, kFor, kIf, kSet, kSetBlock, kMacro, kCallBlock, kFilterBlock, kWith, kGeneration, kBreak, kContinue
};

enum class Operator : uint8_t {
  kAdd, kSub, kMul, kDiv, kFloorDiv, kMod, kPow, kEq, kNe, kLt, kLe, kGt, kGe, kIn, kNotIn
};

using NameId = uint32_t;  // index in Ast::names

struct Node;
struct Named {
  NameId name;
  const Node* value;  // null: a parameter without default
};

// What the fields hold, by op (body: statements):
//   kName name | kList kTuple kDict kConcat items (a dict: key, value, key, ...) | kAttribute a, name, value = its text
//   kItem a[b] | kSlice a[b : c : d]: items = {b, c, d}, each may be null | kCall kFilter kTest a(items, named, *b, **c)
//   kFilter kTest: value = its text, id = which, -1 unknown; in {% filter %} and {% set x | f %} a is null at the end
//   kNot kNegate kPlus a | kBinary kAnd kOr a, b | kCompare a, items and ops side by side | kCondition a if b else c
//   kSpaceRef name.value | kText value | kPrint items | kIf a: items else more | kSet a = b | kSetBlock a, b filter, items
//   kFor a in b if c: items else more; flag recursive | kMacro kCallBlock name, named parameters, items; a = the call
//   kFilterBlock b, items | kWith named by heads = more, items | kGeneration items
// id of kMacro and kCallBlock: the special names that the body says.
enum MacroSays : int16_t { kSaysCaller = 1, kSaysKwargs = 2, kSaysVarargs = 4 };

struct Node {
  Op op;
  Operator operation = Operator::kAdd;
  bool flag = false;
  int16_t id = -1;  // of a filter, test or method
  uint32_t at = 0;  // byte offset in the source
  NameId name = 0;
  Value value = {};
  const Node* a = nullptr;
  const Node* b = nullptr;
  const Node* c = nullptr;
  std::vector<const Node*> items = {};
  std::vector<const Node*> more = {};
  std::vector<const Node*> heads = {};
  std::vector<Named> named = {};
  std::vector<Operator> operations = {};
};

struct Ast {
  explicit Ast(size_t arena_bytes) : arena(arena_bytes) {}

  std::string source;  // normalised; constants point into it
  Arena arena;
  std::deque<Node> nodes;
  std::vector<const Node*> body;
  std::vector<std::string_view> names;
  std::unordered_map<std::string_view, NameId> name_ids;
  std::vector<int> functions;  // by NameId: the global function of that name, or -1
  bool has_generation = false;

  NameId intern(std::string_view name) {
    const auto [place, fresh] = name_ids.emplace(name, static_cast<NameId>(names.size()));
    if (fresh) {
      names.push_back(name);
    }
    return place->second;
  }
};

}  // namespace athanor::chat

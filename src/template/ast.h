// A parsed template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "template/value.h"

namespace cohort::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

enum class Op : uint8_t { add, sub, mul, div, floor_div, mod, pow, eq, ne, lt, le, gt, ge, in, not_in };

enum class ExprKind : uint8_t {
  constant,     // value
  name,         // text
  attribute,    // children[0].text
  item,         // children[0][children[1]]
  slice,        // of an item: start, stop, step, null where left out
  call,         // children[0](args)
  filter,       // children[0] | text(args); children[0] null: the text of a block
  test,         // children[0] is text(args)
  unary_minus,  // children[0]
  unary_plus,
  logical_not,
  logical_and,  // children[0], children[1]
  logical_or,
  binary,      // children[0] op children[1]
  comparison,  // children[0] ops[0] children[1] ops[1] children[2] ...
  concatenation,
  conditional,  // children[0] if children[1] else children[2], which may be null
  list,
  tuple,
  dict  // key, value, key, value ...
};

struct CallArguments {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr star, double_star;
};

struct Expr {
  ExprKind kind;
  int line = 0;
  Op op = Op::add;
  int32_t depth = 1;  // levels of expressions below, this one included
  std::string text;
  Value value;
  std::vector<ExprPtr> children;
  std::vector<Op> ops;
  CallArguments arguments;
};

// What is assigned to: a name, namespace.attribute, or a tuple of such.
struct Target {
  std::string name, attribute;
  std::vector<Target> parts;
  bool is_tuple = false;
  int line = 0;
};

struct Stmt;
using Body = std::vector<Stmt>;

struct Signature {
  std::vector<std::string> names;
  std::vector<ExprPtr> defaults;  // of the last names
};

enum class StmtKind : uint8_t {
  text,
  print,         // exprs
  assign,        // target = exprs[0]
  assign_block,  // target = the text of body, through exprs[0] (a filter) where there is one
  if_,           // exprs[i] -> bodies[i]; one body more: else
  for_,          // target in exprs[0] if exprs[1]: bodies[0], else bodies[1]
  with,          // targets = exprs: bodies[0]
  macro,         // text, signature, bodies[0]
  call,          // exprs[0] is a call, its caller: signature, bodies[0]
  filter_block,  // exprs[0], bodies[0]
  block,         // text, bodies[0]
  generation,    // bodies[0]
  break_,
  continue_,
  refused  // text: what it would need; an error where it is reached
};

struct Stmt {
  StmtKind kind;
  int line = 0;
  std::string text;
  Value value;  // text: what is written
  std::vector<ExprPtr> exprs;
  std::vector<Target> targets;
  std::vector<Body> bodies;
  Signature signature;
  bool recursive = false;
  bool catches_varargs = false, catches_kwargs = false, takes_caller = false;  // macro: what its body names
};

}  // namespace cohort::jinja

// The words of LaTeX, plain mathematics and of units, and what each stands for.
#pragma once

#include <string_view>

namespace cohort::math {

enum class Role {
  none,
  letter,      // a variable: greek letters
  function,    // takes arguments
  constant,    // pi, infinity, i, e
  sign,        // an operator, relation or bracket; `means` is its token
  set,         // a set of numbers
  skip,        // spacing and style without meaning
  skip_group,  // the group that follows is layout too
  wide_space,  // may stand between two answers
  words,       // the group that follows is text
  upright,     // the group is a name, a unit or letters
  accent,      // the group is one variable with a mark; `means` is the mark
  special      // the parser knows it: frac, sqrt, begin ...
};

struct Name {
  Role role = Role::none;
  std::string_view means;
};

Name command_name(std::string_view name);  // after a backslash
Name plain_name(std::string_view word);    // a word without one: "sqrt", "pi", SymPy's "Abs"

// The longest known command that the name starts with: "vertx" is \vert x. Empty where there is none.
std::string_view known_prefix(std::string_view name);

bool is_unit(std::string_view word);         // "cm", "miles", "dollars"
bool is_letter_unit(std::string_view word);  // one letter that may be a unit or a variable: "m", "g"

// One character outside ASCII as the command it stands for; empty where there is none.
std::string_view unicode_command(char32_t c);

}  // namespace cohort::math

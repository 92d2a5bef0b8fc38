// Python's operators on values.
#pragma once

#include <optional>

#include "template/ast.h"
#include "template/value.h"

namespace cohort::jinja {

class Interpreter;

// + - * / // % **; throws Error for types that have none, division by zero, and integers beyond 64 bits.
Value arithmetic(Interpreter& interpreter, Op op, const Value& a, const Value& b);
Value negative(const Value& value);
Value positive(const Value& value);

// == != < <= > >= in, not in.
bool compare(Op op, const Value& a, const Value& b);
bool contains(const Value& container, const Value& item);

// object[start:stop:step]; throws Error for what cannot be sliced.
Value slice_of(const Value& object, std::optional<int64_t> start, std::optional<int64_t> stop,
               std::optional<int64_t> step);

// The text with & < > ' and " for HTML, safe from then on.
Value escaped(const Value& value);

}  // namespace cohort::jinja

// Filters on lists and dicts.
#include <algorithm>

#include "base/check.h"
#include "template/filters.h"
#include "template/interpreter.h"
#include "template/methods.h"
#include "template/operators.h"
#include "template/text.h"
#include "template/unicode.h"

namespace cohort::jinja {
namespace filters_of_sequences {

Value length(Interpreter&, const Value& input, Arguments& given) {
  given.finish("length");
  return Value::integer(length_of(input));
}

Value list(Interpreter&, const Value& input, Arguments&) { return Value::list(items_of(input)); }

Value items(Interpreter&, const Value& input, Arguments&) {
  if (input.is(Kind::undefined)) return Value::iterator({});
  if (!input.is(Kind::dict)) fail("can only get item pairs from a mapping, not {}", type_name(input));
  return Value::iterator(items_of(Value::view(input, Value::Part::items)));
}

Value join(Interpreter& interpreter, const Value& input, Arguments& given) {
  const std::string separator = str(given.take_or(0, "d", Value::text("")));
  const Value attribute = given.take_or(1, "attribute", Value());
  given.finish("join");
  std::string out;
  bool first = true;
  for (const Value& item : items_of(input)) {
    if (!first) out += separator;
    first = false;
    out += str(deep_attribute(interpreter, item, attribute));
    check_output(out.size());
  }
  return Value::text(std::move(out));
}

Value first(Interpreter&, const Value& input, Arguments& given) {
  given.finish("first");
  if (input.is(Kind::iterator) && !input.items().empty()) {
    spend(static_cast<int64_t>(input.items().size()));
    Value item = input.items().front();
    input.sequence().items.erase(input.sequence().items.begin());
    return item;
  }
  const std::vector<Value> all = items_of(input);
  return all.empty() ? Value::undefined("No first item, sequence was empty.") : all.front();
}

Value last(Interpreter&, const Value& input, Arguments& given) {
  given.finish("last");
  if (input.is(Kind::iterator)) fail("'generator' object is not reversible");
  const std::vector<Value> all = items_of(input);
  return all.empty() ? Value::undefined("No last item, sequence was empty.") : all.back();
}

Value reverse(Interpreter&, const Value& input, Arguments&) {
  if (input.is(Kind::string)) {
    std::u32string text = decode(input.bytes());
    std::reverse(text.begin(), text.end());
    return Value::text(encode(text), input.as_text().safe);
  }
  std::vector<Value> all = items_of(input);
  std::reverse(all.begin(), all.end());
  return input.is(Kind::iterator) ? Value::list(std::move(all)) : Value::iterator(std::move(all));
}

// What items are compared by: the attributes "a,b.c", as a list.
Value sort_key(Interpreter& interpreter, const Value& item, const Value& attribute, bool case_sensitive) {
  std::vector<Value> keys;
  const auto add = [&](const Value& part) {
    const Value key = deep_attribute(interpreter, item, part);
    keys.push_back(case_sensitive ? key : without_case(key));
  };
  if (attribute.is(Kind::string)) {
    std::string_view rest = attribute.bytes();
    while (true) {
      const std::string_view part = rest.substr(0, rest.find(','));
      add(Value::text(std::string(part)));
      if (part.size() == rest.size()) break;
      rest.remove_prefix(part.size() + 1);
    }
  } else {
    add(attribute);
  }
  return Value::list(std::move(keys));
}

Value sort(Interpreter& interpreter, const Value& input, Arguments& given) {
  const bool reverse = given.flag(0, "reverse", false),
             case_sensitive = given.flag(1, "case_sensitive", false);
  const Value attribute = given.take_or(2, "attribute", Value());
  given.finish("sort");
  std::vector<Value> all = items_of(input), keys;
  for (const Value& item : all) keys.push_back(sort_key(interpreter, item, attribute, case_sensitive));
  sort_by(all, keys, reverse);
  return Value::list(std::move(all));
}

Value dictsort(Interpreter&, const Value& input, Arguments& given) {
  const bool case_sensitive = given.flag(0, "case_sensitive", false);
  const std::string by = str(given.take_or(1, "by", Value::text("key")));
  const bool reverse = given.flag(2, "reverse", false);
  given.finish("dictsort");
  if (by != "key" && by != "value") fail("dictsort: you can only sort by either \"key\" or \"value\"");
  if (!input.is(Kind::dict)) fail("'{}' object has no attribute 'items'", type_name(input));
  std::vector<Value> all, keys;
  for (const auto& [key, value] : input.entries().items()) {
    all.push_back(Value::tuple({key, value}));
    const Value& chosen = by == "key" ? key : value;
    keys.push_back(case_sensitive ? chosen : without_case(chosen));
  }
  sort_by(all, keys, reverse);
  return Value::list(std::move(all));
}

Value unique(Interpreter& interpreter, const Value& input, Arguments& given) {
  const bool case_sensitive = given.flag(0, "case_sensitive", false);
  const Value attribute = given.take_or(1, "attribute", Value());
  given.finish("unique");
  Dict seen;
  std::vector<Value> out;
  for (const Value& item : items_of(input)) {
    Value key = deep_attribute(interpreter, item, attribute);
    if (!case_sensitive) key = without_case(key);
    if (seen.find(key)) continue;
    seen.set(key, Value());
    out.push_back(item);
  }
  return Value::iterator(std::move(out));
}

template <bool largest>
Value extreme(Interpreter& interpreter, const Value& input, Arguments& given) {
  const bool case_sensitive = given.flag(0, "case_sensitive", false);
  const Value attribute = given.take_or(1, "attribute", Value());
  given.finish(largest ? "max" : "min");
  const std::vector<Value> all = items_of(input);
  if (all.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const auto key = [&](const Value& item) {
    const Value found = deep_attribute(interpreter, item, attribute);
    return case_sensitive ? found : without_case(found);
  };
  size_t best = 0;
  Value best_key = key(all[0]);
  for (size_t i = 1; i < all.size(); ++i) {
    Value one = key(all[i]);
    if (largest ? less(best_key, one, ">") : less(one, best_key)) {
      best = i;
      best_key = std::move(one);
    }
  }
  return all[best];
}

Value sum(Interpreter& interpreter, const Value& input, Arguments& given) {
  const Value attribute = given.take_or(0, "attribute", Value());
  Value total = given.take_or(1, "start", Value::integer(0));
  given.finish("sum");
  if (total.is(Kind::string)) fail("sum() can't sum strings [use ''.join(seq) instead]");
  for (const Value& item : items_of(input))
    total = arithmetic(interpreter, Op::add, total, deep_attribute(interpreter, item, attribute));
  return total;
}

Value batch(Interpreter&, const Value& input, Arguments& given) {
  const int64_t size = given.integer(0, "linecount", 0);
  const Value fill = given.take_or(1, "fill_with", Value());
  given.finish("batch");
  std::vector<Value> out, row;
  for (Value& item : items_of(input)) {
    if (static_cast<int64_t>(row.size()) == size) out.push_back(Value::list(std::exchange(row, {})));
    row.push_back(std::move(item));
  }
  if (!row.empty()) {
    if (!fill.is(Kind::none) && static_cast<int64_t>(row.size()) < size) {
      spend(size);
      row.resize(static_cast<size_t>(size), fill);
    }
    out.push_back(Value::list(std::move(row)));
  }
  return Value::iterator(std::move(out));
}

Value slice(Interpreter&, const Value& input, Arguments& given) {
  const int64_t slices = given.integer(0, "slices", 0);
  const Value fill = given.take_or(1, "fill_with", Value());
  given.finish("slice");
  if (slices <= 0) fail("slice: expected at least 1 slice, found {}", slices);
  const std::vector<Value> all = items_of(input);
  const auto n = static_cast<int64_t>(all.size()), each = n / slices, extra = n % slices;
  spend(slices);
  std::vector<Value> out;
  int64_t at = 0;
  for (int64_t i = 0; i < slices; ++i) {
    const int64_t end = at + each + (i < extra ? 1 : 0);
    std::vector<Value> row(all.begin() + at, all.begin() + end);
    if (!fill.is(Kind::none) && i >= extra) row.push_back(fill);
    out.push_back(Value::list(std::move(row)));
    at = end;
  }
  return Value::iterator(std::move(out));
}

Value groupby(Interpreter& interpreter, const Value& input, Arguments& given) {
  const Value attribute = given.need(0, "attribute", "groupby");
  const Value otherwise = given.take_or(1, "default", Value());
  const bool case_sensitive = given.flag(2, "case_sensitive", false);
  given.finish("groupby");
  const auto plain = [&](const Value& item) {
    const Value found = deep_attribute(interpreter, item, attribute);
    return found.is(Kind::undefined) && !otherwise.is(Kind::none) ? otherwise : found;
  };
  const auto key = [&](const Value& item) {
    return case_sensitive ? plain(item) : without_case(plain(item));
  };
  std::vector<Value> all = items_of(input), keys;
  for (const Value& item : all) keys.push_back(key(item));
  sort_by(all, keys, false);
  std::vector<Value> out, group;
  for (size_t i = 0; i < all.size(); ++i) {
    group.push_back(all[i]);
    if (i + 1 < all.size() && equal(key(all[i]), key(all[i + 1]))) continue;
    const Value name = plain(group[0]);
    out.push_back(Value::tuple({name, Value::list(std::exchange(group, {}))}));
  }
  return Value::list(std::move(out));
}

constexpr Filter kFilters[] = {
    {"length", length},     {"count", length},      {"list", list},           {"items", items, true},
    {"join", join},         {"first", first},       {"last", last},           {"reverse", reverse},
    {"sort", sort},         {"dictsort", dictsort}, {"unique", unique, true}, {"min", extreme<false>},
    {"max", extreme<true>}, {"sum", sum},           {"batch", batch, true},   {"slice", slice, true},
    {"groupby", groupby}};

}  // namespace filters_of_sequences

std::span<const Filter> sequence_filters() { return filters_of_sequences::kFilters; }

}  // namespace cohort::jinja

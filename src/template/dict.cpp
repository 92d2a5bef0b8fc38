// Dictionaries: their keys and their order.
#include <cmath>

#include "base/check.h"
#include "template/value.h"

namespace cohort::jinja {
namespace {

// A text that equal keys share and others do not.
std::string key_text(const Value& key) {
  const Deeper deeper;
  switch (key.kind()) {
    case Kind::none:
      return "n";
    case Kind::boolean:
    case Kind::integer:
      return fmt::format("i{}", key.as_integer());
    case Kind::real: {
      const double real = key.as_real();
      if (real == std::floor(real) && std::fabs(real) < 0x1p63)
        return fmt::format("i{}", static_cast<int64_t>(real));
      return fmt::format("r{}", real);
    }
    case Kind::string:
      spend(steps_for_bytes(key.bytes().size()));
      return "s" + key.bytes();
    case Kind::tuple: {
      std::string text = "(";
      for (const Value& item : key.items()) {
        const std::string one = key_text(item);
        text += fmt::format("{}:{}", one.size(), one);
        spend(steps_for_bytes(one.size()));
        check_output(text.size());
      }
      return text;
    }
    case Kind::undefined:
      return "u";
    case Kind::list:
    case Kind::dict:
    case Kind::name_space:
      fail("unhashable type: '{}'", type_name(key));
    default:
      return fmt::format("o{}", key.address());
  }
}

}  // namespace

const Value* Dict::find(std::string_view key) const {
  spend_bytes(key.size());
  if (items_.size() >= kLinear) {
    const auto found = index_.find("s" + std::string(key));
    return found == index_.end() ? nullptr : &items_[found->second].second;
  }
  for (const auto& [name, value] : items_)
    if (name.is(Kind::string) && name.bytes() == key) return &value;
  return nullptr;
}

size_t Dict::position(const Value& key) const {
  const std::string text = key_text(key);
  if (items_.size() >= kLinear) {
    const auto found = index_.find(text);
    return found == index_.end() ? items_.size() : found->second;
  }
  size_t i = 0;
  while (i < items_.size() && key_text(items_[i].first) != text) ++i;
  return i;
}

const Value* Dict::find(const Value& key) const {
  if (key.is(Kind::string)) return find(std::string_view(key.bytes()));
  const size_t i = position(key);
  return i < items_.size() ? &items_[i].second : nullptr;
}

void Dict::set(Value key, Value value) {
  const size_t i = position(key);
  if (i < items_.size()) {
    items_[i].second = std::move(value);
    return;
  }
  items_.emplace_back(std::move(key), std::move(value));
  if (items_.size() > kLinear) {
    index_.emplace(key_text(items_.back().first), i);
  } else if (items_.size() == kLinear) {
    for (size_t j = 0; j < items_.size(); ++j) index_.emplace(key_text(items_[j].first), j);
  }
}

bool Dict::erase(const Value& key) {
  const size_t i = position(key);
  if (i == items_.size()) return false;
  std::vector<std::pair<Value, Value>> rest = std::move(items_);
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
  items_.clear();
  index_.clear();
  for (auto& [k, v] : rest) set(std::move(k), std::move(v));
  return true;
}

}  // namespace cohort::jinja

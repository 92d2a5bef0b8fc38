#include "base/options.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/file.h"

#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace cohort {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce it

int64_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<int64_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int64_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int64_t diagonal = row[0];
    row[0] = static_cast<int64_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int64_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
          out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        else
          out += c;
    }
  }
  return out + "\"";
}

template <class T, class F>
std::string bracketed(const std::vector<T>& values, F format) {
  std::string out = "[";
  for (const T& value : values) {
    if (out.size() > 1) out += ", ";
    out += format(value);
  }
  return out + "]";
}

// What was found, for an error: its kind and its text.
std::string described(const toml::node& node) {
  if (const auto* s = node.as_string()) return fmt::format("the string {}", toml_string(s->get()));
  if (const auto* i = node.as_integer()) return fmt::format("{}", i->get());
  if (const auto* d = node.as_floating_point()) return format_double(d->get());
  if (const auto* b = node.as_boolean()) return b->get() ? "true" : "false";
  if (node.is_array()) return "a list";
  if (node.is_table()) return "a table";
  return "a date or time";
}

toml::table parsed(std::string_view text, const std::string& source, const std::string& part = "") {
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    if (!part.empty()) fail("{}: {}: {}", source, part, error.description());
    fail("{}:{}: not valid TOML: {}", source, error.source().begin.line, error.description());
  }
}

// A command-line word as the TOML value that a recipe would have held, by the type of the field. A string
// needs no quotes.
std::unique_ptr<toml::node> word_as_node(const std::string& word, bool textual, const std::string& name) {
  if (!word.empty() && word.front() == '[') {
    toml::table table = parsed("value = " + word, "command line", "--" + name);
    if (const toml::array* array = table["value"].as_array()) return std::make_unique<toml::array>(*array);
  }
  if (!textual && word != "none") {
    try {
      const toml::table table = toml::parse("value = " + word);
      const toml::node* node = table.get("value");
      if (const auto* i = node->as_integer()) return std::make_unique<toml::value<int64_t>>(i->get());
      if (const auto* d = node->as_floating_point()) return std::make_unique<toml::value<double>>(d->get());
      if (const auto* b = node->as_boolean()) return std::make_unique<toml::value<bool>>(b->get());
    } catch (const toml::parse_error&) {
      // not a number: reported as the string that it is
    }
  }
  return std::make_unique<toml::value<std::string>>(word);
}

class Assigner {
 public:
  Assigner(const Option& option, std::string place, std::string expected, const std::optional<double>& min,
           bool min_open, const std::optional<double>& max, const std::vector<std::string>& choices)
      : option_(option),
        place_(std::move(place)),
        expected_(std::move(expected)),
        min_(min),
        max_(max),
        min_open_(min_open),
        choices_(choices) {}

  int64_t integer(const toml::node& node) const {
    const auto* value = node.as_integer();
    if (!value || !in_range(static_cast<double>(value->get()))) wrong(node);
    return value->get();
  }
  double number(const toml::node& node) const {
    const std::optional<double> value =
        node.is_number() ? node.value<double>() : std::optional<double>();  // an integer is a number too
    if (!value || !std::isfinite(*value) || !in_range(*value)) wrong(node);
    return *value;
  }
  bool boolean(const toml::node& node) const {
    const auto* value = node.as_boolean();
    if (!value) wrong(node);
    return value->get();
  }
  std::string text(const toml::node& node) const {
    // A choice among auto, true and false may be written as the TOML boolean.
    if (const auto* b = node.as_boolean()) {
      const char* word = b->get() ? "true" : "false";
      if (std::find(choices_.begin(), choices_.end(), word) != choices_.end()) return word;
    }
    const auto* value = node.as_string();
    if (!value) wrong(node);
    if (!choices_.empty() && std::find(choices_.begin(), choices_.end(), value->get()) == choices_.end()) {
      const std::string near = nearest_name(value->get(), choices_);
      wrong(node, near.empty() ? "" : fmt::format("; did you mean {}?", near));
    }
    return value->get();
  }
  template <class T, class F>
  std::vector<T> list(const toml::node& node, F element) const {
    std::vector<T> values;
    if (const toml::array* array = node.as_array()) {
      for (const toml::node& item : *array) values.push_back(element(item));
    } else {
      values.push_back(element(node));
    }
    return values;
  }

 private:
  bool in_range(double value) const {
    if (min_ && (min_open_ ? value <= *min_ : value < *min_)) return false;
    return !max_ || value <= *max_;
  }
  [[noreturn]] void wrong(const toml::node& node, const std::string& hint = "") const {
    fail("{}: {}: expected {}, found {}{}", place_, option_.name(), expected_, described(node), hint);
  }

  const Option& option_;
  std::string place_, expected_;
  std::optional<double> min_, max_;
  bool min_open_;
  const std::vector<std::string>& choices_;
};

// Words of `text` in lines of at most `width` columns, each after the first begun by `indent` spaces.
std::string wrapped(std::string_view text, size_t indent, size_t width) {
  std::string out;
  size_t column = indent;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (column > indent && column + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ', ++column;
    }
    out += word;
    column += word.size();
    begin = end + 1;
  }
  return out;
}

}  // namespace

std::string format_double(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  const size_t exponent = text.find('e');
  if (exponent == std::string::npos) return text.find('.') == std::string::npos ? text + ".0" : text;
  // fmt writes 1e-06: no zeros at the head of the exponent.
  size_t digits = exponent + 1 + (text[exponent + 1] == '-' || text[exponent + 1] == '+');
  while (digits + 1 < text.size() && text[digits] == '0') text.erase(digits, 1);
  return text;
}

std::string nearest_name(std::string_view name, std::span<const std::string> names) {
  std::string best;
  int64_t best_distance = std::max<int64_t>(2, static_cast<int64_t>(name.size()) / 3) + 1;
  for (const std::string& candidate : names) {
    int64_t distance = edit_distance(name, candidate);
    const bool contained =
        name.size() >= 4 && candidate.size() >= 4 &&
        (candidate.find(name) != std::string::npos || name.find(candidate) != std::string_view::npos);
    if (contained) distance = std::min<int64_t>(distance, 2);
    if (distance < best_distance) best = candidate, best_distance = distance;
  }
  return best;
}

std::string Option::type() const {
  const bool list = std::holds_alternative<std::vector<double>*>(field_) ||
                    std::holds_alternative<std::vector<std::string>*>(field_);
  std::string base = std::visit(
      Overloaded{[](bool*) { return "true or false"; }, [](int64_t*) { return "an integer"; },
                 [](double*) { return "a number"; }, [](std::optional<double>*) { return "a number"; },
                 [](std::string*) { return "a string"; },
                 [](std::vector<double>*) { return "a list of numbers"; },
                 [](std::vector<std::string>*) { return "a list of strings"; }},
      field_);
  if (!choices_.empty())
    base = fmt::format("{}{}", list ? "a list of " : "one of ", fmt::join(choices_, ", "));
  const auto bound = [](double value) {
    return value == std::floor(value) && std::fabs(value) < 1e15
               ? fmt::format("{}", static_cast<int64_t>(value))
               : format_double(value);
  };
  const char* each = list ? ", each" : "";
  if (min_) base += fmt::format("{} {} {}", each, min_open_ ? "above" : "of at least", bound(*min_));
  if (max_) base += fmt::format("{} of at most {}", min_ ? " and" : each, bound(*max_));
  if (std::holds_alternative<std::optional<double>*>(field_)) base += ", or none";
  return base;
}

std::string Option::value_as_toml() const {
  return std::visit(
      Overloaded{[](bool* v) { return std::string(*v ? "true" : "false"); },
                 [](int64_t* v) { return fmt::format("{}", *v); },
                 [](double* v) { return format_double(*v); }, [](std::string* v) { return toml_string(*v); },
                 [](std::optional<double>* v) { return *v ? format_double(**v) : toml_string("none"); },
                 [](std::vector<double>* v) { return bracketed(*v, format_double); },
                 [](std::vector<std::string>* v) { return bracketed(*v, toml_string); }},
      field_);
}

std::string Option::value_placeholder() const {
  if (!placeholder_.empty()) return placeholder_;
  if (!choices_.empty()) return fmt::format("{}", fmt::join(choices_, "|"));
  return std::visit(
      Overloaded{[](bool*) { return ""; }, [](int64_t*) { return "N"; }, [](double*) { return "X"; },
                 [](std::optional<double>*) { return "X"; }, [](std::string*) { return "TEXT"; },
                 [](std::vector<double>*) { return "X..."; },
                 [](std::vector<std::string>*) { return "TEXT..."; }},
      field_);
}

Option& OptionTable::add(std::string name, Option::Field field, std::string help) {
  COHORT_CHECK(!find(name), "option {} was added twice", name);
  Option& option = options_.emplace_back();
  option.name_ = std::move(name);
  option.section_ = section_;
  option.help_ = std::move(help);
  option.field_ = field;
  option.default_text_ = option.value_as_toml();
  return option;
}

std::vector<std::string> OptionTable::changed() const {
  std::vector<std::string> names;
  for (const Option& o : options_)
    if (o.value_as_toml() != o.default_text_) names.push_back(o.name_);
  return names;
}

const Option* OptionTable::find(std::string_view name) const {
  for (const Option& option : options_)
    if (option.name_ == name) return &option;
  return nullptr;
}

bool OptionTable::was_set(std::string_view name) const {
  const Option* option = find(name);
  COHORT_CHECK(option, "no option {}", name);
  return option->origin_ != "default";
}

Option& OptionTable::find_or_fail(std::string_view name, const std::string& place) {
  if (const Option* option = find(name)) return const_cast<Option&>(*option);
  std::vector<std::string> names;
  for (const Option& option : options_) names.push_back(option.name_);
  const std::string near = nearest_name(name, names);
  if (near.empty()) fail("{}: unknown option {}; --help lists the options", place, name);
  fail("{}: unknown option {}; did you mean {}?", place, name, near);
}

namespace {

void assign(const Assigner& to, const Option::Field& field, const toml::node& node, bool append) {
  std::visit(Overloaded{[&](bool* v) { *v = to.boolean(node); }, [&](int64_t* v) { *v = to.integer(node); },
                        [&](double* v) { *v = to.number(node); }, [&](std::string* v) { *v = to.text(node); },
                        [&](std::optional<double>* v) {
                          const auto* text = node.as_string();
                          if (text && text->get() == "none")
                            v->reset();
                          else
                            *v = to.number(node);
                        },
                        [&](std::vector<double>* v) {
                          const auto values =
                              to.list<double>(node, [&](const toml::node& n) { return to.number(n); });
                          if (!append) v->clear();
                          v->insert(v->end(), values.begin(), values.end());
                        },
                        [&](std::vector<std::string>* v) {
                          const auto values =
                              to.list<std::string>(node, [&](const toml::node& n) { return to.text(n); });
                          if (!append) v->clear();
                          v->insert(v->end(), values.begin(), values.end());
                        }},
             field);
}

}  // namespace

void OptionTable::read_file(const std::filesystem::path& path) {
  read_toml(cohort::read_file(path), path.string());
}

void OptionTable::read_toml(std::string_view text, const std::string& source) {
  const toml::table table = parsed(text, source);
  // In order of the file, so that the first fault is the one reported.
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (const auto& [key, node] : table) entries.emplace_back(&key, &node);
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.first->source().begin < b.first->source().begin; });
  for (const auto& [key, node] : entries) {
    const std::string place = fmt::format("{}:{}", source, key->source().begin.line);
    if (node->is_table() && !find(key->str()))
      fail("{}: expected name = value, found the table [{}]: a recipe is a flat list of options", place,
           key->str());
    Option& option = find_or_fail(key->str(), place);
    assign(
        Assigner(option, place, option.type(), option.min_, option.min_open_, option.max_, option.choices_),
        option.field_, *node, false);
    option.origin_ = place;
  }
}

std::vector<std::string> OptionTable::read_arguments(std::span<const std::string> arguments) {
  static const std::string place = "command line";
  std::vector<std::string> positionals;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      positionals.insert(positionals.end(), arguments.begin() + static_cast<int64_t>(i) + 1, arguments.end());
      break;
    }
    if (argument.size() < 2 || argument[0] != '-') {
      positionals.push_back(argument);
      continue;
    }
    if (argument.compare(0, 2, "--") != 0)
      fail("{}: unknown option {}; options begin with --", place, argument);
    const size_t equals = argument.find('=');
    std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    std::replace(name.begin(), name.end(), '-', '_');
    if (name.starts_with("no_") && equals == std::string::npos && !find(name)) {
      const Option* negated = find(name.substr(3));
      if (negated && std::holds_alternative<bool*>(negated->field_)) {
        *std::get<bool*>(negated->field_) = false;
        const_cast<Option*>(negated)->origin_ = place;
        continue;
      }
    }
    Option& option = find_or_fail(name, place);
    const bool flag = std::holds_alternative<bool*>(option.field_);
    std::string word;
    if (equals != std::string::npos) {
      word = argument.substr(equals + 1);
    } else if (flag) {
      const bool given =
          i + 1 < arguments.size() && (arguments[i + 1] == "true" || arguments[i + 1] == "false");
      word = given ? arguments[++i] : "true";
    } else if (i + 1 < arguments.size()) {
      word = arguments[++i];
    } else {
      fail("{}: --{}: expected {}, found nothing", place, name, option.type());
    }
    const bool textual = std::holds_alternative<std::string*>(option.field_) ||
                         std::holds_alternative<std::vector<std::string>*>(option.field_);
    const bool list = std::holds_alternative<std::vector<double>*>(option.field_) ||
                      std::holds_alternative<std::vector<std::string>*>(option.field_);
    const std::unique_ptr<toml::node> node = list || !textual
                                                 ? word_as_node(word, textual, name)
                                                 : std::make_unique<toml::value<std::string>>(word);
    assign(
        Assigner(option, place, option.type(), option.min_, option.min_open_, option.max_, option.choices_),
        option.field_, *node, list && option.origin_ == place);
    option.origin_ = place;
  }
  return positionals;
}

std::string OptionTable::to_toml() const {
  std::string out;
  std::string section;
  for (const Option& option : options_) {
    if (!option.saved_) continue;
    if (option.section_ != section)
      out += fmt::format("{}# {}\n", out.empty() ? "" : "\n", section = option.section_);
    out += fmt::format("{} = {}\n", option.name_, option.value_as_toml());
  }
  return out;
}

std::string OptionTable::help(int width) const {
  std::string out;
  std::string section;
  for (const Option& option : options_) {
    if (option.section_ != section)
      out += fmt::format("{}{}:\n", out.empty() ? "" : "\n", section = option.section_);
    const std::string shown = option.value_placeholder();
    out += fmt::format("  --{}{}{}\n", option.name_, shown.empty() ? "" : " ", shown);
    std::string text = option.help_;
    if (option.default_text_ != "\"\"" && option.default_text_ != "[]")
      text += fmt::format(" [{}]", option.default_text_);
    out += "      " + wrapped(text, 6, static_cast<size_t>(width)) + "\n";
  }
  return out;
}

std::string OptionTable::markdown() const {
  std::string out;
  std::string section;
  const auto cell = [](std::string text) {
    for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
    return text;
  };
  for (const Option& option : options_) {
    if (option.section_ != section || out.empty())
      out += fmt::format("{}## {}\n\n| option | default | value | meaning |\n|---|---|---|---|\n",
                         out.empty() ? "" : "\n", section = option.section_);
    out += fmt::format("| `{}` | `{}` | {} | {} |\n", option.name_, cell(option.default_text_),
                       cell(option.type()), cell(option.help_));
  }
  return out;
}

}  // namespace cohort

// Options: one table declares a name, a type, a default, a help line and the allowed values, bound to a field
// of a plain struct. The table reads a TOML recipe and the command line, prints --help, lists itself for the
// docs and writes the resolved recipe.
//
//   struct Settings { double learning_rate = 1e-6; };
//   OptionTable table;
//   table.section("Optimizer");
//   table.add("learning_rate", &settings.learning_rate, "peak learning rate of AdamW").above(0);
//   table.read_file("recipe.toml");
//   positionals = table.read_arguments(arguments);   // later values win
//
// A default is what the field holds when it is added. Every fault throws Error with the place (file:line or
// the command line), what was expected, what was found, and for an unknown name the nearest known one.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cohort {

class Option {
 public:
  // std::optional is written "none" where it has no value.
  using Field = std::variant<bool*, int64_t*, double*, std::string*, std::optional<double>*,
                             std::vector<double>*, std::vector<std::string>*>;

  // Bounds of a number, or of each number of a list.
  Option& at_least(double bound) { return min_ = bound, *this; }
  Option& above(double bound) { return min_ = bound, min_open_ = true, *this; }
  Option& at_most(double bound) { return max_ = bound, *this; }
  // The only values of a string, or of each string of a list.
  Option& one_of(std::vector<std::string> values) { return choices_ = std::move(values), *this; }
  // What --help shows in place of the type, such as DIR.
  Option& shown_as(std::string placeholder) { return placeholder_ = std::move(placeholder), *this; }
  // How to go about a run, not what it computes (resume, for example): not written into the resolved recipe.
  Option& not_saved() { return saved_ = false, *this; }

  const std::string& name() const { return name_; }
  const std::string& help() const { return help_; }
  // Where the value came from: "default", "recipe.toml:12" or "command line".
  const std::string& origin() const { return origin_; }

 private:
  friend class OptionTable;
  std::string type() const;  // "integer", "number of at least 0", "one of constant, linear, cosine"
  std::string value_as_toml() const;
  std::string value_placeholder() const;

  std::string name_, section_, help_, placeholder_, default_text_, origin_ = "default";
  Field field_;
  std::optional<double> min_, max_;
  bool min_open_ = false, saved_ = true;
  std::vector<std::string> choices_;
};

class OptionTable {
 public:
  OptionTable() = default;
  OptionTable(const OptionTable&) = delete;
  OptionTable& operator=(const OptionTable&) = delete;

  // The options added from here on stand under this heading in help, docs and resolved recipe.
  void section(std::string title) { section_ = std::move(title); }

  // The field must outlive the table. The reference stays valid.
  Option& add(std::string name, Option::Field field, std::string help);

  // A recipe is a flat TOML file of `name = value`. Numbers may be written without a point; a list may be a
  // single value.
  void read_file(const std::filesystem::path& path);
  void read_toml(std::string_view text, const std::string& source);

  // --name value, --name=value; --name, --name=false, --no-name for a bool; dashes may stand for underscores.
  // A list is given by repeating the option, or as a TOML array. What is no option is returned in order; all
  // after `--` is.
  std::vector<std::string> read_arguments(std::span<const std::string> arguments);

  // The resolved recipe: every saved option in order of the table, under its heading. The same values give
  // the same bytes, and reading it gives the same values.
  std::string to_toml() const;

  // For --help: sections, options with type and default, wrapped to `width` columns.
  std::string help(int width = 100) const;

  // For the docs: a Markdown table for each section.
  std::string markdown() const;

  // Names of the options whose value is not the default, in order of the table.
  std::vector<std::string> changed() const;

  const Option* find(std::string_view name) const;
  bool was_set(std::string_view name) const;  // by a file or the command line; the name must exist

 private:
  Option& find_or_fail(std::string_view name, const std::string& place);

  std::deque<Option> options_;
  std::string section_;
};

// The nearest of `names` by edit distance, where a name that contains the other counts as near; empty when
// none is near.
std::string nearest_name(std::string_view name, std::span<const std::string> names);

// A double as TOML and JSON: the shortest text that reads back to the same bits, with a point or an exponent
// ("1.0", "1e-6").
std::string format_double(double value);

}  // namespace cohort

// Units after a value: "12 m/s^2", "9.8\,\mathrm{m\,s^{-2}}", "5\ \mathrm{J}/(\mathrm{kg}\cdot\mathrm{K})".
#pragma once

#include <gmpxx.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace cohort::math {

struct Unit {
  mpq_class scale = 1;           // in units of the base
  std::array<int, 16> powers{};  // of metre, kilogram, second and the others, see unit_table.cpp
};

// The known units by name. Signs outside ASCII stand as kMicro, kOhm and kDegree: kMicro + "m", kDegree +
// "C".
inline constexpr char kMicro = 2, kOhm = 3, kDegree = 4;
const std::unordered_map<std::string, Unit>& known_units();

struct Measured {
  std::string_view value;  // the text before the unit
  Unit unit;
  bool certain = false;  // upright, or a word: otherwise its letters may be variables ("5m", "10 m/s")
};

// A value with a known unit at its end; nothing for other text.
std::optional<Measured> split_unit(std::string_view text);

}  // namespace cohort::math

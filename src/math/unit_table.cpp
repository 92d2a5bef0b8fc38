#include <string>

#include "math/units.h"

namespace cohort::math {
namespace {

struct UnitRow {
  std::string_view names;     // separated by spaces
  std::string_view prefixes;  // letters that may stand before: n u m c d k M G (u: micro)
  const char* scale;          // a rational
  std::string_view powers;    // base and exponent: "m1s-2"
};

// The bases: m kg s A K mol(n) Celsius(c) Fahrenheit(f) dollar(d) euro(e) am(a) pm(p) year(y)
constexpr std::string_view kBases = "mgsAKncfdeapy";

constexpr UnitRow kUnits[] = {
    {"m", "numcdk", "1", "m1"},
    {"meter meters metre metres", "", "1", "m1"},
    {"kilometer kilometers kilometre kilometres", "", "1000", "m1"},
    {"centimeter centimeters centimetre centimetres", "", "1/100", "m1"},
    {"millimeter millimeters millimetre millimetres", "", "1/1000", "m1"},
    {"inch inches", "", "127/5000", "m1"},
    {"ft foot feet", "", "381/1250", "m1"},
    {"yd yard yards", "", "1143/1250", "m1"},
    {"mi mile miles", "", "201168/125", "m1"},
    {"mph", "", "1397/3125", "m1s-1"},
    {"kph kmh kmph", "", "5/18", "m1s-1"},
    {"g", "numk", "1/1000", "g1"},
    {"gram grams", "", "1/1000", "g1"},
    {"kilogram kilograms", "", "1", "g1"},
    {"lb lbs pound pounds", "", "45359237/100000000", "g1"},
    {"oz ounce ounces", "", "45359237/1600000000", "g1"},
    {"s", "num", "1", "s1"},
    {"sec secs second seconds", "", "1", "s1"},
    {"min mins minute minutes", "", "60", "s1"},
    {"h hr hrs hour hours", "", "3600", "s1"},
    {"day days", "", "86400", "s1"},
    {"week weeks", "", "604800", "s1"},
    {"year years", "", "1", "y1"},
    {"month months", "", "1/12", "y1"},
    {"L liter liters litre litres", "", "1/1000", "m3"},
    {"mL ml milliliter milliliters millilitre millilitres", "", "1/1000000", "m3"},
    {"N", "mkM", "1", "g1m1s-2"},
    {"newton newtons", "", "1", "g1m1s-2"},
    {"J", "mkM", "1", "g1m2s-2"},
    {"joule joules", "", "1", "g1m2s-2"},
    {"kWh", "", "3600000", "g1m2s-2"},
    {"cal", "k", "523/125", "g1m2s-2"},
    {"eV", "mkMG", "801088317/5000000000000000000000000000", "g1m2s-2"},
    {"W", "mkMG", "1", "g1m2s-3"},
    {"watt watts", "", "1", "g1m2s-3"},
    {"Pa", "hkMG", "1", "g1m-1s-2"},
    {"pascal pascals", "", "1", "g1m-1s-2"},
    {"Hz", "kMG", "1", "s-1"},
    {"hertz", "", "1", "s-1"},
    {"A", "umk", "1", "A1"},
    {"amp amps ampere amperes", "", "1", "A1"},
    {"C", "num", "1", "A1s1"},
    {"coulomb coulombs", "", "1", "A1s1"},
    {"V", "umk", "1", "g1m2s-3A-1"},
    {"volt volts", "", "1", "g1m2s-3A-1"},
    {"\3", "mkM", "1", "g1m2s-3A-2"},
    {"ohm ohms", "", "1", "g1m2s-3A-2"},
    {"F", "num", "1", "g-1m-2s4A2"},
    {"T", "um", "1", "g1s-2A-1"},
    {"tesla", "", "1", "g1s-2A-1"},
    {"K kelvin kelvins", "", "1", "K1"},
    {"mol", "mk", "1", "n1"},
    {"mole moles", "", "1", "n1"},
    {"\4C", "", "1", "c1"},
    {"\4F", "", "1", "f1"},
    {"dollar dollars USD", "", "1", "d1"},
    {"cent cents", "", "1/100", "d1"},
    {"euro euros EUR", "", "1", "e1"},
    {"am AM", "", "1", "a1"},
    {"pm PM", "", "1", "p1"},
};

Unit unit_of(const UnitRow& row) {
  Unit unit;
  unit.scale = mpq_class(row.scale);
  for (size_t i = 0; i < row.powers.size();) {
    const size_t base = kBases.find(row.powers[i++]);
    const bool minus = row.powers[i] == '-';
    i += minus;
    unit.powers[base] = (row.powers[i++] - '0') * (minus ? -1 : 1);
  }
  return unit;
}

}  // namespace

const std::unordered_map<std::string, Unit>& known_units() {
  static const std::unordered_map<std::string, Unit> all = [] {
    std::unordered_map<std::string, Unit> out;
    static constexpr std::pair<char, const char*> kPrefixes[] = {
        {'n', "1/1000000000"}, {kMicro, "1/1000000"}, {'m', "1/1000"},  {'c', "1/100"},     {'d', "1/10"},
        {'h', "100"},          {'k', "1000"},         {'M', "1000000"}, {'G', "1000000000"}};
    for (const UnitRow& row : kUnits) {
      const Unit unit = unit_of(row);
      for (std::string_view rest = row.names; !rest.empty();) {
        const size_t end = std::min(rest.find(' '), rest.size());
        const std::string name(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        out[name] = unit;
        for (const auto& [letter, scale] : kPrefixes) {
          if (row.prefixes.find(letter == kMicro ? 'u' : letter) == std::string_view::npos) continue;
          Unit scaled = unit;
          scaled.scale *= mpq_class(scale);
          out[letter + name] = scaled;
        }
      }
    }
    return out;
  }();
  return all;
}

}  // namespace cohort::math

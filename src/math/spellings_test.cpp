// Units, characters outside ASCII and repeating decimals: right answers in many spellings, and near misses.
#include "math/answer_pairs.h"

namespace cohort::math {
namespace {

// Catches: units that hide a right value, and units whose sizes or kinds differ taken for the same.
TEST(Spellings, Units) {
  expect_boxed({{"12", "12\\ \\frac{m}{s}"},
                {"12", "12\\ \\mathrm{m/s^2}"},
                {"10", "10 m/s"},
                {"10", "10\\,\\frac{\\text{m}}{\\text{s}}"},
                {"10", "10\\,\\Omega"},
                {"10", "10\\,\\mu m"},
                {"10", "10\\,\\mathrm{kg\\,m/s}"},
                {"60 km/h", "60"},
                {"9.8 m/s^2", "9.8"},
                {"9.8", "9.8\\,\\mathrm{m\\,s^{-2}}"},
                {"9.8", "9.8\\ m\\cdot s^{-2}"},
                {"9.8", "9.8 m/s\xC2\xB2"},
                {"3 \\times 10^8 m/s", "3e8"},
                {"5", "5\\,\\mathrm{mol\\,L^{-1}}"},
                {"5", "5\\ \\mathrm{J}/(\\mathrm{kg}\\cdot\\mathrm{K})"},
                {"25 sq cm", "25"},
                {"25 square cm", "25"},
                {"25 eV", "25"},
                {"25", "25\\,k\\Omega"},
                {"25", "25\\;(\\text{cm})"},
                {"25", "25 [cm]"},
                {"25", "25\\left(\\text{cm}^2\\right)"},
                {"1.5 km", "1500 m"},
                {"36 km/h", "10 m/s"},
                {"2 hours", "120 minutes"},
                {"12 \\text{ ft}", "12 \\text{ feet}"},
                {"5m", "5m"},
                {"5 m", "5"},
                {"\\$5", "5"},
                {"\\$0.50", "50 \\text{ cents}"},
                {"25^\\circ\\text{C}", "25"},
                {"5", "x = 5 cm"},
                {"36", "3 \\text{ dozen eggs}"},
                {"3000000", "3 \\text{ million people}"},
                {"US$45", "45"},
                {"Rs. 45", "45"},
                {"1,000.99", "1000.99m\xC2\xB2"}},
              true);
  expect_boxed({{"10 cm", "10 m"},
                {"10 cm", "10 \\text{ m}"},
                {"10 m", "10 cm"},
                {"5 m", "5 kg"},
                {"5 m", "5x"},
                {"5m", "5"},
                {"2kA", "2"},
                {"2 g h", "2"},
                {"2", "2 g h"},
                {"2", "2 m g"},
                {"12 cm^2", "12 cm"},
                {"3 am", "3 pm"},
                {"2 hours", "2 minutes"},
                {"\\frac{m}{s}", "\\frac{s}{m}"},
                {"\\frac12 m v^2", "\\frac12"},
                {"5", "5, m"},
                {"5", "5 \\text{ and } m"},
                {"2", "2^m"},
                {"6", "6x m"},
                {"5", "5/s"},
                {"5 \\text{ dollars}", "5 \\text{ cents}"},
                {"25^\\circ\\text{C}", "25^\\circ\\text{F}"},
                {"1 \\text{ eV}", "1 \\text{ J}"},
                {"8", "8 \\text{ or more}"},
                {"3", "3 \\text{ dozen eggs}"},
                {"3", "3 \\text{ million people}"},
                {"10", "10 \\sim 20"},
                {"0.5", "10 \\text{ to } 20"},
                {"5 m/s", "6 m/s"}},
              false);
}

// Catches: characters that are other spellings of digits, powers and roots left out or taken for words.
TEST(Spellings, Unicode) {
  expect_boxed({{"1.2e-5", "1.2 \xC3\x97 10\xE2\x81\xBB\xE2\x81\xB5"},
                {"2\xC2\xB9\xE2\x81\xB0", "1024"},
                {"5", "\xEF\xBC\x95"},
                {"1/2",
                 "1\xE2\x81\x84"
                 "2"},
                {"\\sqrt[3]{2}",
                 "\xE2\x88\x9B"
                 "2"},
                {"1/3", "0.3\xCC\x85"},
                {"1/7",
                 "0.1\xCC\x85"
                 "4\xCC\x85"
                 "2\xCC\x85"
                 "8\xCC\x85"
                 "5\xCC\x85"
                 "7\xCC\x85"},
                {"x_1", "x\xE2\x82\x81"},
                {"x^{10}", "x\xC2\xB9\xE2\x81\xB0"},
                {"3/8", "\xE2\x85\x9C"},
                {"12", "\xF0\x9D\x9F\x8F\xF0\x9D\x9F\x90"}},
              true);
  expect_boxed({{"10^5", "10\xE2\x81\xBB\xE2\x81\xB5"}, {"x_1", "x\xE2\x82\x82"}, {"0.3", "0.3\xCC\x85"}},
              false);
}

// Catches: marks of repetition that are lost or stretch over other digits; mixed numbers read as products.
TEST(Spellings, RepeatingAndMixed) {
  expect_boxed({{"1/3", ".\\overline{3}"},
                {"1/3", "0.\\overline 3"},
                {"1/3", "0.\\overline{3}\\ldots"},
                {"1/3", "0.3 \\text{ repeating}"},
                {"1/3", "0.3 (repeating)"},
                {"1/3", "0.(3)"},
                {"41/333", "0.\\dot{1}2\\dot{3}"},
                {"1/7", "0.\\dot{1}4285\\dot{7}"},
                {"33\\frac{1}{3}\\%", "\\frac13"},
                {"5 \\frac12\\%", "0.055"},
                {"7/2", "3 and 1/2"},
                {"7/2", "3 \\text{ and } \\frac12"},
                {"3, 1/2", "3 and 1/2"}},
              true);
  expect_boxed({{"41/333", "0.1\\dot{2}\\dot{3}"},
                {"0.3", "0.3 \\text{ repeating}"},
                {"0.16", "0.16 repeating"},
                {"1/6", "0.\\overline{16}"},
                {"0.3", "0.\\overline{3}"},
                {"9/2", "3 and 3/2"},
                {"7/2", "3, 1/2"},
                {"7/2", "\\{3, 1/2\\}"}},
              false);
}

}  // namespace
}  // namespace cohort::math

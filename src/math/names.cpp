#include "math/names.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace cohort::math {
namespace {

struct Row {
  Role role;
  std::string_view names;  // "name" or "name=meaning", separated by spaces
};

constexpr Row kCommands[] = {
    {Role::letter,
     "alpha beta gamma delta epsilon varepsilon=epsilon zeta eta theta vartheta=theta iota kappa lambda "
     "mu nu xi omicron rho varrho=rho sigma tau upsilon phi varphi=phi chi psi omega Gamma Delta Theta "
     "Lambda Xi Sigma Upsilon Phi Psi Omega ell hbar aleph imath jmath ldots=dots dots cdots=dots dotsc=dots "
     "vdots=dots ddots=dots dotsm=dots dotsb=dots square=blank Box=blank nabla star neg lnot=neg top intercal=top"},
    {Role::function,
     "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch "
     "arcsinh "
     "arccosh arctanh arsinh=arcsinh arcosh=arccosh artanh=arctanh ln log lg exp gcd lcm max min "
     "floor ceil ceiling=ceil abs sgn=sign sign Re=re Im=im arg det deg=degree_of"},
    {Role::constant, "pi infty=oo infin=oo exponentialE=e imaginaryI=i imaginaryJ=i"},
    {Role::sign,
     "times=* cdot=* ast=* bullet=* div=/ slash=/ pm mp plusmn=pm le=<= leq=<= leqslant=<= leqq=<= lt=< "
     "ge=>= geq=>= geqslant=>= "
     "geqq=>= gt=> ne=!= neq=!= not approx=~ approxeq=~ sim=~ simeq=~ cong=~ doteq=~ equiv=equiv in isin=in "
     "notin ni subset "
     "subseteq=subset subsetneq=subset supset supseteq=supset cup cap union=cup setminus=minus "
     "backslash=minus smallsetminus=minus lbrace={{ "
     "rbrace=}} lbrack=[ rbrack=] lparen=( rparen=) lgroup=( rgroup=) langle=<( rangle=>) vert=| lvert=|( "
     "rvert=|) "
     "Vert=| lVert=|( rVert=|) mid=| lfloor=fl( rfloor=fl) llcorner=fl( lrcorner=fl) lceil=ce( rceil=ce) "
     "ulcorner=ce( "
     "urcorner=ce) to=-> rightarrow=-> longrightarrow=-> mapsto=-> Rightarrow==> implies==> "
     "Longrightarrow==> iff=<=> "
     "Leftrightarrow=<=> Longleftrightarrow=<=> leftrightarrow=<=> colon=: prime=' circ degree=circ mod bmod=mod pmod land lor wedge=land vee=lor "
     "choose over percnt=% hookrightarrow=-> propto=~ bigcup=cup bigcap=cap"},
    {Role::set,
     "emptyset=empty varnothing=empty O=empty R N Z Q C reals=R Reals=R Naturals=N Integers=Z Rationals=Q"},
    {Role::skip,
     "left right mleft mright middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr "
     "displaystyle "
     "textstyle scriptstyle limits nolimits boxed fbox framebox ensuremath mathbf boldsymbol bm mathit "
     "mathcal mathsf mathfrak mathscr bf rm it thinspace negthinspace space hfill noindent cancel underline "
     "angle triangle measuredangle therefore because ensuremath parallel left. nonumber mathstrut dollar "
     "hline mathop bold checkmark blacksquare qed qedsymbol normalsize large Large small left. smash mathbin mathrel centering vec "
     "overrightarrow"},
    {Role::skip_group, "hspace vspace phantom hphantom vphantom label tag color textcolor colorbox cline"},
    {Role::wide_space, "quad qquad"},
    {Role::words, "text textbf textit textnormal textrm textup textsf texttt mbox hbox emph"},
    {Role::upright, "mathrm operatorname mathbb"},
    {Role::accent, "overline=bar bar hat widehat=hat tilde widetilde=tilde dot ddot check breve acute"},
    {Role::special,
     "frac dfrac=frac tfrac=frac cfrac=frac nicefrac=frac sfrac=frac sqrt root binom dbinom=binom tbinom=binom begin end int iint=int "
     "oint=int sum prod lim variable partial char d"},
};

constexpr Row kPlain[] = {
    {Role::function,
     "sin cos tan cot sec csc arcsin arccos arctan asin=arcsin acos=arccos atan=arctan acot=arccot sinh cosh "
     "tanh coth asinh=arcsinh "
     "acosh=arccosh atanh=arctanh arcsinh arccosh arctanh ln log lg exp gcd lcm max min floor ceil "
     "ceiling=ceil abs Abs=abs Max=max "
     "Min=min Mod=mod sqrt cbrt binomial factorial sign sgn=sign Sum Product Integral Limit Derivative"},
    {Role::constant, "pi Pi=pi infinity=oo inf=oo oo Infinity=oo zoo=oo"},
    {Role::letter, "alpha beta gamma delta epsilon theta lambda mu sigma omega phi rho Gamma Delta Theta Lambda Sigma Omega Phi Psi"},
    {Role::sign, "and or mod degrees=circ degree=circ deg=circ percent=% percentage=% pct=% union=cup"},
    {Role::set, "EmptySet=empty Reals=R Naturals=N Integers=Z Rationals=Q"},
};

using Table = std::unordered_map<std::string_view, Name>;

template <size_t n>
Table make_table(const Row (&rows)[n]) {
  Table table;
  for (const Row& row : rows) {
    std::string_view rest = row.names;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(' '), rest.size());
      const std::string_view item = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const size_t equals = item.find('=', 1);
      if (equals == std::string_view::npos)
        table[item] = {row.role, item};
      else
        table[item.substr(0, equals)] = {row.role, item.substr(equals + 1)};
    }
  }
  return table;
}

const Table& commands() {
  static const Table table = make_table(kCommands);
  return table;
}

const std::unordered_set<std::string_view>& units() {
  static const std::unordered_set<std::string_view> set = {
      "cm",     "mm",     "km",      "nm",     "kg",     "mg",     "lb",     "lbs",     "oz",      "ft",
      "feet",   "foot",   "inch",    "inches", "yd",     "mi",     "mph",    "kph",     "km/h",    "m/s",
      "ml",     "mL",     "kW",      "kWh",    "Hz",     "kHz",    "MHz",    "kJ",      "Pa",      "kPa",
      "mol",    "hr",     "hrs",     "hour",   "hours",  "min",    "mins",   "minute",  "minutes", "sec",
      "secs",   "second", "seconds", "day",    "days",   "week",   "weeks",  "month",   "months",  "year",
      "years",  "mile",   "miles",   "meter",  "meters", "metre",  "metres", "gram",    "grams",   "liter",
      "liters", "litre",  "litres",  "unit",   "units",  "unit^2", "dollar", "dollars", "cent",    "cents",
      "euro",   "euros",  "yuan",    "pounds", "pound",  "rupees", "USD",    "EUR",     "am",      "pm",
      "AM",     "PM",     "people",  "way",    "ways",   "time",   "times",  "rad",     "radian",  "radians",
      "square", "cubic",  "sq",      "th",     "st",     "nd",     "rd",     "deg",     "dm",      "ha",
      "kmh",    "ms",     "apples",  "points"};
  return set;
}

}  // namespace

Name command_name(std::string_view name) {
  const auto it = commands().find(name);
  return it == commands().end() ? Name{} : it->second;
}

Name plain_name(std::string_view word) {
  static const Table table = make_table(kPlain);
  const auto it = table.find(word);
  return it == table.end() ? Name{} : it->second;
}

std::string_view known_prefix(std::string_view name) {
  for (size_t n = name.size() - 1; n >= 2; --n)
    if (command_name(name.substr(0, n)).role != Role::none) return name.substr(0, n);
  return {};
}

bool is_unit(std::string_view word) { return units().contains(word); }

bool is_letter_unit(std::string_view word) {
  return word.size() == 1 && std::string_view("msghLVNJWKAC").find(word[0]) != std::string_view::npos;
}

std::string_view unicode_command(char32_t c) {
  static const std::unordered_map<char32_t, std::string_view> table = {
      {U'×', "times"},    {U'·', "cdot"},    {U'⋅', "cdot"},     {U'∙', "cdot"},     {U'•', "cdot"},
      {U'∗', "ast"},      {U'÷', "div"},     {U'±', "pm"},       {U'∓', "mp"},       {U'√', "sqrt"},
      {U'π', "pi"},       {U'∞', "infty"},   {U'≤', "le"},       {U'≥', "ge"},       {U'⩽', "le"},
      {U'⩾', "ge"},       {U'≠', "ne"},      {U'≈', "approx"},   {U'∼', "sim"},      {U'≡', "equiv"},
      {U'∈', "in"},       {U'∉', "notin"},   {U'⊂', "subset"},   {U'⊆', "subseteq"}, {U'⊇', "supseteq"},
      {U'∪', "cup"},      {U'∩', "cap"},     {U'∖', "setminus"}, {U'∅', "emptyset"}, {U'°', "circ"},
      {U'º', "circ"},     {U'→', "to"},      {U'⇒', "implies"},  {U'⇔', "iff"},  {U'′', "prime"},    {U'’', "prime"},
      {U'ℝ', "R"},        {U'ℤ', "Z"},       {U'ℕ', "N"},        {U'ℚ', "Q"},        {U'ℂ', "C"},
      {U'∑', "sum"},      {U'∏', "prod"},    {U'∫', "int"},      {U'⌊', "lfloor"},   {U'⌋', "rfloor"},
      {U'⌈', "lceil"},    {U'⌉', "rceil"},   {U'⟨', "langle"},   {U'⟩', "rangle"},   {U'∠', "angle"},
      {U'△', "triangle"}, {U'…', "ldots"},   {U'α', "alpha"},    {U'β', "beta"},     {U'γ', "gamma"},
      {U'δ', "delta"},    {U'ε', "epsilon"}, {U'ζ', "zeta"},     {U'η', "eta"},      {U'θ', "theta"},
      {U'κ', "kappa"},    {U'λ', "lambda"},  {U'μ', "mu"},       {U'ν', "nu"},       {U'ξ', "xi"},
      {U'ρ', "rho"},      {U'σ', "sigma"},   {U'τ', "tau"},      {U'φ', "phi"},      {U'ϕ', "phi"},
      {U'χ', "chi"},      {U'ψ', "psi"},     {U'ω', "omega"},    {U'Γ', "Gamma"},    {U'Δ', "Delta"},
      {U'Θ', "Theta"},    {U'Λ', "Lambda"},  {U'Σ', "Sigma"},    {U'Φ', "Phi"},      {U'Ψ', "Psi"},
      {U'Ω', "Omega"},    {U'∧', "land"},    {U'∨', "lor"},      {U'％', "percnt"}};
  const auto it = table.find(c);
  return it == table.end() ? std::string_view{} : it->second;
}

}  // namespace cohort::math

#include "base/options.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace cohort {
namespace {

struct Settings {
  bool flag = false;
  int64_t steps = 10;
  double learning_rate = 1e-6;
  std::string schedule = "linear", keep = "auto", text;
  std::optional<double> high;
  std::vector<double> weights;
  std::vector<std::string> stop;
};

struct Fixture {
  Settings s;
  OptionTable table;
  Fixture() {
    table.section("One");
    table.add("flag", &s.flag, "a switch");
    table.add("max_steps", &s.steps, "steps").at_least(1).at_most(1000);
    table.add("learning_rate", &s.learning_rate, "rate").above(0);
    table.section("Two");
    table.add("schedule", &s.schedule, "the shape").one_of({"constant", "linear", "cosine"});
    table.add("keep", &s.keep, "what to keep").one_of({"auto", "true", "false"});
    table.add("text", &s.text, "any text");
    table.add("epsilon_high", &s.high, "a bound").at_least(0);
    table.add("weights", &s.weights, "some numbers").at_least(0);
    table.add("stop", &s.stop, "some strings");
  }
  std::vector<std::string> arguments(std::vector<std::string> words) { return table.read_arguments(words); }
  std::string toml_error(const std::string& text) {
    try {
      table.read_toml(text, "r.toml");
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  std::string argument_error(std::vector<std::string> words) {
    try {
      table.read_arguments(words);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
};

// Catches a type that is read wrongly or dropped, from either source.
TEST(Options, ReadsEveryTypeFromToml) {
  Fixture f;
  f.table.read_toml(
      "flag = true\nmax_steps = 20\nlearning_rate = 1\nschedule = 'cosine'\nkeep = true\ntext = \"a\\nb\"\n"
      "epsilon_high = 0.28\nweights = [1, 0.5]\nstop = [\"x\", \"\\n\"]\n",
      "r.toml");
  EXPECT_TRUE(f.s.flag);
  EXPECT_EQ(f.s.steps, 20);
  EXPECT_EQ(f.s.learning_rate, 1.0);
  EXPECT_EQ(f.s.schedule, "cosine");
  EXPECT_EQ(f.s.keep, "true");
  EXPECT_EQ(f.s.text, "a\nb");
  EXPECT_EQ(f.s.high, 0.28);
  EXPECT_EQ(f.s.weights, (std::vector<double>{1, 0.5}));
  EXPECT_EQ(f.s.stop, (std::vector<std::string>{"x", "\n"}));
  EXPECT_EQ(f.table.find("schedule")->origin(), "r.toml:4");
  EXPECT_TRUE(f.table.was_set("flag"));
}

// Catches a syntax of the command line that swallows the next word, a negative number taken for an option, or
// a lost positional.
TEST(Options, ReadsBothSyntaxesOfTheCommandLine) {
  Fixture f;
  const auto positionals = f.arguments({"recipe.toml", "--flag", "--max-steps", "7", "--learning_rate=2e-5",
                                        "--text", "-1", "--stop", "a,b", "--stop=c", "--weights", "[1, 2]",
                                        "--epsilon_high", "none", "second", "--", "--third"});
  EXPECT_EQ(positionals, (std::vector<std::string>{"recipe.toml", "second", "--third"}));
  EXPECT_TRUE(f.s.flag);
  EXPECT_EQ(f.s.steps, 7);
  EXPECT_EQ(f.s.learning_rate, 2e-5);
  EXPECT_EQ(f.s.text, "-1");
  EXPECT_EQ(f.s.stop, (std::vector<std::string>{"a,b", "c"}));
  EXPECT_EQ(f.s.weights, (std::vector<double>{1, 2}));
  EXPECT_FALSE(f.s.high.has_value());
  f.arguments({"--no-flag"});
  EXPECT_FALSE(f.s.flag);
  f.arguments({"--flag", "true"});
  EXPECT_TRUE(f.s.flag);
  f.arguments({"--flag=false", "--text=", "--keep", "false"});
  EXPECT_FALSE(f.s.flag);
  EXPECT_EQ(f.s.text, "");
  EXPECT_EQ(f.s.keep, "false");
}

// Catches a command line that adds to the recipe's list where it should replace it.
TEST(Options, CommandLineReplacesTheRecipesList) {
  Fixture f;
  f.table.read_toml("stop = ['from recipe']", "r.toml");
  f.arguments({"--stop", "one", "--stop", "two"});
  EXPECT_EQ(f.s.stop, (std::vector<std::string>{"one", "two"}));
}

// Catches a misspelt key that is ignored, or an error that sends the user to the wrong line or name.
TEST(Options, UnknownNamesGiveLineAndNearestName) {
  Fixture f;
  EXPECT_EQ(f.toml_error("# comment\n\nlearning_rat = 1e-5\n"),
            "r.toml:3: unknown option learning_rat; did you mean learning_rate?");
  EXPECT_EQ(f.toml_error("zzz = 1"), "r.toml:1: unknown option zzz; --help lists the options");
  EXPECT_EQ(
      f.toml_error("flag = true\n[optimizer]\nmax_steps = 3"),
      "r.toml:2: expected name = value, found the table [optimizer]: a recipe is a flat list of options");
  EXPECT_EQ(f.argument_error({"--steps", "3"}),
            "command line: unknown option steps; did you mean max_steps?");
  EXPECT_EQ(f.argument_error({"-x"}), "command line: unknown option -x; options begin with --");
}

// Catches a wrong value that is converted in silence, or a message without expectation and finding.
TEST(Options, WrongValuesNameExpectationAndFinding) {
  Fixture f;
  EXPECT_EQ(f.toml_error("\nmax_steps = 1.5"),
            "r.toml:2: max_steps: expected an integer of at least 1 and of at most 1000, found 1.5");
  EXPECT_EQ(f.toml_error("max_steps = 1001"),
            "r.toml:1: max_steps: expected an integer of at least 1 and of at most 1000, found 1001");
  EXPECT_EQ(f.toml_error("learning_rate = 0"), "r.toml:1: learning_rate: expected a number above 0, found 0");
  EXPECT_EQ(f.toml_error("learning_rate = nan"),
            "r.toml:1: learning_rate: expected a number above 0, found nan");
  EXPECT_EQ(f.toml_error("flag = 'yes'"), "r.toml:1: flag: expected true or false, found the string \"yes\"");
  EXPECT_EQ(f.toml_error("schedule = 'cosin'"),
            "r.toml:1: schedule: expected one of constant, linear, cosine, found the string \"cosin\"; did "
            "you mean cosine?");
  EXPECT_EQ(f.toml_error("weights = [1, -1]"),
            "r.toml:1: weights: expected a list of numbers, each of at least 0, found -1");
  EXPECT_EQ(f.toml_error("stop = {a = 1}"), "r.toml:1: stop: expected a list of strings, found a table");
  EXPECT_EQ(f.toml_error("text = 1"), "r.toml:1: text: expected a string, found 1");
  EXPECT_EQ(f.argument_error({"--max_steps", "ten"}),
            "command line: max_steps: expected an integer of at least 1 and of at most 1000, found the "
            "string \"ten\"");
  EXPECT_EQ(
      f.argument_error({"--max_steps"}),
      "command line: --max_steps: expected an integer of at least 1 and of at most 1000, found nothing");
  EXPECT_EQ(f.argument_error({"--flag=1"}), "command line: flag: expected true or false, found 1");
}

// Catches broken TOML that is half read: the message has the line, and nothing was assigned.
TEST(Options, BrokenTomlNamesTheLine) {
  Fixture f;
  EXPECT_EQ(f.toml_error("max_steps = 3\ntext = \"open\n").substr(0, 28), "r.toml:2: not valid TOML: Er");
  EXPECT_EQ(f.s.steps, 10);
  EXPECT_NE(f.toml_error("flag = true\nflag = false"), "no error");
  EXPECT_NE(f.toml_error("text = \"\xff\xfe\""), "no error");
}

// Catches a resolved recipe that loses a bit, an escape or an unset value, or whose bytes depend on how it
// was read.
TEST(Options, ResolvedRecipeReadsBackToItself) {
  Fixture f;
  f.s.learning_rate = 0.1 + 0.2;
  f.s.text = "quote \" back \\ line\n tab\t bell\x07 del\x7f umlaut \xc3\xbc";
  f.s.stop = {"</answer>", "", "["};
  f.s.weights = {1e-300, 5e22, 0.1};
  const std::string text = f.table.to_toml();
  Fixture g;
  g.table.read_toml(text, "resolved");
  EXPECT_EQ(g.s.learning_rate, f.s.learning_rate);
  EXPECT_EQ(g.s.text, f.s.text);
  EXPECT_EQ(g.s.stop, f.s.stop);
  EXPECT_EQ(g.s.weights, f.s.weights);
  EXPECT_FALSE(g.s.high.has_value());
  EXPECT_EQ(g.table.to_toml(), text);
  EXPECT_NE(text.find("# One\nflag = false\nmax_steps = 10\nlearning_rate = 0.30000000000000004\n\n# Two\n"),
            std::string::npos)
      << text;
}

// Catches numbers that TOML or JSON would read as another type or not at all.
TEST(Options, DoublesAreShortAndExact) {
  EXPECT_EQ(format_double(1), "1.0");
  EXPECT_EQ(format_double(1e-6), "1e-6");
  EXPECT_EQ(format_double(1e-8), "1e-8");
  EXPECT_EQ(format_double(-0.25), "-0.25");
  EXPECT_EQ(format_double(1e100), "1e+100");
  EXPECT_EQ(format_double(123456789), "123456789.0");
  for (const double x : {1.0 / 3, 1e-310, 6.02214076e23, 2e-5})
    EXPECT_EQ(std::strtod(format_double(x).c_str(), nullptr), x);
}

// Catches help that leaves an option, its default or its values out.
TEST(Options, HelpAndDocsListEveryOption) {
  Fixture f;
  const std::string help = f.table.help(80), docs = f.table.markdown();
  EXPECT_NE(help.find("  --schedule constant|linear|cosine\n      the shape [\"linear\"]\n"),
            std::string::npos)
      << help;
  EXPECT_NE(help.find("Two:\n"), std::string::npos);
  EXPECT_NE(docs.find("| `max_steps` | `10` | an integer of at least 1 and of at most 1000 | steps |\n"),
            std::string::npos)
      << docs;
}

}  // namespace
}  // namespace cohort

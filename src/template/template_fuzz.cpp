// Templates and their data: the text up to the first NUL is a template, the rest JSON.
#include "base/fuzz_support.h"
#include "template/chat_template.h"
#include "template/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cohort;
  const std::string_view text = fuzz::text_of(data, size);
  const size_t end = std::min(text.find('\0'), text.size());
  static const jinja::Value usual = jinja::read_json(
      R"({"messages": [{"role": "user", "content": "a é\n"}, {"role": "assistant", "content": [{"type": "text"}]}],)"
      R"( "n": 3, "f": 2.5, "l": [3, 1, 2], "d": {"b": 1, "a": null}, "s": "Ab cD", "t": true})");
  fuzz::accept_errors([&] {
    const jinja::Value given = end < text.size() ? jinja::read_json(text.substr(end + 1)) : usual;
    const ChatTemplate chat(text.substr(0, end), "chat");
    jinja::Limits limits;
    limits.steps = 50'000;
    limits.memory = 32 << 20;
    limits.output = 1 << 20;
    chat.render(given.is(jinja::Kind::dict) ? given : usual, {.changeable = size % 2 == 1, .now = 1721952000},
                limits);
  });
  return 0;
}

#include "template/chat_template.h"

#include "base/check.h"
#include "template/parser.h"

namespace cohort {
namespace {

bool generates(const jinja::Body& body) {
  for (const jinja::Stmt& stmt : body) {
    if (stmt.kind == jinja::StmtKind::generation) return true;
    for (const jinja::Body& inner : stmt.bodies)
      if (generates(inner)) return true;
  }
  return false;
}

}  // namespace

ChatTemplate::ChatTemplate(std::string_view source, std::string name, const jinja::Whitespace& whitespace)
    : name_(std::move(name)) {
  try {
    body_ = std::make_unique<jinja::Body>(jinja::parse(source, whitespace));
  } catch (const Error& e) {
    fail("{}: {}", name_, e.what());
  }
  has_generation_ = generates(*body_);
}

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;

ChatTemplate::Rendered ChatTemplate::render(const jinja::Value& context, const jinja::Settings& settings,
                                            const jinja::Limits& limits) const {
  const jinja::Meter meter(limits);
  jinja::Interpreter interpreter(context.entries(), settings);
  try {
    Rendered rendered;
    rendered.text = interpreter.render(*body_);
    rendered.generation = interpreter.spans();
    rendered.generation_lost = interpreter.span_lost();
    return rendered;
  } catch (const Error& e) {
    fail("{}: line {}: {}", name_, interpreter.line(), e.what());
  }
}

}  // namespace cohort

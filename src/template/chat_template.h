// A model's chat template: Jinja2 as Hugging Face renders it (transformers' apply_chat_template).
// docs/chat_templates.md says what is supported.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "template/interpreter.h"
#include "template/lexer.h"

namespace cohort {

class ChatTemplate {
 public:
  // `name` is what errors call it. Throws Error with the line where it is no template.
  ChatTemplate(std::string_view source, std::string name, const jinja::Whitespace& whitespace = {});
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  struct Rendered {
    std::string text;
    std::vector<jinja::Span> generation;  // what {% generation %} blocks wrote, in bytes of text
    bool generation_lost = false;         // one stood where its place in the text cannot be told
  };
  // `context` is a dict. Throws Error with the template's line for what the template raises or cannot do, and
  // where it would go beyond `limits`. May be called from several threads at once.
  Rendered render(const jinja::Value& context, const jinja::Settings& settings = {},
                  const jinja::Limits& limits = {}) const;
  bool has_generation() const { return has_generation_; }

 private:
  std::string name_;
  bool has_generation_;
  std::unique_ptr<jinja::Body> body_;
};

}  // namespace cohort

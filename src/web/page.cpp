#include "web/page.h"

#include <fmt/format.h>

#include "web/chart.h"
#include "web/report_style.h"

namespace cohort {

std::string page_html(const std::string& title, const std::string& lead, const std::string& body,
                      const std::string& footer) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"><title>{0} – "
      "Cohort</title><style>{1}{2}</style></head>\n"
      "<body><main><header><div class=\"brand\">Cohort</div><h1>{0}</h1><p class=\"lead\">{3}</p></header>{4}"
      "<footer>{5}</footer></main>\n<script>{6}</script></body></html>\n",
      title, kReportStyle, chart_style(), lead, body, footer, kReportScript);
}

}  // namespace cohort

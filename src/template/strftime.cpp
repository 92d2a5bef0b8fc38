#include "template/strftime.h"

#include <ctime>

#include "base/check.h"

namespace cohort::jinja {
namespace {

constexpr const char* kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};
constexpr const char* kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                   "July",    "August",   "September", "October", "November", "December"};

int iso_week(const std::tm& t, int& year) {
  const int weekday = (t.tm_wday + 6) % 7;  // Monday 0
  year = t.tm_year + 1900;
  int week = (t.tm_yday - weekday + 10) / 7;
  const auto weeks = [&](int y) {
    const auto p = [](int n) { return (n + n / 4 - n / 100 + n / 400) % 7; };
    return p(y) == 4 || p(y - 1) == 3 ? 53 : 52;
  };
  if (week < 1) {
    --year;
    week = weeks(year);
  } else if (week > weeks(year)) {
    ++year;
    week = 1;
  }
  return week;
}

}  // namespace

std::string strftime(std::string_view format, int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm t{};
  if (!gmtime_r(&time, &t)) fail("no date is {} seconds after 1970", seconds);
  const int year = t.tm_year + 1900, hour12 = t.tm_hour % 12 == 0 ? 12 : t.tm_hour % 12;
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    char c = format[++i];
    const bool bare = c == '-' && i + 1 < format.size();  // %-d: without the zero in front
    if (bare) c = format[++i];
    const auto number = [&](int n, int width) {
      out += bare ? fmt::format("{}", n) : fmt::format("{:0{}}", n, width);
    };
    int iso_year = 0;
    switch (c) {
      case 'a':
        out += std::string_view(kDays[t.tm_wday]).substr(0, 3);
        break;
      case 'A':
        out += kDays[t.tm_wday];
        break;
      case 'b':
      case 'h':
        out += std::string_view(kMonths[t.tm_mon]).substr(0, 3);
        break;
      case 'B':
        out += kMonths[t.tm_mon];
        break;
      case 'c':
        out += strftime("%a %b %e %H:%M:%S %Y", seconds);
        break;
      case 'C':
        number(year / 100, 2);
        break;
      case 'd':
        number(t.tm_mday, 2);
        break;
      case 'D':
      case 'x':
        out += strftime("%m/%d/%y", seconds);
        break;
      case 'e':
        out += fmt::format("{:{}}", t.tm_mday, bare ? 1 : 2);
        break;
      case 'f':
        out += "000000";
        break;
      case 'F':
        out += strftime("%Y-%m-%d", seconds);
        break;
      case 'G':
        iso_week(t, iso_year);
        out += fmt::format("{}", iso_year);
        break;
      case 'H':
        number(t.tm_hour, 2);
        break;
      case 'I':
        number(hour12, 2);
        break;
      case 'j':
        number(t.tm_yday + 1, 3);
        break;
      case 'm':
        number(t.tm_mon + 1, 2);
        break;
      case 'M':
        number(t.tm_min, 2);
        break;
      case 'n':
        out += '\n';
        break;
      case 'p':
        out += t.tm_hour < 12 ? "AM" : "PM";
        break;
      case 'r':
        out += strftime("%I:%M:%S %p", seconds);
        break;
      case 'R':
        out += strftime("%H:%M", seconds);
        break;
      case 's':
        out += fmt::format("{}", seconds);
        break;
      case 'S':
        number(t.tm_sec, 2);
        break;
      case 't':
        out += '\t';
        break;
      case 'T':
      case 'X':
        out += strftime("%H:%M:%S", seconds);
        break;
      case 'u':
        number(t.tm_wday == 0 ? 7 : t.tm_wday, 1);
        break;
      case 'U':
        number((t.tm_yday + 7 - t.tm_wday) / 7, 2);
        break;
      case 'V':
        number(iso_week(t, iso_year), 2);
        break;
      case 'w':
        number(t.tm_wday, 1);
        break;
      case 'W':
        number((t.tm_yday + 7 - (t.tm_wday + 6) % 7) / 7, 2);
        break;
      case 'y':
        number(year % 100, 2);
        break;
      case 'Y':
        out += fmt::format("{}", year);
        break;
      case 'z':
      case 'Z':
        break;  // datetime.now() knows no zone
      case '%':
        out += '%';
        break;
      default:
        (out += '%') += c;
    }
  }
  return out;
}

int64_t local_now() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return static_cast<int64_t>(now) + local.tm_gmtoff;
}

}  // namespace cohort::jinja

#include "data/row_pass.h"

namespace cohort {

void check_rows(RowSource& source, const std::string& name) {
  struct Good {};
  pass_over<Good>(source, "read " + name, [&](int64_t i) {
    source.row(i);
    return Good();
  }, [](int64_t, Good) {});
}

}  // namespace cohort

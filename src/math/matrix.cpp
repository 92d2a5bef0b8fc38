#include "math/matrix.h"

#include <optional>

namespace cohort::math {
namespace {

constexpr long kMaxPower = 64;
constexpr size_t kMaxEntries = 400;  // of a product

bool is_matrix(const Expr& e) { return e.kind == Kind::matrix && e.columns > 0; }
int rows(const Expr& m) { return static_cast<int>(m.args.size()) / m.columns; }
const Expr& at(const Expr& m, int i, int j) { return m.args[static_cast<size_t>(i * m.columns + j)]; }

// A vector in parentheses as a column, where arithmetic makes it one.
Expr as_matrix(Expr e) {
  if (e.kind == Kind::tuple && !e.args.empty()) {
    e.kind = Kind::matrix;
    e.columns = 1;
    e.square = false;
  }
  return e;
}

class Matrices {
 public:
  explicit Matrices(Work& work) : work_(work) {}

  Expr value(Expr e) {
    if (!any_of(e, [](const Expr& x) { return x.kind == Kind::matrix || x.kind == Kind::tuple; })) return e;
    if (e.kind == Kind::function && e.name == "det") return e;
    for (Expr& a : e.args) a = value(std::move(a));
    const auto has = [&](Kind kind) {
      for (const Expr& a : e.args)
        if (a.kind == kind) return true;
      return false;
    };
    if (!has(Kind::matrix) && !has(Kind::tuple)) return e;
    if (e.kind == Kind::add) return sum_of(std::move(e.args));
    if (e.kind == Kind::multiply) return product_of(std::move(e.args));
    if (e.kind == Kind::power && (is_matrix(e.args[0]) || e.args[0].kind == Kind::tuple)) return power_of(e);
    return e;
  }

 private:
  // Numbers are calculated at once, so that entries stay small.
  Expr add(Expr a, Expr b) {
    work_.spend(2);
    if (a.kind == Kind::number && b.kind == Kind::number) {
      a.value += b.value;
      a.decimal = a.decimal || b.decimal;
      return bounded(std::move(a));
    }
    return math::sum(two(std::move(a), std::move(b)));
  }
  Expr multiply(const Expr& a, const Expr& b) {
    work_.spend(2);
    if (is_number(a, 1)) return b;
    if (is_number(b, 1)) return a;
    if (a.kind == Kind::number && b.kind == Kind::number) {
      Expr out = a;
      out.value *= b.value;
      out.decimal = a.decimal || b.decimal;
      return bounded(std::move(out));
    }
    work_.spend(8 * (size(a) + size(b)));  // they are copied
    return math::product(two(a, b));
  }
  static std::vector<Expr> two(Expr a, Expr b) {
    std::vector<Expr> out;
    out.push_back(std::move(a));
    out.push_back(std::move(b));
    return out;
  }
  static int64_t size(const Expr& e) {
    int64_t n = 1;
    for (const Expr& a : e.args) n += size(a);
    return n;
  }
  Expr bounded(Expr e) {
    work_.spend(
        1 + static_cast<int64_t>(mpz_size(e.value.get_num_mpz_t()) + mpz_size(e.value.get_den_mpz_t())) / 4);
    return e;
  }

  Expr sum_of(std::vector<Expr> terms) {
    Expr total;
    bool first = true;
    for (Expr& t : terms) {
      t = as_matrix(std::move(t));
      if (!is_matrix(t)) throw Undefined{};
      if (first) {
        total = std::move(t);
        first = false;
        continue;
      }
      if (t.columns != total.columns || t.args.size() != total.args.size()) throw Undefined{};
      for (size_t i = 0; i < t.args.size(); ++i)
        total.args[i] = add(std::move(total.args[i]), std::move(t.args[i]));
    }
    return total;
  }

  Expr product_of(std::vector<Expr> factors) {
    std::optional<Expr> matrix, scale;
    int tuples = 0;
    for (const Expr& f : factors) tuples += f.kind == Kind::tuple;
    if (tuples > 1) throw Unjudgeable("a product of tuples");  // cycles, or a product of vectors
    for (Expr& f : factors) {
      f = as_matrix(std::move(f));
      if (is_matrix(f))
        matrix = matrix ? times(*matrix, f) : std::move(f);
      else if (is_scalar(f))
        scale = scale ? multiply(*scale, f) : std::move(f);
      else
        throw Unjudgeable("a product of a matrix and what is no value");
    }
    if (scale)
      for (Expr& a : matrix->args) a = multiply(*scale, a);
    return std::move(*matrix);
  }

  Expr times(const Expr& a, const Expr& b) {
    if (a.columns != rows(b)) throw Undefined{};
    Expr out = node(Kind::matrix, {});
    out.columns = b.columns;
    const int height = rows(a);
    if (static_cast<size_t>(height) * static_cast<size_t>(b.columns) > kMaxEntries)
      throw Unjudgeable("a product of matrices that is too large");
    for (int i = 0; i < height; ++i)
      for (int j = 0; j < b.columns; ++j) {
        Expr total = multiply(at(a, i, 0), at(b, 0, j));
        for (int k = 1; k < a.columns; ++k) total = add(std::move(total), multiply(at(a, i, k), at(b, k, j)));
        out.args.push_back(std::move(total));
      }
    return out;
  }

  static Expr transposed(const Expr& m) {
    Expr out = node(Kind::matrix, {});
    out.columns = rows(m);
    for (int j = 0; j < m.columns; ++j)
      for (int i = 0; i < rows(m); ++i) out.args.push_back(at(m, i, j));
    return out;
  }

  Expr power_of(const Expr& e) {
    const Expr base = as_matrix(e.args[0]);
    const Expr& exponent = e.args[1];
    if (!is_matrix(base)) throw Unjudgeable("a power of an empty matrix");
    if (exponent.kind == Kind::symbol &&
        (exponent.name == "T" || exponent.name == "top" || exponent.name == "text:T"))
      return e.args[0].kind == Kind::tuple ? e.args[0] : transposed(base);  // (1, 2)^T is a vector as well
    if (!is_integer(exponent) || ::abs(exponent.value) > kMaxPower)
      throw Unjudgeable("a power of a matrix that is not calculated");
    if (rows(base) != base.columns) throw Undefined{};
    long n = exponent.value.get_num().get_si();
    Expr square = n < 0 ? inverse(base) : base;
    n = n < 0 ? -n : n;
    Expr out = node(Kind::matrix, {});
    out.columns = base.columns;
    for (int i = 0; i < base.columns; ++i)
      for (int j = 0; j < base.columns; ++j) out.args.push_back(number(i == j));
    for (; n > 0; n >>= 1) {
      if (n & 1) out = times(out, square);
      if (n > 1) square = times(square, square);
    }
    return out;
  }

  Expr inverse(const Expr& m) {
    const int n = m.columns;
    std::vector<mpq_class> a, b;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        const Value v = evaluate(at(m, i, j), {}, work_);
        const auto* q = std::get_if<mpq_class>(&v);
        if (!q || !free_symbols(at(m, i, j)).empty())
          throw Unjudgeable("the inverse of a matrix whose entries are not rational");
        a.push_back(*q);
        b.push_back(i == j);
      }
    const auto index = [n](int i, int j) { return static_cast<size_t>(i * n + j); };
    work_.spend(8L * n * n * n);
    for (int k = 0; k < n; ++k) {  // Gauss and Jordan
      int pivot = k;
      while (pivot < n && a[index(pivot, k)] == 0) ++pivot;
      if (pivot == n) throw Undefined{};
      for (int j = 0; j < n; ++j) {
        std::swap(a[index(k, j)], a[index(pivot, j)]);
        std::swap(b[index(k, j)], b[index(pivot, j)]);
      }
      const mpq_class scale = 1 / a[index(k, k)];
      for (int j = 0; j < n; ++j) a[index(k, j)] *= scale, b[index(k, j)] *= scale;
      for (int i = 0; i < n; ++i) {
        const mpq_class factor = a[index(i, k)];
        if (i == k || factor == 0) continue;
        for (int j = 0; j < n; ++j) {
          a[index(i, j)] -= factor * a[index(k, j)];
          b[index(i, j)] -= factor * b[index(k, j)];
        }
      }
    }
    Expr out = node(Kind::matrix, {});
    out.columns = n;
    for (mpq_class& q : b) out.args.push_back(number(std::move(q)));
    return out;
  }

  Work& work_;
};

bool row_list(const Expr& e) {
  return (e.kind == Kind::tuple && e.square) || (e.kind == Kind::interval && e.left_closed && e.right_closed);
}

}  // namespace

Expr with_matrices(Expr e, Work& work) {
  if (!has_kind(e, Kind::matrix) && !(has_kind(e, Kind::tuple) && is_scalar(e))) return e;
  return Matrices(work).value(std::move(e));
}

bool nested_list(const Expr& e) {
  if (!row_list(e) || e.args.empty()) return false;
  for (const Expr& row : e.args)
    if (!row_list(row) || row.args.size() != e.args[0].args.size()) return false;
  return true;
}

Expr matrix_of(const Expr& list) {
  Expr out = node(Kind::matrix, {});
  out.columns = static_cast<int>(list.args[0].args.size());
  for (const Expr& row : list.args)
    for (const Expr& entry : row.args) out.args.push_back(entry);
  return out;
}

}  // namespace cohort::math

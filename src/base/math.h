// Elementary functions whose bits are ours: made of + - * / fma and rint only, so every compiler, C library
// and processor gives the same result. For tables, schedules and per-row scalars; the kernels' vector exp is
// Highway's. exp, log, sin, cos are within 1.5 units in the last place, pow within 1.
#pragma once

namespace cohort {

// 0 below -745.2, infinity above 709.8, NaN for NaN.
double exp(double x);

// Natural logarithm. -infinity at 0, NaN below 0.
double log(double x);

// x^y for x > 0 and finite y; throws Error for any other x.
double pow(double x, double y);

// |x| <= 2^23 (angles of rotary embeddings and of schedules); throws Error beyond.
double sin(double x);
double cos(double x);

// 1 / (1 + exp(-x)) and its logarithm, for all finite x: small results keep their digits.
double sigmoid(double x);
double log_sigmoid(double x);

}  // namespace cohort

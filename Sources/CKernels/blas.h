// The system's matrix product in float32: on Apple's processors that of Accelerate, which reaches their matrix units. Elsewhere there is
// none, unless CT_BLAS is defined. With CT_BLAS_ALWAYS it is used at whatever speed: `scripts/arm.sh --blas` tries it so.
#pragma once

#include <cstdint>

#if defined(__APPLE__) && defined(__aarch64__) && !defined(CT_BLAS)
#define CT_BLAS 1
#endif

#if CT_BLAS
namespace ctorch::kernels {

#if CT_BLAS_ALWAYS
extern int64_t blas_calls;
#endif
// Not where DISTILL_CPU_CAPABILITY names the instruction set to compute with.
bool may_use_blas();
// to (rows, 32) = left (length, rows)ᵀ · right (length, 32)
void blas_product(int64_t rows, int64_t length, const float *left, const float *right, float *to);

}  // namespace ctorch::kernels
#endif

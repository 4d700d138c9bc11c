#include "blas.h"

#if CT_BLAS
#if defined(__APPLE__)
#define ACCELERATE_NEW_LAPACK
#include <Accelerate/Accelerate.h>
#else
#include <cblas.h>
#endif

#include <cstdlib>

namespace ctorch::kernels {

#if CT_BLAS_ALWAYS
int64_t blas_calls = 0;
bool may_use_blas() { return true; }
#else
bool may_use_blas() {
    static const bool may = std::getenv("DISTILL_CPU_CAPABILITY") == nullptr;
    return may;
}
#endif

void blas_product(int64_t rows, int64_t length, const float *left, const float *right, float *to) {
#if CT_BLAS_ALWAYS
    ++blas_calls;
#endif
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, static_cast<int>(rows), 32, static_cast<int>(length), 1.0f, left,
                static_cast<int>(rows), right, 32, 0.0f, to, 32);
}

}  // namespace ctorch::kernels
#endif

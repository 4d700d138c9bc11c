// The kernels for processors with AVX512 and its bfloat16 products.

#if defined(__x86_64__)
#include "common.h"

#ifndef CT_KERNELS
#define CT_KERNELS "inference.inl"
#endif

#define CT_AVX512 1
#define CT_BF16 1
#define CT_VNNI 1
#define CT_AVX2 1
#define CT_AMX 0
#define CT_PANEL_ROWS 14
#define CT_NAMESPACE avx512_bf16
#define CT_NAME "avx512_bf16"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vnni,avx2,fma,f16c,bmi2"), min_vector_width(512))), apply_to = function)
#include CT_KERNELS
#pragma clang attribute pop
#endif

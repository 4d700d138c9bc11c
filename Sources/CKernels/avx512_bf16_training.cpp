// The kernels of a training step for the processors of avx512_bf16.cpp.

#define CT_KERNELS "training.inl"
#include "avx512_bf16.cpp"

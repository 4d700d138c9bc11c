// The kernels of a training step for the processors of avx512.cpp.

#define CT_KERNELS "training.inl"
#include "avx512.cpp"

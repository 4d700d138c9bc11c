// What the kernels of a forward pass and those of a training step build upon.

// Below so many rows per thread, columns rather than rows are distributed.
constexpr int64_t few_rows = 96;

#include "kernels/philox.inl"
#include "vector.inl"
#include "operands.inl"
#include "gemm.inl"
#include "norm.inl"
#include "relative_positions.inl"
#include "attention.inl"
#include "layer.inl"

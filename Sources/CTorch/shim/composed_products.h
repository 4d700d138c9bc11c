// Matrix products of layers by libtorch, whose sums are float32.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/mm.h>

namespace ctorch {

// left (rows, a) · right (a, columns) in float32: sums of bfloat16 products are not rounded before they are added.
inline at::Tensor wide_product(const at::Tensor &left, const at::Tensor &right) {
    if (left.scalar_type() == at::kFloat) return at::mm(left, right);
    return left.is_cuda() ? at::mm(left, right, at::kFloat) : at::mm(left.to(at::kFloat), right.to(at::kFloat));
}

inline at::Tensor column_sums(const at::Tensor &matrix) { return matrix.sum(at::IntArrayRef({0}), false, at::kFloat); }

}  // namespace ctorch

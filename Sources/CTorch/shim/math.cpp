// Element-wise arithmetic, indexing, products and reductions.

#include <ATen/ops/gelu.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/where.h>

#include <cmath>

#include "internal.h"

using namespace ctorch;

namespace {
const char *name(ct_binary_op op) {
    static const char *const names[] = {"add", "sub", "mul", "div", "pow", "maximum", "minimum", "eq",
                                        "ne",  "lt",  "le",  "gt",  "ge",  "logical_and", "logical_or"};
    return op >= 0 && op <= CT_LOGICAL_OR ? names[op] : "binary";
}

const char *name(ct_unary_op op) {
    static const char *const names[] = {"neg",     "abs",  "exp",  "log",  "sqrt",      "rsqrt", "square",   "tanh",
                                        "sigmoid", "relu", "silu", "gelu", "gelu_tanh", "erf",   "isfinite", "logical_not"};
    return op >= 0 && op <= CT_LOGICAL_NOT ? names[op] : "unary";
}

const char *name(ct_reduction op) {
    static const char *const names[] = {"sum", "mean", "amax", "amin", "logsumexp", "norm"};
    return op >= 0 && op <= CT_NORM ? names[op] : "reduce";
}

at::Tensor apply(ct_binary_op op, const at::Tensor &a, const at::Tensor &b) {
    switch (op) {
    case CT_ADD: return a + b;
    case CT_SUBTRACT: return a - b;
    case CT_MULTIPLY: return a * b;
    case CT_DIVIDE: return a / b;
    case CT_POWER: return at::pow(a, b);
    case CT_MAXIMUM: return at::maximum(a, b);
    case CT_MINIMUM: return at::minimum(a, b);
    case CT_EQUAL: return a == b;
    case CT_NOT_EQUAL: return a != b;
    case CT_LESS: return a < b;
    case CT_LESS_EQUAL: return a <= b;
    case CT_GREATER: return a > b;
    case CT_GREATER_EQUAL: return a >= b;
    case CT_LOGICAL_AND: return at::logical_and(a, b);
    case CT_LOGICAL_OR: return at::logical_or(a, b);
    }
    TORCH_CHECK(false, "unknown binary operation ", static_cast<int>(op));
}

// An integer stays an integer scalar, so that integer tensors keep their type as they do in PyTorch.
at::Scalar scalar(double value, const at::Tensor &beside) {
    bool is_whole = std::abs(value) < 9.0e15 && std::trunc(value) == value;
    bool is_integer = is_whole && c10::isIntegralType(beside.scalar_type(), true);
    return is_integer ? at::Scalar(static_cast<int64_t>(value)) : at::Scalar(value);
}

at::Tensor apply(ct_binary_op op, const at::Tensor &a, at::Scalar b) {
    switch (op) {
    case CT_ADD: return a + b;
    case CT_SUBTRACT: return a - b;
    case CT_MULTIPLY: return a * b;
    case CT_DIVIDE: return a / b;
    case CT_POWER: return at::pow(a, b);
    case CT_EQUAL: return a == b;
    case CT_NOT_EQUAL: return a != b;
    case CT_LESS: return a < b;
    case CT_LESS_EQUAL: return a <= b;
    case CT_GREATER: return a > b;
    case CT_GREATER_EQUAL: return a >= b;
    default: return apply(op, a, at::scalar_tensor(b, a.options()));
    }
}

at::Tensor apply(ct_unary_op op, const at::Tensor &a) {
    switch (op) {
    case CT_NEGATE: return -a;
    case CT_ABS: return a.abs();
    case CT_EXP: return a.exp();
    case CT_LOG: return a.log();
    case CT_SQRT: return a.sqrt();
    case CT_RSQRT: return a.rsqrt();
    case CT_SQUARE: return a.square();
    case CT_TANH: return a.tanh();
    case CT_SIGMOID: return a.sigmoid();
    case CT_RELU: return a.relu();
    case CT_SILU: return at::silu(a);
    case CT_GELU: return at::gelu(a);
    case CT_GELU_TANH: return at::gelu(a, "tanh");
    case CT_ERF: return a.erf();
    case CT_IS_FINITE: return a.isfinite();
    case CT_LOGICAL_NOT: return a.logical_not();
    }
    TORCH_CHECK(false, "unknown unary operation ", static_cast<int>(op));
}

at::Tensor apply(ct_reduction op, const at::Tensor &a, at::IntArrayRef dims, bool keep) {
    switch (op) {
    case CT_SUM: return a.sum(dims, keep);
    case CT_MEAN: return a.mean(dims, keep);
    case CT_AMAX: return a.amax(dims, keep);
    case CT_AMIN: return a.amin(dims, keep);
    case CT_LOGSUMEXP: return a.logsumexp(dims, keep);
    case CT_NORM: return at::linalg_vector_norm(a, 2, dims, keep);
    }
    TORCH_CHECK(false, "unknown reduction ", static_cast<int>(op));
}
}  // namespace

ct_error ct_binary(ct_binary_op op, ct_tensor a, ct_tensor b, ct_tensor *out) {
    return guard(name(op), {a, b}, [&] { *out = wrap(apply(op, a->value, b->value)); });
}

ct_error ct_binary_scalar(ct_binary_op op, ct_tensor a, double b, ct_tensor *out) {
    return guard(name(op), {a}, [&] { *out = wrap(apply(op, a->value, scalar(b, a->value))); });
}

ct_error ct_unary(ct_unary_op op, ct_tensor a, ct_tensor *out) {
    return guard(name(op), {a}, [&] { *out = wrap(apply(op, a->value)); });
}

ct_error ct_matmul(ct_tensor a, ct_tensor b, ct_tensor *out) {
    return guard("matmul", {a, b}, [&] { *out = wrap(at::matmul(a->value, b->value)); });
}

ct_error ct_cumsum(ct_tensor a, int64_t dim, ct_tensor *out) {
    return guard("cumsum", {a}, [&] { *out = wrap(a->value.cumsum(dim)); });
}

ct_error ct_eigh(ct_tensor a, ct_tensor *values, ct_tensor *vectors) {
    return guard("eigh", {a}, [&] {
        auto [lambda, columns] = at::linalg_eigh(a->value);
        *values = wrap(lambda);
        *vectors = wrap(columns);
    });
}

ct_error ct_solve(ct_tensor a, ct_tensor b, ct_tensor *out) {
    return guard("solve", {a, b}, [&] { *out = wrap(at::linalg_solve(a->value, b->value)); });
}

ct_error ct_reduce(ct_reduction op, ct_tensor a, const int64_t *dims, size_t count, bool keep, ct_tensor *out) {
    return guard(name(op), {a}, [&] {
        std::vector<int64_t> over(dims, dims + count);
        if (over.empty())
            for (int64_t dim = 0; dim < a->value.dim(); ++dim) over.push_back(dim);
        *out = wrap(apply(op, a->value, over, keep));
    });
}

ct_error ct_argmax(ct_tensor a, int64_t dim, bool keep, ct_tensor *out) {
    return guard("argmax", {a}, [&] { *out = wrap(a->value.argmax(dim, keep)); });
}

ct_error ct_index_select(ct_tensor a, int64_t dim, ct_tensor index, ct_tensor *out) {
    return guard("index_select", {a, index}, [&] { *out = wrap(a->value.index_select(dim, index->value)); });
}

ct_error ct_gather(ct_tensor a, int64_t dim, ct_tensor index, ct_tensor *out) {
    return guard("gather", {a, index}, [&] { *out = wrap(a->value.gather(dim, index->value)); });
}

ct_error ct_where(ct_tensor condition, ct_tensor a, ct_tensor b, ct_tensor *out) {
    return guard("where", {condition, a, b}, [&] { *out = wrap(at::where(condition->value, a->value, b->value)); });
}

ct_error ct_masked_fill(ct_tensor a, ct_tensor mask, double value, ct_tensor *out) {
    return guard("masked_fill", {a, mask}, [&] { *out = wrap(a->value.masked_fill(mask->value, value)); });
}

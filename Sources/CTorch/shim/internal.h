// The shim's shared declarations: the handle types and the guard that stops exceptions.
#pragma once

// Each source includes the operators that it calls: all of ATen would take most of its compile time.
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <exception>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "ctorch.h"

struct ct_tensor_s {
    explicit ct_tensor_s(at::Tensor tensor);
    ~ct_tensor_s();
    ct_tensor_s(const ct_tensor_s &) = delete;
    ct_tensor_s &operator=(const ct_tensor_s &) = delete;
    at::Tensor value;
};

struct ct_error_s {
    ct_error_kind_t kind;
    std::string message;
};

namespace ctorch {

// Another process has ended, or does not come.
struct CommunicationError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline ct_tensor wrap(at::Tensor tensor) { return new ct_tensor_s(std::move(tensor)); }

inline std::optional<at::Tensor> optional(ct_tensor tensor) {
    return tensor ? std::optional<at::Tensor>(tensor->value) : std::nullopt;
}

inline at::IntArrayRef sizes(const int64_t *values, size_t count) { return {values, count}; }

// A tensor's elements. `const_data_ptr<T>` would do, except that its name in the library depends on the compiler.
template <class Element>
const Element *const_data(const at::Tensor &tensor) {
    constexpr at::ScalarType wanted = c10::CppTypeToScalarType<Element>::value;
    TORCH_CHECK(tensor.scalar_type() == wanted, "expected elements of type ", wanted, ", got ", tensor.scalar_type());
    return static_cast<const Element *>(tensor.const_data_ptr());
}

// Returns true if the current CUDA device has compute capability 8.0 or above, which bfloat16, libtorch's attention for
// sequences of several lengths and this package's kernels need.
bool is_ampere();

std::vector<at::Tensor> list(const ct_tensor *tensors, size_t count);

// Returns true if a gradient of any of them is wanted.
inline bool any_requires_grad(const std::vector<at::Tensor> &tensors) {
    if (!at::GradMode::is_enabled()) return false;
    for (const at::Tensor &tensor : tensors)
        if (tensor.defined() && tensor.requires_grad()) return true;
    return false;
}

at::ScalarType scalar_type(ct_dtype dtype);
ct_dtype dtype_code(at::ScalarType type);
at::Device device(ct_device device);

// "operation(float32[2, 3], int64[4]): reason", from the exception in flight. Call it inside `catch` only.
ct_error failure(const char *operation, std::initializer_list<ct_tensor> inputs) noexcept;

// Runs `body`; an exception becomes an error that names the operation and the shapes of its inputs.
template <class Body>
ct_error guard(const char *operation, std::initializer_list<ct_tensor> inputs, Body &&body) noexcept {
    try {
        body();
        return nullptr;
    } catch (...) {
        return failure(operation, inputs);
    }
}

}  // namespace ctorch

// Int8 weights: quantizing, looking up rows, and multiplying by libtorch's own int8 kernels.

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/histc.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <mutex>
#include <string_view>

#include "internal.h"
#include "kernels/table.h"

using namespace ctorch;

namespace {

// The number of levels of an activation on each side of zero. Without VNNI, processors sum two products of 8 bits in 16 bits,
// which saturates: there activations use 7 bits.
int64_t activation_levels() { return kernels::int8_levels(); }

using Prepack = at::Tensor(at::Tensor, std::optional<c10::List<int64_t>>);
using Multiply = at::Tensor(at::Tensor, double, int64_t, at::Tensor, at::Tensor, at::Tensor, std::optional<at::Tensor>,
                            double, int64_t, std::optional<at::ScalarType>, std::string_view,
                            c10::List<std::optional<at::Scalar>>, std::string_view);

// libtorch's multiplication of uint8 by packed int8 (oneDNN's), as its own compiled models call it.
struct Kernels {
    Kernels() {
        auto prepack_op = c10::Dispatcher::singleton().findSchema({"onednn::qlinear_prepack", ""});
        auto multiply_op = c10::Dispatcher::singleton().findSchema({"onednn::qlinear_pointwise", ""});
        if (!prepack_op || !multiply_op) return;
        try {
            prepack = prepack_op->typed<Prepack>();
            multiply = multiply_op->typed<Multiply>();
            // Registered on some builds without an implementation.
            at::Tensor weight = at::ones({16, 16}, at::kChar);
            at::Tensor packed = prepack->call(weight, std::nullopt);
            call(at::ones({1, 16}, at::kByte), 1, 0, packed, at::ones({16}), std::nullopt);
            available = true;
        } catch (const std::exception &) {
        }
    }

    // float32 (rows, out): scale · (input − zero_point) · weightᵀ · scales + bias.
    at::Tensor call(const at::Tensor &input, double scale, int64_t zero_point, const at::Tensor &packed,
                    const at::Tensor &scales, const std::optional<at::Tensor> &bias) const {
        at::Tensor zeros = at::zeros({scales.numel()}, at::kLong);
        return multiply->call(input, scale, zero_point, packed, scales, zeros, bias, 1.0, 0, at::kFloat, "none",
                              c10::List<std::optional<at::Scalar>>(), "");
    }

    static const Kernels &shared() {
        static const Kernels kernels;
        return kernels;
    }

    std::optional<c10::TypedOperatorHandle<Prepack>> prepack;
    std::optional<c10::TypedOperatorHandle<Multiply>> multiply;
    bool available = false;
};

void check_quantized(const at::Tensor &values, const at::Tensor &scales) {
    TORCH_CHECK(values.scalar_type() == at::kChar && values.dim() == 2, "quantized weights must be int8 of two dimensions");
    TORCH_CHECK(scales.scalar_type() == at::kFloat && scales.numel() == values.size(0), "the scales must be float32, one for each of ",
                values.size(0), " rows");
}

// Symmetric: of each row, or of all elements.
at::Tensor largest(const at::Tensor &x, bool by_row) {
    return by_row ? x.abs().amax(-1, true) : x.abs().amax().reshape({1, 1});
}

// The scale of the elements; 1 if all are zero.
at::Tensor steps(const at::Tensor &largest, int64_t levels) {
    at::Tensor scale = largest / static_cast<double>(levels);
    return at::where(scale == 0, at::ones_like(scale), scale);
}

}  // namespace

struct ct_int8_linear_s {
    at::Tensor values, scales;  // int8 (out, in), float32 (out)

    // For libtorch's kernel; made at first use.
    at::Tensor packed() {
        std::lock_guard<std::mutex> guard(lock);
        if (!packed_.defined()) packed_ = Kernels::shared().prepack->call(values, std::nullopt);
        return packed_;
    }

    // float32 (out, in), for machines without a kernel; made at the first use on a device.
    at::Tensor widened(const at::Device &device) {
        std::lock_guard<std::mutex> guard(lock);
        if (!widened_.defined() || widened_.device() != device)
            widened_ = (values.to(at::kFloat) * scales.unsqueeze(1)).to(device);
        return widened_;
    }

  private:
    // Several threads may run one layer.
    std::mutex lock;
    at::Tensor packed_, widened_;
};

int32_t ct_int8_levels(void) { return static_cast<int32_t>(activation_levels()); }

bool ct_int8_kernels_available(void) {
    at::NoGradGuard no_grad;
    return Kernels::shared().available;
}

ct_error ct_quantize_rows(ct_tensor weight, ct_tensor *values, ct_tensor *scales) {
    return guard("quantize_rows", {weight}, [&] {
        at::NoGradGuard no_grad;
        const at::Tensor &w = weight->value;
        TORCH_CHECK(w.dim() == 2 && w.numel() > 0 && at::isFloatingType(w.scalar_type()), "needs a matrix of floating-point numbers");
        at::Tensor wide = w.to(at::kFloat);
        TORCH_CHECK(at::isfinite(wide).all().item<bool>(), "the weights are not all finite");
        at::Tensor scale = steps(largest(wide, true), 127);
        at::Tensor rounded = (wide / scale).round().clamp(-127, 127).to(at::kChar).contiguous();
        *values = wrap(rounded);
        *scales = wrap(scale.contiguous());
    });
}

ct_error ct_dequantize_rows(ct_tensor values, ct_tensor scales, ct_tensor *out) {
    return guard("dequantize_rows", {values, scales}, [&] {
        at::NoGradGuard no_grad;
        check_quantized(values->value, scales->value);
        *out = wrap(values->value.to(at::kFloat) * scales->value.reshape({-1, 1}));
    });
}

ct_error ct_fake_quantize(ct_tensor x, bool by_row, int32_t levels, ct_tensor *out) {
    return guard("fake_quantize", {x}, [&] {
        at::NoGradGuard no_grad;
        at::Tensor wide = x->value.to(at::kFloat);
        TORCH_CHECK(wide.dim() > 0 && wide.numel() > 0, "needs a tensor with elements");
        at::Tensor scale = steps(by_row ? largest(wide, true) : wide.abs().amax(), levels);
        *out = wrap(((wide / scale).round() * scale).to(x->value.scalar_type()));
    });
}

ct_error ct_histogram(ct_tensor x, int64_t bins, double low, double high, ct_tensor *out) {
    return guard("histogram", {x}, [&] {
        at::NoGradGuard no_grad;
        *out = wrap(at::histc(x->value.to(at::kCPU, at::kFloat), bins, low, high));
    });
}

ct_error ct_int8_linear_make(ct_tensor values, ct_tensor scales, ct_int8_linear *out) {
    return guard("int8_linear", {values, scales}, [&] {
        at::NoGradGuard no_grad;
        check_quantized(values->value, scales->value);
        auto layer = std::make_unique<ct_int8_linear_s>();
        layer->values = values->value.contiguous();
        layer->scales = scales->value.reshape({-1}).contiguous();
        *out = layer.release();
    });
}

void ct_int8_linear_free(ct_int8_linear layer) { delete layer; }

ct_error ct_int8_linear_run(ct_int8_linear layer, ct_tensor input, ct_tensor bias_or_null, ct_int8_input how, ct_tensor *out) {
    return guard("int8_linear", {input, bias_or_null}, [&] {
        at::NoGradGuard no_grad;
        int64_t width = layer->values.size(1), outputs = layer->values.size(0);
        TORCH_CHECK(input->value.dim() >= 1 && input->value.size(-1) == width, "the input's last dimension must be ", width);
        at::Tensor x = input->value.to(at::kFloat).reshape({-1, width});
        std::vector<int64_t> shape = input->value.sizes().vec();
        shape.back() = outputs;
        std::optional<at::Tensor> bias = optional(bias_or_null);
        const Kernels &kernels = Kernels::shared();
        bool has_kernel = x.is_cpu() && kernels.available && x.numel() > 0;
        at::Tensor weight = has_kernel ? layer->packed() : layer->widened(x.device());
        int64_t levels = has_kernel ? activation_levels() : 127, middle = levels + 1;
        at::Tensor result;
        if (how.kind == CT_INT8_STATIC) {
            // Static scales are of 8 bits; with 7 every second level is left out.
            int64_t factor = 128 / middle, zero = (how.zero_point + 128) / factor;
            double scale = how.scale * static_cast<double>(factor);
            at::Tensor steps = (x / scale).round().add_(static_cast<double>(zero)).clamp_(0, static_cast<double>(2 * middle - 1));
            result = has_kernel ? kernels.call(steps.to(at::kByte), scale, zero, weight, layer->scales, bias)
                                : at::linear((steps - static_cast<double>(zero)) * scale, weight, bias);
        } else {
            at::Tensor scale = steps(largest(x, how.kind == CT_INT8_PER_TOKEN), levels);
            at::Tensor steps = (x / scale).round();
            result = has_kernel ? kernels.call(steps.add_(static_cast<double>(middle)).to(at::kByte), 1.0, middle, weight,
                                               layer->scales, std::nullopt)
                                : at::linear(steps, weight);
            result.mul_(scale);
            if (bias) result.add_(*bias);
        }
        *out = wrap(result.reshape(shape));
    });
}

ct_error ct_int8_embedding(ct_tensor values, ct_tensor scales, ct_tensor indices, ct_tensor *out) {
    return guard("int8_embedding", {values, scales, indices}, [&] {
        at::NoGradGuard no_grad;
        check_quantized(values->value, scales->value);
        at::Tensor flat = indices->value.reshape({-1});
        std::vector<int64_t> shape = indices->value.sizes().vec();
        shape.push_back(values->value.size(1));
        at::Tensor rows = values->value.index_select(0, flat).to(at::kFloat);
        *out = wrap(rows.mul_(scales->value.reshape({-1, 1}).index_select(0, flat)).reshape(shape));
    });
}

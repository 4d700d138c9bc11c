// The measured speed of this machine: one transformer layer by each way of computing it.

#include <ATen/ops/arange.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>

#include "internal.h"
#include "parameters.h"

using namespace ctorch;

namespace {

// The layer that is measured: examples of 32 tokens, eight or one, through a layer of MiniLM's size.
constexpr int64_t batch = 8, length = 32, hidden = 384, heads = 12, inner = 1536;

void must(ct_error error) {
    if (!error) return;
    std::string message = error->message;
    ct_error_free(error);
    TORCH_CHECK(false, message);
}

// Handles of the shim's own interface, freed at the end.
struct Handles {
    std::vector<std::unique_ptr<ct_tensor_s>> owned;
    ct_tensor add(const at::Tensor &tensor) {
        owned.push_back(std::make_unique<ct_tensor_s>(tensor));
        return owned.back().get();
    }
};

// Values that are neither all equal nor random: the same measurement each time.
at::Tensor numbers(at::IntArrayRef shape, double scale) {
    int64_t count = 1;
    for (int64_t size : shape) count *= size;
    return (at::arange(count, at::kFloat).mul(0.7).sin() * scale).reshape(shape).contiguous();
}

struct Layer {
    std::vector<at::Tensor> parameters;  // in the order of ct_encoder_layer
    at::Tensor input, offsets;

    explicit Layer(int64_t examples)
        : input(numbers({examples * length, hidden}, 1)), offsets(at::arange(0, examples * length + 1, length, at::kLong)) {
        auto linear = [&](int64_t outputs, int64_t inputs) {
            parameters.push_back(numbers({outputs, inputs}, 0.05));
            parameters.push_back(at::zeros({outputs}));
        };
        auto norm = [&] {
            parameters.push_back(at::ones({hidden}));
            parameters.push_back(at::zeros({hidden}));
        };
        for (int i = 0; i < 4; ++i) linear(hidden, hidden);
        norm();
        linear(inner, hidden);
        linear(hidden, inner);
        norm();
    }

    static ct_layer_options options(bool bfloat16) {
        ct_layer_options o{};
        o.hidden = hidden;
        o.intermediate = inner;
        o.heads = heads;
        o.activation = CT_LAYER_GELU;
        o.bfloat16 = bfloat16;
        o.epsilon = 1e-12;
        return o;
    }
};

// The layer by libtorch's operations; `linear(index, x)` multiplies with the weight at that index.
template <class Linear>
at::Tensor by_libtorch(const at::Tensor &x, Linear &&linear) {
    int64_t examples = x.size(0) / length;
    auto split = [&](const at::Tensor &t) { return t.reshape({examples, length, heads, hidden / heads}).transpose(1, 2); };
    at::Tensor context = at::scaled_dot_product_attention(split(linear(query_weight, x)), split(linear(key_weight, x)), split(linear(value_weight, x)));
    context = context.transpose(1, 2).reshape({examples * length, hidden});
    auto normalize = [](const at::Tensor &t) { return at::layer_norm(t.to(at::kFloat), {hidden}); };
    at::Tensor attended = normalize(x.to(at::kFloat) + linear(output_weight, context)).to(x.scalar_type());
    at::Tensor output = linear(outer_weight, at::gelu(linear(inner_weight, attended)));
    return normalize(attended.to(at::kFloat) + output).to(x.scalar_type());
}

using Way = std::function<void()>;

Way own(std::shared_ptr<Layer> layer, std::shared_ptr<Handles> handles, bool bfloat16) {
    std::vector<ct_tensor> parameters;
    for (const at::Tensor &parameter : layer->parameters) parameters.push_back(handles->add(parameter));
    ct_tensor input = handles->add(layer->input), offsets = handles->add(layer->offsets);
    ct_packed_layer packed = nullptr;
    must(ct_pack_layer(parameters.data(), Layer::options(bfloat16), &packed));
    std::shared_ptr<ct_packed_layer_s> owner(packed, ct_packed_layer_free);
    return [=] {
        ct_tensor out = nullptr;
        must(ct_encoder_layer(input, offsets, parameters.data(), Layer::options(bfloat16), owner.get(), nullptr, &out));
        delete out;
    };
}

Way libtorch(std::shared_ptr<Layer> layer, at::ScalarType type) {
    std::vector<at::Tensor> parameters;
    for (const at::Tensor &parameter : layer->parameters) parameters.push_back(parameter.to(type));
    return [=, x = layer->input.to(type)] {
        by_libtorch(x, [&](size_t index, const at::Tensor &rows) {
            return at::linear(rows, parameters[index], parameters[index + 1]);
        });
    };
}

// Each weight's int8 values and scales.
std::vector<ct_tensor> quantized(const Layer &layer, Handles &handles, bool values) {
    std::vector<ct_tensor> result;
    for (LayerParameter index : linear_weights) {
        ct_tensor steps = nullptr, scales = nullptr;
        must(ct_quantize_rows(handles.add(layer.parameters[index]), &steps, &scales));
        handles.owned.emplace_back(steps);
        handles.owned.emplace_back(scales);
        result.push_back(values ? steps : scales);
    }
    return result;
}

Way own_int8(std::shared_ptr<Layer> layer, std::shared_ptr<Handles> handles) {
    std::vector<ct_tensor> parameters, values = quantized(*layer, *handles, true), scales = quantized(*layer, *handles, false);
    for (const at::Tensor &parameter : layer->parameters) parameters.push_back(handles->add(parameter));
    for (size_t i = 0; i < values.size(); ++i) parameters[linear_weights[i]] = values[i];
    std::vector<ct_int8_input> inputs(values.size(), ct_int8_input{CT_INT8_PER_TOKEN, 0, 0});
    ct_mixed_layer made = nullptr;
    must(ct_mixed_layer_make(parameters.data(), scales.data(), inputs.data(), Layer::options(false), &made));
    std::shared_ptr<ct_mixed_layer_s> owner(made, ct_mixed_layer_free);
    ct_tensor input = handles->add(layer->input), offsets = handles->add(layer->offsets);
    return [=] {
        ct_tensor out = nullptr;
        must(ct_mixed_layer_run(owner.get(), input, offsets, false, nullptr, &out));
        delete out;
    };
}

Way libtorch_int8(std::shared_ptr<Layer> layer, std::shared_ptr<Handles> handles) {
    std::vector<ct_tensor> values = quantized(*layer, *handles, true), scales = quantized(*layer, *handles, false);
    auto linears = std::make_shared<std::vector<std::shared_ptr<ct_int8_linear_s>>>(layer->parameters.size());
    for (size_t i = 0; i < values.size(); ++i) {
        ct_int8_linear made = nullptr;
        must(ct_int8_linear_make(values[i], scales[i], &made));
        (*linears)[linear_weights[i]] = std::shared_ptr<ct_int8_linear_s>(made, ct_int8_linear_free);
    }
    return [=] {
        by_libtorch(layer->input, [&](size_t index, const at::Tensor &rows) {
            ct_tensor_s x(rows), bias(layer->parameters[index + 1]);
            ct_tensor out = nullptr;
            must(ct_int8_linear_run((*linears)[index].get(), &x, &bias, {CT_INT8_PER_TOKEN, 0, 0}, &out));
            std::unique_ptr<ct_tensor_s> owner(out);
            return owner->value;
        });
    };
}

// Rounds of a measurement that is disturbed in each.
constexpr int most_rounds = 15;

double seconds_of(const Way &way) {
    auto start = std::chrono::steady_clock::now();
    way();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

ct_error ct_calibrate(double *seconds) {
    return guard("calibrate", {}, [&] {
        at::NoGradGuard no_grad;
        auto layer = std::make_shared<Layer>(batch), single = std::make_shared<Layer>(1);
        auto handles = std::make_shared<Handles>();
        Way ways[CT_WAYS];
        ways[CT_WAY_KERNELS_FLOAT32] = own(layer, handles, false);
        ways[CT_WAY_KERNELS_BFLOAT16] = own(layer, handles, true);
        ways[CT_WAY_KERNELS_INT8] = own_int8(layer, handles);
        ways[CT_WAY_LIBTORCH_FLOAT32] = libtorch(layer, at::kFloat);
        ways[CT_WAY_LIBTORCH_BFLOAT16] = libtorch(layer, at::kBFloat16);
        ways[CT_WAY_LIBTORCH_INT8] = libtorch_int8(layer, handles);
        ways[CT_WAY_KERNELS_INT8_SINGLE] = own_int8(single, handles);
        ways[CT_WAY_LIBTORCH_INT8_SINGLE] = libtorch_int8(single, handles);
        // In turn, so that a disturbance affects all ways alike, with several runs of each in a row: the first of them finds
        // the threads asleep and the caches full of the other ways' data, and does not count. The shortest time is the least
        // disturbed: beside other work there are more rounds, until two have found nothing clearly shorter. The first round also
        // shows which ways need not be measured further.
        std::fill(seconds, seconds + CT_WAYS, std::numeric_limits<double>::infinity());
        double first = std::numeric_limits<double>::infinity();
        for (int round = 0, settled = 0; round < most_rounds && settled < 2; ++round) {
            bool shorter = false;
            for (int way = 0; way < CT_WAYS; ++way) {
                if (round > 0 && seconds[way] > 8 * first) continue;
                double before = seconds[way];
                ways[way]();
                for (int pass = 0; pass < 3; ++pass) seconds[way] = std::min(seconds[way], seconds_of(ways[way]));
                if (way < CT_WAY_KERNELS_INT8_SINGLE) first = std::min(first, seconds[way]);
                shorter |= seconds[way] < 0.95 * before;
            }
            settled = shorter ? 0 : settled + 1;
        }
    });
}

double ct_calibration_operations(ct_way way) {
    int64_t examples = way == CT_WAY_KERNELS_INT8_SINGLE || way == CT_WAY_LIBTORCH_INT8_SINGLE ? 1 : batch;
    double linear = 2.0 * examples * length * (4 * hidden * hidden + 2 * hidden * inner);
    return linear + 4.0 * examples * length * length * hidden;
}

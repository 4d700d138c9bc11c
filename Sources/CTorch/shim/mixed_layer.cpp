// A quantized transformer layer for inference on packed sequences: connects the kernels to tensors.

#include <ATen/ops/empty.h>

#include <memory>

#include "packed.h"

using namespace ctorch;
namespace k = ctorch::kernels;

namespace {

// In the order of linear_weights.
struct MixedLinear {
    enum Index { query, key, value, output, inner, outer };
};
constexpr LayerParameter norms[] = {norm1_weight, norm1_bias, norm2_weight, norm2_bias};

// One linear layer's packed right operand, with the tensors that must outlive it.
struct Linear {
    at::Tensor words, sums, scales, bias;
    k::MixedLinear view{};

    void make(const at::Tensor &weight, const at::Tensor &given_bias, const at::Tensor *given_scales, const ct_int8_input &how) {
        TORCH_CHECK(weight.is_cpu() && weight.dim() == 2, "a weight must be a matrix on the CPU");
        int64_t outputs = weight.size(0), inputs = weight.size(1);
        TORCH_CHECK(given_bias.is_cpu() && given_bias.scalar_type() == at::kFloat && given_bias.numel() == outputs,
                    "a bias must be float32, one for each of ", outputs, " outputs");
        bias = given_bias.contiguous();
        at::Tensor matrix = weight.contiguous();
        bool is_int8 = given_scales != nullptr;
        const k::Table &table = k::table();
        if (is_int8) {
            TORCH_CHECK(weight.scalar_type() == at::kChar && given_scales->scalar_type() == at::kFloat && given_scales->numel() == outputs,
                        "an int8 weight needs a float32 scale for each of ", outputs, " outputs");
            scales = given_scales->reshape({-1}).contiguous();
            sums = at::empty({outputs}, at::kInt);
            words = at::empty({table.int8_words(outputs, inputs)}, at::kInt);
            table.pack_int8(const_data<int8_t>(matrix), outputs, inputs, word_data(words),
                            sums.mutable_data_ptr<int32_t>());
        } else {
            TORCH_CHECK(weight.scalar_type() == at::kFloat, "a weight must be float32 or int8");
            words = at::empty({table.packed_words(false, outputs, inputs)}, at::kInt);
            table.pack(false, true, data(matrix), outputs, inputs, word_data(words));
        }
        view = {.inputs = inputs,
                .outputs = outputs,
                .is_int8 = is_int8,
                .words = static_cast<const uint32_t *>(words.const_data_ptr()),
                .bias = data(bias),
                .scales = is_int8 ? data(scales) : nullptr,
                .sums = is_int8 ? const_data<int32_t>(sums) : nullptr,
                .fixed = how.kind == CT_INT8_STATIC,
                .input_scale = static_cast<float>(how.scale),
                .input_zero = static_cast<int32_t>(how.zero_point)};
    }
};

}  // namespace

struct ct_mixed_layer_s {
    ct_layer_options options;
    Linear linear[linear_count];
    at::Tensor norms[4];
};

int32_t ct_mixed_levels(void) { return static_cast<int32_t>(k::table().int8_steps); }

ct_error ct_mixed_layer_make(const ct_tensor *parameters, const ct_tensor *scales, const ct_int8_input *inputs,
                             ct_layer_options options, ct_mixed_layer *out) {
    return guard("mixed_layer", {parameters[0]}, [&] {
        at::NoGradGuard no_grad;
        check_heads(options);
        auto layer = std::make_unique<ct_mixed_layer_s>();
        layer->options = options;
        int64_t h = options.hidden, i = options.intermediate;
        const int64_t sizes[linear_count][2] = {{h, h}, {h, h}, {h, h}, {h, h}, {i, h}, {h, i}};
        for (int index = 0; index < linear_count; ++index) {
            const at::Tensor &weight = parameters[linear_weights[index]]->value;
            TORCH_CHECK(weight.sizes() == at::IntArrayRef(sizes[index]), "a weight has the shape ", weight.sizes(), ", ",
                        at::IntArrayRef(sizes[index]), " is needed");
            layer->linear[index].make(weight, parameters[linear_weights[index] + 1]->value,
                                      scales[index] ? &scales[index]->value : nullptr, inputs[index]);
        }
        for (int index = 0; index < 4; ++index) {
            const at::Tensor &norm = parameters[norms[index]]->value;
            TORCH_CHECK(norm.is_cpu() && norm.scalar_type() == at::kFloat && norm.numel() == h, "a norm must be float32 (", h, ")");
            layer->norms[index] = norm.contiguous();
        }
        *out = layer.release();
    });
}

void ct_mixed_layer_free(ct_mixed_layer layer) { delete layer; }

ct_error ct_mixed_layer_run(ct_mixed_layer layer, ct_tensor input, ct_tensor offsets, bool first_only, ct_tensor position_bias, ct_tensor *out) {
    return guard("mixed_layer", {input, offsets}, [&] {
        at::NoGradGuard no_grad;
        const ct_layer_options &o = layer->options;
        const at::Tensor &x = input->value, &starts = offsets->value;
        TORCH_CHECK(x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 2 && x.size(1) == o.hidden && x.is_contiguous(),
                    "the input must be float32 (tokens, ", o.hidden, ") on the CPU");
        check_offsets(starts, x.size(0));
        k::Shape shape = kernel_shape(o);
        shape.first_only = first_only;
        k::Sequences at = sequences(starts);
        int64_t tokens = at.tokens(), queries = first_only ? at.count : tokens, h = o.hidden;
        at::Tensor result = floats({queries, h}), query_rows = floats({queries, h}), context = floats({queries, h});
        at::Tensor key_value = floats({tokens, 2 * h});
        const Linear *l = layer->linear;
        k::table().mixed_forward({.shape = shape,
                                  .sequences = at,
                                  .query = l[MixedLinear::query].view,
                                  .key = l[MixedLinear::key].view,
                                  .value = l[MixedLinear::value].view,
                                  .output_linear = l[MixedLinear::output].view,
                                  .inner = l[MixedLinear::inner].view,
                                  .outer = l[MixedLinear::outer].view,
                                  .norm1_weight = data(layer->norms[0]),
                                  .norm1_bias = data(layer->norms[1]),
                                  .norm2_weight = data(layer->norms[2]),
                                  .norm2_bias = data(layer->norms[3]),
                                  .query_memory = mutable_data(query_rows),
                                  .key_value_memory = mutable_data(key_value),
                                  .context_memory = mutable_data(context),
                                  .input = data(x),
                                  .output = mutable_data(result),
                                  .positions = relative_positions(position_bias, o, starts)});
        *out = wrap(result);
    });
}

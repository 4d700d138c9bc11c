// A transformer layer for inference with int8 weights on packed sequences: ties the kernels to tensors.

#include <ATen/ATen.h>

#include "internal.h"
#include "kernels/table.h"

using namespace ctorch;
namespace k = ctorch::kernels;

namespace {

// The linear layers of a layer, as their parameters stand among all.
constexpr int linear_places[] = {0, 2, 4, 6, 10, 12};
constexpr int linear_count = 6;

const float *data(const at::Tensor &tensor) { return ctorch::const_data<float>(tensor); }

// One linear layer's right operand, with what must live as long.
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
            table.pack_int8(ctorch::const_data<int8_t>(matrix), outputs, inputs, static_cast<uint32_t *>(words.mutable_data_ptr()),
                            sums.mutable_data_ptr<int32_t>());
        } else {
            TORCH_CHECK(weight.scalar_type() == at::kFloat, "a weight must be float32 or int8");
            words = at::empty({table.packed_words(false, outputs, inputs)}, at::kInt);
            table.pack(false, true, data(matrix), outputs, inputs, static_cast<uint32_t *>(words.mutable_data_ptr()));
        }
        view = {inputs, outputs, is_int8, static_cast<const uint32_t *>(words.const_data_ptr()), data(bias),
                is_int8 ? data(scales) : nullptr, is_int8 ? ctorch::const_data<int32_t>(sums) : nullptr,
                how.kind == CT_INT8_STATIC, static_cast<float>(how.scale), static_cast<int32_t>(how.zero_point)};
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
        TORCH_CHECK(options.hidden > 0 && options.heads > 0 && options.hidden % options.heads == 0, "the hidden size ",
                    options.hidden, " must be a multiple of the ", options.heads, " heads");
        auto layer = std::make_unique<ct_mixed_layer_s>();
        layer->options = options;
        int64_t h = options.hidden, i = options.intermediate;
        const int64_t sizes[linear_count][2] = {{h, h}, {h, h}, {h, h}, {h, h}, {i, h}, {h, i}};
        for (int place = 0; place < linear_count; ++place) {
            const at::Tensor &weight = parameters[linear_places[place]]->value;
            TORCH_CHECK(weight.sizes() == at::IntArrayRef(sizes[place]), "a weight has the shape ", weight.sizes(), ", ",
                        at::IntArrayRef(sizes[place]), " is needed");
            layer->linear[place].make(weight, parameters[linear_places[place] + 1]->value,
                                      scales[place] ? &scales[place]->value : nullptr, inputs[place]);
        }
        const int norm_places[] = {8, 9, 14, 15};
        for (int place = 0; place < 4; ++place) {
            const at::Tensor &norm = parameters[norm_places[place]]->value;
            TORCH_CHECK(norm.is_cpu() && norm.scalar_type() == at::kFloat && norm.numel() == h, "a norm must be float32 (", h, ")");
            layer->norms[place] = norm.contiguous();
        }
        *out = layer.release();
    });
}

void ct_mixed_layer_free(ct_mixed_layer layer) { delete layer; }

ct_error ct_mixed_layer_run(ct_mixed_layer layer, ct_tensor input, ct_tensor offsets, bool first_only, ct_tensor *out) {
    return guard("mixed_layer", {input, offsets}, [&] {
        at::NoGradGuard no_grad;
        const ct_layer_options &o = layer->options;
        const at::Tensor &x = input->value, &starts = offsets->value;
        TORCH_CHECK(x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 2 && x.size(1) == o.hidden && x.is_contiguous(),
                    "the input must be float32 (tokens, ", o.hidden, ") on the CPU");
        TORCH_CHECK(starts.is_cpu() && starts.scalar_type() == at::kLong && starts.dim() == 1 && starts.numel() >= 2,
                    "the offsets must be a vector of at least two int64");
        const int64_t *at = ctorch::const_data<int64_t>(starts);
        int64_t count = starts.numel() - 1, tokens = x.size(0);
        TORCH_CHECK(at[0] == 0 && at[count] == tokens, "the offsets must lead from 0 to ", tokens);
        for (int64_t i = 0; i < count; ++i) TORCH_CHECK(at[i] < at[i + 1], "example ", i, " has no token");
        int64_t queries = first_only ? count : tokens, h = o.hidden;
        at::Tensor output = at::empty({queries, h}, at::kFloat);
        at::Tensor query = at::empty({queries, h}, at::kFloat), key_value = at::empty({tokens, 2 * h}, at::kFloat);
        at::Tensor context = at::empty({queries, h}, at::kFloat);
        const Linear *l = layer->linear;
        k::table().mixed_forward(
            {{h, o.intermediate, o.heads, static_cast<k::Activation>(o.activation), static_cast<float>(o.epsilon), first_only},
             {at, count}, l[0].view, l[1].view, l[2].view, l[3].view, l[4].view, l[5].view, data(layer->norms[0]),
             data(layer->norms[1]), data(layer->norms[2]), data(layer->norms[3]), query.mutable_data_ptr<float>(),
             key_value.mutable_data_ptr<float>(), context.mutable_data_ptr<float>(), data(x), output.mutable_data_ptr<float>()});
        *out = wrap(output);
    });
}

// Functions of layers, and losses.

#include <ATen/core/Reduction.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cdist.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/kl_div.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include "internal.h"

using namespace ctorch;

ct_error ct_softmax(ct_tensor a, int64_t dim, ct_tensor *out) {
    return guard("softmax", {a}, [&] { *out = wrap(a->value.softmax(dim)); });
}

ct_error ct_log_softmax(ct_tensor a, int64_t dim, ct_tensor *out) {
    return guard("log_softmax", {a}, [&] { *out = wrap(a->value.log_softmax(dim)); });
}

ct_error ct_linear(ct_tensor input, ct_tensor weight, ct_tensor bias, ct_tensor *out) {
    return guard("linear", {input, weight, bias},
                 [&] { *out = wrap(at::linear(input->value, weight->value, optional(bias))); });
}

ct_error ct_embedding(ct_tensor weight, ct_tensor indices, int64_t padding_index, ct_tensor *out) {
    return guard("embedding", {weight, indices},
                 [&] { *out = wrap(at::embedding(weight->value, indices->value, padding_index)); });
}

ct_error ct_layer_norm(ct_tensor input, ct_tensor weight, ct_tensor bias, double epsilon, ct_tensor *out) {
    return guard("layer_norm", {input, weight, bias}, [&] {
        *out = wrap(at::layer_norm(input->value, weight->value.sizes(), weight->value, bias->value, epsilon));
    });
}

ct_error ct_rms_norm(ct_tensor input, ct_tensor weight, double epsilon, ct_tensor *out) {
    return guard("rms_norm", {input, weight}, [&] {
        *out = wrap(at::rms_norm(input->value, weight->value.sizes(), weight->value, epsilon));
    });
}

ct_error ct_causal_attention(ct_tensor query, ct_tensor key, ct_tensor value, const int64_t *offsets, size_t count,
                             int64_t window, double scale, ct_tensor *out) {
    return guard("causal_attention", {query, key, value}, [&] {
        TORCH_CHECK(query->value.dim() == 3 && key->value.dim() == 3, "needs queries and keys of shape (tokens, heads, size)");
        std::vector<at::Tensor> parts;
        int64_t past = count == 1 ? key->value.size(0) - query->value.size(0) : 0;
        for (size_t i = 0; i < count; ++i) {
            int64_t start = offsets[i], length = offsets[i + 1] - start;
            auto part = [&](ct_tensor all, int64_t more = 0) {
                return all->value.narrow(0, start, length + more).transpose(0, 1).unsqueeze(0);
            };
            std::optional<at::Tensor> mask;
            if (past > 0 || (window > 0 && length > window)) {
                // A token attends to itself and to the window - 1 tokens before it.
                at::Tensor all = at::ones({length, past + length}, query->value.options().dtype(at::kBool));
                mask = all.tril(past);
                if (window > 0) mask = mask->logical_and(all.triu(past + 1 - window));
            }
            at::Tensor attended = at::scaled_dot_product_attention(part(query), part(key, past), part(value, past), mask, 0.0,
                                                                   /*is_causal=*/!mask.has_value(), scale,
                                                                   /*enable_gqa=*/true);
            parts.push_back(attended.squeeze(0).transpose(0, 1));
        }
        *out = wrap(at::cat(parts));
    });
}

ct_error ct_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor mask, ct_tensor *out) {
    return guard("scaled_dot_product_attention", {query, key, value, mask}, [&] {
        *out = wrap(at::scaled_dot_product_attention(query->value, key->value, value->value, optional(mask)));
    });
}

ct_error ct_cross_entropy(ct_tensor logits, ct_tensor targets, ct_tensor class_weights, int64_t ignore_index,
                          double label_smoothing, ct_tensor *out) {
    return guard("cross_entropy", {logits, targets, class_weights}, [&] {
        *out = wrap(at::cross_entropy_loss(logits->value, targets->value, optional(class_weights), at::Reduction::Mean,
                                           ignore_index, label_smoothing));
    });
}

ct_error ct_kl_div_batch_mean(ct_tensor input_log, ct_tensor target_log, ct_tensor *out) {
    return guard("kl_div", {input_log, target_log}, [&] {
        TORCH_CHECK(input_log->value.sizes() == target_log->value.sizes(), "the shapes differ");
        TORCH_CHECK(input_log->value.dim() == 2, "needs log-probabilities of shape (batch, classes)");
        at::Tensor sum = at::kl_div(input_log->value, target_log->value, at::Reduction::Sum, /*log_target=*/true);
        *out = wrap(sum / input_log->value.size(0));
    });
}

ct_error ct_mse_loss(ct_tensor input, ct_tensor target, ct_tensor *out) {
    return guard("mse_loss", {input, target}, [&] {
        TORCH_CHECK(input->value.sizes() == target->value.sizes(), "the shapes differ");
        *out = wrap(at::mse_loss(input->value, target->value));
    });
}

ct_error ct_binary_cross_entropy_with_logits(ct_tensor input, ct_tensor target, ct_tensor weights,
                                             ct_tensor positive_weights, ct_tensor *out) {
    return guard("binary_cross_entropy_with_logits", {input, target, weights, positive_weights}, [&] {
        TORCH_CHECK(input->value.sizes() == target->value.sizes(), "the shapes differ");
        *out = wrap(at::binary_cross_entropy_with_logits(input->value, target->value, optional(weights),
                                                         optional(positive_weights), at::Reduction::None));
    });
}

ct_error ct_cdist(ct_tensor a, ct_tensor b, ct_tensor *out) {
    return guard("cdist", {a, b}, [&] {
        // Mode 2: never by a matrix product, whose rounding error spoils small distances.
        *out = wrap(at::cdist(a->value, b->value, 2.0, 2));
    });
}

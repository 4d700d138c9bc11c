#include "composed_layer.h"
#include "composed_products.h"

#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

namespace ctorch {

namespace {

// Gradients of the joint matrix from part `first` on, written to the parameters they belong to.
void split(std::vector<at::Tensor> &gradients, const at::Tensor &weight, const at::Tensor &bias, int64_t h, int64_t first) {
    for (int64_t part = first; part < 3; ++part) {
        gradients[static_cast<size_t>(query_weight + 2 * part)] = weight.narrow(0, (part - first) * h, h);
        gradients[static_cast<size_t>(query_bias + 2 * part)] = bias.narrow(0, (part - first) * h, h);
        // See packed_layer.cpp.
        if (query_bias + 2 * part == key_bias) gradients[key_bias].zero_();
    }
}

}  // namespace

Hidden layer_forward(LayerPass &s, const Hidden &input, const std::vector<at::Tensor> &p, bool training) {
    const ct_composed_layer_s &w = *s.weights;
    const ct_layer_options &o = s.options;
    int64_t h = o.hidden;
    at::Tensor x = input.typed.defined() ? input.typed : input.wide.to(w.type);
    at::Tensor residual = input.wide, query, key, value;
    if (o.first_only) {
        at::Tensor firsts = s.firsts();
        residual = input.wide.index_select(0, firsts);
        query = at::addmm(w.joint_bias.narrow(0, 0, h), x.index_select(0, firsts), w.joint.narrow(0, 0, h).t());
        at::Tensor rest = at::addmm(w.joint_bias.narrow(0, h, 2 * h), x, w.joint.narrow(0, h, 2 * h).t());
        key = rest.narrow(1, 0, h), value = rest.narrow(1, h, h);
    } else {
        at::Tensor all = at::addmm(w.joint_bias, x, w.joint.t());
        query = all.narrow(1, 0, h), key = all.narrow(1, h, h), value = all.narrow(1, 2 * h, h);
    }
    attend(s.attention, query, key, value, s.form(), s.sequences, s.attention_call());
    at::Tensor attended = at::addmm(w.output_bias, s.attention.output, w.output.t());
    NormForward norm1 = residual_norm(attended, residual, p[norm1_weight], p[norm1_bias], o.epsilon, s.call1(), training);
    if (!norm1.typed.defined()) norm1.typed = norm1.output;
    at::Tensor inner = at::addmm(w.inner_bias, norm1.typed, w.inner.t());
    at::Tensor outer = at::addmm(w.outer_bias, activation(o.activation, inner), w.outer.t());
    NormForward norm2 = residual_norm(outer, norm1.output, p[norm2_weight], p[norm2_bias], o.epsilon, s.call2(), training);
    Hidden result{norm2.output, norm2.typed};
    if (training) {
        s.input = x, s.inner = inner, s.has_typed = input.typed.defined();
        // The backward pass reads the first norm's rows only in the weights' type.
        norm1.output.reset();
        norm2.output.reset();
        norm2.typed.reset();
        s.norm1 = norm1, s.norm2 = norm2;
    }
    return result;
}

Hidden layer_backward(LayerPass &s, const Hidden &gradient, const std::vector<at::Tensor> &p, std::vector<at::Tensor> &gradients) {
    const ct_composed_layer_s &w = *s.weights;
    const ct_layer_options &o = s.options;
    int64_t h = o.hidden;
    NormBackward norm2 = residual_norm_backward(s.norm2, gradient.wide, gradient.typed, w.type, p[norm2_weight], p[norm2_bias], s.call2());
    s.norm2 = {};
    gradients[norm2_weight] = norm2.weight, gradients[norm2_bias] = norm2.bias, gradients[outer_bias] = norm2.y_bias;

    ActivationBackward inner = activation_backward(o.activation, s.inner, at::mm(norm2.y, w.outer));
    s.inner.reset();
    gradients[inner_bias] = inner.sums;
    gradients[outer_weight] = wide_product(norm2.y.t(), inner.output);
    gradients[inner_weight] = wide_product(inner.gradient.t(), s.norm1.typed);
    at::Tensor attended = at::mm(inner.gradient, w.inner);
    inner = {};

    s.norm1.typed.reset();
    NormBackward norm1 = residual_norm_backward(s.norm1, norm2.residual, attended, w.type, p[norm1_weight], p[norm1_bias], s.call1());
    s.norm1 = {};
    gradients[norm1_weight] = norm1.weight, gradients[norm1_bias] = norm1.bias, gradients[output_bias] = norm1.y_bias;

    gradients[output_weight] = wide_product(norm1.y.t(), s.attention.output);
    auto [query, key, value] =
        attend_backward(s.attention, at::mm(norm1.y, w.output), s.form(), s.sequences, s.attention_call());
    s.attention = {};

    Hidden input;
    if (o.first_only) {
        at::Tensor firsts = s.firsts(), x = s.input;
        at::Tensor rest = at::cat({key, value}, 1);
        split(gradients, wide_product(rest.t(), x), column_sums(rest), h, 1);
        gradients[query_weight] = wide_product(query.t(), x.index_select(0, firsts));
        gradients[query_bias] = column_sums(query);
        input.typed = at::mm(rest, w.joint.narrow(0, h, 2 * h));
        at::Tensor first = norm1.residual + at::mm(query, w.joint.narrow(0, 0, h));
        input.wide = at::zeros({x.size(0), h}, first.options());
        input.wide.index_copy_(0, firsts.to(at::kLong), first);
    } else {
        at::Tensor all = at::cat({query, key, value}, 1);
        split(gradients, wide_product(all.t(), s.input), column_sums(all), h, 0);
        input.wide = norm1.residual;
        input.typed = at::mm(all, w.joint);
    }
    s.input.reset();
    if (!s.has_typed) {
        // Without a typed input both gradients are those of the only input.
        input.wide = input.wide + input.typed;
        input.typed.reset();
    }
    return input;
}

}  // namespace ctorch

using namespace ctorch;

ct_composed_layer_s::ct_composed_layer_s(const std::vector<at::Tensor> &p, const ct_layer_options &o)
    : type(o.bfloat16 ? at::kBFloat16 : at::kFloat) {
    at::NoGradGuard no_grad;
    int64_t h = o.hidden, i = o.intermediate;
    auto options = p[query_weight].options().dtype(type).requires_grad(false);
    joint = at::empty({3 * h, h}, options), joint_bias = at::empty({3 * h}, options);
    output = at::empty({h, h}, options), output_bias = at::empty({h}, options);
    inner = at::empty({i, h}, options), inner_bias = at::empty({i}, options);
    outer = at::empty({h, i}, options), outer_bias = at::empty({h}, options);
    for (int64_t part = 0; part < 3; ++part) {
        copies.push_back(joint.narrow(0, part * h, h));
        copies.push_back(joint_bias.narrow(0, part * h, h));
    }
    for (const at::Tensor &tensor : {output, output_bias, inner, inner_bias, outer, outer_bias}) copies.push_back(tensor);
    refresh(p);
}

void ct_composed_layer_s::refresh(const std::vector<at::Tensor> &p) {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> sources(p.begin(), p.begin() + norm1_weight);
    sources.insert(sources.end(), p.begin() + inner_weight, p.begin() + norm2_weight);
    at::_foreach_copy_(copies, sources);
    ++generation;
    version = version_of(p);
}

void ct_composed_layer_s::refresh_if_changed(const std::vector<at::Tensor> &p) {
    if (version != version_of(p)) refresh(p);
}

uint64_t ct_composed_layer_s::version_of(const std::vector<at::Tensor> &p) {
    uint64_t sum = 1;
    for (const at::Tensor &tensor : p) sum = sum * 31 + static_cast<uint64_t>(tensor._version());
    return sum;
}

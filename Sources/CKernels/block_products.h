// Products of layers whose weights are in blocks.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "ckernels.h"
#include "kernels/table.h"

namespace ctorch {

inline kernels::BlockPart block_part(const ck_linear &linear, float *output) {
    return {.outputs = linear.outputs, .form = static_cast<kernels::BlockForm>(linear.form), .panels = linear.panels, .bias = linear.bias, .output = output};
}

// Quantizes rows (R, K), and multiplies them by parts.
void multiply_blocks(int64_t rows, int64_t length, const float *input, std::initializer_list<kernels::BlockPart> parts, const float *residual = nullptr);
// The same of a gate, whose activation is multiplied by the other part, into the gate's output.
void multiply_gated_blocks(int64_t rows, int64_t length, const float *input, const kernels::BlockPart &gate, const kernels::BlockPart &up,
                           kernels::Activation activation);

// True if all linear layers of a decoder's layer are in blocks, between norms by the root mean square, with a gate.
bool is_in_blocks(const ck_decoder_layer &layer);
// Such a layer.
void compute_in_blocks(const ck_decoder_layer &layer, const kernels::CausalShape &shape, kernels::Sequences at, const kernels::CachedText *texts,
                       const float *input, float *output);

}  // namespace ctorch

// The order in which the parameters of layers and embeddings are passed.
#pragma once

#include "ctorch.h"

namespace ctorch {

enum LayerParameter {
    query_weight, query_bias, key_weight, key_bias, value_weight, value_bias, output_weight, output_bias,
    norm1_weight, norm1_bias, inner_weight, inner_bias, outer_weight, outer_bias, norm2_weight, norm2_bias,
    layer_parameters,
};
static_assert(int{layer_parameters} == int{CT_LAYER_PARAMETERS});

// The weights of a layer's linear layers; each is followed by its bias.
constexpr LayerParameter linear_weights[] = {query_weight, key_weight, value_weight, output_weight, inner_weight, outer_weight};
constexpr int linear_count = 6;

enum EmbeddingParameter { word_table, position_table, type_table, norm_weight, norm_bias, embedding_parameters };

}  // namespace ctorch

// The buffers of a thread's scratch memory, by purpose.
#pragma once

namespace ctorch {

// Tasks never run within one another, so those of different kinds share buffers; but a thread runs tasks while it holds the
// data of its own call, so a call's buffers differ from any task's.
enum class Slot : int {
    // A block of rows: the left operand, its intermediate results in the feed-forward network, the product, the residual
    // stream, gathered inputs; in int8 layers also a panel's bytes, the rows' scales, and the activations.
    block_left = 0,
    block_inner = 1,
    block_values = 2,
    block_attended = 3,
    block_inputs = 4,
    block_bytes = 5,
    block_scales = 6,
    block_activated = 7,
    // One head's attention.
    head_queries = 0,
    head_keys = 1,
    head_values = 2,
    head_scores = 3,
    head_weights = 4,
    // What distances add to its scores: their keys and queries, packed, and the products with the head's queries and keys.
    head_distance_keys = 5,
    head_distance_queries = 6,
    head_distance_scores = 7,
    head_key_scores = 8,
    // The same in the backward pass: the contexts' gradients, a panel of scores and of their gradients, all weights and all
    // scores' gradients, and both operands of the products after it.
    attention_backward_contexts = 3,
    attention_backward_scores = 4,
    attention_backward_score_panel = 5,
    attention_backward_weights = 6,
    attention_backward_all_scores = 7,
    attention_backward_left = 8,
    attention_backward_right = 9,
    // The fused loss: a panel of the output layer, its elements as floats, both operands of a product of the gradients, one
    // row's probabilities.
    loss_panel = 0,
    loss_floats = 1,
    loss_left = 2,
    loss_right = 3,
    loss_row = 4,
    // A token's embedding.
    embedding_row = 0,
    last_of_task = 9,

    // Few rows that all threads share.
    call_values = 10,
    call_attended = 11,
    call_inner = 12,
    call_inputs = 13,
    call_starts = 15,
    // A layer's gradients, as BackwardBuffers names them.
    gradient_outer = 16,
    gradient_inner = 17,
    gradient_attended = 18,
    gradient_output = 19,
    gradient_context = 20,
    gradient_query = 21,
    gradient_key_value = 22,
    gradient_residual = 23,
    // The contribution of each block to a sum over rows; gathered inputs; the right operands of the weights' gradients.
    call_partials = 24,
    gradient_inputs = 25,
    gradient_right = 26,
    // The embeddings' gradients.
    gradient_embeddings = 16,
    // Decoders' attention: rotated queries and keys, and the sums of their gradients.
    causal_query = 27,
    causal_key = 28,
    causal_gradients = 29,
    // Rows that a BLAS multiplies, and their products (blas.inl).
    blas_left = 30,
    blas_tile = 31,
    // A head of a token, normalized.
    causal_row = 32,
    // A panel of a right operand of 16 bits, widened.
    widened = 33,
    count = 34,
};
static_assert(Slot::last_of_task < Slot::call_values);

}  // namespace ctorch

// The shim's autograd nodes as one translation unit, apart from the rest: autograd's headers take fifteen seconds.

#include "shim/composed_decoder_node.cpp"
#include "shim/composed_encoder.cpp"
#include "shim/composed_nodes.cpp"
#include "shim/decoder_graphs.cpp"
#include "shim/decoder_nodes.cpp"
#include "shim/dropout.cpp"
#include "shim/fused_loss.cpp"
#include "shim/graph_pool.cpp"
#include "shim/packed_embeddings.cpp"
#include "shim/packed_layer.cpp"
#include "shim/projection_nodes.cpp"
#include "shim/rows_linear.cpp"

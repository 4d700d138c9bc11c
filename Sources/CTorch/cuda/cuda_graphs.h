// Captured CUDA graphs, through PyTorch's own class: a plain C interface. The library behind it (cuda_graphs.cpp) is built
// against one version of libtorch's headers; the program loads it if it runs with that version.
#ifndef CG_CUDA_GRAPHS_H
#define CG_CUDA_GRAPHS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CG_ABI_VERSION 1

typedef struct cg_graph_s *cg_graph;
// Memory shared by graphs that are never replayed at the same time.
typedef struct {
    uint64_t first, second;
} cg_pool;

int cg_abi_version(void);
// The version of libtorch that the library was built for, as "2.11.0".
const char *cg_torch_version(void);
cg_pool cg_new_pool(void);
// Captures the operations that `body(context)` launches on the device, without running them. Returns 0, or another number with
// the reason in `message`; `body` may throw.
int cg_capture(int device, cg_pool pool, void (*body)(void *), void *context, cg_graph *out, char *message, size_t length);
// Runs it on the current stream.
int cg_replay(cg_graph graph, char *message, size_t length);
void cg_free(cg_graph graph);

#ifdef __cplusplus
}
#endif

#endif

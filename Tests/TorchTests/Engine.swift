import Testing

/// The parent of every suite here, so that they run one after another: libtorch has one thread pool and one
/// count of live tensors per process.
@Suite("Torch", .serialized)
enum Engine {}

import Storage

/// What a server takes, by the names and defaults of text-embeddings-inference where it has them.
public struct ServingLimits: Sendable {
    /// Requests that are read, wait or are computed at the same time; further ones are refused at once.
    public var maxConcurrentRequests = 512
    /// The tokens of a batch.
    public var maxBatchTokens = 16384
    /// The inputs of a request.
    public var maxClientBatchSize = 32
    /// True to cut texts that are too long where a request does not say.
    public var autoTruncate = false
    /// Threads that tokenize large requests.
    public var tokenizationWorkers = Processors.activeCount
    /// A request whose inputs are not begun after this time is an error.
    public var requestTimeout: Duration = .seconds(30)
    /// The bytes of a body.
    public var maxBodyBytes = 2_000_000

    public init() {}
}

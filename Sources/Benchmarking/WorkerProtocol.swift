/// A request of the benchmark to a worker: a line of JSON, keys in snake case.
///
/// A worker is a process of one model. It answers each line with a line, a ``WorkerAnswer``, and ends when its input
/// ends; between lines it sleeps in `read`. `onnx_worker.py` speaks the same.
struct WorkerRequest: Codable, Equatable, Sendable {
    enum Command: String, Codable, Sendable {
        /// Load `model` with `threads` and `precision`.
        case load
        /// The same for a language model.
        case loadLanguageModel = "load_language_model"
        /// Read `batch` prompts of `length` tokens, the first of `inputs`, and write `newTokens` tokens after each, `passes` times.
        case generate
        /// Take `inputs` of `batch` sentences of `length` tokens, and run them until the times are stable.
        case warm
        /// Run the inputs `passes` times, after one that is not timed.
        case run
        /// Take the sentences of `file`, a ``TokenFile``, in batches of `batch`.
        case texts
        /// Run all sentences once.
        case bulk
        /// Run all sentences once and write their logits, row by row as little-endian float32, to `file`.
        case logits
    }

    var command: Command
    var model: String?
    var threads: Int?
    var precision: String?
    var batch: Int?
    var length: Int?
    /// Several batches, used in turn: token ids, sentence after sentence.
    var inputs: [[Int32]]?
    var passes: Int?
    var file: String?
    var newTokens: Int?
}

/// A worker's answer; values that were not asked for are absent.
struct WorkerAnswer: Codable, Equatable, Sendable {
    /// The reason why the request could not be met; the worker ends.
    var error: String?
    /// The runtime of the model, such as `ONNX Runtime 1.27.0`.
    var runtime: String?
    var parameters: Int?
    /// The number of logits, known once there were some.
    var classes: Int?
    /// From the request to load until the model was ready for its first input.
    var loadSeconds: Double?
    /// The times of the passes, in seconds.
    var seconds: [Double]?
    var passes: Int?
    var isStable: Bool?
    /// The largest resident size so far, in bytes.
    var peakMemory: Int?
    /// The processor time of all threads when the request came, and when it was met.
    var cpuBefore: Double?
    var cpuAfter: Double?
    /// The tokens that a language model knows, and the most that it reads.
    var vocabulary: Int?
    var positions: Int?
}

import Tokenizers
import Torch
import Transformers

/// The teacher's vectors of a static student's tokens, of which those in the cache are not computed again: each is the mean of the last
/// hidden states of the token alone with its special tokens.
struct TokenVectors {
    let teacher: StaticTeacher
    /// The teacher's precision.
    let precision: Precision
    let cache: CacheOptions
    let log: RunLog

    /// The tokens that are read at once. The composition of a batch can change the last bits of its vectors, so it depends on the
    /// vocabulary alone, and a batch is taken from the cache as a whole or not at all.
    private static let batchSize = 256

    /// Takes vectors from the cache, computes the others and keeps them.
    ///
    /// - Returns: (V, H) float32 on the CPU, one row for each token.
    /// - Throws: ``InterruptedError`` where the log says to stop: what was computed is kept; ``DistillationError`` for hidden states that
    ///   are not finite; `FileError`; `TorchError`; the errors of a forward pass.
    func rows() throws -> Tensor {
        let store = try keptVectors()
        // Vectors that were computed before an error, or a stop, are kept too.
        defer {
            try? store?.flush()
            for warning in store?.warnings ?? [] { log.warnOnce(warning) }
        }
        return try log.phase("Teacher's vectors of \(teacher.vocabulary.count) tokens") {
            try rows(in: store)
        }
    }

    /// The cache's vectors of the teacher; `nil` where none are to be kept.
    private func keptVectors() throws -> OutputStore? {
        guard cache.teacherOutputs else { return nil }
        let identity = try TeacherIdentity(
            teacher, precision: precision, memo: DigestMemo(root: cache.root))
        return OutputStore(root: cache.root, identity: identity)
    }

    private func rows(in store: OutputStore?) throws -> Tensor {
        let count = teacher.vocabulary.count
        var parts: [Tensor] = []
        var cached = 0
        for start in stride(from: 0, to: count, by: Self.batchSize) {
            let batch = start..<min(start + Self.batchSize, count)
            let keys = store == nil ? [] : inputKeys(batch)
            if let kept = try store?.rows(of: keys) {
                parts.append(try Tensor(kept, shape: [batch.count, teacher.width]))
                cached += batch.count
            } else {
                let vectors = try computed(batch)
                try store?.append(keys, vectors.array(of: Float.self))
                parts.append(vectors)
            }
            if log.shouldStop() {
                throw InterruptedError(
                    store?.isPersistent == true
                        ? "the teacher's vectors of \(batch.upperBound) tokens are kept, and no model was saved"
                        : "the tokens were not read to their end, and nothing was saved")
            }
            log.progress(batch.upperBound, of: count, unit: "token")
        }
        if let store {
            try store.flush()
            if cached < count { store.compact() }
            store.release()
            log.send(
                .note(
                    "\(cached) of the teacher's \(count) vectors of tokens came from the cache, \(count - cached) were computed."
                ))
        }
        return try Tensor.concatenated(parts)
    }

    /// The keys of what the teacher reads of some tokens.
    private func inputKeys(_ batch: Range<Int>) -> [ExampleKey] {
        var (example, scratch) = (EncodedExample(), [UInt8]())
        return batch.map { row in
            example.inputIDs = teacher.vocabulary.input(row: row)
            return ExampleKey(example, scratch: &scratch)
        }
    }

    private func computed(_ batch: Range<Int>) throws -> Tensor {
        let vocabulary = teacher.vocabulary
        let input = PackedInput(
            inputIDs: batch.flatMap(vocabulary.input),
            offsets: (0...batch.count).map { $0 * vocabulary.inputLength })
        let states = try withNoGrad {
            try teacher.model(input, ForwardOptions(precision: precision, stopsBeforeHead: true)).rows
        }
        let shape = [batch.count, vocabulary.inputLength, try states.size(1)]
        let vectors = try states.reshaped(shape).mean(1).to(.float32, .cpu)
        guard try vectors.isFinite().to(.float32).min().item() == 1 else {
            throw DistillationError(
                "the teacher's hidden states of a token are no numbers: its weights are damaged, or its training diverged; use "
                    + "another checkpoint")
        }
        return vectors
    }
}

extension TeacherIdentity {
    /// The identity of a static student's teacher: what decides its vectors of tokens, which are its encoder's.
    ///
    /// - Throws: `FileError` where one of the encoder's files cannot be read.
    init(_ teacher: StaticTeacher, precision: Precision, memo: DigestMemo) throws {
        files = try ModelDigest.model(teacher.directory, memo: memo)
        self.precision = precision.resolved(on: teacher.model.device)
        device = teacher.model.device.kind
        labels = []
        form = .tokenVectors(teacher.width)
        directory = teacher.directory
    }
}

import Torch
import Transformers

/// A model's logits for every row of a data set, in the data set's order: a row is an example, or a word of one.
public struct Logits: Sendable, Equatable {
    /// Row after row.
    public let values: [Float]
    public let classes: Int

    public init(values: [Float], classes: Int) {
        self.values = values
        self.classes = classes
    }

    public var count: Int { classes == 0 ? 0 : values.count / classes }

    /// The logits of one row.
    public subscript(index: Int) -> ArraySlice<Float> { values[index * classes..<(index + 1) * classes] }

    /// The class with the largest logit of each row; the first among equals.
    public var predictions: [Int] { (0..<count).map(prediction) }

    /// The class with the largest logit of one row; the first among equals.
    func prediction(_ index: Int) -> Int {
        let row = self[index]
        var best = row.startIndex
        for index in row.indices where row[index] > row[best] { best = index }
        return best - row.startIndex
    }

    /// The rows of some examples as a tensor (indices, classes).
    func tensor(_ indices: [Int], device: Device) throws -> Tensor {
        var rows: [Float] = []
        rows.reserveCapacity(indices.count * classes)
        for index in indices { rows.append(contentsOf: self[index]) }
        return try Tensor(rows, shape: [indices.count, classes], device: device)
    }

    /// All rows as a tensor (count, classes).
    func tensor() throws -> Tensor { try Tensor(values, shape: [count, classes]) }
}

/// Runs models without gradients and in evaluation mode.
package enum Inference {
    /// The rows of a batch, and their logits, which may still be on their way.
    private struct Launched {
        let rows: [Int]
        let logits: Tensor
    }

    /// The logits of a whole data set. Examples of similar length share a batch, which saves padding; the result
    /// is in the data set's order.
    ///
    /// - Parameters:
    ///   - precision: The precision the model computes in. Evaluation uses float32, as any program that loads the
    ///     saved model will.
    ///   - name: The model's name in messages: its directory.
    ///   - processes: Those that compute a part each, and all get the whole; `nil` for this one alone.
    ///   - onProgress: Called with the number of examples done.
    ///   - shouldStop: Ends the work early.
    /// - Returns: `nil` where it was stopped.
    /// - Throws: ``NonFiniteLogitsError`` at the first batch with a logit that is not finite.
    package static func logits(
        _ model: TransformerModel, _ dataset: EncodedDataset, batchSize: Int,
        precision: Precision = .float32, of name: String = "the model", processes: Processes? = nil,
        onProgress: (Int) -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Logits? {
        try rows(
            .evaluating(model, beside: nil), model, dataset, batchSize: batchSize, precision: precision,
            of: name, processes: processes, onProgress: onProgress, shouldStop: shouldStop)
    }

    /// What is to be computed for every row of a data set; as ``logits(_:_:batchSize:precision:of:processes:onProgress:shouldStop:)``.
    static func rows(
        _ computation: RowComputation, _ model: TransformerModel, _ dataset: EncodedDataset, batchSize: Int,
        precision: Precision = .float32, of name: String = "the model", processes: Processes? = nil,
        onProgress: (Int) -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Logits? {
        guard let processes else {
            return try rows(
                computation, model, dataset, batchSize: batchSize, precision: precision, of: name,
                every: (0, 1), onProgress: onProgress, shouldStop: shouldStop)
        }
        let own = try rows(
            computation, model, dataset, batchSize: batchSize, precision: precision, of: name,
            every: (processes.rank, processes.size), onProgress: onProgress, shouldStop: shouldStop)
        let classes = computation.width
        /// Visits the rows of each process's batches, in their order.
        func forEachRow(_ body: (_ process: Int, _ row: Int) -> Void) throws {
            try dataset.forEachBatch(of: batchSize) { number, indices in
                for row in try Batch(dataset, indices: indices).rows { body(number % processes.size, row) }
            }
        }
        // Where it is stopped in one process, it is in all.
        guard try processes.group.sum([own == nil ? 1 : 0])[0] == 0, var values = own?.values else {
            return nil
        }
        var part: [Float] = []
        try forEachRow { process, row in
            if process == processes.rank { part += values[row * classes..<(row + 1) * classes] }
        }
        let parts = try processes.group.gather(part, filler: 0)
        var read = [Int](repeating: 0, count: processes.size)
        try forEachRow { process, row in
            for column in 0..<classes {
                values[row * classes + column] = parts[process][read[process] + column]
            }
            read[process] += classes
        }
        return Logits(values: values, classes: classes)
    }

    /// The rows of every so many batches of a data set; others stay as ``RowComputation/emptyRows(_:)`` has them.
    ///
    /// - Parameter place: The number of the first batch, and after how many comes the next.
    private static func rows(
        _ computation: RowComputation, _ model: TransformerModel, _ dataset: EncodedDataset, batchSize: Int,
        precision: Precision, of name: String, every place: (first: Int, step: Int),
        onProgress: (Int) -> Void, shouldStop: () -> Bool
    ) throws -> Logits? {
        let classes = computation.width
        var values = computation.emptyRows(dataset)
        func read(_ launched: Launched, done: Int) throws {
            let rows: [Float] = try launched.logits.array()
            // The first number of a token's statistics is its loss, which is not finite where any logit is not.
            let checked = computation.mustBeFinite ? 1 : classes
            if let index = stride(from: 0, to: rows.count, by: checked).first(where: { !rows[$0].isFinite }) {
                throw NonFiniteLogitsError(
                    name, example: dataset.example(ofRow: launched.rows[index / classes]), value: rows[index])
            }
            for (row, index) in launched.rows.enumerated() {
                for column in 0..<classes { values[index * classes + column] = rows[row * classes + column] }
            }
            onProgress(done)
        }
        // A device computes a batch while the next is prepared: it is read one batch late.
        let isAsynchronous = model.device.kind == .cuda
        var launched: Launched?
        var (done, isStopped) = (0, false)
        try dataset.forEachBatch(of: batchSize) { number, indices in
            isStopped = isStopped || shouldStop()
            guard !isStopped, number % place.step == place.first else {
                done += indices.count
                return
            }
            let batch = try Batch(dataset, indices: indices)
            let next = Launched(
                rows: batch.rows,
                logits: try withNoGrad { try computation(model, batch, precision) }
            )
            if let launched { try read(launched, done: done) }
            if isAsynchronous {
                launched = next
            } else {
                try read(next, done: done + indices.count)
            }
            done += indices.count
        }
        if isStopped { return nil }
        if let launched { try read(launched, done: dataset.count) }
        return Logits(values: values, classes: classes)
    }

    /// The same, where a stop is an error.
    ///
    /// - Throws: ``InterruptedError`` where it was stopped, besides.
    static func allLogits(
        _ model: TransformerModel, _ dataset: EncodedDataset, batchSize: Int,
        beside teacher: TeacherStates? = nil,
        precision: Precision = .float32, of name: String = "the model", processes: Processes? = nil,
        onProgress: (Int) -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Logits {
        let logits = try rows(
            .evaluating(model, beside: teacher), model, dataset, batchSize: batchSize, precision: precision,
            of: name, processes: processes, onProgress: onProgress, shouldStop: shouldStop)
        guard let logits else { throw InterruptedError() }
        return logits
    }
}

extension EncodedDataset {
    /// Runs a body on the batches of a pass over all examples: those of similar length together, the longest first, so that the
    /// first batch has the peak of memory.
    fileprivate func forEachBatch(of size: Int, _ body: (_ number: Int, _ indices: [Int]) throws -> Void)
        rethrows
    {
        let lengths = self.lengths
        // Equal lengths stay in order.
        let order = (0..<count).sorted { (lengths[$1], $0) < (lengths[$0], $1) }
        for (number, start) in stride(from: 0, to: order.count, by: size).enumerated() {
            try body(number, Array(order[start..<min(start + size, order.count)]))
        }
    }
}

extension Logits {
    /// - Throws: ``NonFiniteLogitsError`` where one of them is not finite.
    package func requireFinite(of name: String) throws {
        guard let index = values.firstIndex(where: { !$0.isFinite }) else { return }
        throw NonFiniteLogitsError(name, example: index / max(1, classes), value: values[index])
    }
}

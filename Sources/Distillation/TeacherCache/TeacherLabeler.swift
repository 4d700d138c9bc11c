import Foundation
import Torch

/// Runs a teacher over the examples whose outputs are not there yet.
struct TeacherLabeler {
    let teacher: TrainedClassifier
    let batchSize: Int
    /// What the teacher computes with.
    let precision: Precision

    /// Examples that share batches. Which examples meet in a batch can change the last bits of a result, so it
    /// depends on places in the data alone: a computation that was interrupted goes on with the same batches.
    static let windowSize = 2048

    struct Result {
        let outputs: any TeacherOutputs
        /// Examples whose outputs were there already, and those that were computed; equal ones count once as
        /// computed.
        let cached: Int
        let computed: Int
    }

    /// Computes what is missing and returns all outputs.
    ///
    /// - Parameters:
    ///   - onProgress: Called with the number of examples done.
    ///   - shouldStop: Ends the work early; what was computed is kept.
    /// - Returns: `nil` where it was stopped.
    func outputs(
        for dataset: EncodedDataset, in store: OutputStore, onProgress: (Int) -> Void = { _ in },
        shouldStop: () -> Bool = { false }
    ) throws -> Result? {
        // Also what was computed before an error, or a stop, is kept.
        defer { try? store.flush() }
        var rows: [UInt32]? = []
        rows?.reserveCapacity(dataset.count)
        var (example, scratch) = (EncodedExample(), [UInt8]())
        var computed = 0
        for start in stride(from: 0, to: dataset.count, by: Self.windowSize) {
            let end = min(start + Self.windowSize, dataset.count)
            var missing: [(index: Int, key: ExampleKey)] = []
            var seen: Set<ExampleKey> = []
            for index in start..<end {
                try dataset.read(index, into: &example)
                let key = ExampleKey(example, scratch: &scratch)
                if let row = store.row(of: key) {
                    rows?.append(UInt32(row))
                } else {
                    rows = nil
                    if !store.contains(key), seen.insert(key).inserted { missing.append((index, key)) }
                }
            }
            if !missing.isEmpty {
                try store.requireRoom(rows: missing.count)
                let window = dataset.subset(missing.lazy.map(\.index))
                guard let logits = try logits(window, after: start, of: end, onProgress, shouldStop) else {
                    return nil
                }
                try store.append(missing.map(\.key), logits.values)
                computed += missing.count
            } else if shouldStop() {
                return nil
            }
            onProgress(end)
        }
        try store.flush()
        if computed > 0 { store.compact() }
        let found = try rows ?? self.rows(of: dataset, in: store)
        store.release()
        let outputs = StoredTeacherOutputs(classes: store.classes, segments: store.segments, rows: found)
        return Result(outputs: outputs, cached: dataset.count - computed, computed: computed)
    }

    private func logits(
        _ window: EncodedDataset, after start: Int, of end: Int, _ onProgress: (Int) -> Void,
        _ shouldStop: () -> Bool
    ) throws -> Logits? {
        let share = Double(end - start) / Double(window.count)
        return try Inference.logits(
            teacher.model, window, batchSize: batchSize, precision: precision, of: teacher.directory.path,
            onProgress: { onProgress(start + Int(Double($0) * share)) }, shouldStop: shouldStop)
    }

    /// The row of each example, now that all are there.
    private func rows(of dataset: EncodedDataset, in store: OutputStore) throws -> [UInt32] {
        var (example, scratch) = (EncodedExample(), [UInt8]())
        return try (0..<dataset.count).map { index in
            try dataset.read(index, into: &example)
            guard let row = store.row(of: ExampleKey(example, scratch: &scratch)) else {
                throw DistillationError("the teacher's output for example \(index + 1) is missing")
            }
            return UInt32(row)
        }
    }
}

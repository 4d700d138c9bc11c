import Foundation
import Torch

/// Runs a teacher on the examples whose outputs are not stored yet.
struct TeacherInference {
    let teacher: LoadedModel
    let batchSize: Int
    /// The teacher's precision.
    let precision: Precision
    /// The processes that compute a part each; `nil` for this one alone.
    var processes: Processes?
    /// How a language model's hidden states are kept.
    var coding = TeacherStateCoding.float32

    /// The number of consecutive examples from which batches are made. The composition of a batch can change the last bits of
    /// a result, so it depends on indices in the data alone: an interrupted computation resumes with the same batches.
    static let windowSize = 2048

    struct Result {
        let outputs: any TeacherOutputs
        /// Examples whose outputs were stored already, and those that were computed; equal ones count once as
        /// computed.
        let cached: Int
        let computed: Int
    }

    /// Computes missing outputs and returns all of them.
    ///
    /// - Parameters:
    ///   - onProgress: Called with the number of examples done.
    ///   - shouldStop: Ends the work early; computed outputs are kept.
    /// - Returns: `nil` where it was stopped.
    func outputs(
        for dataset: EncodedDataset, in store: OutputStore, onProgress: (Int) -> Void = { _ in },
        shouldStop: () -> Bool = { false }
    ) throws -> Result? {
        // Outputs that were computed before an error, or a stop, are kept too.
        defer { try? store.flush() }
        var rows: [UInt32]? = []
        rows?.reserveCapacity(dataset.rowCount)
        var keys = RowKeys(dataset)
        var computed = 0
        // Several processes share a window: each has as much of it as one alone.
        let size = Self.windowSize * (processes?.size ?? 1)
        for start in stride(from: 0, to: dataset.count, by: size) {
            let end = min(start + size, dataset.count)
            var (missing, missingKeys): ([Int], [ExampleKey]) = ([], [])
            var seen: Set<ExampleKey> = []
            for index in start..<end {
                let own = try keys.next(index)
                let found = own.compactMap { store.row(of: $0) }
                if found.count == own.count {
                    rows?.append(contentsOf: found.map { UInt32($0) })
                } else {
                    rows = nil
                    // Equal examples are computed once.
                    let isNew = own.contains { !store.contains($0) && !seen.contains($0) }
                    seen.formUnion(own)
                    if isNew {
                        missing.append(index)
                        missingKeys += own
                    }
                }
            }
            if let processes {
                // What one lacks, all compute together; what others have stored meanwhile may differ.
                missing = Set(try processes.gather(missing).joined()).sorted()
                missingKeys = []
                for index in missing { missingKeys += try keys.next(index) }
            }
            if !missing.isEmpty {
                try store.requireRoom(rows: missingKeys.count)
                let window = dataset.subset(missing)
                guard let logits = try logits(window, after: start, of: end, onProgress, shouldStop) else {
                    return nil
                }
                // Where some words of an example were stored before, only the others are new.
                let new = missingKeys.indices.filter { !store.contains(missingKeys[$0]) }
                try store.append(new.map { missingKeys[$0] }, logits.subset(new).values)
                computed += missing.count
            } else if processes == nil, shouldStop() {
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
        let scale = Double(end - start) / Double(window.count)
        return try Inference.rows(
            .teaching(teacher.model, as: coding), teacher.model, window, batchSize: batchSize,
            precision: precision, of: teacher.directory.path,
            processes: processes,
            onProgress: { onProgress(start + Int(Double($0) * scale)) }, shouldStop: shouldStop)
    }

    /// Returns the index of each row among the stored rows, now that all are there.
    private func rows(of dataset: EncodedDataset, in store: OutputStore) throws -> [UInt32] {
        var keys = RowKeys(dataset)
        return try (0..<dataset.count).flatMap { index in
            try keys.next(index).map { key in
                guard let row = store.row(of: key) else {
                    throw DistillationError("the teacher's output for example \(index + 1) is missing")
                }
                return UInt32(row)
            }
        }
    }
}

/// A generator of the keys of a data set's rows.
struct RowKeys {
    private let dataset: EncodedDataset
    private var (example, scratch) = (EncodedExample(), [UInt8]())

    init(_ dataset: EncodedDataset) { self.dataset = dataset }

    /// The keys of an example's rows: of the example, or of each of its words.
    mutating func next(_ index: Int) throws -> [ExampleKey] {
        try dataset.read(index, into: &example)
        let key = ExampleKey(example, scratch: &scratch)
        guard let positions = dataset.rowPositions(of: index) else { return [key] }
        // Each word without tokens has a key of its own.
        return positions.enumerated().map { row, position in
            key.token(position < 0 ? -1 - Int32(row) : position)
        }
    }
}

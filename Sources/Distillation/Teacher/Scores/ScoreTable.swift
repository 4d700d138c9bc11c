import Files

/// Logits of a teacher that is known by its scores, for the texts of some data files.
struct ScoreTable: Sendable {
    let classes: Int
    /// (rows, classes) Row after row.
    let values: [Float]
    /// For each data file and each of its rows the row here; `nil` for a file that has no scores.
    let rows: [[UInt32]?]

    /// The outputs for a data set.
    ///
    /// - Parameter files: For each of its storages, the index of its data file.
    /// - Returns: `nil` where one of the files has no scores.
    func outputs(for dataset: EncodedDataset, files: [Int]) -> ScoreOutputs? {
        let places = files.compactMap { rows[$0] }
        guard places.count == files.count, places.count == dataset.storages.count else { return nil }
        let indices = (0..<dataset.count).map { index in
            let (storage, position) = dataset.locate(index)
            let part = dataset.storages.firstIndex { $0 === storage } ?? 0
            return places[part][position]
        }
        return ScoreOutputs(table: self, indices: indices)
    }
}

/// A teacher's logits for the rows of a data set, from its scores.
struct ScoreOutputs: TeacherOutputs {
    let table: ScoreTable
    let indices: [UInt32]

    var count: Int { indices.count }
    var classes: Int { table.classes }

    func appendRow(_ index: Int, to values: inout [Float]) {
        let start = Int(indices[index]) * table.classes
        values += table.values[start..<start + table.classes]
    }
}

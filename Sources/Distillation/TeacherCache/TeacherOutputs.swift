import Torch

/// A teacher's logits for the rows of a data set, wherever they are stored: a row for each example, or for each word.
public protocol TeacherOutputs: Sendable {
    /// The number of rows.
    var count: Int { get }
    var classes: Int { get }

    /// Appends the logits of a row.
    ///
    /// - Throws: `FileError` where they cannot be read.
    func appendRow(_ index: Int, to values: inout [Float]) throws
}

extension TeacherOutputs {
    /// Returns the logits of some rows, one after another.
    public func rows(_ indices: some Collection<Int>) throws -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(indices.count * classes)
        for index in indices { try appendRow(index, to: &values) }
        return values
    }

    /// Reads all rows into memory.
    public func logits() throws -> Logits { Logits(values: try rows(0..<count), classes: classes) }

    /// Returns some rows as a tensor (indices, classes).
    func tensor(_ indices: [Int], device: Device) throws -> Tensor {
        try Tensor(rows(indices), shape: [indices.count, classes], device: device)
    }
}

extension Logits: TeacherOutputs {
    public func appendRow(_ index: Int, to values: inout [Float]) throws { values += self[index] }
}

/// Rows of a teacher's stored outputs.
struct StoredTeacherOutputs: TeacherOutputs {
    let classes: Int
    let segments: [any OutputSegment]
    /// The index of each segment's first row among all rows.
    private let firstRows: [Int]
    /// The index of each row among the rows of all segments.
    private let rows: [UInt32]

    init(classes: Int, segments: [any OutputSegment], rows: [UInt32]) {
        self.classes = classes
        self.segments = segments
        self.rows = rows
        var first = 0
        firstRows = segments.map { segment in
            defer { first += segment.count }
            return first
        }
    }

    var count: Int { rows.count }

    func appendRow(_ index: Int, to values: inout [Float]) throws {
        let row = Int(rows[index])
        guard let segment = firstRows.lastIndex(where: { $0 <= row }) else { return }
        try segments[segment].appendRow(row - firstRows[segment], to: &values)
    }
}

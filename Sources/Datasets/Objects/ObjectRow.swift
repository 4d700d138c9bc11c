import JSON

/// A row of a data file as a JSON object.
public struct ObjectRow: Sendable, Equatable {
    /// The members by their keys; of Parquet the columns of text.
    public var object: JSONObject
    /// The line on which the row begins, or in Parquet the row itself, counted from 1.
    public var line: Int
    /// The index of the row's file among those of the data set, counted from 0.
    public internal(set) var file = 0
    /// The row's size in the file in bytes, about.
    var size = 0
    /// The unit of ``line``.
    var unit = TextRow.Unit.line

    /// Makes a row.
    ///
    /// - Parameters:
    ///   - object: The members.
    ///   - line: The line on which the row begins, counted from 1.
    public init(_ object: JSONObject, line: Int) {
        self.object = object
        self.line = line
    }
}

extension DatasetError {
    /// - Parameter row: The row that is wrong, which knows whether it is a line.
    init(_ path: String, at row: ObjectRow, _ reason: String) {
        self.init("\(path), \(row.unit.rawValue) \(row.line): \(reason)")
    }
}

extension ObjectRow {
    /// The row's place without its members, for errors about it.
    public var place: ObjectRow {
        var row = self
        row.object = [:]
        return row
    }
}

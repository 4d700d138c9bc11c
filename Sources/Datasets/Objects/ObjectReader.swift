import JSON

/// Turns the bytes of a data file into JSON objects, one at a time.
protocol ObjectReader {
    /// - Returns: The next row; `nil` at the end.
    /// - Throws: ``DatasetError``.
    mutating func next() throws -> ObjectRow?

    /// The columns of types that are not read, which rows lack.
    var unreadColumns: [UnreadColumn] { get }
}

/// A column of a type that is not read.
struct UnreadColumn {
    let name: String
    let type: String
}

extension ObjectReader {
    var unreadColumns: [UnreadColumn] { [] }
}

/// Objects of JSON: one a line, or one array of objects.
struct ObjectJSONReader: ObjectReader {
    private var objects: JSONObjects

    /// - Parameter takesArrays: True if a row may be an array, which becomes an object with an empty key.
    init(_ reader: ByteReader, path: String, takesArrays: Bool = false) {
        objects = JSONObjects(reader, path: path, takesArrays: takesArrays)
    }

    mutating func next() throws -> ObjectRow? {
        guard let (object, line) = try objects.next() else { return nil }
        var row = ObjectRow(object, line: line)
        row.size = objects.size
        return row
    }
}

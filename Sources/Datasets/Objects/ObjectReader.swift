import JSON

/// Turns the bytes of a data file into JSON objects, one at a time.
protocol ObjectReader {
    /// - Returns: The next row; `nil` at the end.
    /// - Throws: ``DatasetError``.
    mutating func next() throws -> ObjectRow?
}

/// Objects of JSON: one a line, or one array of objects.
struct ObjectJSONReader: ObjectReader {
    private var objects: JSONObjects

    init(_ reader: ByteReader, path: String) { objects = JSONObjects(reader, path: path) }

    mutating func next() throws -> ObjectRow? {
        guard let (object, line) = try objects.next() else { return nil }
        var row = ObjectRow(object, line: line)
        row.size = objects.size
        return row
    }
}

import Storage

/// Writes vectors one after another into a file whose number of rows is known at its end.
final class VectorWriter {
    private let format: VectorFormat
    private let width: Int
    private let writer: FileWriter
    private var count = 0

    /// - Parameters:
    ///   - format: The file's format.
    ///   - width: The number of components of a vector.
    ///   - writer: The file, of which nothing is written yet.
    /// - Throws: `FileError`.
    init(_ format: VectorFormat, width: Int, to writer: FileWriter) throws {
        (self.format, self.width, self.writer) = (format, width, writer)
        try writer.write(format.header(rows: 0, width: width))
    }

    /// - Parameter values: Vectors, one after another.
    /// - Throws: `FileError`.
    func append(_ values: [Float]) throws {
        count += values.count
        #if _endian(little)
            try values.withUnsafeBytes { try writer.write($0) }
        #else
            try values.map(\.bitPattern.littleEndian).withUnsafeBytes { try writer.write($0) }
        #endif
    }

    /// Writes how many rows there are.
    ///
    /// - Throws: `FileError`.
    func finish() throws {
        try writer.overwrite(format.header(rows: width == 0 ? 0 : count / width, width: width))
    }
}

import JSON
import Storage

/// Writes safetensors files, byte for byte as Hugging Face's library does.
public enum SafetensorsWriter {
    /// A tensor to write.
    public struct Entry {
        /// Its name.
        public let name: String
        /// The type of its elements.
        public let dtype: SafetensorsDType
        /// Its size in each dimension.
        public let shape: [Int]

        /// Passes the tensor's bytes to its argument.
        public typealias Body = (UnsafeRawBufferPointer) throws -> Void
        let withBytes: (Body) throws -> Void

        /// A tensor whose bytes are asked for when they are written.
        ///
        /// - Parameters:
        ///   - name: its name; `__metadata__` is taken by the format.
        ///   - dtype: the type of its elements.
        ///   - shape: its size in each dimension; empty for a scalar.
        ///   - withBytes: calls its argument with the elements, little-endian and in row-major order: once, or piece by
        ///     piece.
        public init(
            name: String, dtype: SafetensorsDType, shape: [Int],
            withBytes: @escaping (_ body: Body) throws -> Void
        ) {
            self.name = name
            self.dtype = dtype
            self.shape = shape
            self.withBytes = withBytes
        }

        /// A tensor whose bytes stay valid until it is written.
        public init(name: String, dtype: SafetensorsDType, shape: [Int], bytes: UnsafeRawBufferPointer) {
            self.init(name: name, dtype: dtype, shape: shape) { try $0(bytes) }
        }

        /// A tensor of bytes in an array.
        public init(name: String, dtype: SafetensorsDType, shape: [Int], bytes: [UInt8]) {
            self.init(name: name, dtype: dtype, shape: shape) { try bytes.withUnsafeBytes($0) }
        }
    }

    /// Writes a file, whole or not at all.
    ///
    /// - Parameters:
    ///   - entries: the tensors, in any order.
    ///   - metadata: texts for the header; `"format": "pt"` marks the tensors as PyTorch's for Python.
    ///   - location: the file to make or replace.
    /// - Throws: ``SafetensorsError`` if an entry is not valid, `FileError` if writing fails.
    public static func write(
        _ entries: [Entry], metadata: [String: String] = ["format": "pt"], to location: some FileLocation
    ) throws {
        let path = location.filePath
        // The format's order: the widest types first, so that each tensor is aligned; then by name.
        let sorted = entries.sorted { left, right in
            left.dtype == right.dtype
                ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
                : left.dtype.alignmentRank > right.dtype.alignmentRank
        }
        let header = try header(sorted, metadata: metadata, path: path)
        try AtomicFile.write(to: location) { writer in
            try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try writer.write($0) }
            try writer.write(header)
            for entry in sorted { try write(entry, with: writer, path: path) }
        }
    }

    private static func header(
        _ entries: [Entry], metadata: [String: String], path: String
    ) throws -> [UInt8] {
        var header = JSONObject()
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }
            header[SafetensorsHeader.metadataKey] = .object(JSONObject(pairs))
        }
        var offset = 0
        for entry in entries {
            if entry.name == SafetensorsHeader.metadataKey {
                throw SafetensorsError(path, tensor: entry.name, "the format reserves this name")
            }
            if header[entry.name] != nil {
                throw SafetensorsError(path, tensor: entry.name, "occurs twice")
            }
            let (end, overflow) = offset.addingReportingOverflow(try byteCount(entry, path: path))
            if overflow { throw SafetensorsError(path, tensor: entry.name, "the file would be too large") }
            header[entry.name] = [
                "dtype": .string(entry.dtype.rawValue),
                "shape": .array(entry.shape.map { .integer($0) }),
                "data_offsets": [.integer(offset), .integer(end)],
            ]
            offset = end
        }
        var bytes = Array(JSONValue.object(header).serialized().utf8)
        while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }  // aligns the data
        guard bytes.count <= SafetensorsHeader.maximumLength else {
            throw SafetensorsError(
                path,
                "the header would have \(bytes.count) bytes, above the limit of "
                    + "\(SafetensorsHeader.maximumLength); write the tensors to several files")
        }
        return bytes
    }

    static func byteCount(_ entry: Entry, path: String) throws -> Int {
        switch TensorInfo.byteCount(dtype: entry.dtype, shape: entry.shape) {
        case .success(let count): return count
        case .failure(let problem): throw SafetensorsError(path, tensor: entry.name, problem.reason)
        }
    }

    private static func write(_ entry: Entry, with writer: FileWriter, path: String) throws {
        let expected = try byteCount(entry, path: path)
        var written: Int?
        func mismatch(_ count: Int) -> SafetensorsError {
            SafetensorsError(
                path, tensor: entry.name,
                "its shape \(entry.shape) of \(entry.dtype.rawValue) needs \(expected) bytes, but \(count) were given"
            )
        }
        try entry.withBytes { bytes in
            let count = (written ?? 0) + bytes.count
            guard count <= expected else { throw mismatch(count) }
            try writer.write(bytes)
            written = count
        }
        guard let written else { throw SafetensorsError(path, tensor: entry.name, "gave no bytes") }
        guard written == expected else { throw mismatch(written) }
    }
}

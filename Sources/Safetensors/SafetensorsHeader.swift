import JSON
import Storage

/// The header of a safetensors file: an 8-byte little-endian length, then that many bytes of JSON.
struct SafetensorsHeader {
    /// The tensors in the order of their bytes.
    let tensors: [TensorInfo]
    let metadata: [String: String]
    /// The offset of the data part in the file.
    let dataStart: Int

    /// The official library's limit, in bytes.
    static let maximumLength = 100_000_000
    static let metadataKey = "__metadata__"

    /// Reads and checks a header.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - path: the file's name, for errors.
    /// - Throws: ``SafetensorsError`` unless every tensor's bytes are in the file and together they are
    ///   exactly its data part.
    init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
        let json = try Self.json(bytes, path: path)
        dataStart = json.endIndex

        let members: JSONObject
        do {
            let value = try JSONValue.parse(UnsafeRawBufferPointer(rebasing: json))
            guard let object = value.objectValue else {
                throw SafetensorsError(path, "the header is \(value.typeName), not an object")
            }
            members = object
        } catch let error as JSONError {
            throw SafetensorsError(path, "the header is not valid JSON: \(error)")
        }

        var metadata: [String: String] = [:]
        var tensors: [TensorInfo] = []
        for (name, value) in members {
            if name == Self.metadataKey {
                metadata = try Self.metadata(value, path: path)
            } else {
                tensors.append(try TensorInfo(name: name, json: value, path: path))
            }
        }
        self.metadata = metadata
        self.tensors = tensors.sorted {
            ($0.byteRange.lowerBound, $0.byteRange.upperBound)
                < ($1.byteRange.lowerBound, $1.byteRange.upperBound)
        }
        try checkCoverage(dataCount: bytes.count - dataStart, path: path)
    }

    /// The JSON part of the file.
    private static func json(
        _ bytes: UnsafeRawBufferPointer, path: String
    ) throws -> Slice<UnsafeRawBufferPointer> {
        guard bytes.count >= 8 else {
            throw SafetensorsError(
                path, "is only \(bytes.count) bytes long; it is truncated or not a safetensors file")
        }
        guard !GitLFSPointer.isPointer(bytes) else { throw SafetensorsError(path, GitLFSPointer.advice) }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(maximumLength) else {
            throw SafetensorsError(
                path,
                "gives a header length of \(length) bytes, above the limit of \(maximumLength); "
                    + "it is not a safetensors file")
        }
        let end = 8 + Int(length)
        guard end <= bytes.count else {
            throw SafetensorsError(
                path,
                "gives a header length of \(length) bytes, but only \(bytes.count - 8) follow; "
                    + "the file is truncated, fetch it again")
        }
        guard end > 8, bytes[8] == UInt8(ascii: "{") else {
            throw SafetensorsError(path, "the header does not start with '{'; it is not a safetensors file")
        }
        return bytes[8..<end]
    }

    private static func metadata(_ value: JSONValue, path: String) throws -> [String: String] {
        guard let object = value.objectValue else {
            throw SafetensorsError(path, "\(metadataKey) must be an object of strings, not \(value.typeName)")
        }
        var metadata: [String: String] = [:]
        for (key, value) in object {
            guard let text = value.stringValue else {
                throw SafetensorsError(
                    path, "\(metadataKey) \(quoted(key)) must be a string, not \(value.typeName)")
            }
            metadata[key] = text
        }
        return metadata
    }

    /// Checks that the tensors follow one another without overlap or hole up to the end of the file.
    private func checkCoverage(dataCount: Int, path: String) throws {
        var end = 0
        var previous: TensorInfo?
        for tensor in tensors {
            let start = tensor.byteRange.lowerBound
            if start < end {
                throw SafetensorsError(
                    path, tensor: tensor.name,
                    "its bytes \(describe(tensor.byteRange)) overlap bytes "
                        + "\(describe(previous?.byteRange ?? 0..<0)) of tensor \(quoted(previous?.name ?? ""))"
                )
            }
            if start > end {
                throw SafetensorsError(
                    path, tensor: tensor.name,
                    "its bytes \(describe(tensor.byteRange)) leave a hole: the tensors before end at \(end)")
            }
            end = tensor.byteRange.upperBound
            if end > dataCount {
                throw SafetensorsError(
                    path, tensor: tensor.name,
                    "its bytes \(describe(tensor.byteRange)) reach beyond the \(dataCount) bytes of data; "
                        + "the file is truncated, fetch it again")
            }
            previous = tensor
        }
        if end < dataCount {
            throw SafetensorsError(
                path, "the tensors end at byte \(end), but the file has \(dataCount) bytes of data")
        }
    }
}

/// A range of bytes as the header has it: `[start, end]`, the end excluded.
private func describe(_ range: Range<Int>) -> String { "[\(range.lowerBound), \(range.upperBound)]" }

extension TensorInfo {
    /// Reads one entry of the header.
    fileprivate init(name: String, json: JSONValue, path: String) throws {
        func failure(_ reason: String) -> SafetensorsError {
            SafetensorsError(path, tensor: name, reason)
        }
        func member(_ key: String) throws -> JSONValue {
            guard let object = json.objectValue else {
                throw failure("its entry must be an object, not \(json.typeName)")
            }
            guard let value = object[key] else { throw failure("its entry has no \"\(key)\"") }
            return value
        }
        func integers(_ key: String) throws -> [Int] {
            let value = try member(key)
            guard let elements = value.arrayValue else {
                throw failure("\"\(key)\" must be an array of integers, not \(value.typeName)")
            }
            return try elements.map { element in
                guard let integer = element.intValue, integer >= 0 else {
                    throw failure(
                        "\"\(key)\" must hold integers that are not negative, not \(element.serialized())")
                }
                return integer
            }
        }

        let dtypeName = try member("dtype")
        guard let text = dtypeName.stringValue else {
            throw failure("\"dtype\" must be a string, not \(dtypeName.typeName)")
        }
        guard let dtype = SafetensorsDType(rawValue: text) else {
            throw failure("unknown dtype \(quoted(text)); known are \(SafetensorsDType.knownNames)")
        }
        let shape = try integers("shape")
        let offsets = try integers("data_offsets")
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw failure("\"data_offsets\" must be [start, end], not \(offsets)")
        }
        switch TensorInfo.byteCount(dtype: dtype, shape: shape) {
        case .failure(let problem):
            throw failure(problem.reason)
        case .success(let count):
            guard count == offsets[1] - offsets[0] else {
                throw failure(
                    "its shape \(shape) of \(text) needs \(count) bytes, but \"data_offsets\" \(offsets) "
                        + "hold \(offsets[1] - offsets[0])")
            }
        }
        self.init(name: name, dtype: dtype, shape: shape, byteRange: offsets[0]..<offsets[1])
    }
}

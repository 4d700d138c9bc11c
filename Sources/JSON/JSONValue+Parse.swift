import Storage

extension JSONValue {
    /// Reads JSON strictly by RFC 8259, past a byte order mark: a key may occur once in an object, numbers must fit a
    /// `Double`, and arrays and objects may be nested at most ``maximumNesting`` deep.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8 text that holds one value; a byte order mark before it is skipped.
    ///   - dialect: The extensions of RFC 8259 that are accepted.
    /// - Throws: ``JSONError`` with line, column and reason.
    public static func parse(
        _ bytes: UnsafeRawBufferPointer, dialect: JSONDialect = .standard
    ) throws -> JSONValue {
        var parser = JSONParser(bytes, dialect)
        return try parser.parseDocument()
    }

    /// Reads JSON; see ``parse(_:)-(UnsafeRawBufferPointer)``.
    public static func parse(_ bytes: [UInt8]) throws -> JSONValue {
        try bytes.withUnsafeBytes { try parse($0, dialect: .standard) }
    }

    /// Reads JSON; see ``parse(_:)-(UnsafeRawBufferPointer)``.
    public static func parse(_ bytes: some Collection<UInt8>) throws -> JSONValue {
        let value = try bytes.withContiguousStorageIfAvailable {
            try parse(UnsafeRawBufferPointer($0), dialect: .standard)
        }
        return try value ?? parse(Array(bytes))
    }

    /// Reads JSON; see ``parse(_:)-(UnsafeRawBufferPointer)``.
    public static func parse(_ text: String) throws -> JSONValue {
        var text = text
        return try text.withUTF8 { try parse(UnsafeRawBufferPointer($0), dialect: .standard) }
    }

    /// Reads a JSON file.
    ///
    /// - Parameters:
    ///   - location: The file.
    ///   - dialect: The extensions of RFC 8259 that are accepted.
    /// - Throws: ``JSONError``, which names the file.
    public static func load(
        contentsOf location: some FileLocation, dialect: JSONDialect = .standard
    ) throws -> JSONValue {
        let path = location.filePath
        switch FileKind(path) {
        case .missing: throw JSONError.unreadable(file: path, reason: "no such file; check the path")
        case .directory:
            throw JSONError.unreadable(file: path, reason: "is a directory; give a JSON file")
        case .regular, .other: break
        }
        let data: [UInt8]
        do {
            data = try FileSystem.bytes(of: path)
        } catch FileError.readFailed(_, let reason) {
            throw JSONError.unreadable(file: path, reason: "cannot be read: \(reason)")
        } catch {
            throw JSONError.unreadable(file: path, reason: "\(error)")
        }
        if data.withUnsafeBytes(GitLFSPointer.isPointer) {
            throw JSONError.unreadable(file: path, reason: GitLFSPointer.advice)
        }
        do {
            return try data.withUnsafeBytes { try parse($0, dialect: dialect) }
        } catch let error as JSONError {
            throw error.inFile(path)
        }
    }

    /// The maximum nesting depth of arrays and objects: deep enough for any real file, and shallow enough for the
    /// smallest thread stack.
    public static let maximumNesting = 128
}

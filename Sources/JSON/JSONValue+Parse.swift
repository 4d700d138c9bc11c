import Files
import Foundation

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
        try bytes.withUnsafeBytes { try parse($0) }
    }

    /// Reads JSON; see ``parse(_:)-(UnsafeRawBufferPointer)``.
    public static func parse(_ data: Data) throws -> JSONValue {
        try data.withUnsafeBytes { try parse($0) }
    }

    /// Reads JSON; see ``parse(_:)-(UnsafeRawBufferPointer)``.
    public static func parse(_ text: String) throws -> JSONValue {
        var text = text
        return try text.withUTF8 { try parse(UnsafeRawBufferPointer($0)) }
    }

    /// Reads a JSON file.
    ///
    /// - Parameter dialect: The extensions of RFC 8259 that are accepted.
    /// - Throws: ``JSONError``, which names the file.
    public static func load(contentsOf url: URL, dialect: JSONDialect = .standard) throws -> JSONValue {
        let path = url.path(percentEncoded: false)
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw JSONError.unreadable(file: path, reason: "no such file; check the path")
        }
        guard !isDirectory.boolValue else {
            throw JSONError.unreadable(file: path, reason: "is a directory; give a JSON file")
        }
        let data: Data
        do {
            data = try Data(contentsOf: url)
        } catch {
            throw JSONError.unreadable(file: path, reason: error.localizedDescription)
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
